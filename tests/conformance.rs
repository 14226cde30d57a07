//! Every primitive and every public function zeroes its range and nothing else.

use std::mem::MaybeUninit;
use std::ptr::NonNull;

use clearpage::{AvailablePrimitive, Intent, PAGE_SIZE, Page, primitives, raw};
use clearpage_testkit::{Garbage, say};

/// Returns the lengths at which a loop over blocks can fail.
fn lengths(block: usize) -> Vec<usize> {
    let mut lengths = vec![
        0,
        1,
        7,
        block - 1,
        block,
        block + 1,
        2 * block - 1,
        3 * block,
        255,
        256,
        257,
        1000,
        PAGE_SIZE - 1,
        PAGE_SIZE,
        PAGE_SIZE + 1,
        3 * PAGE_SIZE,
        3 * PAGE_SIZE + 4321,
    ];
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

/// Returns every offset up to 64, and those at the edges of a block.
fn offsets(block: usize) -> Vec<usize> {
    let mut offsets: Vec<usize> = (0..=64).collect();
    offsets.extend([block / 2, block - 1, block, block + 1]);
    offsets.sort_unstable();
    offsets.dedup();
    offsets
}

/// Short ranges are cleared by overlapping stores, without a primitive.
#[test]
fn zero_bytes_clears_every_short_length() {
    const EDGE: usize = 64;
    let mut memory = vec![0xa5_u8; 4500 + 3 * EDGE];
    for len in (0..600).chain((600..4400).step_by(13)) {
        for offset in [0, 1, 16, 63] {
            let window = &mut memory[offset..][..len + 2 * EDGE];
            clearpage::zero_bytes(&mut window[EDGE..][..len], Intent::Auto);
            let cleared = |at: usize| (EDGE..EDGE + len).contains(&at);
            let bad = (0..window.len()).find(|&at| (window[at] == 0) != cleared(at));
            assert_eq!(bad, None, "length {len}, offset {offset}");
            window.fill(0xa5);
        }
    }
}

#[test]
fn every_primitive_clears_every_alignment_and_length() {
    let mut exercised = Vec::new();
    for primitive in primitives() {
        match primitive.available() {
            Ok(available) => {
                conforms(available);
                exercised.push(primitive.name());
            }
            Err(why) => say(&format!("conformance: skipped {}: {why}", primitive.name())),
        }
    }
    say(&format!("conformance: exercised {}", exercised.join(" ")));
    assert!(exercised.contains(&"generic"));
}

fn conforms(available: AvailablePrimitive) {
    let primitive = available.primitive();
    let block = primitive.block();
    assert!(block.is_power_of_two() && block <= PAGE_SIZE, "{primitive:?}: block {block}");
    let mut memory = Garbage::new(4 * PAGE_SIZE + 4321);
    for offset in offsets(block) {
        for len in lengths(block) {
            available.zero_bytes(memory.bytes(offset, len));
            memory.check(offset, len, &primitive.name());
        }
    }
    for npages in 0..=4 {
        available.clear_pages(memory.pages(npages));
        memory.check(0, npages * PAGE_SIZE, &primitive.name());
    }
}

#[test]
fn page_functions_clear_exactly_their_pages() {
    let mut memory = Garbage::new(17 * PAGE_SIZE);
    clearpage::clear_page(&mut memory.pages(1)[0]);
    memory.check(0, PAGE_SIZE, &"clear_page");
    for npages in [0, 1, 2, 3, 8, 17] {
        let len = npages * PAGE_SIZE;
        clearpage::clear_pages(memory.pages(npages));
        memory.check(0, len, &"clear_pages");
        for intent in Intent::ALL {
            clearpage::clear_pages_for(memory.pages(npages), intent);
            memory.check(0, len, &format_args!("clear_pages_for {}", intent.name()));
            let pages = NonNull::from(memory.pages(npages)).cast();
            // SAFETY: `pages` points to a slice of this length.
            unsafe { raw::clear_pages_for(pages, npages, intent) };
            memory.check(0, len, &format_args!("raw::clear_pages_for {}", intent.name()));
        }
    }
}

#[test]
fn zero_bytes_clears_every_offset_and_length() {
    let mut memory = Garbage::new(600);
    for intent in Intent::ALL {
        for offset in [0, 1, 7, 8, 15, 33, 63] {
            for len in 0..600 {
                clearpage::zero_bytes(memory.bytes(offset, len), intent);
                memory.check(offset, len, &format_args!("zero_bytes {}", intent.name()));
            }
        }
    }
}

/// The longest range exceeds the thresholds of the plan, for any cache size.
#[test]
fn long_ranges_are_cleared_exactly() {
    let longest = (4 * clearpage::cpu::caches().l3).clamp(16 << 20, 256 << 20);
    let mut len = 16 * PAGE_SIZE;
    while len <= longest {
        let mut memory = Garbage::new(len);
        for intent in Intent::ALL {
            clearpage::zero_bytes(memory.bytes(1, len - 1), intent);
            memory.check(1, len - 1, &"zero_bytes");
            clearpage::clear_pages_for(memory.pages(len / PAGE_SIZE), intent);
            memory.check(0, len, &"clear_pages_for");
        }
        len *= 4;
    }
}

#[test]
fn uninit_functions_return_the_cleared_memory() {
    let mut pages = [const { MaybeUninit::<Page>::uninit() }; 3];
    let address = pages.as_ptr().addr();

    let page = clearpage::clear_page_uninit(&mut pages[0]);
    assert_eq!(std::ptr::from_ref(page).addr(), address);
    assert!(page.as_bytes().iter().all(|&b| b == 0));

    type Clear = fn(&mut [MaybeUninit<Page>]) -> &mut [Page];
    let cold: Clear = |pages| clearpage::clear_pages_uninit_for(pages, Intent::Cold);
    for clear in [clearpage::clear_pages_uninit, cold] {
        for page in &mut pages {
            page.write(Page::ZERO).as_bytes_mut().fill(0xa5);
        }
        let cleared = clear(&mut pages);
        assert_eq!((cleared.as_ptr().addr(), cleared.len()), (address, 3));
        assert!(cleared.iter().all(|page| page.as_bytes().iter().all(|&b| b == 0)));
    }

    for len in [0, 5, 300] {
        let mut bytes = vec![MaybeUninit::new(0xa5_u8); len];
        let address = bytes.as_ptr().addr();
        let cleared = clearpage::zero_bytes_uninit(&mut bytes, Intent::Hot);
        assert_eq!((cleared.as_ptr().addr(), cleared.len()), (address, len));
        assert!(cleared.iter().all(|&b| b == 0));
    }
}

#[test]
fn empty_ranges_accept_any_pointer() {
    let askew = NonNull::<Page>::dangling().map_addr(|address| address | 1);
    for intent in Intent::ALL {
        // SAFETY: no memory is accessed; otherwise the test faults.
        unsafe {
            for page in [NonNull::dangling(), askew] {
                raw::clear_pages(page, 0);
                raw::clear_pages_for(page, 0, intent);
            }
            raw::zero_bytes(std::ptr::null_mut(), 0, intent);
        }
    }
    for primitive in clearpage_testkit::available() {
        primitive.available().unwrap().clear_pages(&mut []);
        primitive.available().unwrap().zero_bytes(&mut []);
    }
}

#[test]
#[should_panic(expected = "longer than isize::MAX bytes")]
fn an_overflowing_number_of_pages_is_refused() {
    // SAFETY: the call panics before it accesses memory, which is tested.
    unsafe { raw::clear_pages(NonNull::dangling(), usize::MAX / PAGE_SIZE + 2) }
}

#[test]
#[should_panic(expected = "longer than isize::MAX bytes")]
fn an_overflowing_length_is_refused() {
    // SAFETY: the call panics before it accesses memory, which is tested.
    unsafe { raw::zero_bytes(std::ptr::dangling_mut(), usize::MAX, Intent::Auto) }
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "is not page-aligned")]
fn a_misaligned_page_is_refused() {
    let mut memory = Garbage::new(PAGE_SIZE);
    let askew = NonNull::from(memory.bytes(8, PAGE_SIZE)).cast();
    // SAFETY: the bytes are valid; the wrong alignment is tested.
    unsafe { raw::clear_page(askew) }
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "is not page-aligned")]
fn misaligned_pages_are_refused() {
    let mut memory = Garbage::new(2 * PAGE_SIZE);
    let askew = NonNull::from(memory.bytes(8, 2 * PAGE_SIZE)).cast();
    // SAFETY: as above.
    unsafe { raw::clear_pages_for(askew, 2, Intent::Hot) }
}
