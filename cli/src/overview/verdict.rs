//! The overview in a sentence.

use super::screen::Row;
use crate::harness::measure::median;
use crate::harness::units::format_size;

/// Returns how the plan compares with `memset` and with the fastest primitive, or `None` if nothing
/// was measured.
pub fn verdict(rows: &[Row<'_>]) -> Option<String> {
    let ratio = |row: &&Row<'_>| row.ratio();
    let least = rows.iter().min_by(|a, b| ratio(a).total_cmp(&ratio(b)))?;
    let most = rows.iter().max_by(|a, b| ratio(a).total_cmp(&ratio(b)))?;
    let mut text = format!(
        "clearpage is {:.2} ({}) to {:.2} ({}) times as fast as memset",
        least.ratio(),
        place(least),
        most.ratio(),
        place(most)
    );
    let judged: Vec<_> = rows.iter().filter(|row| row.judged).collect();
    if let Some(worst) = judged.iter().min_by(|a, b| a.share().total_cmp(&b.share())) {
        let middle = median(&mut judged.iter().map(|row| row.share()).collect::<Vec<_>>());
        text += &format!(
            " and reaches {:.0} % of the fastest primitive (median), {:.0} % at the least ({})",
            100.0 * middle,
            100.0 * worst.share(),
            place(worst)
        );
    }
    Some(text + ".")
}

fn place(row: &Row<'_>) -> String {
    format!("{} {}", row.temperature.name(), format_size(row.size as u64))
}
