//! Measures what the hooks cost and save: `cargo bench --bench hooks`. It reports for each promise
//! whether this machine reached it, and never fails.

mod clearing_alloc;

use clearpage_benches::{Promises, pinned};

fn main() {
    let (_, heading) = pinned();
    println!("{heading}");

    let mut promises = Promises::default();
    clearing_alloc::promise(&mut promises);
    promises.print();
}
