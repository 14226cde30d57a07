//! Mappings to reset, and the expected contents of their pages.

use std::ffi::c_void;
use std::fmt::Debug;
use std::ops::Range;
use std::ptr::NonNull;

use clearpage::{PAGE_SIZE, Page};
use clearpage_os::raw::{self, wipe};
use clearpage_os::reset::{Method, ResetError, reset_with};
use clearpage_testkit::is_all;
use clearpage_testkit::linux::{Mapping, is_present, is_swapped, pagemap};
use rustix::mm::{Advice, MapFlags, madvise};

/// The functions that reset memory.
#[derive(Clone, Copy, Debug)]
pub enum Face {
    Slice,
    Raw,
    Anonymous,
}

pub const FACES: [Face; 3] = [Face::Slice, Face::Raw, Face::Anonymous];

/// Numbers of pages that were cleared, discarded and untouched.
pub type Counts = (usize, usize, usize);

/// A mapping, each page of which is full of one byte.
pub struct Memory {
    mapping: Mapping,
    /// The expected byte of each page.
    bytes: Vec<u8>,
}

impl Memory {
    pub fn new(npages: usize) -> Self {
        Self::with(npages, MapFlags::PRIVATE).unwrap()
    }

    pub fn with(npages: usize, flags: MapFlags) -> rustix::io::Result<Self> {
        let mapping = Mapping::with(npages * PAGE_SIZE, flags)?;
        Ok(Self { mapping, bytes: vec![0; npages] })
    }

    pub fn npages(&self) -> usize {
        self.bytes.len()
    }

    pub fn page(&self, at: usize) -> NonNull<Page> {
        assert!(at <= self.npages());
        NonNull::new(self.mapping.start().cast::<Page>().wrapping_add(at)).unwrap()
    }

    /// Returns page `at` as system calls take it.
    pub fn start(&self, at: usize) -> *mut c_void {
        self.page(at).as_ptr().cast()
    }

    /// Gives advice that changes no contents on all pages; returns whether the kernel accepts it.
    pub fn advise(&self, advice: Advice) -> bool {
        // SAFETY: the caller's promise.
        unsafe { madvise(self.start(0), self.npages() * PAGE_SIZE, advice) }.is_ok()
    }

    /// Returns how many pages are in memory, if the system reports it.
    pub fn present(&self) -> Option<usize> {
        self.count(is_present)
    }

    /// Returns how many pages are swapped out, if the system reports it.
    pub fn swapped(&self) -> Option<usize> {
        self.count(is_swapped)
    }

    fn count(&self, is: fn(u64) -> bool) -> Option<usize> {
        let words = pagemap(self.start(0), self.npages()).ok()?;
        Some(words.into_iter().filter(|&word| is(word)).count())
    }

    /// Fills page `at` with a byte that no other page near it has.
    pub fn touch(&mut self, at: usize) {
        self.bytes[at] = (at % 255) as u8 + 1;
        // SAFETY: a page of the mapping, which nothing else refers to.
        unsafe { self.page(at).as_mut() }.as_bytes_mut().fill(self.bytes[at]);
    }

    pub fn touch_all(&mut self) {
        (0..self.npages()).for_each(|at| self.touch(at));
    }

    /// Expects page `at` to be full of `byte`.
    pub fn expect(&mut self, at: usize, byte: u8) {
        self.bytes[at] = byte;
    }

    /// Resets `npages` pages from page `at` on, and expects them to be zero if that succeeds.
    pub fn reset(
        &mut self,
        (at, npages): (usize, usize),
        face: Face,
        method: Method,
    ) -> Result<Counts, ResetError> {
        let page = self.page(at);
        assert!(at + npages <= self.npages());
        // SAFETY: pages of the mapping, which nothing else refers to. `raw::reset` checks them.
        let summary = unsafe {
            match face {
                Face::Slice => {
                    reset_with(std::slice::from_raw_parts_mut(page.as_ptr(), npages), method)
                }
                Face::Raw => raw::reset(page, npages, method),
                Face::Anonymous => raw::reset_anonymous(page, npages, method),
            }
        }?;
        let counts = (summary.cleared, summary.discarded, summary.untouched);
        assert_eq!(counts.0 + counts.1 + counts.2, npages, "{summary:?}");
        self.bytes[at..at + npages].fill(0);
        Ok(counts)
    }

    /// Resets all pages.
    pub fn reset_all(&mut self, face: Face, method: Method) -> Result<Counts, ResetError> {
        self.reset((0, self.npages()), face, method)
    }

    /// Wipes these bytes, without a check.
    pub fn wipe_only(&mut self, bytes: Range<usize>) {
        assert!(bytes.end <= self.npages() * PAGE_SIZE);
        // SAFETY: bytes of the mapping, which nothing else refers to.
        unsafe { wipe(self.start(0).cast::<u8>().add(bytes.start), bytes.len()) };
    }

    /// Wipes these bytes, and panics unless they are zero and no other byte has changed.
    pub fn wipe(&mut self, bytes: Range<usize>, what: &dyn Debug) {
        self.wipe_only(bytes.clone());
        for at in 0..self.npages() {
            // SAFETY: a page of the mapping, which nothing else refers to.
            let page = unsafe { self.page(at).as_mut() }.as_bytes_mut();
            let start = at * PAGE_SIZE;
            let clamp = |byte: usize| byte.clamp(start, start + PAGE_SIZE) - start;
            let wiped = clamp(bytes.start)..clamp(bytes.end);
            if !wiped.is_empty() {
                let zero = is_all(0, &page[wiped.clone()]);
                assert!(zero, "{what:?} {bytes:?}: page {at} is not zero in {wiped:?}");
                if wiped.len() == PAGE_SIZE {
                    self.bytes[at] = 0;
                } else {
                    page[wiped].fill(self.bytes[at]);
                }
            }
        }
        self.check(&(what, bytes));
    }

    /// Returns whether each page has the expected contents. Does not allocate.
    pub fn is_as_expected(&self) -> bool {
        (0..self.npages()).all(|at| self.bad(at).is_none())
    }

    /// Returns the first unexpected byte of page `at`, and its offset.
    fn bad(&self, at: usize) -> Option<(usize, u8)> {
        // SAFETY: a page of the mapping, which nothing else refers to.
        let bytes = unsafe { self.page(at).as_ref() }.as_bytes();
        if is_all(self.bytes[at], bytes) {
            return None;
        }
        let bad = bytes.iter().position(|&byte| byte != self.bytes[at])?;
        Some((bad, bytes[bad]))
    }

    /// Panics unless each page has the expected contents.
    pub fn check(&self, what: &dyn Debug) {
        self.check_some(0..self.npages(), what);
    }

    /// [`Memory::check`] for some pages, if the others cannot be read.
    pub fn check_some(&self, pages: Range<usize>, what: &dyn Debug) {
        for at in pages {
            if let Some((byte, found)) = self.bad(at) {
                let expected = self.bytes[at];
                panic!("{what:?}: page {at}, byte {byte}: {found:#x}, expected {expected:#x}");
            }
        }
    }
}
