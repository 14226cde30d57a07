//! Tables on a terminal.

use comfy_table::presets::{ASCII_FULL_CONDENSED, NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width};

use super::terminal;

/// Returns whether a table of six columns has room for their longest words.
pub fn is_wide() -> bool {
    const WIDE: u16 = 80;
    terminal::width().is_none_or(|width| width >= WIDE)
}

/// Returns an empty table without lines.
pub fn plain() -> Table {
    preset(NOTHING)
}

/// Returns an empty table with lines.
pub fn ruled() -> Table {
    preset(if terminal::is_ascii() { ASCII_FULL_CONDENSED } else { UTF8_FULL_CONDENSED })
}

/// Aligns columns to the right, up to the first that the table does not have.
pub fn align_right(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for index in columns {
        let Some(column) = table.column_mut(index) else { return };
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// Returns the lines of a table. No column is narrower than its longest word.
pub fn lines(mut table: Table) -> String {
    keep_words(&mut table);
    format!("{table}\n")
}

fn keep_words(table: &mut Table) {
    let longest = |text: String| text.split_whitespace().map(|word| word.chars().count()).max();
    let mut widths = vec![0; table.column_count()];
    for row in table.header().into_iter().chain(table.row_iter()) {
        for (width, cell) in widths.iter_mut().zip(row.cell_iter()) {
            *width = (*width).max(longest(cell.content()).unwrap_or(0));
        }
    }
    for (column, width) in table.column_iter_mut().zip(widths) {
        let width = Width::Fixed(width as u16 + column.padding_width());
        column.set_constraint(ColumnConstraint::LowerBoundary(width));
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
