//! Windows: temporary mappings of frames that have no address.
//!
//! Windows nest. Each depth has its own address for each kind of window, between unmapped addresses. An interrupt uses the next depth, and has closed its windows when it returns.

use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use clearpage::highmem::{FrameRange, Highmem, LinearMap, Mapping};
use clearpage::{Order, PAGE_SIZE, Page};

use crate::memory::{DIRECT, WINDOWS, direct_frames};
use crate::paging::{self, BLOCK_SIZE, Leaf};
use crate::{arch, check, mutant};

/// How many frames one window maps.
#[derive(Clone, Copy, Debug)]
pub enum Reach {
    /// One page.
    Page,
    /// A table of up to 512 pages.
    Table,
    /// One entry of 2 MiB if the frames are an aligned block, otherwise as `Table`.
    Block,
}

impl Reach {
    pub const ALL: [Self; 3] = [Self::Page, Self::Table, Self::Block];

    /// Returns the address of the window at `depth`.
    const fn address(self, depth: usize) -> usize {
        match self {
            Self::Page => WINDOWS + (1 + 2 * depth) * PAGE_SIZE,
            Self::Table => WINDOWS + (2 + 2 * depth) * BLOCK_SIZE,
            Self::Block => WINDOWS + (2 + 2 * (DEPTHS + depth)) * BLOCK_SIZE,
        }
    }

    const fn leaf(self) -> Leaf {
        match self {
            Self::Page | Self::Table => Leaf::Page,
            Self::Block => Leaf::Block,
        }
    }
}

const DEPTHS: usize = 4;

/// Windows open now, and windows opened.
static DEPTH: AtomicUsize = AtomicUsize::new(0);
pub static OPENED: AtomicU64 = AtomicU64::new(0);

/// All memory of the kernel: the direct map, and windows.
#[derive(Clone, Copy)]
pub struct Kmap {
    direct: LinearMap,
    reach: Reach,
}

impl Kmap {
    pub fn new(reach: Reach) -> Self {
        // SAFETY: `memory::map_all` maps these frames there, in order, forever.
        let direct = unsafe { LinearMap::with_offset(direct_frames(), DIRECT) };
        Self { direct, reach }
    }
}

/// An open window.
pub struct Window {
    depth: usize,
    reach: Reach,
    npages: usize,
}

impl Window {
    fn address(&self) -> usize {
        self.reach.address(self.depth)
    }

    /// Returns the address of each entry of the window.
    fn entries(&self) -> impl Iterator<Item = usize> + use<> {
        let end = self.address() + self.npages * PAGE_SIZE;
        (self.address()..end).step_by(self.reach.leaf().size())
    }
}

// SAFETY: `kmap_local` mapped all pages, and a window is at least one page.
unsafe impl Mapping for Window {
    fn pages(&self) -> NonNull<[Page]> {
        let first = core::ptr::with_exposed_provenance_mut::<Page>(self.address());
        NonNull::slice_from_raw_parts(NonNull::new(first).unwrap(), self.npages)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if mutant::OVERRUN_WINDOW {
            let after = self.address() + self.npages * PAGE_SIZE;
            // SAFETY: none. It must fault.
            unsafe { core::ptr::with_exposed_provenance_mut::<u64>(after).write_volatile(0) };
        }
        for address in self.entries() {
            if !mutant::LEFT_ENTRY {
                // SAFETY: the window closes, so its user has finished.
                unsafe { paging::remove(address, self.reach.leaf()) };
            }
            if !mutant::STALE_TLB {
                arch::entry_removed(address);
            }
        }
        // The check is not part of what is counted.
        if !cfg!(feature = "count") {
            check::unmapped(self.address(), self.npages);
        }
        assert_eq!(DEPTH.swap(self.depth, Relaxed), self.depth + 1, "windows close out of order");
    }
}

// SAFETY: the direct map has its frames in order. A window maps the first frames requested, at
// addresses that no other open window has.
unsafe impl Highmem for Kmap {
    type Error = OutOfWindows;
    type Mapping<'a> = Window;

    fn page_address(&self, frames: FrameRange) -> Option<NonNull<[Page]>> {
        self.direct.page_address(frames)
    }

    fn kmap_local(&self, frames: FrameRange) -> Result<Window, OutOfWindows> {
        let block = const { Order::new(9).unwrap() };
        let (reach, npages) = match self.reach {
            Reach::Page => (Reach::Page, 1),
            Reach::Block if frames.start().is_aligned(block) && frames.npages() >= 512 => {
                (Reach::Block, 512)
            }
            Reach::Block | Reach::Table => (Reach::Table, frames.npages().min(512) as usize),
        };
        let depth = DEPTH.load(Relaxed);
        if depth == DEPTHS {
            return Err(OutOfWindows);
        }
        // An interrupt before this line uses the same window, but has closed it when it returns.
        DEPTH.store(depth + 1, Relaxed);
        OPENED.fetch_add(1, Relaxed);
        let window = Window { depth, reach, npages };
        let skipped = if mutant::SHORT_WINDOW { 1 } else { 0 };
        let shift = if mutant::WRONG_FRAME { reach.leaf().size() as u64 } else { 0 };
        let physical = (frames.start().address() + shift..).step_by(reach.leaf().size());
        for (address, physical) in window.entries().zip(physical).skip(skipped) {
            // SAFETY: no open window has the address, and the caller may write to the frames.
            unsafe { paging::map(address, physical, reach.leaf(), false) };
        }
        Ok(window)
    }
}

/// Creates the page tables of all windows, so that a window only writes entries.
pub fn prepare() {
    for (reach, depth) in Reach::ALL.iter().flat_map(|reach| (0..DEPTHS).map(move |d| (reach, d))) {
        paging::entry(reach.address(depth), reach.leaf());
    }
}

/// Checks that no window is open, and that none has left an entry.
pub fn assert_closed() {
    assert_eq!(DEPTH.load(Relaxed), 0, "a window is open");
    for (reach, depth) in Reach::ALL.iter().flat_map(|reach| (0..DEPTHS).map(move |d| (reach, d))) {
        let first = reach.address(depth);
        let pages = if let Reach::Table = reach { 512 } else { 1 };
        for page in 0..pages {
            // SAFETY: `prepare` created the table.
            let entry =
                unsafe { paging::entry(first + page * PAGE_SIZE, reach.leaf()).read_volatile() };
            assert_eq!(entry, 0, "a window left an entry");
        }
    }
}

/// An error: all windows are open.
#[derive(Debug)]
pub struct OutOfWindows;

impl fmt::Display for OutOfWindows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all {DEPTHS} windows are open")
    }
}

impl core::error::Error for OutOfWindows {}
