//! The mapping, the ends, the dirty bits and the errors of regions.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use clearpage::highmem::{Frame, FrameRange, Highmem, Mapping};
use clearpage::{Intent, PAGE_SIZE};
use clearpage_guest_ram::GuestRam;
use common::{Guest, Host, Request, clear, frame, pages, range};
use vm_memory::bitmap::BS;
use vm_memory::{
    GuestAddress, GuestMemoryBackend, GuestMemoryError, GuestMemoryRegion, GuestMemoryRegionBytes,
    GuestRegionCollection, GuestUsize, MemoryRegionAddress, MmapRegion, VolatileSlice,
};

fn frames(start: usize, npages: usize) -> FrameRange {
    FrameRange::new(frame(start), npages as u64).unwrap()
}

/// Clears frames and compares with the model.
fn holds(guest: &mut Guest, start: usize, npages: usize) {
    guest.clear(clear, &range(start, npages), Intent::Cold).unwrap();
}

fn message(guest: &Guest, start: usize, npages: usize) -> String {
    clear(&guest.memory, &range(start, npages), Intent::Hot).unwrap_err().to_string()
}

#[test]
fn a_window_ends_where_its_region_does() {
    let guest = Guest::new(&pages(&[(10, 4), (14, 3)]), PAGE_SIZE);
    // SAFETY: the regions are distinct pages, which only this test uses.
    let ram = unsafe { GuestRam::new(&guest.memory) };
    let npages = |start, npages| ram.kmap_local(frames(start, npages)).unwrap().pages().len();
    assert_eq!(ram.page_address(frames(10, 1)), None);
    for (start, asked, held) in [(10, 7, 4), (10, 3, 3), (12, 5, 2), (14, 3, 3), (13, 4, 1)] {
        assert_eq!(npages(start, asked), held, "{asked} from {start}");
    }
}

#[test]
fn a_window_marks_its_pages_on_drop() {
    let guest = Guest::new(&pages(&[(0, 8)]), PAGE_SIZE);
    let region = guest.memory.find_region(GuestAddress(0)).unwrap();
    let dirty = || MmapRegion::bitmap(region).get_and_reset();
    // SAFETY: as above.
    let ram = unsafe { GuestRam::new(&guest.memory) };
    let outer = ram.kmap_local(frames(1, 2)).unwrap();
    let inner = ram.kmap_local(frames(4, 3)).unwrap();
    assert_eq!(dirty(), [0]);
    drop(inner);
    assert_eq!(dirty(), [0b111_0000]);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _held = outer;
        panic!("with a window held");
    }));
    assert!(panic.is_err());
    assert_eq!(dirty(), [0b110]);
}

#[test]
fn a_range_continues_in_the_next_region() {
    for granule in [PAGE_SIZE / 8, PAGE_SIZE, 4 * PAGE_SIZE] {
        let ranges = pages(&[(3, 4), (7, 1), (8, 5)]);
        for (start, npages) in [(3, 10), (4, 4), (6, 2), (7, 1), (12, 1)] {
            holds(&mut Guest::new(&ranges, granule), start, npages);
        }
    }
}

#[test]
fn a_bit_of_several_pages_is_set_if_one_is_cleared() {
    let mut guest = Guest::new(&pages(&[(0, 16)]), 4 * PAGE_SIZE);
    // Clears the last page of one bit and the first page of the next.
    holds(&mut guest, 3, 2);
    holds(&mut guest, 15, 1);
}

/// Each region is missing once.
#[test]
fn a_missing_region_ends_the_range() {
    let all = [(0, 2), (2, 3), (5, 1), (6, 4), (10, 2)];
    for missing in 0..all.len() {
        let mut left = all.to_vec();
        let (hole, _) = left.remove(missing);
        let mut guest = Guest::new(&pages(&left), PAGE_SIZE / 2);
        holds(&mut guest, 0, 12);
        let address = hole * PAGE_SIZE;
        assert_eq!(
            message(&guest, 0, 12),
            format!(
                "cannot clear {}, {hole} pages before it are cleared: no region contains guest address \
                 {address:#x}",
                frame(hole)
            )
        );
    }
}

