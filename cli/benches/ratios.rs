//! What the crate promises, as ratios of medians measured in one run on the same memory:
//! `cargo bench --bench ratios`. Says for each whether this machine reached it; never fails.

use std::time::Duration;

use clearpage::primitives;
use clearpage_cli::contender::{Contender, Kind, contenders};
use clearpage_cli::machine::Machine;
use clearpage_cli::measure::{self, Effort};
use clearpage_cli::memory::Arena;
use clearpage_cli::pin::pin;
use clearpage_cli::report::{Cell, Temperature};
use clearpage_cli::table::ruled;
use clearpage_cli::units::format_size;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const SIZES: [usize; 12] = [
    4 * KIB,
    16 * KIB,
    64 * KIB,
    256 * KIB,
    MIB,
    2 * MIB,
    4 * MIB,
    8 * MIB,
    32 * MIB,
    128 * MIB,
    512 * MIB,
    1 << 30,
];

fn main() {
    let cpu = pin(None).ok().flatten();
    let machine = Machine::detect();
    println!("{}, pinned to {cpu:?}, {:?}", machine.cpu, machine.hypervisor);
    let contenders = contenders();
    let walk = (16 * machine.l3).max(256 * MIB);
    let mut arena = Arena::new(walk.max(1 << 30));
    measure::warm_up(arena.pages());

    let effort = Effort { rounds: 15, limit: Duration::MAX };
    let mut cells = Vec::new();
    for temperature in Temperature::ALL {
        for size in SIZES {
            let pages = &mut arena.pages()[..walk.max(size) / clearpage::PAGE_SIZE];
            cells.extend(measure::cell(&contenders, (size, temperature), effort, pages, |_| {}));
        }
    }
    print(&Promises { cells, contenders }.all());
}
