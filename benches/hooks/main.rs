//! What the hooks cost and what they save: `cargo bench --bench hooks`. Says for each promise
//! whether this machine reached it; never fails.

mod clearing_alloc;

use clearpage_benches::Promises;
use clearpage_cli::machine::Machine;
use clearpage_cli::pin::pin;

fn main() {
    let cpu = pin(None).ok().flatten();
    let cpu = cpu.map_or("not pinned".to_owned(), |cpu| format!("pinned to CPU {cpu}"));
    println!("{}, {cpu}", Machine::detect().cpu);

    let mut promises = Promises::default();
    clearing_alloc::promise(&mut promises);
    promises.print();
}
