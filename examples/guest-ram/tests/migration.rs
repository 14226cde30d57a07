//! Dirty bits that are collected during a clear, as by a live migration.

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

/// A bitmap that checks the memory whenever it is marked.
struct Witness {
    memory: *const u8,
    /// The offset and length of each mark, and whether the bytes were zero then.
    marks: RefCell<Vec<(usize, usize, bool)>>,
}

impl<'a> WithBitmapSlice<'a> for Witness {
    type S = RefSlice<'a, Self>;
}

impl Bitmap for Witness {
    fn mark_dirty(&self, offset: usize, len: usize) {
        // SAFETY: the bytes are in the region, and nothing writes to them now.
        let bytes = unsafe { std::slice::from_raw_parts(self.memory.add(offset), len) };
        let zero = bytes.iter().all(|&byte| byte == 0);
        self.marks.borrow_mut().push((offset, len, zero));
    }

    fn dirty_at(&self, _: usize) -> bool {
        unreachable!("never called")
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
    // SAFETY: the regions are distinct pages, which only this test uses.
    let ram = unsafe { GuestRam::new(&memory) };
    let frames = FrameRange::new(frame(1), 7).unwrap();
    ram.clear(frames, Intent::Cold).unwrap();
    assert_eq!(marks(), [[(PAGE_SIZE, 3 * PAGE_SIZE, true)], [(0, 4 * PAGE_SIZE, true)]]);
    // Negative control: a page that is marked without being cleared.
    memory.get_slice(GuestAddress(0), 1).unwrap().bitmap().mark_dirty(0, 1);
    assert_eq!(marks(), [vec![(0, 1, false)], vec![]]);
}

/// Copies dirty pages while another thread clears, and once more afterwards.
#[test]
fn a_concurrent_migration_copies_every_cleared_page() {
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
                // SAFETY: the regions are distinct pages, which the other thread reads with vm-memory.
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
        assert_eq!(stale, None, "a page was cleared after its last copy");
    }
}
