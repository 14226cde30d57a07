//! The layout of memory, and the allocator of frames.
//!
//! | physical, from the start of RAM | use |
//! |---|---|
//! | 0 to 16 MiB | the kernel, at the same virtual addresses; firmware |
//! | 16 MiB to [`BOUNDARY`] | frames in the direct map, at [`DIRECT`] plus their address |
//! | from there to [`SECOND`] | frames without an address: only windows map them |
//! | 8 MiB from there | the same, for the second CPU |
//! | 3 frames from [`INTERRUPT`] | the same, for the interrupt |

use axallocator::{BaseAllocator, BitmapPageAllocator};
use clearpage::PAGE_SIZE;
use clearpage::highmem::{Frame, FrameRange, LinearMap};

use crate::paging::{self, Leaf, Memory};
use crate::{arch, kmap};

const MIB: u64 = 1 << 20;

/// The first frame that the allocator owns.
pub const START: u64 = frame(16);
/// The first frame without an address. Blocks of every order but 0 lie across it.
pub const BOUNDARY: u64 = frame(64) + 3;
pub const SECOND: u64 = frame(104);
pub const INTERRUPT: u64 = frame(112);

/// The virtual address of the direct map, of the windows, and of the mappings for checks.
pub const DIRECT: usize = 0x1000_0000_0000;
pub const WINDOWS: usize = 0x2000_0000_0000;
pub const CHECKS: usize = 0x3000_0000_0000;

pub const CPUS: usize = 2;

/// Returns the address of the windows of a CPU, a GiB for each.
pub const fn windows(cpu: usize) -> usize {
    WINDOWS + (cpu << 30)
}

/// Returns the frame that many MiB from the start of RAM.
pub const fn frame(mib: u64) -> u64 {
    Frame::containing(arch::RAM + mib * MIB).get()
}

/// Returns `npages` frames from `start` on.
pub fn range(start: u64, npages: u64) -> FrameRange {
    FrameRange::new(Frame::new(start).unwrap(), npages).unwrap()
}

/// Returns the direct map.
pub fn direct_map() -> LinearMap {
    // SAFETY: `map_all` maps these frames there, in order, forever.
    unsafe { LinearMap::with_offset(range(START, BOUNDARY - START), DIRECT) }
}

/// Maps the kernel, devices and the direct map, and makes the page tables those of the CPU.
///
/// # Safety
/// Once, at boot.
pub unsafe fn map_all() {
    let direct = direct_map().frames();
    let physical = direct.start().address();
    let len = (direct.npages() as usize) << clearpage::PAGE_SHIFT;
    // SAFETY: the kernel is in the first range; nothing uses the second yet.
    unsafe {
        paging::map_range(arch::RAM as usize, arch::RAM, (16 * MIB) as usize, Memory::Kernel);
        paging::map_range(DIRECT + physical as usize, physical, len, Memory::Data);
    }
    for &(device, len) in arch::DEVICES {
        // SAFETY: a device of the machine.
        unsafe { paging::map_range(device, device as u64, len, Memory::Device) };
    }
    // All tables exist before another CPU starts.
    kmap::prepare();
    paging::entry(CHECKS, Leaf::Block);
    // SAFETY: the kernel, its stack and its devices are mapped where they are.
    unsafe { paging::activate() };
}

/// Creates ArceOS's page allocator for the frames, by address.
pub fn allocator(frames: FrameRange) -> BitmapPageAllocator<PAGE_SIZE> {
    let mut pages = BitmapPageAllocator::new();
    pages.init(frames.start().address() as usize, frames.npages() as usize * PAGE_SIZE);
    pages
}
