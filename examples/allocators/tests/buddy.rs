//! Frames of buddy_system_allocator, over an arena of garbage.

mod common;

use clearpage::highmem::{FrameRange, Highmem};
use clearpage::hooks::{AllocFlags, DataState, InitOutcome, InitPolicy, PageHooks};
use clearpage::{Order, PAGE_SIZE};
use clearpage_allocators::buddy::Buddy;
use clearpage_allocators::{Arena, GARBAGE};
use clearpage_testkit::flags::{POLICIES, at_alloc, at_free};
use clearpage_testkit::is_all;
use clearpage_testkit::random::Random;
use clearpage_testkit::user::Ink;
use common::WrongMap;

/// Six blocks of the largest order.
const NPAGES: usize = 6 << 10;

/// The flags that apply to memory that is not zero.
const FLAGS: [AllocFlags; 5] = [
    AllocFlags::NONE,
    AllocFlags::ZERO,
    AllocFlags::SKIP_ZERO,
    AllocFlags::WILL_OVERWRITE,
    AllocFlags::ZERO.union(AllocFlags::WILL_OVERWRITE),
];

/// A user of blocks that counts the errors of the allocator.
struct Pages<'a, M> {
    arena: &'a Arena,
    buddy: Buddy<M>,
    policy: InitPolicy,
    held: Vec<(FrameRange, u32)>,
    faults: usize,
}

impl<'a, M: Highmem<Error: std::fmt::Debug>> Pages<'a, M> {
    fn new(arena: &'a Arena, mem: M, policy: InitPolicy) -> Self {
        let hooks = PageHooks::new(mem).with_policy(policy);
        // SAFETY: only this user uses the arena.
        let buddy = unsafe {
            arena.fill(GARBAGE);
            Buddy::new(arena.frames(), hooks)
        };
        Self { arena, buddy, policy, held: vec![], faults: 0 }
    }

    fn bytes(&mut self, block: FrameRange) -> &mut [u8] {
        let (start, len) = (block.start().get() as usize, block.npages() as usize);
        // SAFETY: the block is in the arena, and allocated by this user.
        unsafe {
            let start = self.arena.base().add(start * PAGE_SIZE);
            std::slice::from_raw_parts_mut(start.as_ptr(), len * PAGE_SIZE)
        }
    }

    fn expect(&mut self, done: InitOutcome, data: DataState) {
        self.faults += usize::from(done.data != data);
    }

    fn alloc(&mut self, order: u32, flags: AllocFlags) -> bool {
        let order = Order::new(order).unwrap();
        let Some((block, done)) = self.buddy.alloc(order, flags).unwrap() else { return false };
        assert_eq!(block.order(), Some(order));
        self.expect(done, at_alloc(self.policy, flags));
        let wrong = if done.data == DataState::Cleared {
            !is_all(0, self.bytes(block))
        } else {
            // Unchanged: garbage or the data of an earlier user.
            is_all(0, self.bytes(block)) && !self.policy.on_free
        };
        self.faults += usize::from(wrong);
        let seed = block.start().get() as u32;
        // Marks at both ends of a page are enough, and take less time.
        self.bytes(block).chunks_mut(PAGE_SIZE).for_each(|page| {
            Ink::Blue.write(seed, &mut page[..64]);
            Ink::Blue.write(seed, &mut page[PAGE_SIZE - 64..]);
        });
        self.held.push((block, seed));
        true
    }

    fn free(&mut self, which: usize) {
        let (block, seed) = self.held.swap_remove(which);
        let kept = self.bytes(block).chunks(PAGE_SIZE).all(|page| {
            Ink::Blue.is_in(seed, &page[..64]) && Ink::Blue.is_in(seed, &page[PAGE_SIZE - 64..])
        });
        assert!(kept, "{block} changed");
        // SAFETY: the block is allocated by this user, and freed once.
        let done = unsafe { self.buddy.free(block, AllocFlags::NONE) }.unwrap();
        self.expect(done, at_free(self.policy, AllocFlags::NONE));
        // The metadata is outside the frames, so a freed block is still all zero.
        let wrong = self.policy.on_free && !is_all(0, self.bytes(block));
        self.faults += usize::from(wrong);
    }

    fn finish(&mut self) {
        while !self.held.is_empty() {
            self.free(0);
        }
    }

    /// Uses every order with all flags, then random ones. Returns the number of errors.
    fn use_it(&mut self) -> usize {
        for order in 0..=10 {
            for flags in FLAGS {
                assert!(self.alloc(order, flags));
            }
            self.finish();
        }
        let mut random = Random::new(7);
        for _ in 0..400 {
            let order = random.below(11).min(random.below(11)) as u32;
            if !self.alloc(order, FLAGS[random.below(FLAGS.len())]) || random.below(2) == 0 {
                self.free(random.below(self.held.len()));
            }
        }
        self.finish();
        self.faults
    }

    fn left(&self) -> usize {
        // SAFETY: nothing writes to the arena now.
        Ink::Blue.found_in(unsafe { self.arena.bytes() })
    }
}

#[test]
fn every_block_follows_the_truth_table() {
    let arena = Arena::garbage(NPAGES);
    for policy in POLICIES {
        // SAFETY: the map is dropped before the arena, and used by one allocator at a time.
        let mut pages = Pages::new(&arena, unsafe { arena.map() }, policy);
        assert_eq!(pages.use_it(), 0, "{policy:?}");
        assert_eq!(pages.left() == 0, policy.on_free, "{policy:?}");
        assert!(pages.alloc(10, AllocFlags::ZERO), "free blocks are merged");
    }
}

#[test]
fn a_map_that_poisons_is_found() {
    let arena = Arena::garbage(NPAGES);
    for policy in [InitPolicy::ON_ALLOC, InitPolicy::ON_FREE, InitPolicy::BOTH] {
        // SAFETY: as above.
        let map = WrongMap::Poisons(unsafe { arena.map() });
        assert_ne!(Pages::new(&arena, map, policy).use_it(), 0, "{policy:?}");
    }
}

#[test]
fn a_missing_hook_is_found() {
    let arena = Arena::garbage(NPAGES);
    for policy in [InitPolicy::ON_ALLOC, InitPolicy::ON_FREE, InitPolicy::BOTH] {
        // SAFETY: as above.
        let mut pages = Pages::new(&arena, unsafe { arena.map() }, InitPolicy::OFF);
        pages.policy = policy;
        assert_ne!(pages.use_it(), 0, "{policy:?}");
        assert_ne!(pages.left(), 0, "{policy:?}");
    }
}

/// A block that cannot be cleared is not allocated; one that cannot be cleared on free is leaked.
#[test]
fn memory_that_cannot_be_mapped_is_never_exposed() {
    let order = Order::new(10).unwrap();
    let arena = Arena::garbage(2 * order.npages());
    let hooks = PageHooks::new(WrongMap::Fails).with_policy(InitPolicy::ON_FREE);
    // SAFETY: only this allocator uses the arena.
    let mut buddy = unsafe { Buddy::new(arena.frames(), hooks) };
    for _ in 0..3 {
        assert_eq!(buddy.alloc(order, AllocFlags::ZERO).unwrap_err().source, "requested failure");
    }
    let blocks = [0, 1].map(|_| buddy.alloc(order, AllocFlags::NONE).unwrap().unwrap().0);
    // SAFETY: the block is not used any more.
    unsafe { buddy.free(blocks[0], AllocFlags::NONE) }.unwrap_err();
    assert_eq!(buddy.alloc(Order::ZERO, AllocFlags::NONE).unwrap(), None);
}
