//! Any range, by any way, through windows of any size.

use std::fs::File;

use clearpage::highmem::{Highmem, Mapping, clear_highpages, clear_scattered_highpages};
use clearpage::{Intent, PAGE_SIZE};
use clearpage_os::file_frames::{FileFrames, ZeroMethod};
use rustix::io::Errno;

use crate::files::{
    WAYS, allocated, check, fill, frame, frames, garbage, has_small_holes, memfd, temporary,
};

const PAGES: u64 = 14;

fn both() -> [File; 2] {
    [memfd("ranges", PAGES), temporary(PAGES)]
}

fn open(file: &File, window: usize) -> FileFrames {
    FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(window)
}

#[test]
fn exactly_the_frames_are_zeroed() {
    for file in both() {
        fill(&file, 0..PAGES);
        for way in WAYS {
            for window in [1, 2, 3, 5, 100] {
                let memory = open(&file, window);
                for (start, npages) in (0..5).flat_map(|start| (0..=9).map(move |n| (start, n))) {
                    memory.zero(frames(start, npages), way).unwrap();
                    let zeroed = start..start + npages;
                    check(&file, 0..PAGES, |n| zeroed.contains(&n), &(way, window));
                    fill(&file, zeroed);
                }
                if !matches!(way, ZeroMethod::Map(_)) {
                    break;
                }
            }
        }
    }
}

#[test]
fn the_generic_faces_go_through_windows() {
    for file in both() {
        fill(&file, 0..PAGES);
        for window in [1, 2, 3, 100] {
            let memory = open(&file, window);
            // SAFETY: nobody has the file mapped.
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
            // SAFETY: it is mapped, and nobody writes to it.
            let first = unsafe { pages.cast::<[u8; PAGE_SIZE]>().as_ref() };
            assert_eq!(first, garbage(start));
        }
    }
}

/// While one is held another may be made, also of the same frames.
#[test]
fn windows_nest() {
    let file = memfd("nest", PAGES);
    fill(&file, 0..PAGES);
    let memory = open(&file, 2);
    let outer = memory.kmap_local(frames(2, 2)).unwrap();
    memory.zero(frames(0, PAGES), ZeroMethod::Map(Intent::Cold)).unwrap();
    // SAFETY: it is mapped, and nobody writes to it any more.
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
        for way in WAYS {
            for window in [1, 3, 4, 100] {
                let memory = open(&file, window);
                for list in lists {
                    let frames: Vec<_> = list.iter().map(|&n| frame(n)).collect();
                    memory.zero_scattered(&frames, way).unwrap();
                    check(&file, 0..PAGES, |n| list.contains(&n), &(way, window, list));
                    fill(&file, list.iter().copied());
                }
            }
        }
    }
}

/// More than are cleared with one fence.
#[test]
fn long_lists_are_zeroed() {
    const MANY: u64 = 300;
    let file = memfd("long", MANY);
    let odd: Vec<_> = (0..MANY).rev().filter(|n| n % 2 == 1).map(frame).collect();
    for way in WAYS {
        fill(&file, 0..MANY);
        open(&file, 1000).zero_scattered(&odd, way).unwrap();
        check(&file, 0..MANY, |n| n % 2 == 1, &way);
    }
}

#[test]
fn the_fastest_way_zeroes_what_it_should() {
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
fn marking_as_zero_zeroes_or_says_that_it_cannot() {
    for file in both() {
        fill(&file, 0..PAGES);
        match open(&file, 4).zero(frames(2, 5), ZeroMethod::ZeroRange) {
            Ok(()) => check(&file, 0..PAGES, |n| (2..7).contains(&n), &ZeroMethod::ZeroRange),
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("fallocate(FALLOC_FL_ZERO_RANGE)"), "{text}");
                assert_eq!(error.source.raw_os_error(), Some(Errno::OPNOTSUPP.raw_os_error()));
                assert_eq!((error.cleared, error.frame), (0, frame(2)));
                check(&file, 0..PAGES, |_| false, &ZeroMethod::ZeroRange);
            }
        }
    }
}

#[test]
fn holes_stay_holes_where_asked_for() {
    for file in both() {
        if !has_small_holes(&file) {
            continue;
        }
        for way in [ZeroMethod::Map(Intent::Cold), ZeroMethod::Write] {
            let data = [2, 3, 7, 13];
            file.set_len(0).unwrap();
            file.set_len(PAGES * PAGE_SIZE as u64).unwrap();
            fill(&file, data);
            let before = allocated(&file);
            open(&file, 4).zero_data(frames(3, 11), way).unwrap();
            check(&file, data, |n| n != 2, &way);
            assert_eq!(allocated(&file), before, "{way:?}");
            let list = [12, 3, 9, 13].map(frame);
            // What is between those in the list is not filled either.
            open(&file, 100).zero_scattered(&list, way).unwrap();
            assert_eq!(allocated(&file), before + 2 * PAGE_SIZE as u64, "{way:?}");
            open(&file, 4).zero(frames(0, PAGES), way).unwrap();
            assert_eq!(allocated(&file), PAGES * PAGE_SIZE as u64, "{way:?}");
            open(&file, 4).zero(frames(1, PAGES - 1), ZeroMethod::PunchHole).unwrap();
            assert_eq!(allocated(&file), PAGE_SIZE as u64, "{way:?}");
        }
    }
}
