//! Files of more bytes than 32 bits can address.

use clearpage::{Intent, PAGE_SHIFT, PAGE_SIZE};
use clearpage_os::file_frames::{FileFrames, ZeroMethod};

use crate::files::{METHODS, allocated, check, fill, frame, frames, has_small_holes, memfd};

/// Frames in 4 GiB.
const FOUR: u64 = 1 << (32 - PAGE_SHIFT);
/// Frames in slightly more than 5 GiB.
const ALL: u64 = FOUR / 4 * 5 + 3;

#[test]
fn frames_around_and_past_4_gib_are_zeroed() {
    let file = memfd("far", ALL);
    let memory = FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(4);
    let near = |middle: u64| middle - 3..middle + 3;
    let data = || near(3).chain(near(FOUR)).chain(near(ALL - 3));
    for method in METHODS {
        fill(&file, data());
        let before = allocated(&file);
        memory.zero(frames(FOUR - 2, 4), method).unwrap();
        memory.zero(frames(ALL - 2, 2), method).unwrap();
        memory.zero_scattered(&[ALL - 4, 1, FOUR - 3].map(frame), method).unwrap();
        let zero = |n: u64| {
            n == 1
                || n == FOUR - 3
                || n.abs_diff(FOUR) < 2
                || n == FOUR - 2
                || n == ALL - 4
                || n >= ALL - 2
        };
        check(&file, data(), zero, &method);
        // All of the file, with holes of gigabytes that stay holes.
        memory.zero_data(frames(0, ALL), method).unwrap();
        check(&file, data(), |_| true, &method);
        let after = allocated(&file);
        if method == ZeroMethod::PunchHole {
            assert_eq!(after, 0);
        } else {
            assert_eq!(after, before, "{method:?}");
        }
        if has_small_holes(&file) {
            assert_eq!(before, 18 * PAGE_SIZE as u64);
        }
    }
    let error = memory.zero(frames(ALL - 1, 2), ZeroMethod::Map(Intent::Auto)).unwrap_err();
    assert_eq!((error.cleared, error.frame), (1, frame(ALL)));
}