#[test]
fn frames_past_the_last_region_are_refused() {
    let mut guest = Guest::new(&pages(&[(5, 2)]), PAGE_SIZE);
    for (start, npages) in [(0, 6), (4, 1), (6, 2), (7, 1), (1 << 40, 1 << 11)] {
        holds(&mut guest, start, npages);
    }
    let last = Frame::MAX;
    let error = clear(&guest.memory, &Request::Range(last.into()), Intent::Auto);
    assert_eq!(error.unwrap_err().frame, last);
}

#[test]
fn a_frame_that_the_region_cuts_is_refused() {
    let page = PAGE_SIZE as u64;
    // The second region starts where the first one ends, inside frame 2.
    let ranges = [(0, 2 * PAGE_SIZE + 100), (2 * page + 100, 3 * PAGE_SIZE)];
    let mut guest = Guest::new(&ranges, PAGE_SIZE);
    for (start, npages) in [(0, 5), (2, 1), (3, 1), (4, 2), (5, 1)] {
        holds(&mut guest, start, npages);
    }
    let cut = message(&guest, 1, 2);
    assert!(cut.contains("frame 0x2, 1 pages before it are cleared"), "{cut}");
    assert!(cut.ends_with("ends 100 bytes after it, inside the frame"), "{cut}");
    let misaligned = message(&guest, 3, 1);
    assert!(misaligned.ends_with("which is not page-aligned"), "{misaligned}");
    // Frame 1 starts in no region, but ends in one.
    let mut guest = Guest::new(&[(page + 512, PAGE_SIZE)], PAGE_SIZE);
    holds(&mut guest, 1, 1);
    // A region of less than a page.
    let mut guest = Guest::new(&[(0, 512)], 128);
    holds(&mut guest, 0, 1);
}

/// A region without mmap: of any memory, or of none.
struct Custom {
    start: GuestAddress,
    len: usize,
    memory: Option<*mut u8>,
}

impl GuestMemoryRegionBytes for Custom {}

impl GuestMemoryRegion for Custom {
    type B = ();

    fn len(&self) -> GuestUsize {
        self.len as GuestUsize
    }

    fn start_addr(&self) -> GuestAddress {
        self.start
    }

    fn bitmap(&self) {}

    fn get_slice(
        &self,
        offset: MemoryRegionAddress,
        len: usize,
    ) -> Result<VolatileSlice<'_, BS<'_, ()>>, GuestMemoryError> {
        let memory = self.memory.ok_or(GuestMemoryError::HostAddressNotAvailable)?;
        assert!(offset.0 as usize + len <= self.len);
        // SAFETY: the slice is inside the region, whose memory outlives it.
        Ok(unsafe { VolatileSlice::new(memory.add(offset.0 as usize), len) })
    }
}

#[test]
fn only_the_host_address_of_a_frame_must_be_aligned() {
    let host = Host::new(4);
    // It starts inside a page of the guest, at the same offset as in the page of the host.
    let (start, memory) = (GuestAddress(PAGE_SIZE as u64 + 24), Some(host.at(0).wrapping_add(24)));
    let region = Custom { start, len: 3 * PAGE_SIZE, memory };
    let guest = GuestRegionCollection::from_regions(vec![region]).unwrap();
    // SAFETY: only this test uses the region.
    let ram = unsafe { GuestRam::new(&guest) };
    assert_eq!(ram.clear(frames(2, 3), Intent::Auto).unwrap_err().cleared, 2);
    let first_bytes = [0, 1, 2, 3].map(|page| {
        // SAFETY: the byte is in a page of the host.
        unsafe { host.at(page).read() }
    });
    let garbage = |page| common::garbage(page)[0];
    assert_eq!(first_bytes, [garbage(0), 0, 0, garbage(3)]);
}

#[test]
fn a_region_without_memory_is_refused() {
    let region = Custom { start: GuestAddress(0), len: PAGE_SIZE, memory: None };
    let guest = GuestRegionCollection::from_regions(vec![region]).unwrap();
    // SAFETY: the region has no memory.
    let ram = unsafe { GuestRam::new(&guest) };
    let error = ram.clear(frames(0, 1), Intent::Auto).unwrap_err();
    assert!(error.to_string().contains("no pointer to guest address 0x0: "), "{error}");
    let source = std::error::Error::source(&error.source).unwrap();
    assert!(source.to_string().contains("host virtual address not available"), "{source}");
}
