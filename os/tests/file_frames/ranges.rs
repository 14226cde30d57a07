//! Ranges and lists of frames, by each method, through windows of any size.

use std::fs::File;

use clearpage::highmem::{Highmem, Mapping, clear_highpages, clear_scattered_highpages};
use clearpage::{Intent, PAGE_SIZE};
use clearpage_os::file_frames::{FileFrames, ZeroMethod};

use crate::files::{
    METHODS, allocated, check, fill, frame, frames, garbage, has_small_holes, memfd, temporary,
};

const PAGES: u64 = 14;

fn both() -> [File; 2] {
    [memfd("ranges", PAGES), temporary(PAGES)]
}

fn open(file: &File, window: usize) -> FileFrames {
    FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(window)
}

#[test]
fn exactly_the_frames_of_a_range_are_zeroed() {
    for file in both() {
        fill(&file, 0..PAGES);
        for method in METHODS {
            for window in [1, 2, 3, 5, 100] {
                let memory = open(&file, window);
                for (start, npages) in (0..5).flat_map(|start| (0..=9).map(move |n| (start, n))) {
                    memory.zero(frames(start, npages), method).unwrap();
                    let zeroed = start..start + npages;
                    check(&file, 0..PAGES, |n| zeroed.contains(&n), &(method, window));
                    fill(&file, zeroed);
                }
                if !matches!(method, ZeroMethod::Map(_)) {
                    break;
                }
            }
        }
    }
}

#[test]
fn highmem_functions_clear_through_windows() {
    for file in both() {
        fill(&file, 0..PAGES);
        for window in [1, 2, 3, 100] {
            let memory = open(&file, window);
            // SAFETY: no other code maps the file.
            unsafe { clear_highpages(&memory, frames(3, 8), Intent::Cold) }.unwrap();
            check(&file, 0..PAGES, |n| (3..11).contains(&n), &window);
            fill(&file, 3..11);
            let list = [12, 3, 4, 5, 6, 1, 9].map(frame);
            // SAFETY: as above.
            unsafe { clear_scattered_highpages(&memory, &list, Intent::Cold) }.unwrap();
            check(&file, 0..PAGES, |n| list.contains(&frame(n)), &window);
            fill(&file, list.map(|frame| frame.get()));
        }
    }
}

#[test]
fn a_window_ends_at_a_multiple_of_its_size() {
    let file = memfd("window", PAGES);
    fill(&file, 0..PAGES);
    let memory = open(&file, 4);
    let window = memory.window();
    for start in 0..PAGES {
        for npages in 1..=PAGES - start {
            let mapping = memory.kmap_local(frames(start, npages)).unwrap();
            let pages = mapping.pages();
            assert_eq!(pages.len() as u64, npages.min(window - start % window));
            // SAFETY: the page is mapped, and not written.
            let first = unsafe { pages.cast::<[u8; PAGE_SIZE]>().as_ref() };
            assert_eq!(first, garbage(start));
        }
    }
}

#[test]
fn several_windows_may_map_the_same_frame() {
    let file = memfd("nest", PAGES);
    fill(&file, 0..PAGES);
    let memory = open(&file, 2);
    let outer = memory.kmap_local(frames(2, 2)).unwrap();
    memory.zero(frames(0, PAGES), ZeroMethod::Map(Intent::Cold)).unwrap();
    // SAFETY: the page is mapped, and no longer written.
    let first = unsafe { outer.pages().cast::<[u8; PAGE_SIZE]>().as_ref() };
    assert_eq!(first[..], [0; PAGE_SIZE]);
}

#[test]
fn exactly_the_listed_frames_are_zeroed() {
    let lists: [&[u64]; 7] = [
        &[],
        &[3],
        &[13, 0],
        &[4, 5, 6, 2, 1, 0],
        &[7, 7, 8, 7],
        &[0, 2, 4, 6, 8, 10, 12, 1],
        &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    for file in both() {
        fill(&file, 0..PAGES);
        for method in METHODS {
            for window in [1, 3, 4, 100] {
                let memory = open(&file, window);
                for list in lists {
                    let frames: Vec<_> = list.iter().map(|&n| frame(n)).collect();
                    memory.zero_scattered(&frames, method).unwrap();
                    check(&file, 0..PAGES, |n| list.contains(&n), &(method, window, list));
                    fill(&file, list.iter().copied());
                }
            }
        }
    }
}

/// They have several batches, each cleared with one fence.
#[test]
fn long_lists_are_zeroed() {
    const MANY: u64 = 300;
    let file = memfd("long", MANY);
    let odd: Vec<_> = (0..MANY).rev().filter(|n| n % 2 == 1).map(frame).collect();
    for method in METHODS {
        fill(&file, 0..MANY);
        open(&file, 1000).zero_scattered(&odd, method).unwrap();
        check(&file, 0..MANY, |n| n % 2 == 1, &method);
    }
}

#[test]
fn clear_zeroes_exactly_the_frames() {
    for file in both() {
        let memory = open(&file, 4);
        for intent in Intent::ALL {
            fill(&file, 0..PAGES);
            memory.clear(frames(1, 5), intent).unwrap();
            memory.clear_scattered(&[9, 7].map(frame), intent).unwrap();
            let zero = |n| (1..6).contains(&n) || n == 7 || n == 9;
            check(&file, 0..PAGES, zero, &intent);
            if has_small_holes(&file) {
                assert_eq!(memory.fastest(1 << 20, intent), ZeroMethod::Write);
            }
        }
    }
}

#[test]
fn only_zero_and_the_listed_frames_fill_holes() {
    for file in both() {
        if !has_small_holes(&file) {
            continue;
        }
        for method in [ZeroMethod::Map(Intent::Cold), ZeroMethod::Write] {
            let data = [2, 3, 7, 13];
            file.set_len(0).unwrap();
            file.set_len(PAGES * PAGE_SIZE as u64).unwrap();
            fill(&file, data);
            let before = allocated(&file);
            open(&file, 4).zero_data(frames(3, 11), method).unwrap();
            check(&file, data, |n| n != 2, &method);
            assert_eq!(allocated(&file), before, "{method:?}");
            let list = [12, 3, 9, 13].map(frame);
            // Holes between frames of the list are not filled.
            open(&file, 100).zero_scattered(&list, method).unwrap();
            assert_eq!(allocated(&file), before + 2 * PAGE_SIZE as u64, "{method:?}");
            open(&file, 4).zero(frames(0, PAGES), method).unwrap();
            assert_eq!(allocated(&file), PAGES * PAGE_SIZE as u64, "{method:?}");
            open(&file, 4).zero(frames(1, PAGES - 1), ZeroMethod::PunchHole).unwrap();
            assert_eq!(allocated(&file), PAGE_SIZE as u64, "{method:?}");
        }
    }
}
