//! Shared by the tests: a user of an allocator over an arena, and negative controls, which clear
//! wrongly or not at all.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr::NonNull;

use clearpage::highmem::{FrameRange, Highmem, LinearMap, Mapping};
use clearpage::hooks::{Counts, InitPolicy};
use clearpage::{Intent, Page, raw};
use clearpage_allocators::Arena;
use clearpage_testkit::random::Random;
use clearpage_testkit::user::{Fault, Ink, Step, User};

/// What a user of an allocator found and expects, and the memory afterwards.
pub struct Outcome {
    pub faults: Vec<Fault>,
    /// The statistics of a `ClearingAlloc` that is correct.
    pub expected: Counts,
    pub image: Vec<u8>,
}

impl Outcome {
    /// Returns whether a block was not zero that should have been.
    pub fn has_not_zero(&self) -> bool {
        self.faults.iter().any(|fault| matches!(fault, Fault::NotZero(..)))
    }
}

/// Returns a user of an allocator over an arena.
pub fn user<A: GlobalAlloc>(alloc: &A, policy: InitPolicy, ink: Ink, seed: u32) -> User<'_, A> {
    // SAFETY: arenas are initialised.
    unsafe { User::new(alloc, policy, ink, seed) }
}

/// Uses an allocator over `arena`: random steps, then `last`, then frees all blocks.
pub fn use_it<A: GlobalAlloc>(
    arena: &Arena,
    alloc: &A,
    policy: InitPolicy,
    ink: Ink,
    last: &[Step],
) -> Outcome {
    let (mut user, mut random) = (user(alloc, policy, ink, 0), Random::new(1));
    for _ in 0..3000 {
        user.step(random.step(user.blocks.len(), 60));
    }
    user.finish();
    for &step in last {
        assert!(user.step(step), "{step:?}");
    }
    user.finish();
    // SAFETY: nothing writes to the arena now.
    let image = unsafe { arena.bytes() }.to_vec();
    Outcome { faults: user.faults, expected: user.expected, image }
}

std::thread_local! {
    static BYTES: Cell<[u64; 3]> = const { Cell::new([0; 3]) };
}

/// Zeroes bytes, and counts them by intent.
///
/// # Safety
/// As [`raw::zero_bytes`].
pub unsafe fn zero_by_intent(ptr: *mut u8, len: usize, intent: Intent) {
    let mut bytes = BYTES.get();
    bytes[intent as usize] += len as u64;
    BYTES.set(bytes);
    // SAFETY: the caller's promise.
    unsafe { raw::zero_bytes(ptr, len, intent) };
}

/// Returns the bytes that this thread zeroed for each of [`Intent::ALL`] since the last call.
pub fn by_intent() -> [u64; 3] {
    BYTES.take()
}

/// Written instead of 0.
const POISON: u8 = 0xdd;

/// Poisons instead of zeroing.
///
/// # Safety
/// As [`raw::zero_bytes`].
pub unsafe fn poison(ptr: *mut u8, len: usize, _: Intent) {
    // SAFETY: the caller's promise.
    unsafe { ptr.write_bytes(POISON, len) };
}

/// `init_on_alloc` and `init_on_free` that poison.
pub struct Poisoning<A>(pub A);

// SAFETY: the blocks are the inner allocator's.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Poisoning<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise; a block is valid for its size.
        unsafe {
            let ptr = self.0.alloc(layout);
            if !ptr.is_null() {
                poison(ptr, layout.size(), Intent::Hot);
            }
            ptr
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise; a block is valid for its size.
        unsafe {
            poison(ptr, layout.size(), Intent::Cold);
            self.0.dealloc(ptr, layout);
        }
    }
}

/// A map of frames that cannot be cleared.
#[derive(Clone, Copy, Debug)]
pub enum WrongMap {
    /// Poisons the frames when they are unmapped.
    Poisons(LinearMap),
    /// Maps no frame.
    Fails,
}

/// Frames that are poisoned on drop.
pub struct Poisoned(NonNull<[Page]>);

// SAFETY: the pages are those of a linear map.
unsafe impl Mapping for Poisoned {
    fn pages(&self) -> NonNull<[Page]> {
        self.0
    }
}

impl Drop for Poisoned {
    fn drop(&mut self) {
        // SAFETY: the pages are those of a linear map, and belong to the caller who mapped them.
        unsafe { self.0.cast::<Page>().write_bytes(POISON, self.0.len()) };
    }
}

// SAFETY: the frames are those of a linear map, and one mapping includes all that are requested.
unsafe impl Highmem for WrongMap {
    type Error = &'static str;
    type Mapping<'a> = Poisoned;

    fn page_address(&self, _: FrameRange) -> Option<NonNull<[Page]>> {
        None
    }

    fn kmap_local(&self, frames: FrameRange) -> Result<Poisoned, &'static str> {
        let Self::Poisons(map) = self else { return Err("requested failure") };
        map.page_address(frames).map(Poisoned).ok_or("not in the map")
    }
}
