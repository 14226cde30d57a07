//! What `kmap.rs` needs of a kernel. Here a fault can be injected into each, which the checks must
//! notice: each is a feature of this package, none is on by default. A kernel re-exports its own.

pub use crate::arch::{cpu, entries_added as added};
pub use crate::memory::CPUS;
pub use crate::paging::Leaf;
use crate::paging::{self, Memory};
use crate::{arch, memory};

/// Returns the address of 32 MiB for the windows of a CPU, aligned to 2 MiB.
pub fn windows(cpu: usize) -> usize {
    memory::windows(if cfg!(feature = "mutant-shared-windows") { 0 } else { cpu })
}

/// Creates the page tables for an entry, so that [`map`] only writes it.
pub fn create_tables(address: usize, leaf: Leaf) {
    paging::entry(address, leaf);
}

/// Writes the entry of writable memory that is not executable.
///
/// # Safety
/// Nothing uses `address`. Code that accesses the memory there may do so.
pub unsafe fn map(address: usize, physical: u64, leaf: Leaf) {
    let first = address % Leaf::Block.size() == 0;
    if faulty(cfg!(feature = "mutant-short-window")) && first {
        return;
    }
    let shift = if faulty(cfg!(feature = "mutant-wrong-frame")) { leaf.size() as u64 } else { 0 };
    // SAFETY: the caller's promise.
    unsafe { paging::write(address, physical + shift, leaf, Memory::Data) };
}

/// Removes an entry. The TLB may still have a copy.
///
/// # Safety
/// Nothing uses `address` any more.
pub unsafe fn remove(address: usize, leaf: Leaf) {
    if !faulty(cfg!(feature = "mutant-left-entry")) {
        // SAFETY: the caller's promise.
        unsafe { paging::remove(address, leaf) };
    }
}

/// Discards what the TLB of this CPU has for these addresses, after [`remove`]; on AArch64 the TLBs of all
/// CPUs.
pub fn invalidate(addresses: impl Iterator<Item = usize>) {
    if !faulty(cfg!(feature = "mutant-stale-tlb")) {
        arch::invalidate(addresses);
    }
}

/// Returns whether to inject the fault of a mutant: on the first CPU, so that its tests notice it.
pub fn faulty(mutant: bool) -> bool {
    mutant && cpu() == 0
}
