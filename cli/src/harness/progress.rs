//! The progress bar of a measurement.

use indicatif::{ProgressBar, ProgressStyle};

/// Returns a bar with the given number of steps, a message and the time left.
pub fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {eta} left")
        .expect("a valid template");
    ProgressBar::new(steps as u64).with_style(style)
}
