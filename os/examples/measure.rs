//! Prints the default tuning, the one that measuring finds on this machine, and how long that took.

use std::time::{Duration, Instant};

use clearpage::Tuning;

fn main() {
    let default = Tuning::detect();
    println!("default:\n{default}");
    let start = Instant::now();
    let measured = clearpage_os::measure(&default, Duration::from_secs(2));
    let open = measured.unanswered().len();
    println!("measured in {:?}, {open} questions open:\n{}", start.elapsed(), measured.tuning());
}
