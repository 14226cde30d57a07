//! Negative controls: each allocator here has one mistake, and the checks must find it.

use std::alloc::{GlobalAlloc, Layout};

use clearpage::hooks::InitPolicy;
use clearpage_testkit::recording::Recording;
use clearpage_testkit::user::Step;

use crate::{layout, serve, user};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    None,
    ClearsNothing,
    Poisons,
    SkipsGrowth,
    SkipsLastByte,
    UsesInnerRealloc,
    ClearsBeforeFailure,
    CopiesLess,
    LeaksBlock,
    ClearsTooMuch,
}

/// A simple `init_on_alloc` and `init_on_free`, with a mistake.
struct Wrong(Recording, Mistake);

impl Wrong {
    fn makes(&self, mistake: Mistake) -> bool {
        self.1 == mistake
    }

    /// # Safety
    /// `ptr` is null, or valid for writes of `len` bytes and one more, as in blocks of `Recording`.
    unsafe fn clear(&self, ptr: *mut u8, len: usize) {
        if !ptr.is_null() && !self.makes(Mistake::ClearsNothing) {
            let byte = if self.makes(Mistake::Poisons) { 0xdd } else { 0 };
            let len = len.saturating_sub(self.makes(Mistake::SkipsLastByte).into());
            let len = len + usize::from(self.makes(Mistake::ClearsTooMuch));
            // SAFETY: the caller's promise.
            unsafe { ptr.write_bytes(byte, len) };
        }
    }
}

// SAFETY: the blocks are the inner allocator's. The mistakes affect contents, redzones and leaks.
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
            if self.makes(Mistake::UsesInnerRealloc) || self.makes(Mistake::ClearsBeforeFailure) {
                if self.makes(Mistake::ClearsBeforeFailure) && new_size < old {
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
                let lost = usize::from(self.makes(Mistake::CopiesLess));
                new.copy_from_nonoverlapping(ptr, old.min(new_size) - lost);
                if new_size > old && !self.makes(Mistake::SkipsGrowth) {
                    self.clear(new.add(old), new_size - old);
                }
                self.dealloc(ptr, layout);
            }
            new
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe {
            self.clear(ptr, layout.size());
            if !self.makes(Mistake::LeaksBlock) {
                self.0.dealloc(ptr, layout);
            }
        }
    }
}

#[test]
fn every_mistake_is_found() {
    let steps = [Step::Alloc(layout(100, 8)), Step::Realloc(0, 300), Step::Realloc(0, 40)];
    let found = |mistake| -> usize {
        let policy = InitPolicy::BOTH;
        let all = (0..=3).map(|point| Wrong(Recording::failing_at(point), mistake));
        all.map(|wrong| serve(&mut user(&wrong, policy, 0), &wrong.0, &steps).len()).sum()
    };
    assert_eq!(found(Mistake::None), 0);
    for mistake in [
        Mistake::ClearsNothing,
        Mistake::Poisons,
        Mistake::SkipsGrowth,
        Mistake::SkipsLastByte,
        Mistake::UsesInnerRealloc,
        Mistake::ClearsBeforeFailure,
        Mistake::CopiesLess,
        Mistake::LeaksBlock,
        Mistake::ClearsTooMuch,
    ] {
        assert_ne!(found(mistake), 0, "{mistake:?}");
    }
}
