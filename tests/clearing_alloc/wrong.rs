//! Negative controls: allocators with one mistake each, all of which the same checks must find.

use std::alloc::{GlobalAlloc, Layout};

use clearpage::hooks::InitPolicy;

use crate::recording::Recording;
use crate::user::{Step, User};
use crate::{layout, serve};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    None,
    ClearsNothing,
    PoisonsInstead,
    ForgetsWhatGrew,
    ForgetsTheLastByte,
    LetsTheInnerMove,
    WipesBeforeItCanFail,
    LosesTheTail,
    KeepsABlock,
}

/// `init_on_alloc` and `init_on_free` as simply as can be, but for its mistake.
struct Wrong(Recording, Mistake);

impl Wrong {
    fn makes(&self, mistake: Mistake) -> bool {
        self.1 == mistake
    }

    /// # Safety
    /// `ptr` is null, or valid for writes of `len` bytes.
    unsafe fn clear(&self, ptr: *mut u8, len: usize) {
        if !ptr.is_null() && !self.makes(Mistake::ClearsNothing) {
            let byte = if self.makes(Mistake::PoisonsInstead) { 0xdd } else { 0 };
            let len = len.saturating_sub(self.makes(Mistake::ForgetsTheLastByte).into());
            // SAFETY: the caller's promise.
            unsafe { ptr.write_bytes(byte, len) };
        }
    }
}

// SAFETY: the inner allocator's blocks; mistakes are about contents and losing blocks.
unsafe impl GlobalAlloc for Wrong {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe {
            let ptr = self.0.alloc(layout);
            self.clear(ptr, layout.size());
            ptr
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let old = layout.size();
        // SAFETY: the caller's promise.
        unsafe {
            if self.makes(Mistake::LetsTheInnerMove) || self.makes(Mistake::WipesBeforeItCanFail) {
                if self.makes(Mistake::WipesBeforeItCanFail) && new_size < old {
                    self.clear(ptr.add(new_size), old - new_size);
                }
                let new = self.0.realloc(ptr, layout, new_size);
                if !new.is_null() && new_size > old {
                    self.clear(new.add(old), new_size - old);
                }
                return new;
            }
            let new = self.0.alloc(Layout::from_size_align(new_size, layout.align()).unwrap());
            if !new.is_null() {
                let lost = usize::from(self.makes(Mistake::LosesTheTail));
                new.copy_from_nonoverlapping(ptr, old.min(new_size) - lost);
                if new_size > old && !self.makes(Mistake::ForgetsWhatGrew) {
                    self.clear(new.add(old), new_size - old);
                }
            }
            if !new.is_null() {
                self.dealloc(ptr, layout);
            }
            new
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe {
            self.clear(ptr, layout.size());
            if !self.makes(Mistake::KeepsABlock) {
                self.0.dealloc(ptr, layout);
            }
        }
    }
}

#[test]
fn every_mistake_is_found() {
    let steps = [
        Step::Alloc { layout: layout(100, 8) },
        Step::Realloc { which: 0, size: 300 },
        Step::Realloc { which: 0, size: 40 },
    ];
    let found = |mistake| -> usize {
        let policy = InitPolicy::BOTH;
        let all = (0..=3).map(|point| Wrong(Recording::failing_at(point), mistake));
        all.map(|wrong| serve(User::new(&wrong, policy, 0), &wrong.0, &steps).0.len()).sum()
    };
    assert_eq!(found(Mistake::None), 0);
    for mistake in [
        Mistake::ClearsNothing,
        Mistake::PoisonsInstead,
        Mistake::ForgetsWhatGrew,
        Mistake::ForgetsTheLastByte,
        Mistake::LetsTheInnerMove,
        Mistake::WipesBeforeItCanFail,
        Mistake::LosesTheTail,
        Mistake::KeepsABlock,
    ] {
        assert_ne!(found(mistake), 0, "{mistake:?}");
    }
}
