//! A queue of blocks without locks: any number of threads put in and take out, and none waits for
//! another.
//!
//! The bounded queue of D. Vyukov: two positions that only grow, and in each slot whose turn it is.
//! In his, as in `ArrayQueue` of crossbeam-queue, a thread that meets a slot which another thread is
//! filling or emptying waits for it. Here that slot counts as empty, or as full: the other thread may
//! have idle priority and be off the CPU for seconds, or be missing in the child of a fork. Of 200
//! children that were forked while two threads used the queue, 106 hung with `ArrayQueue` and none
//! with this ring; a pair of operations takes 0.74 of the time (`cargo bench --bench ring`, Zen 4).

use std::alloc::Layout;
use std::collections::TryReserveError;
use std::ptr::{NonNull, null_mut};

use super::Line;
use crate::page::Page;
use crate::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::*};

pub(super) struct Ring {
    /// Blocks taken out so far, counted as `usize` counts: it wraps.
    popped: Line<AtomicUsize>,
    /// Blocks put in so far.
    pushed: Line<AtomicUsize>,
    /// A power of two, at least two.
    slots: Box<[Slot]>,
}

struct Slot {
    /// The number of the push that may fill it; one more while it is filled.
    turn: AtomicUsize,
    block: AtomicPtr<Page>,
}

impl Ring {
    /// Room for `capacity` blocks or a few more.
    pub(super) fn new(capacity: usize) -> Result<Self, TryReserveError> {
        const MOST: usize = isize::MAX as usize / Layout::new::<Slot>().size();
        // More than there can be, so that it is refused.
        let len = capacity.max(2).checked_next_power_of_two().unwrap_or(MOST + 1);
        let mut slots = Vec::new();
        slots.try_reserve_exact(len)?;
        slots.extend(
            (0..len).map(|turn| Slot {
                turn: AtomicUsize::new(turn),
                block: AtomicPtr::new(null_mut()),
            }),
        );
        Ok(Self {
            popped: Line::default(),
            pushed: Line::default(),
            slots: slots.into_boxed_slice(),
        })
    }

    /// Puts a block in; `false` if there is no room, or if who empties the slot is not done.
    ///
    /// What was done to the block before is seen by who takes it out.
    pub(super) fn push(&self, block: NonNull<Page>) -> bool {
        let (mut at, mut spins) = (self.pushed.load(Relaxed), 1);
        loop {
            let slot = self.slot(at);
            match slot.turn.load(Acquire).wrapping_sub(at) as isize {
                0 => {
                    match self.pushed.compare_exchange_weak(at, at.wrapping_add(1), SeqCst, Relaxed)
                    {
                        Ok(_) => {
                            slot.block.store(block.as_ptr(), Relaxed);
                            slot.turn.store(at.wrapping_add(1), Release);
                            return true;
                        }
                        Err(_) => {
                            back_off(&mut spins);
                            at = self.pushed.load(Relaxed);
                        }
                    }
                }
                ..0 => return false,
                1.. => at = self.pushed.load(Relaxed),
            }
        }
    }

    /// Takes out the block that is in longest; `None` if there is none, or if who fills its slot is
    /// not done.
    #[inline]
    pub(super) fn pop(&self) -> Option<NonNull<Page>> {
        let (mut at, mut spins) = (self.popped.load(Relaxed), 1);
        loop {
            let slot = self.slot(at);
            let next = at.wrapping_add(1);
            match slot.turn.load(Acquire).wrapping_sub(next) as isize {
                0 => match self.popped.compare_exchange_weak(at, next, SeqCst, Relaxed) {
                    Ok(_) => {
                        let block = slot.block.load(Relaxed);
                        slot.turn.store(at.wrapping_add(self.slots.len()), Release);
                        return NonNull::new(block);
                    }
                    Err(_) => {
                        back_off(&mut spins);
                        at = self.popped.load(Relaxed);
                    }
                },
                ..0 => return None,
                1.. => at = self.popped.load(Relaxed),
            }
        }
    }

    /// Blocks that are in: exact while nobody puts in or takes out.
    #[inline]
    pub(super) fn len(&self) -> usize {
        // In this order, so that it is never less than none.
        let popped = self.popped();
        self.pushed().wrapping_sub(popped)
    }

