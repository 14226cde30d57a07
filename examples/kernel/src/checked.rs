//! The windows of `kmap.rs`, each checked after its close.

use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use clearpage::highmem::{FrameRange, Highmem, LinearMap, Mapping};
use clearpage::{PAGE_SIZE, Page};

use crate::kmap::{Kmap, OutOfWindows, Window};
use crate::{arch, check, memory, needs};

/// How many frames a window maps.
#[derive(Clone, Copy, Debug)]
pub enum Reach {
    Page,
    /// Less than a block, so each page has an entry.
    Table,
    /// One entry of 2 MiB if the frames are an aligned block.
    Block,
}

impl Reach {
    pub const ALL: [Self; 3] = [Self::Page, Self::Table, Self::Block];
}

/// The checks are not part of what is counted.
const CHECKED: bool = !cfg!(feature = "count");
/// Windows opened.
pub static OPENED: AtomicU64 = AtomicU64::new(0);

/// [`Kmap`], with windows of a given reach.
#[derive(Clone, Copy)]
pub struct Checked(Kmap<LinearMap>, Reach);

impl Checked {
    pub fn new(reach: Reach) -> Self {
        Self(Kmap(memory::direct_map()), reach)
    }
}

// SAFETY: as `Kmap`, for a prefix of the frames.
unsafe impl Highmem for Checked {
    type Error = OutOfWindows;
    type Mapping<'a> = CheckedWindow;

    fn page_address(&self, frames: FrameRange) -> Option<NonNull<[Page]>> {
        self.0.page_address(frames)
    }

    fn kmap_local(&self, frames: FrameRange) -> Result<CheckedWindow, OutOfWindows> {
        let most = match self.1 {
            Reach::Page => 1,
            Reach::Table => 511,
            Reach::Block => 512,
        };
        let window = self.0.kmap_local(frames.split_at(most).0)?;
        if CHECKED {
            let (cpu, address) = (arch::cpu(), window.pages().addr().get());
            let own = memory::windows(cpu)..memory::windows(cpu + 1);
            assert!(own.contains(&address), "a window of CPU {cpu} is at an address of another");
            OPENED.fetch_add(1, Relaxed);
        }
        Ok(CheckedWindow(ManuallyDrop::new(window)))
    }
}

pub struct CheckedWindow(ManuallyDrop<Window>);

// SAFETY: as `Window`.
unsafe impl Mapping for CheckedWindow {
    fn pages(&self) -> NonNull<[Page]> {
        self.0.pages()
    }
}

impl Drop for CheckedWindow {
    fn drop(&mut self) {
        let (start, npages) = (self.pages().addr().get(), self.pages().len());
        if needs::faulty(cfg!(feature = "mutant-overrun-window")) {
            let after = core::ptr::with_exposed_provenance_mut::<u64>(start + npages * PAGE_SIZE);
            // SAFETY: none. It must fault.
            unsafe { after.write_volatile(0) };
        }
        // SAFETY: nothing uses the window after this.
        unsafe { ManuallyDrop::drop(&mut self.0) };
        if CHECKED {
            check::unmapped(start, npages);
        }
    }
}
