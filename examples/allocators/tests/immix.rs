//! Holes are zero when the mutator gets to them, whether it or the sweeper clears them.

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::thread;

use clearpage_allocators::immix::{ALIGN, BLOCK, LINE, LINES, Mutator, Space};
use clearpage_allocators::{Arena, Clear};
use clearpage_testkit::is_all;
use clearpage_testkit::random::Random;
use clearpage_testkit::user::Ink;
use common::{by_intent, poison, zero_by_intent};

const NBLOCKS: usize = 48;

fn arena(nblocks: usize) -> Arena {
    Arena::garbage((nblocks * BLOCK).div_ceil(clearpage::PAGE_SIZE))
}

fn space(arena: &Arena, nblocks: usize, wipe: bool, clear: Clear) -> Space {
    // SAFETY: only this space uses the arena; every `Clear` here writes only to its range.
    unsafe { Space::new(arena.base(), nblocks * BLOCK, wipe, clear) }
}

/// Fills an object. Returns whether it was zero before.
///
/// # Safety
/// The caller owns `size` bytes at `object`.
unsafe fn write(object: *mut u8, size: usize) -> bool {
    // SAFETY: the caller's promise; arenas are initialised.
    let bytes = unsafe { std::slice::from_raw_parts_mut(object, size) };
    let zero = is_all(0, bytes);
    Ink::Blue.write(0, bytes);
    zero
}

fn lines(object: usize, size: usize) -> impl Iterator<Item = usize> {
    let first = object - object % LINE;
    (first..object + size).step_by(LINE)
}

#[test]
fn holes_are_cleared_once() {
    for wipe in [false, true] {
        let (arena, mut program) = (arena(2), Mutator::default());
        let space = space(&arena, 2, wipe, zero_by_intent);
        let mut fill = |size: usize| {
            let mut objects = vec![];
            while let Some(object) = space.alloc(&mut program, size) {
                // SAFETY: the object is new.
                assert!(unsafe { write(object.as_ptr(), size) });
                objects.push(object.addr().get());
            }
            space.retire(&mut program);
            objects
        };
        assert_eq!(fill(LINE).len(), 2 * LINES);
        let counts = space.counts();
        assert_eq!((counts.on_alloc.clears, counts.on_alloc.cleared_bytes), (2, 2 * BLOCK as u64));

        // In each block lines 0 to 9 and 20 survive, which leaves two holes.
        let base = arena.base().addr().get();
        let live = |line: usize| matches!((line - base) % BLOCK / LINE, 0..10 | 20);
        // SAFETY: the other lines are not used.
        let swept = unsafe { [space.sweep(live), space.sweep(live), space.sweep(live)] };
        assert_eq!(swept, [Some(LINES - 11), Some(LINES - 11), None]);
        // SAFETY: nothing writes to the arena now.
        let left = Ink::Blue.found_in(unsafe { arena.bytes() });
        let words = LINE / 8;
        assert_eq!(left, 2 * if wipe { 11 * words } else { LINES * words });

        // The holes have 10 and 107 lines, so objects of two lines leave one line over.
        let objects = fill(2 * LINE);
        assert_eq!(objects.len(), 2 * (5 + 53));
        assert!(objects.iter().all(|&object| !live(object) && !live(object + LINE)));
        let (holes, free) = (4, 2 * (LINES - 11) * LINE);
        let counts = space.counts();
        let cleared = |side: clearpage::hooks::OpCounts| (side.clears, side.cleared_bytes as usize);
        let once = if wipe { cleared(counts.on_free) } else { cleared(counts.on_alloc) };
        assert_eq!(once, if wipe { (holes, free) } else { (2 + holes, 2 * BLOCK + free) });
        let never = if wipe { counts.on_alloc } else { counts.on_free };
        assert_eq!((never.skips, never.skipped_bytes as usize), (holes, free));
        let (hot, cold) = (counts.on_alloc.cleared_bytes, counts.on_free.cleared_bytes);
        assert_eq!(by_intent(), [0, hot, cold]);
        assert_eq!(space.alloc(&mut program, BLOCK + ALIGN), None);
    }
}

