//! Slots numbered by the slab crate. The metadata is outside, so a cleared slot stays zero.

mod common;

use clearpage::highmem::Highmem;
use clearpage::hooks::{AllocFlags, DataState, InitPolicy, PageHooks, SkipReason};
use clearpage::{Order, PAGE_SIZE};
use clearpage_allocators::slab::Slots;
use clearpage_allocators::{Arena, GARBAGE};
use clearpage_testkit::flags::{POLICIES, at_alloc, at_free};
use clearpage_testkit::is_all;
use clearpage_testkit::random::Random;
use clearpage_testkit::user::Ink;
use common::WrongMap;

const NSLOTS: usize = 40;
const ORDER: u32 = 1;

/// Uses the slots of an allocator that has the policy `actual`, and expects `policy`. Returns the
/// number of errors and of words that the user left.
fn use_it<M>(arena: &Arena, mem: M, actual: InitPolicy, policy: InitPolicy) -> (usize, usize)
where
    M: Highmem<Error: std::fmt::Debug>,
{
    let (order, mut faults) = (Order::new(ORDER).unwrap(), 0);
    // SAFETY: only this allocator uses the arena.
    let mut slots = unsafe {
        arena.fill(GARBAGE);
        Slots::new(NSLOTS, order, PageHooks::new(mem).with_policy(actual))
    };
    let bytes = |slots: &Slots<M>, slot| {
        let start = slots.frames(slot).start().get() as usize * PAGE_SIZE;
        // SAFETY: the slot is in the arena; each slice is used before the next one is created.
        unsafe {
            let start = arena.base().add(start).as_ptr();
            std::slice::from_raw_parts_mut(start, order.bytes())
        }
    };
    let (mut held, mut used, mut random) = (vec![], [false; NSLOTS], Random::new(3));
    for _ in 0..500 {
        let flags = [AllocFlags::NONE, AllocFlags::ZERO][random.below(2)];
        if held.len() < NSLOTS && random.below(5) < 3 {
            let (slot, done) = slots.alloc(flags).unwrap().expect("not all are used");
            let known = used[slot] && policy.on_free;
            let known = if known { AllocFlags::KNOWN_ZERO } else { AllocFlags::NONE };
            let expected = at_alloc(policy, flags | known);
            faults += usize::from(done.data != expected);
            let zero = expected != DataState::Left(SkipReason::NotAsked);
            faults += usize::from(zero && !is_all(0, bytes(&slots, slot)));
            Ink::Blue.write(slot as u32, bytes(&slots, slot));
            used[slot] = true;
            held.push(slot);
        } else if !held.is_empty() {
            let slot = held.swap_remove(random.below(held.len()));
            assert!(Ink::Blue.is_in(slot as u32, bytes(&slots, slot)), "slot {slot} changed");
            // SAFETY: the slot is allocated, and freed once.
            let done = unsafe { slots.free(slot) }.unwrap();
            faults += usize::from(done.data != at_free(policy, AllocFlags::NONE));
        }
    }
    held.drain(..).for_each(|slot| {
        // SAFETY: as above.
        let done = unsafe { slots.free(slot) }.unwrap();
        faults += usize::from(done.data != at_free(policy, AllocFlags::NONE));
    });
    // SAFETY: nothing writes to the arena now.
    (faults, Ink::Blue.found_in(unsafe { arena.bytes() }))
}

#[test]
fn a_slot_is_cleared_once_per_use() {
    let arena = Arena::garbage(NSLOTS << ORDER);
    for policy in POLICIES {
        // SAFETY: the map is dropped before the arena, and used by one allocator at a time.
        let (faults, left) = use_it(&arena, unsafe { arena.map() }, policy, policy);
        assert_eq!(faults, 0, "{policy:?}");
        assert_eq!(left == 0, policy.on_free, "{policy:?}");
    }
}

#[test]
fn mistakes_are_found() {
    let arena = Arena::garbage(NSLOTS << ORDER);
    for policy in [InitPolicy::ON_ALLOC, InitPolicy::ON_FREE, InitPolicy::BOTH] {
        // SAFETY: as above.
        let map = unsafe { arena.map() };
        let (faults, _) = use_it(&arena, WrongMap::Poisons(map), policy, policy);
        assert_ne!(faults, 0, "{policy:?}");
        let (faults, left) = use_it(&arena, map, InitPolicy::OFF, policy);
        assert!(faults != 0 && left != 0, "{policy:?}");
    }
}

#[test]
fn the_number_of_slots_is_limited() {
    let arena = Arena::garbage(4);
    // SAFETY: only this allocator uses the arena; the slots are not used.
    unsafe {
        let mut slots = Slots::new(4, Order::ZERO, PageHooks::new(arena.map()));
        let all: Vec<_> = std::iter::from_fn(|| slots.alloc(AllocFlags::NONE).unwrap()).collect();
        assert_eq!(all.len(), 4);
        let _ = slots.free(all[2].0).unwrap();
        assert_eq!(slots.alloc(AllocFlags::NONE).unwrap().unwrap().0, all[2].0);
    }
    let hooks = PageHooks::new(WrongMap::Fails).with_policy(InitPolicy::ON_ALLOC);
    // SAFETY: nothing is mapped.
    let mut slots = unsafe { Slots::new(4, Order::ZERO, hooks) };
    slots.alloc(AllocFlags::NONE).unwrap_err();
    assert_eq!(slots.alloc(AllocFlags::SKIP_ZERO).unwrap().unwrap().0, 0, "the slot is still free");
}
