//! A guest, and a model of its pages and dirty bits.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

use clearpage::highmem::{ClearError, Frame, FrameRange};
use clearpage::{Intent, PAGE_SIZE, Page};
use clearpage_guest_ram::{GuestError, GuestRam};
use vm_memory::bitmap::{AtomicBitmap, Bitmap};
use vm_memory::mmap::MmapRegionBuilder;
use vm_memory::{
    Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryMmap, GuestRegionMmap, MmapRegion,
};

pub type Memory = GuestMemoryMmap<AtomicBitmap>;

/// Host memory full of garbage without a zero byte.
pub struct Host(NonNull<[Page]>);

// SAFETY: the value owns the pages.
unsafe impl Send for Host {}
// SAFETY: as above; threads access the pages only through vm-memory.
unsafe impl Sync for Host {}

impl Host {
    pub fn new(npages: usize) -> Self {
        let mut pages = vec![Page::ZERO; npages].into_boxed_slice();
        for (number, page) in pages.iter_mut().enumerate() {
            page.as_bytes_mut().copy_from_slice(&garbage(number));
        }
        Self(NonNull::from(Box::leak(pages)))
    }

    pub fn at(&self, page: usize) -> *mut u8 {
        self.0.cast::<u8>().as_ptr().wrapping_add(page * PAGE_SIZE)
    }

    /// Creates a region of `len` bytes from `page` on.
    pub fn region<B: Bitmap>(
        &self,
        page: usize,
        start: u64,
        len: usize,
        bitmap: B,
    ) -> GuestRegionMmap<B> {
        // SAFETY: the pages are valid as long as the host.
        let builder = unsafe {
            MmapRegionBuilder::new_with_bitmap(len, bitmap).with_raw_mmap_pointer(self.at(page))
        };
        GuestRegionMmap::new(builder.build().unwrap(), GuestAddress(start)).unwrap()
    }

    fn pages(&self) -> &[Page] {
        // SAFETY: nothing writes to the pages during the check.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: the pointer was created by leaking a box.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Returns the initial contents of a page of the host.
pub fn garbage(page: usize) -> Vec<u8> {
    (0..PAGE_SIZE).map(|byte| (page * 31 + byte * 7 + (byte >> 8)) as u8 | 1).collect()
}

/// The frames to clear.
#[derive(Clone, Debug)]
pub enum Request {
    Range(FrameRange),
    List(Vec<Frame>),
}

/// A function that clears them.
pub type Clear = fn(&Memory, &Request, Intent) -> Result<(), ClearError<GuestError>>;

/// Clears with this crate.
pub fn clear(
    memory: &Memory,
    request: &Request,
    intent: Intent,
) -> Result<(), ClearError<GuestError>> {
    // SAFETY: the regions are distinct pages, which the tests access through vm-memory.
    let ram = unsafe { GuestRam::new(memory) };
    match request {
        Request::Range(frames) => ram.clear(*frames, intent),
        Request::List(frames) => ram.clear_scattered(frames, intent),
    }
}

/// The reason that a frame cannot be cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    NoRegion,
    Cut { held: u64 },
    Misaligned,
}

/// One region of the model.
struct Region {
    start: u64,
    len: usize,
    /// Its first page in the host. The pages before and after it are in no region.
    page: usize,
    /// The bits of its bitmap that should be set.
    dirty: BTreeSet<usize>,
}

impl Region {
    fn end(&self) -> u64 {
        self.start + self.len as u64
    }
}

/// A guest and its model.
pub struct Guest {
    pub memory: Memory,
    host: Host,
    /// The initial contents of the host.
    original: Vec<Vec<u8>>,
    regions: Vec<Region>,
    /// The pages of the host that should be zero.
    zero: BTreeSet<usize>,
    /// The number of bytes per dirty bit.
    granule: usize,
}

impl Guest {
    /// Creates a guest from the addresses and lengths of its regions, in order.
    pub fn new(ranges: &[(u64, usize)], granule: usize) -> Self {
        let (mut regions, mut page) = (Vec::new(), 1);
        for &(start, len) in ranges {
            regions.push(Region { start, len, page, dirty: BTreeSet::new() });
            page += len.div_ceil(PAGE_SIZE) + 1;
        }
        let (host, original) = (Host::new(page), (0..page).map(garbage).collect());
        let bitmap = |len| AtomicBitmap::new(len, NonZeroUsize::new(granule).unwrap());
        let real = regions.iter().map(|r| host.region(r.page, r.start, r.len, bitmap(r.len)));
        let memory = Memory::from_regions(real.collect()).unwrap();
        Self { memory, host, original, regions, zero: BTreeSet::new(), granule }
    }

