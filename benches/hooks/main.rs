//! What the hooks cost and what they save: `cargo bench --bench hooks`. Says for each promise
//! whether this machine reached it; never fails.

mod clearing_alloc;

use clearpage_benches::{Promises, pinned};

fn main() {
    let (_, heading) = pinned();
    println!("{heading}");

    let mut promises = Promises::default();
    clearing_alloc::promise(&mut promises);
    promises.print();
}
