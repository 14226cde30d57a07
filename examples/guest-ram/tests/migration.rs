//! Who collects dirty bits meanwhile, as a live migration does.

mod common;

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clearpage::highmem::FrameRange;
use clearpage::{Intent, PAGE_SIZE};
use clearpage_guest_ram::GuestRam;
use common::{Host, Memory, frame};
use vm_memory::bitmap::{AtomicBitmap, Bitmap, RefSlice, WithBitmapSlice};
use vm_memory::{
    Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryMmap, MemoryRegionAddress, MmapRegion,
};

/// A bitmap that looks, whenever it is told of a write, at what is there.
struct Witness {
    memory: *const u8,
    /// Offset and length of each mark, and whether the bytes were zero then.
    marks: RefCell<Vec<(usize, usize, bool)>>,
}

impl<'a> WithBitmapSlice<'a> for Witness {
    type S = RefSlice<'a, Self>;
}

impl Bitmap for Witness {
    fn mark_dirty(&self, offset: usize, len: usize) {
        // SAFETY: bytes of the region, which nobody writes meanwhile.
        let bytes = unsafe { std::slice::from_raw_parts(self.memory.add(offset), len) };
        let zero = bytes.iter().all(|&byte| byte == 0);
        self.marks.borrow_mut().push((offset, len, zero));
    }

    fn dirty_at(&self, _: usize) -> bool {
        unreachable!("nobody asks")
    }

    fn slice_at(&self, offset: usize) -> RefSlice<'_, Self> {
        RefSlice::new(self, offset)
    }
}

#[test]
fn pages_are_marked_once_and_after_they_are_cleared() {
    let host = Host::new(9);
    let region = |page, npages| {
        let witness = Witness { memory: host.at(page), marks: RefCell::default() };
        host.region(page, frame(page).address(), npages * PAGE_SIZE, witness)
    };
    let memory = GuestMemoryMmap::from_regions(vec![region(0, 4), region(4, 4)]).unwrap();
    let marks = || memory.iter().map(|r| MmapRegion::bitmap(r).marks.take()).collect::<Vec<_>>();
    // SAFETY: the regions are different pages, of nobody else.
    let ram = unsafe { GuestRam::new(&memory) };
    let frames = FrameRange::new(frame(1), 7).unwrap();
    ram.clear(frames, Intent::Cold).unwrap();
    assert_eq!(marks(), [[(PAGE_SIZE, 3 * PAGE_SIZE, true)], [(0, 4 * PAGE_SIZE, true)]]);
    // The witness would have seen it.
    memory.get_slice(GuestAddress(0), 1).unwrap().bitmap().mark_dirty(0, 1);
    assert_eq!(marks(), [vec![(0, 1, false)], vec![]]);
}

/// Copies what is dirty as long as somebody clears, and once more: then the copy is the guest.
#[test]
fn a_migration_meanwhile_misses_nothing() {
    const NPAGES: usize = 512;
    let host = Host::new(NPAGES);
    let region = |page| {
        let len = NPAGES / 2 * PAGE_SIZE;
        let bitmap = AtomicBitmap::new(len, NonZeroUsize::new(PAGE_SIZE).unwrap());
        host.region(page, frame(page).address(), len, bitmap)
    };
    let memory = Memory::from_regions(vec![region(0), region(NPAGES / 2)]).unwrap();
    let mut copy = vec![0; NPAGES * PAGE_SIZE];
    let round = |copy: &mut [u8]| {
        for (region, copy) in memory.iter().zip(copy.chunks_mut(NPAGES / 2 * PAGE_SIZE)) {
            let bitmap = MmapRegion::bitmap(region);
            for (page, copy) in copy.chunks_mut(PAGE_SIZE).enumerate() {
                if bitmap.is_bit_set(page) {
                    bitmap.reset_bit(page);
                    let offset = MemoryRegionAddress((page * PAGE_SIZE) as u64);
                    region.read_slice(copy, offset).unwrap();
                }
            }
        }
    };
    for _ in 0..50 {
        memory.write_slice(&vec![0xa5; NPAGES * PAGE_SIZE], GuestAddress(0)).unwrap();
        round(&mut copy);
        assert!(copy.iter().all(|&byte| byte == 0xa5));
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                // SAFETY: the regions are different pages, which the other thread reads by vm-memory.
                let ram = unsafe { GuestRam::new(&memory) };
                let frames = FrameRange::new(frame(0), NPAGES as u64).unwrap();
                ram.clear(frames, Intent::Cold).unwrap();
                done.store(true, Ordering::Release);
            });
            while !done.load(Ordering::Acquire) {
                round(&mut copy);
            }
        });
        round(&mut copy);
        let stale = copy.iter().position(|&byte| byte != 0).map(|at| at / PAGE_SIZE);
        assert_eq!(stale, None, "a page is not as it was copied");
    }
}
