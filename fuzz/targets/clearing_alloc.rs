//! Calls `ClearingAlloc` in any order, and checks every byte: requested zeroes, blocks freed under
//! `on_free`, contents kept by `realloc`, other blocks and redzones, even if the policy changes in
//! between and calls fail.
#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};

use arbitrary::Arbitrary;
use clearpage::PAGE_SIZE;
use clearpage::hooks::{ClearingAlloc, Counters, InitPolicy, set_policy};
use clearpage_allocators::{Arena, talc::heap};
use clearpage_testkit::recording::{POISON, Recording};
use clearpage_testkit::user::{Ink, Step, Thresholds, User};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    inner: Inner,
    /// `alloc_zeroed_threshold`.
    zeroes: Option<u16>,
    /// `unmap_threshold`.
    unmaps: Option<u16>,
    /// The threshold of `wipe_with`.
    wipes: Option<u16>,
    /// The allocator's own policy.
    policy: Option<Policy>,
    calls: Vec<Call>,
}

#[derive(Arbitrary, Debug)]
enum Inner {
    System,
    /// Its metadata lies between blocks and in free ones.
    Talc,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Policy {
    on_alloc: bool,
    on_free: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Call {
    Alloc {
        size: u16,
        align: u8,
        zeroed: bool,
    },
    Realloc {
        which: u8,
        size: u16,
    },
    Dealloc {
        which: u8,
    },
    Write {
        which: u8,
    },
    /// Sets the policy of the process.
    Policy(Policy),
    /// Lets the next call that can fail do so.
    Fail,
}

impl From<Policy> for InitPolicy {
    fn from(Policy { on_alloc, on_free }: Policy) -> Self {
        Self { on_alloc, on_free }
    }
}

/// Returns a size that is not 0; short ones are as likely as long ones.
fn size(raw: u16) -> usize {
    1 + usize::from(raw >> (raw % 13))
}

/// # Safety
/// `ptr` is valid for writes of `len` bytes.
unsafe fn wipe(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { ptr.write_bytes(0, len) }
}

fuzz_target!(|input: Input| match input.inner {
    Inner::System => run(System, &input),
    Inner::Talc => {
        let arena = Arena::garbage((1 << 20) / PAGE_SIZE);
        // SAFETY: only this heap uses the arena, which outlives it.
        run(unsafe { heap(arena.base(), arena.size()) }, &input);
    }
});

fn run<A: GlobalAlloc>(inner: A, input: &Input) {
    let thresholds = Thresholds {
        zeroes: input.zeroes.map(usize::from),
        unmaps: input.unmaps.map_or(usize::MAX, usize::from),
    };
    let mut alloc = ClearingAlloc::with_stats(Recording::new(inner), Counters::new())
        .unmap_threshold(thresholds.unmaps);
    if let Some(from) = thresholds.zeroes {
        alloc = alloc.alloc_zeroed_threshold(from);
    }
    if let Some(from) = input.wipes {
        // SAFETY: `wipe` zeroes the block and does nothing else.
        alloc = unsafe { alloc.wipe_with(from.into(), wipe) };
    }
    if let Some(policy) = input.policy {
        alloc = alloc.with_policy(policy.into());
    }
    set_policy(InitPolicy::OFF);
    let policy = input.policy.map_or(InitPolicy::OFF, InitPolicy::from);
    // SAFETY: `Recording` initialises all blocks.
    let mut user = unsafe { User::new(&alloc, policy, Ink::Blue, 0) };
    user.thresholds = thresholds;
    user.garbage = Some(POISON);
    for &call in input.calls.iter().take(256) {
        let step = match call {
            Call::Alloc { size: raw, align, zeroed } => {
                let layout = Layout::from_size_align(size(raw), 1 << (align % 14)).expect("small");
                if zeroed { Step::Zeroed(layout) } else { Step::Alloc(layout) }
            }
            Call::Realloc { which, size: raw } => Step::Realloc(which.into(), size(raw)),
            Call::Dealloc { which } => Step::Dealloc(which.into()),
            Call::Write { which } => Step::Write(which.into()),
            Call::Policy(policy) => {
                set_policy(policy.into());
                if input.policy.is_none() {
                    user.policy = policy.into();
                }
                continue;
            }
            Call::Fail => {
                alloc.inner().fail_at(alloc.inner().calls().fallible());
                continue;
            }
        };
        user.step(step);
        user.check();
        assert_eq!(alloc.inner().calls().unwiped, user.unwiped, "{step:?}");
    }
    user.finish();
    assert_eq!(user.faults, []);
    assert_eq!(alloc.stats().read(), user.expected);
    let calls = alloc.inner().calls();
    assert_eq!((calls.unwiped, calls.alloc_zeroed), (user.unwiped, user.by_inner));
    assert_eq!((calls.live, calls.unknown, calls.overrun), (0, 0, 0));
}
