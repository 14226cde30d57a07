//! Several threads clear one file.

use std::thread;

use clearpage::Intent;
use clearpage_os::file_frames::{FileFrames, ZeroMethod};

use crate::files::{check, fill, frame, frames, memfd};

/// Each thread has every eighth block of three frames, the last of which must not change.
#[test]
fn threads_clear_disjoint_frames() {
    const THREADS: u64 = 8;
    const BLOCKS: u64 = 12;
    const PAGES: u64 = THREADS * BLOCKS * 3;
    let file = memfd("threads", PAGES);
    for window in [1, 2, 64] {
        fill(&file, 0..PAGES);
        let memory = FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(window);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let memory = &memory;
                scope.spawn(move || {
                    for block in (0..BLOCKS).map(|block| 3 * (THREADS * block + thread)) {
                        match block % 4 {
                            0 => memory.zero_scattered(
                                &[block + 1, block].map(frame),
                                ZeroMethod::Map(Intent::Auto),
                            ),
                            1 => memory.zero_data(frames(block, 2), ZeroMethod::Write),
                            2 => memory.zero(frames(block, 2), ZeroMethod::Map(Intent::Cold)),
                            _ => memory.clear(frames(block, 2), Intent::Hot),
                        }
                        .unwrap();
                    }
                });
            }
        });
        check(&file, 0..PAGES, |n| n % 3 < 2, &window);
    }
}
