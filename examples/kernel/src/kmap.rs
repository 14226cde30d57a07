//! Windows: temporary mappings of frames that have no address; and [`Kmap`], all memory of a kernel
//! for the library. Copy this file; it needs what it imports from `needs.rs`, and nothing else.
//!
//! - Each CPU has addresses of its own, and each depth on it: an interrupt opens a window at the next
//!   depth, and has closed it when it returns.
//! - All CPUs use the same page tables, at least for these addresses, and [`prepare`] has created them.
//!   An open or a close changes only last entries, so no lock is necessary.
//! - No other CPU accesses these addresses. It may cache a translation by speculation, but never uses it,
//!   so an invalidation on this CPU suffices. (AArch64 requires one on all CPUs, by one instruction.)
//! - From the call of `kmap_local` to the drop of the window, the code that uses it is neither preempted
//!   nor moved to another CPU: disable preemption before a call of the library. A window is not `Send`.
//! - A panic ends the kernel. Otherwise a window that was moved would stay open.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed, Ordering::SeqCst, compiler_fence};

use clearpage::highmem::{FrameRange, Highmem, Mapping};
use clearpage::{PAGE_SIZE, Page};

use crate::needs::{CPUS, Leaf, added, cpu, create_tables, invalidate, map, remove, windows};

const _: () = assert!(PAGE_SIZE == Leaf::Page.size(), "an entry maps a page of the library");

/// Windows that can be open on one CPU.
const DEPTHS: usize = 4;

/// Windows open on each CPU.
static DEPTH: [AtomicUsize; CPUS] = [const { AtomicUsize::new(0) }; CPUS];

/// Pages of a window of one block.
const BLOCK: u64 = (Leaf::Block.size() / PAGE_SIZE) as u64;

/// Returns the address of a window. Every second block is one, so it lies between unmapped addresses.
fn address(cpu: usize, depth: usize, leaf: Leaf) -> usize {
    let kind = if leaf == Leaf::Page { 1 } else { 3 };
    windows(cpu) + (4 * depth + kind) * Leaf::Block.size()
}

/// Creates the page tables of all windows, at boot.
pub fn prepare() {
    for (cpu, depth) in (0..CPUS).flat_map(|cpu| (0..DEPTHS).map(move |depth| (cpu, depth))) {
        create_tables(address(cpu, depth, Leaf::Page), Leaf::Page);
        create_tables(address(cpu, depth, Leaf::Block), Leaf::Block);
    }
}

/// All memory of the kernel: a direct map, such as a `LinearMap`, and windows for all other frames.
#[derive(Clone, Copy)]
pub struct Kmap<D>(pub D);

// SAFETY: the direct map gives the address of its frames alone. A window maps the first frames
// requested, at addresses that no other open window has.
unsafe impl<D: Highmem> Highmem for Kmap<D> {
    type Error = OutOfWindows;
    type Mapping<'a>
        = Window
    where
        D: 'a;

    fn page_address(&self, frames: FrameRange) -> Option<NonNull<[Page]>> {
        self.0.page_address(frames)
    }

    /// Maps up to 2 MiB, by one entry if they are an aligned block.
    fn kmap_local(&self, frames: FrameRange) -> Result<Window, OutOfWindows> {
        let (first, npages) = (frames.start().get(), frames.npages().min(BLOCK));
        let leaf = if first % BLOCK == 0 && npages == BLOCK { Leaf::Block } else { Leaf::Page };
        let cpu = cpu();
        let depth = DEPTH[cpu].load(Relaxed);
        if depth == DEPTHS {
            return Err(OutOfWindows);
        }
        // Before the entries: an interrupt that comes before the store has closed this window again
        // when it returns, one that comes after it uses the next.
        DEPTH[cpu].store(depth + 1, Relaxed);
        compiler_fence(SeqCst);
        let window = Window { cpu, depth, leaf, npages: npages as usize, here: PhantomData };
        let physical = (frames.start().address()..).step_by(leaf.size());
        for (address, physical) in window.entries().zip(physical) {
            // SAFETY: no open window has the address. The entry itself accesses no frame: only unsafe
            // code can, through `pages`, and it has promised that it may.
            unsafe { map(address, physical, leaf) };
        }
        added(window.entries());
        // Accesses to the window stay after its entries.
        compiler_fence(SeqCst);
        Ok(window)
    }
}

/// An open window.
pub struct Window {
    cpu: usize,
    depth: usize,
    leaf: Leaf,
    npages: usize,
    /// Not `Send`.
    here: PhantomData<*mut ()>,
}

impl Window {
    /// Returns the address of each entry.
    fn entries(&self) -> impl Iterator<Item = usize> + use<> {
        let start = address(self.cpu, self.depth, self.leaf);
        (0..self.npages * PAGE_SIZE).step_by(self.leaf.size()).map(move |offset| start + offset)
    }
}

// SAFETY: `kmap_local` mapped all pages, and a window is at least one page.
unsafe impl Mapping for Window {
    fn pages(&self) -> NonNull<[Page]> {
        let start = address(self.cpu, self.depth, self.leaf);
        let first = core::ptr::with_exposed_provenance_mut::<Page>(start);
        NonNull::slice_from_raw_parts(NonNull::new(first).unwrap(), self.npages)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        assert_eq!(self.cpu, cpu(), "a window moved to another CPU");
        compiler_fence(SeqCst);
        for address in self.entries() {
            // SAFETY: the window closes, so its user has finished.
            unsafe { remove(address, self.leaf) };
        }
        invalidate(self.entries());
        // After the entries, for the same reason.
        compiler_fence(SeqCst);
        let depth = DEPTH[self.cpu].swap(self.depth, Relaxed);
        assert_eq!(depth, self.depth + 1, "windows close out of order");
    }
}

/// An error: all windows of this CPU are open.
#[derive(Debug)]
pub struct OutOfWindows;

impl fmt::Display for OutOfWindows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all {DEPTHS} windows of this CPU are open")
    }
}

impl core::error::Error for OutOfWindows {}