/// Allocates, uses and drops objects while a sweeper runs. Returns the number of objects that were
/// not zero, of those that were overwritten, and of words left after all are dropped.
fn collect(clear: Clear, wipe: bool) -> (usize, usize, usize) {
    let arena = arena(NBLOCKS);
    let space = &space(&arena, NBLOCKS, wipe, clear);
    let live = &Mutex::new(HashSet::<usize>::new());
    let lock = || -> MutexGuard<'_, HashSet<usize>> { live.lock().unwrap() };
    let done = &AtomicBool::new(false);
    let mut program = Mutator::default();
    let (not_zero, lost, mut free) = thread::scope(|scope| {
        let sweeper = scope.spawn(move || {
            let mut free = 0;
            loop {
                let last = done.load(Relaxed);
                // Objects dropped during a sweep are found by the next one.
                // SAFETY: lines that are not live are not used.
                match unsafe { space.sweep(|line| lock().contains(&line)) } {
                    Some(lines) => free += lines,
                    None if last => return free,
                    None => thread::yield_now(),
                }
            }
        });
        let mut random = Random::new(9);
        let (mut objects, mut not_zero, mut lost) = (vec![], 0, 0);
        let mut drop_one = |objects: &mut Vec<(*mut u8, usize)>, which: usize| {
            let (object, size) = objects.swap_remove(which);
            // SAFETY: the object is live until its lines are removed below.
            lost += usize::from(unsafe {
                !Ink::Blue.is_in(0, std::slice::from_raw_parts(object, size))
            });
            lines(object.addr(), size).for_each(|line| _ = lock().remove(&line));
        };
        for n in 0..30_000 {
            // Whole lines, so that no two objects share a line.
            let size = LINE * (1 + random.below(if n % 50 == 0 { 60 } else { 4 }));
            if let Some(object) = space.alloc(&mut program, size) {
                let object = object.as_ptr();
                lock().extend(lines(object.addr(), size));
                // SAFETY: the object is new.
                not_zero += usize::from(unsafe { !write(object, size) });
                objects.push((object, size));
            } else {
                thread::yield_now();
            }
            while objects.len() > 800 {
                drop_one(&mut objects, random.below(800));
            }
        }
        while !objects.is_empty() {
            drop_one(&mut objects, 0);
        }
        space.retire(&mut program);
        done.store(true, Relaxed);
        (not_zero, lost, sweeper.join().unwrap())
    });
    // Lines that were live at the last sweep need another one, for every block.
    while space.alloc(&mut program, LINE).is_some() {}
    space.retire(&mut program);
    // SAFETY: no line is used.
    while let Some(lines) = unsafe { space.sweep(|_| false) } {
        free += lines;
    }
    let counts = space.counts();
    let swept = counts.on_free.cleared_bytes + counts.on_free.skipped_bytes;
    assert_eq!(swept, (free * LINE) as u64);
    assert_eq!(if wipe { counts.on_free.skips } else { counts.on_free.clears }, 0);
    if wipe {
        assert_eq!(counts.on_alloc.clears, NBLOCKS as u64, "only the garbage at the start");
    } else {
        assert_eq!(counts.on_alloc.skips, 0);
    }
    // SAFETY: nothing writes to the arena now.
    (not_zero, lost, Ink::Blue.found_in(unsafe { arena.bytes() }))
}

#[test]
fn a_concurrent_sweeper_never_exposes_old_data() {
    assert_eq!(collect(clearpage::raw::zero_bytes, true), (0, 0, 0));
    let (not_zero, lost, left) = collect(clearpage::raw::zero_bytes, false);
    assert_eq!((not_zero, lost), (0, 0));
    assert_ne!(left, 0, "the sweeper cleared without a request");
}

#[test]
fn mistakes_are_found() {
    /// # Safety
    /// None.
    unsafe fn nothing(_: *mut u8, _: usize, _: clearpage::Intent) {}

    let (not_zero, ..) = collect(poison, true);
    assert_ne!(not_zero, 0);
    let (not_zero, _, left) = collect(nothing, true);
    assert!(not_zero != 0 && left != 0);
}
