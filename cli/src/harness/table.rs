//! Tables on a terminal.

use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{ContentArrangement, Table};

use super::terminal;

/// Returns an empty table without lines.
pub fn plain() -> Table {
    preset(NOTHING)
}

/// Returns an empty table with lines.
pub fn ruled() -> Table {
    preset(UTF8_FULL_CONDENSED)
}

fn preset(preset: &str) -> Table {
    let mut table = Table::new();
    table.load_preset(preset).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = terminal::width() {
        table.set_width(width);
    }
    table
}
