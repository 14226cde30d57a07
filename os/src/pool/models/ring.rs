//! Models the ring alone.

use std::ptr::{NonNull, without_provenance_mut};

use super::super::ring::Ring;
use crate::sync::{Arc, check, thread};
use clearpage::Page;
use clearpage_testkit::loom::UnsafeCell;

/// Accesses the blocks that pass through a ring. loom reports two threads that own the same block,
/// and a thread that pops a block without seeing what was done to it before.
struct Blocks {
    ring: Ring,
    contents: [UnsafeCell<usize>; 3],
}

// SAFETY: loom checks every access to the contents.
unsafe impl Sync for Blocks {}
// SAFETY: as above.
unsafe impl Send for Blocks {}

impl Blocks {
    fn new() -> Arc<Self> {
        Arc::new(Self { ring: Ring::new(2).unwrap(), contents: Default::default() })
    }

    /// Uses a block that the thread owns, and pushes it.
    fn push(&self, number: usize) -> bool {
        // SAFETY: loom checks it.
        self.contents[number].with_mut(|uses| unsafe { *uses += 1 });
        self.ring.push(NonNull::new(without_provenance_mut::<Page>(number + 1)).unwrap())
    }

    /// Pops a block and uses it.
    fn pop(&self) -> Option<usize> {
        let number = self.ring.pop()?.addr().get() - 1;
        // SAFETY: loom checks it.
        self.contents[number].with_mut(|uses| unsafe { *uses += 1 });
        Some(number)
    }
}

/// Makes several laps, so that different threads empty and refill the slots.
#[test]
fn blocks_have_one_owner_at_a_time() {
    check(3, || {
        let blocks = Blocks::new();
        assert!(blocks.push(0) && blocks.push(1));
        let work = |blocks: &Blocks| {
            let mut kept = Vec::new();
            for _ in 0..2 {
                if let Some(number) = blocks.pop() {
                    if !blocks.push(number) {
                        kept.push(number);
                    }
                }
            }
            kept
        };
        let other = thread::spawn({
            let blocks = Arc::clone(&blocks);
            move || work(&blocks)
        });
        let mut all = work(&blocks);
        all.extend(other.join().unwrap());
        all.extend(std::iter::from_fn(|| blocks.pop()));
        all.sort_unstable();
        assert_eq!(all, [0, 1]);
    });
}

#[test]
fn two_threads_push_while_one_pops() {
    check(3, || {
        let blocks = Blocks::new();
        let pushers = [0, 1].map(|number| {
            let blocks = Arc::clone(&blocks);
            thread::spawn(move || assert!(blocks.push(number)))
        });
        let mut all: Vec<_> = (0..2).filter_map(|_| blocks.pop()).collect();
        assert!(blocks.ring.len() <= 2);
        let _ = pushers.map(|pusher| pusher.join().unwrap());
        all.extend(std::iter::from_fn(|| blocks.pop()));
        all.sort_unstable();
        assert_eq!(all, [0, 1]);
    });
}

#[test]
fn two_threads_pop_while_one_pushes() {
    check(3, || {
        let blocks = Blocks::new();
        assert!(blocks.push(0) && blocks.push(1));
        let poppers = [(); 2].map(|()| {
            let blocks = Arc::clone(&blocks);
            thread::spawn(move || blocks.pop())
        });
        // The ring is full unless a popper has finished.
        let pushed = blocks.push(2);
        let popped = poppers.map(|popper| popper.join().unwrap());
        let mut all: Vec<_> = popped.into_iter().flatten().collect();
        assert_eq!(all.len(), 2, "nothing makes a full ring seem empty");
        all.extend(std::iter::from_fn(|| blocks.pop()));
        all.sort_unstable();
        assert_eq!(all, if pushed { &[0, 1, 2][..] } else { &[0, 1] });
    });
}