    /// Returns the region of a frame, and its page in the region.
    fn find(&self, frame: Frame) -> Result<(usize, usize), Kind> {
        let (start, end) = (frame.address(), frame.address() + PAGE_SIZE as u64);
        let holds = |region: &Region| region.start <= start && start < region.end();
        let number = self.regions.iter().position(holds).ok_or(Kind::NoRegion)?;
        let region = &self.regions[number];
        if region.end() < end {
            return Err(Kind::Cut { held: region.end() - start });
        }
        let offset = (start - region.start) as usize;
        if offset % PAGE_SIZE == 0 {
            Ok((number, offset / PAGE_SIZE))
        } else {
            Err(Kind::Misaligned)
        }
    }

    /// Clears in the model and with `clear`, and compares.
    pub fn clear(&mut self, clear: Clear, request: &Request, intent: Intent) -> Result<(), String> {
        let frames = match request {
            Request::Range(frames) => frames.iter().collect(),
            Request::List(frames) => frames.clone(),
        };
        let mut expected = Ok(());
        for (cleared, &frame) in frames.iter().enumerate() {
            match self.find(frame) {
                Ok((number, page)) => {
                    self.written(number, page * PAGE_SIZE, PAGE_SIZE);
                    self.zero.insert(self.regions[number].page + page);
                }
                Err(kind) => {
                    expected = Err((cleared as u64, frame, frame.address(), kind));
                    break;
                }
            }
        }
        let found = clear(&self.memory, request, intent).map_err(|error| {
            let (address, kind) = kind_of(&error.source);
            (error.cleared, error.frame, address, kind)
        });
        if found != expected {
            return Err(format!("{request:?}: {found:?}, not {expected:?}"));
        }
        self.check().map_err(|why| format!("{request:?}: {why}"))
    }

    /// Lets the guest write garbage to a frame, if it exists.
    pub fn write(&mut self, frame: Frame) {
        let Ok((number, page)) = self.find(frame) else { return };
        let host = self.regions[number].page + page;
        self.memory.write_slice(&garbage(host), GuestAddress(frame.address())).unwrap();
        self.written(number, page * PAGE_SIZE, PAGE_SIZE);
        self.zero.remove(&host);
    }

    /// Collects all dirty bits, as one round of migration.
    pub fn collect(&mut self) {
        for (region, real) in self.regions.iter_mut().zip(self.memory.iter()) {
            MmapRegion::bitmap(real).reset();
            region.dirty.clear();
        }
    }

    fn written(&mut self, number: usize, offset: usize, len: usize) {
        let bits = offset / self.granule..=(offset + len - 1) / self.granule;
        self.regions[number].dirty.extend(bits);
    }

    /// Returns the first difference from the model, in a dirty bit or a page.
    pub fn check(&self) -> Result<(), String> {
        for (region, real) in self.regions.iter().zip(self.memory.iter()) {
            let bitmap = MmapRegion::bitmap(real);
            for bit in 0..bitmap.len() {
                let (is, should) = (bitmap.is_bit_set(bit), region.dirty.contains(&bit));
                if is != should {
                    let start = region.start;
                    return Err(format!(
                        "region {start:#x}: dirty bit {bit} is {is}, not {should}"
                    ));
                }
            }
        }
        let pages = self.host.pages().iter().zip(&self.original).enumerate();
        for (number, (page, original)) in pages {
            let (is, original) = (page.as_bytes(), original.as_slice());
            let should = if self.zero.contains(&number) { &[0; PAGE_SIZE] } else { original };
            if is != should {
                let at = (0..PAGE_SIZE).find(|&at| is[at] != should[at]).unwrap();
                let (is, should) = (is[at], should[at]);
                return Err(format!("page {number}: byte {at} is {is:#x}, not {should:#x}"));
            }
        }
        Ok(())
    }
}

/// Returns the address and the reason of an error.
fn kind_of(error: &GuestError) -> (u64, Kind) {
    match *error {
        GuestError::NoRegion { address } => (address.0, Kind::NoRegion),
        GuestError::Cut { address, held } => (address.0, Kind::Cut { held }),
        GuestError::Misaligned { address, host } => {
            assert_ne!(host % PAGE_SIZE, 0, "{error}");
            (address.0, Kind::Misaligned)
        }
        GuestError::NoPointer { .. } => panic!("{error}"),
    }
}

pub fn frame(number: usize) -> Frame {
    Frame::new(number as u64).unwrap()
}

pub fn range(start: usize, npages: usize) -> Request {
    Request::Range(FrameRange::new(frame(start), npages as u64).unwrap())
}

/// Converts pages to the ranges of `Guest::new`.
pub fn pages(ranges: &[(usize, usize)]) -> Vec<(u64, usize)> {
    ranges.iter().map(|&(start, npages)| (frame(start).address(), npages * PAGE_SIZE)).collect()
}