    #[inline]
    pub(super) fn popped(&self) -> usize {
        self.popped.load(SeqCst)
    }

    #[inline]
    pub(super) fn pushed(&self) -> usize {
        self.pushed.load(SeqCst)
    }

    #[inline]
    fn slot(&self, at: usize) -> &Slot {
        // The mask is for the compiler: there is no index that this leaves outside.
        &self.slots[at & (self.slots.len() - 1)]
    }
}

/// Pauses before the next try, longer each time, so that threads that contend for one position part.
fn back_off(spins: &mut u32) {
    (0..*spins).for_each(|_| std::hint::spin_loop());
    *spins = (2 * *spins).min(64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::without_provenance_mut;
    use std::sync::atomic::AtomicU8;
    use std::thread;

    /// A block that nobody looks into.
    fn block(number: usize) -> NonNull<Page> {
        NonNull::new(without_provenance_mut(number)).unwrap()
    }

    #[test]
    fn first_in_is_first_out() {
        let ring = Ring::new(3).unwrap();
        for lap in 0..10 {
            assert_eq!((ring.len(), ring.pop()), (0, None));
            for n in 1..=4 {
                assert!(ring.push(block(n + lap)));
                assert_eq!(ring.len(), n);
            }
            assert!(!ring.push(block(9)), "full");
            for n in 1..=4 {
                assert_eq!(ring.pop(), Some(block(n + lap)));
            }
        }
    }

    #[test]
    fn positions_wrap() {
        let mut ring = Ring::new(4).unwrap();
        let start = usize::MAX - 5;
        *ring.popped = AtomicUsize::new(start);
        *ring.pushed = AtomicUsize::new(start);
        for at in 0..4 {
            let turn = start.wrapping_add(at);
            ring.slots[turn & 3].turn = AtomicUsize::new(turn);
        }
        for n in 1..20 {
            assert!(ring.push(block(n)) && ring.push(block(100 + n)));
            assert_eq!(ring.len(), 2);
            assert_eq!((ring.pop(), ring.pop()), (Some(block(n)), Some(block(100 + n))));
        }
    }

    /// As a child sees it whose parent forked while another thread was inside.
    #[test]
    fn nobody_waits_for_who_never_comes_back() {
        let ring = Ring::new(2).unwrap();
        ring.pushed.store(1, Relaxed);
        assert_eq!(ring.pop(), None, "being filled");
        assert!(ring.push(block(1)), "the slot behind it");
        assert_eq!(ring.pop(), None);
        let ring = Ring::new(2).unwrap();
        assert!(ring.push(block(1)) && ring.push(block(2)));
        ring.popped.store(1, Relaxed);
        assert!(!ring.push(block(3)), "being emptied");
        assert_eq!(ring.pop(), Some(block(2)));
    }

    #[test]
    fn more_than_memory_is_refused() {
        for capacity in [usize::MAX, usize::MAX / 2] {
            assert!(Ring::new(capacity).is_err(), "{capacity}");
        }
    }

    #[test]
    fn threads_lose_and_double_nothing() {
        const BLOCKS: usize = if cfg!(miri) { 50 } else { 2_000 };
        let ring = Ring::new(8).unwrap();
        let seen: Vec<AtomicU8> = (0..4 * BLOCKS).map(|_| AtomicU8::new(0)).collect();
        thread::scope(|scope| {
            for thread in 0..4 {
                let (ring, seen) = (&ring, &seen);
                scope.spawn(move || {
                    for n in 0..BLOCKS {
                        while !ring.push(block(thread * BLOCKS + n + 1)) {
                            thread::yield_now();
                        }
                    }
                });
                scope.spawn(move || {
                    for _ in 0..BLOCKS {
                        let block = loop {
                            match ring.pop() {
                                Some(block) => break block,
                                None => thread::yield_now(),
                            }
                        };
                        seen[block.addr().get() - 1].fetch_add(1, Relaxed);
                    }
                });
            }
        });
        assert!(seen.iter().all(|times| times.load(Relaxed) == 1));
        assert_eq!(ring.len(), 0);
    }
}
