//! Prints the tuning that detection makes, the one that measuring makes, and how long that took.

use std::time::Instant;

use clearpage::Tuning;

fn main() {
    println!("detected:\n{}", Tuning::detect());
    let start = Instant::now();
    let measured = Tuning::measure();
    println!("measured in {:?}:\n{measured}", start.elapsed());
}
