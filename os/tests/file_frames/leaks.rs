//! No window stays mapped.

use std::fs;

use clearpage::Intent;
use clearpage::checks::ADDRESS_SANITIZER;
use clearpage_os::file_frames::{FileFrames, ZeroMethod};
use clearpage_testkit::alone;

use crate::files::{fill, frame, frames, memfd};

/// Lists the mappings of this process except the heap, which may grow. AddressSanitizer maps memory
/// at any time, so there only those of the file.
fn mappings() -> Vec<String> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let counts = |line: &&str| match ADDRESS_SANITIZER {
        true => line.contains("memfd:leaks"),
        false => !line.ends_with("[heap]"),
    };
    maps.lines().filter(counts).map(str::to_owned).collect()
}

/// In a process of its own, where no other test maps memory.
#[test]
fn no_mapping_is_left_after_many_operations() {
    alone("leaks::compare_mappings");
}

#[test]
#[ignore = "run by no_mapping_is_left_after_many_operations"]
fn compare_mappings() {
    let file = memfd("leaks", 12);
    fill(&file, 0..12);
    let memory = FileFrames::new(file).unwrap().with_window(3);
    let list = [11, 3, 4, 20, 5].map(frame);
    let operate = |i: u64| {
        let (start, npages) = (i % 7, i % 11);
        let intent = if i % 3 == 0 { Intent::Cold } else { Intent::Auto };
        let method = ZeroMethod::Map(intent);
        let cleared = match i % 4 {
            0 => memory.zero_data(frames(start, npages), method),
            _ => memory.zero(frames(start, npages), method),
        };
        assert_eq!(cleared.is_ok(), start + npages <= 12, "{cleared:?}");
        assert_eq!(memory.zero_scattered(&list, method).unwrap_err().cleared, 3);
    };
    // The first calls allocate memory that stays.
    (0..100).for_each(operate);
    let before = mappings();
    (0..10_000).for_each(operate);
    let after = mappings();
    assert_eq!(before, after);
    assert!(!after.iter().any(|line| line.contains("memfd:leaks")), "{after:?}");
}
