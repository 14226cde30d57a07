//! No window stays mapped.

use std::{env, fs};

use clearpage::Intent;
use clearpage_os::file_frames::{FileFrames, ZeroMethod};

use crate::files::{fill, frame, frames, memfd};
use clearpage_testkit::child;

const OPERATIONS: u64 = 10_000;
const CHILD: &str = "CLEARPAGE_TEST_LEAKS";

/// Every mapping of this process, but for the heap, which may grow; of ASan, which has many and maps
/// more of them at any time, none but the file's.
fn mappings() -> Vec<String> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let counts = |line: &&str| match cfg!(clearpage_asan) {
        true => line.contains("memfd:leaks"),
        false => !line.ends_with("[heap]"),
    };
    maps.lines().filter(counts).map(str::to_owned).collect()
}

/// In a process of its own, where nobody else maps anything.
#[test]
fn nothing_stays_mapped() {
    let output = child("leaks::in_a_process_of_its_own", (CHILD, "1"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("10000 operations left"), "it ran: {text}");
}

#[test]
#[ignore = "run by nothing_stays_mapped"]
fn in_a_process_of_its_own() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let file = memfd("leaks", 12);
    fill(&file, 0..12);
    let memory = FileFrames::new(file).unwrap().with_window(3);
    let list = [11, 3, 4, 20, 5].map(frame);
    let operate = |i: u64| {
        let (start, npages) = (i % 7, i % 11);
        let all_inside = start + npages <= 12;
        let way =
            if i % 3 == 0 { ZeroMethod::Map(Intent::Cold) } else { ZeroMethod::Map(Intent::Auto) };
        let cleared = match i % 4 {
            0 => memory.zero_data(frames(start, npages), way),
            _ => memory.zero(frames(start, npages), way),
        };
        assert_eq!(cleared.is_ok(), all_inside, "{cleared:?}");
        assert_eq!(memory.zero_scattered(&list, way).unwrap_err().cleared, 3);
    };
    // What the first calls allocate stays.
    (0..100).for_each(operate);
    let before = mappings();
    (0..OPERATIONS).for_each(operate);
    let after = mappings();
    assert_eq!(before, after);
    assert!(!after.iter().any(|line| line.contains("memfd:leaks")), "{after:?}");
    println!("{OPERATIONS} operations left {} mappings", after.len());
}
