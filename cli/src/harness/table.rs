//! Tables on a terminal.

use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::terminal;

/// Returns an empty table without lines.
pub fn plain() -> Table {
    preset(NOTHING)
}

/// Returns an empty table with lines.
pub fn ruled() -> Table {
    preset(UTF8_FULL_CONDENSED)
}

/// Aligns columns to the right, up to the first that the table does not have.
pub fn align_right(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for index in columns {
        let Some(column) = table.column_mut(index) else { return };
        column.set_cell_alignment(CellAlignment::Right);
    }
}

fn preset(preset: &str) -> Table {
    let mut table = Table::new();
    table.load_preset(preset).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = terminal::width() {
        table.set_width(width);
    }
    table
}
