//! The hooks for allocators of blocks, under every policy and with all flags.

use clearpage::PAGE_SIZE;
use clearpage::hooks::{AllocFlags, DataState, SkipReason, free_prepare, post_alloc, set_policy};
use clearpage_testkit::Garbage;
use clearpage_testkit::flags::{POLICIES, every_flags};

const LENGTHS: [usize; 6] = [0, 1, 63, 1000, PAGE_SIZE, 5 * PAGE_SIZE + 7];

/// Applies a hook to blocks of many lengths; `cleared` is the expected result.
fn check(cleared: bool, what: &str, hook: impl Fn(*mut u8, usize) -> DataState) {
    for len in LENGTHS {
        let mut memory = Garbage::new(len + 100);
        let block = memory.bytes(33, len);
        assert_eq!(hook(block.as_mut_ptr(), len) == DataState::Cleared, cleared, "{what}");
        memory.check(33, if cleared { len } else { 0 }, &what);
    }
}

#[test]
fn a_block_is_cleared_as_the_policy_and_its_flags_require() {
    for (policy, flags) in POLICIES.into_iter().flat_map(|p| every_flags().map(move |f| (p, f))) {
        set_policy(policy);
        let what = format!("{policy:?}, {flags:?}");
        // SAFETY: the block is borrowed for writes of `len` bytes.
        check(policy.wants_init_on_alloc(flags), &what, |block, len| unsafe {
            post_alloc(block, len, flags)
        });
        let on_free = policy.on_free && !flags.contains(AllocFlags::KNOWN_ZERO);
        // SAFETY: as above.
        check(on_free, &what, |block, len| unsafe { free_prepare(block, len, flags) });
        // SAFETY: there are no bytes.
        let known = unsafe { post_alloc(std::ptr::null_mut(), 0, AllocFlags::KNOWN_ZERO) };
        assert_eq!(known, DataState::Left(SkipReason::KnownZero));
    }
}
