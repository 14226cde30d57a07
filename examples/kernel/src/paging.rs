//! Page tables of four levels with 512 entries each: x86_64, AArch64 with 4 KiB granules, Sv48.

use core::iter::once;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use clearpage::{PAGE_SIZE, Page};

use crate::arch;

const _: () =
    assert!(PAGE_SIZE == 4096, "this kernel has pages of 4 KiB; unset CLEARPAGE_PAGE_SHIFT");

/// An entry that maps memory: the last one, or one of 2 MiB a level above.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    Page,
    Block,
}

impl Leaf {
    pub const fn size(self) -> usize {
        match self {
            Self::Page => PAGE_SIZE,
            Self::Block => 512 * PAGE_SIZE,
        }
    }
}

/// What an entry maps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// All of the kernel's image: the only memory that is executable.
    Kernel,
    Data,
    Device,
}

const COUNT: usize = 48;

/// All tables; the first is the root. They are identity-mapped, like the rest of the kernel. The first
/// CPU creates them. Then an interrupt, or another CPU, changes only entries that no other code uses.
static mut TABLES: [Page; COUNT] = [const { Page::ZERO }; COUNT];
static USED: AtomicUsize = AtomicUsize::new(1);

fn root() -> *mut u64 {
    (&raw mut TABLES).cast()
}

/// Takes a table. No atomic read-modify-write: on AArch64 the MMU may be off, and exclusives are
/// undefined on Device memory.
fn new_table() -> *mut u64 {
    let used = USED.load(Relaxed);
    assert!(used < COUNT, "out of page tables");
    USED.store(used + 1, Relaxed);
    // SAFETY: `used` is less than the number of tables.
    unsafe { root().add(used * 512) }
}

/// Returns the entry of `address`, and creates the tables above it.
pub fn entry(address: usize, leaf: Leaf) -> *mut u64 {
    let last = if leaf == Leaf::Page { 0 } else { 1 };
    let index = |level: usize| address >> (12 + 9 * level) & 511;
    let mut table = root();
    for level in (last + 1..4).rev() {
        // SAFETY: the index is less than 512.
        let entry = unsafe { table.add(index(level)) };
        // SAFETY: an entry of a table; the CPU reads it too.
        table = unsafe {
            if entry.read_volatile() == 0 {
                entry.write_volatile(arch::table_entry(new_table() as u64));
            }
            arch::entry_address(entry.read_volatile()) as *mut u64
        };
    }
    // SAFETY: the index is less than 512.
    unsafe { table.add(index(last)) }
}

/// Writes the entry of one page or block, which [`arch::entries_added`] makes visible.
///
/// # Safety
/// Nothing uses `address`. Code that accesses the memory there may do so.
pub unsafe fn write(address: usize, physical: u64, leaf: Leaf, memory: Memory) {
    let entry = entry(address, leaf);
    // SAFETY: an entry of a table; the CPU reads it too.
    unsafe { entry.write_volatile(arch::leaf_entry(physical, leaf, memory)) };
}

/// Maps one page or block.
///
/// # Safety
/// As [`write`].
pub unsafe fn map(address: usize, physical: u64, leaf: Leaf, memory: Memory) {
    // SAFETY: the caller's promise.
    unsafe { write(address, physical, leaf, memory) };
    arch::entries_added(once(address));
}

/// Removes the entry of one page or block. It stays mapped as long as the TLB has a copy, which
/// [`arch::invalidate`] discards.
///
/// # Safety
/// Nothing uses `address` any more.
pub unsafe fn remove(address: usize, leaf: Leaf) {
    // SAFETY: an entry of a table; the CPU reads it too.
    unsafe { entry(address, leaf).write_volatile(0) };
}

/// Maps `len` bytes, by blocks where both addresses are aligned.
///
/// # Safety
/// As [`map`].
pub unsafe fn map_range(address: usize, physical: u64, len: usize, memory: Memory) {
    let mut done = 0;
    while done < len {
        let (at, from) = (address + done, physical + done as u64);
        let aligned = at % Leaf::Block.size() == 0 && from % Leaf::Block.size() as u64 == 0;
        let leaf =
            if aligned && len - done >= Leaf::Block.size() { Leaf::Block } else { Leaf::Page };
        // SAFETY: the caller's promise.
        unsafe { map(at, from, leaf, memory) };
        done += leaf.size();
    }
}

/// Makes the tables those of the CPU.
///
/// # Safety
/// They map the kernel where it is.
pub unsafe fn activate() {
    // SAFETY: the caller's promise.
    unsafe { arch::activate(root() as u64) }
}
