//! The same blocks in memory that must be mapped first: a memfd, the counterpart of highmem in user
//! space.

use std::fs::File;
use std::hint::black_box;

use clearpage::highmem::{Frame, FrameRange};
use clearpage::{Intent, Order, PAGE_SIZE, Page};
use clearpage_benches::{Race, nanoseconds};
use clearpage_cli::harness::table::ruled;
use clearpage_cli::harness::units::format_size;
use clearpage_os::file_frames::{FileFrames, ZeroMethod};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::{MIB, ROUNDS};

const LEN: usize = 64 * MIB;
const MAP: ZeroMethod = ZeroMethod::Map(Intent::Cold);

/// Compares one mapping per page with one mapping per block, for blocks of each order.
pub fn seed() {
    let file = File::from(memfd_create("clearpage", MemfdFlags::empty()).expect("a memfd"));
    file.set_len(LEN as u64).expect("room");
    let memory = FileFrames::new(file).expect("a regular file");
    memory.zero(memory.frames().expect("its length"), MAP).expect("room");
    println!("blocks of a memfd, mapped, cleared and unmapped, GB/s");
    let mut table = ruled();
    table.set_header(["order", "size", "page by page", "the block", "times as fast"]);
    for order in (0..=10).filter_map(Order::new) {
        let block = |start| {
            let start = Frame::new(start).expect("small");
            black_box(FrameRange::block(start, order).expect("small"))
        };
        let walk = |clear: fn(&FileFrames, FrameRange)| {
            let memory = &memory;
            move |_: &mut [Page]| {
                nanoseconds(|| {
                    for start in (0..(LEN / PAGE_SIZE) as u64).step_by(order.npages()) {
                        clear(memory, block(start));
                    }
                })
            }
        };
        let before = walk(|memory, block| {
            block.iter().for_each(|page| memory.zero(page.into(), MAP).expect("room"));
        });
        let after = walk(|memory, block| memory.zero(block, MAP).expect("room"));
        let race = Race::default().with("before", before).with("after", after);
        let samples = race.run(ROUNDS / 3, &mut []);
        let speed = |name| format!("{:.2}", LEN as f64 / samples.median(name));
        table.add_row([
            order.get().to_string(),
            format_size(order.bytes() as u64),
            speed("before"),
            speed("after"),
            format!("{:.1}", samples.ratio("after", "before")),
        ]);
    }
    println!("{table}");
}
