//! Fills frames with a pattern and checks them afterwards, through mappings of its own.

use core::fmt::Arguments;
use core::iter::once;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use clearpage::PAGE_SIZE;
use clearpage::highmem::{Frame, FrameRange};

use crate::memory::{CHECKS, range};
use crate::paging::{self, Leaf, Memory};
use crate::{arch, trap};

/// The words of a page.
type Words = [u64; PAGE_SIZE / 8];

/// Code that checks. Each has a mapping, because the interrupt comes while the kernel checks, and the
/// second CPU runs at the same time.
#[derive(Clone, Copy)]
pub enum Checker {
    Kernel,
    Interrupt,
    Second,
}

/// Closes a mapping of [`Checker::each`].
///
/// # Safety
/// No reference to it is left.
unsafe fn close(address: usize) {
    // SAFETY: the caller's promise.
    unsafe { paging::remove(address, Leaf::Block) };
    arch::invalidate(once(address));
}

/// The content of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    Zero,
    /// Its complemented number, which is never zero.
    Pattern,
}

impl Content {
    fn word(self, frame: Frame) -> u64 {
        match self {
            Self::Zero => 0,
            Self::Pattern => !frame.get(),
        }
    }
}

impl Checker {
    /// Calls `with` for each frame, mapped through one entry of 2 MiB. No other code maps a frame
    /// that has no address at the same time.
    fn each(self, frames: FrameRange, mut with: impl FnMut(Frame, &mut Words)) {
        let address = CHECKS + 2 * self as usize * Leaf::Block.size();
        let mut mapped = None;
        for frame in frames.iter() {
            let block = frame.address() & !(Leaf::Block.size() as u64 - 1);
            if mapped != Some(block) {
                // SAFETY: only this function uses the address, and no reference is left.
                unsafe {
                    close(address);
                    paging::map(address, block, Leaf::Block, Memory::Data);
                }
                mapped = Some(block);
            }
            let page = address + (frame.address() - block) as usize;
            // SAFETY: the page is mapped, and nothing else uses the frame during this call.
            with(frame, unsafe { &mut *core::ptr::with_exposed_provenance_mut(page) });
        }
        // SAFETY: as above.
        unsafe { close(address) };
    }

    pub fn fill(self, frames: FrameRange) {
        self.each(frames, |frame, words| words.fill(Content::Pattern.word(frame)));
    }

    /// Checks every byte of the frames.
    pub fn expect(self, frames: FrameRange, content: Content, what: Arguments<'_>) {
        self.each(frames, |frame, words| {
            if let Some(at) = words.iter().position(|&word| word != content.word(frame)) {
                let fault = match content {
                    Content::Zero => "not zero",
                    Content::Pattern => "changed",
                };
                panic!("{frame} is {fault} at byte {}: {what}", 8 * at)
            }
        });
    }

    /// Runs `clear` on frames full of the pattern. Checks what it left in them, and that one page on
    /// either side is unchanged.
    pub fn observe(self, frames: FrameRange, what: Arguments<'_>, clear: impl FnOnce() -> Content) {
        let wide = range(frames.start().get() - 1, frames.npages() + 2);
        self.fill(wide);
        let content = clear();
        if cfg!(feature = "mutant-overrun-direct") && matches!(self, Self::Kernel) {
            self.each(range(frames.end(), 1), |_, words| words[0] = 0);
        }
        self.expect(frames, content, what);
        self.expect(wide.split_at(1).0, Content::Pattern, format_args!("before {what}"));
        self.expect(range(frames.end(), 1), Content::Pattern, format_args!("after {what}"));
    }
}

/// Set while the kernel, not the interrupt, runs the library.
pub static CLEARING: AtomicBool = AtomicBool::new(false);
pub static BLOCKS: AtomicUsize = AtomicUsize::new(0);

/// [`Checker::observe`] for the kernel.
pub fn observe(frames: FrameRange, what: Arguments<'_>, clear: impl FnOnce() -> Content) {
    Checker::Kernel.observe(frames, what, || {
        CLEARING.store(true, Relaxed);
        let content = clear();
        CLEARING.store(false, Relaxed);
        content
    });
    BLOCKS.fetch_add(1, Relaxed);
}

/// Checks that a read of each page faults. An entry, or a translation that the TLB still has, would let
/// it pass.
pub fn unmapped(address: usize, npages: usize) {
    for address in (address..).step_by(PAGE_SIZE).take(npages) {
        let fault = trap::attempt(|| arch::attempt_read(address));
        assert!(fault.is_some(), "a window is still mapped after its close: {address:#x}");
    }
}
