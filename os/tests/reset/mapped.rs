//! Mappings to reset, and what each of their pages holds.

use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};

use clearpage::{PAGE_SIZE, Page};
use clearpage_os::reset::{
    Method, ResetError, Reuse, Summary, reset, reset_anonymous, reset_raw, wipe,
};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use rustix::param::page_size;

pub const HUGE: usize = 2 << 20;

/// The larger of the system's page and ours.
pub fn unit() -> usize {
    page_size().max(PAGE_SIZE)
}

/// The three faces.
#[derive(Clone, Copy, Debug)]
pub enum Face {
    Slice,
    Raw,
    Anonymous,
}

pub const FACES: [Face; 3] = [Face::Slice, Face::Raw, Face::Anonymous];

/// Anonymous private memory from a huge page's boundary on.
pub struct Memory {
    mapping: *mut c_void,
    len: usize,
    first: *mut Page,
    /// The byte that each page is full of.
    held: Vec<u8>,
}

impl Memory {
    pub fn new(npages: usize) -> Self {
        Self::with(npages, MapFlags::PRIVATE).unwrap()
    }

    pub fn with(npages: usize, flags: MapFlags) -> rustix::io::Result<Self> {
        let room = (npages * PAGE_SIZE).next_multiple_of(HUGE);
        let len = room + HUGE;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: where there is room.
        let mapping = unsafe { mmap_anonymous(null_mut(), len, access, flags) }?;
        let first = mapping.map_addr(|addr| addr.next_multiple_of(HUGE)).cast();
        Ok(Self { mapping, len, first, held: vec![0; npages] })
    }

    pub fn npages(&self) -> usize {
        self.held.len()
    }

    pub fn page(&self, at: usize) -> NonNull<Page> {
        assert!(at <= self.npages());
        NonNull::new(self.first.wrapping_add(at)).unwrap()
    }

    /// Page `at` as the system calls have it.
    pub fn start(&self, at: usize) -> *mut c_void {
        self.page(at).as_ptr().cast()
    }

    /// Fills page `at` with what no other page near it holds.
    pub fn touch(&mut self, at: usize) {
        self.held[at] = (at % 255) as u8 + 1;
        // SAFETY: a page of the mapping, to which nobody refers.
        unsafe { self.page(at).as_mut() }.as_bytes_mut().fill(self.held[at]);
    }

    pub fn touch_all(&mut self) {
        (0..self.npages()).for_each(|at| self.touch(at));
    }

    /// Says that page `at` is full of `byte`, as somebody else made it.
    pub fn hold(&mut self, at: usize, byte: u8) {
        self.held[at] = byte;
    }

    /// Resets `npages` pages from page `at` on, and expects them to be zero if that says so.
    pub fn reset(
        &mut self,
        (at, npages): (usize, usize),
        face: Face,
        how: Method,
        next: Reuse,
    ) -> Result<Summary, ResetError> {
        let page = self.page(at);
        assert!(at + npages <= self.npages());
        // SAFETY: pages of the mapping, to which nobody refers; or the system is asked.
        let done = unsafe {
            match face {
                Face::Slice => {
                    reset(std::slice::from_raw_parts_mut(page.as_ptr(), npages), how, next)
                }
                Face::Raw => reset_raw(page, npages, how, next),
                Face::Anonymous => reset_anonymous(page, npages, how, next),
            }
        };
        if let Ok(done) = done {
            assert_eq!(done.cleared + done.discarded + done.untouched, npages, "{done:?}");
            self.held[at..at + npages].fill(0);
        }
        done
    }

    /// Wipes these bytes, and panics unless they are zero and no other byte has changed.
    pub fn wipe(&mut self, bytes: std::ops::Range<usize>, what: &dyn std::fmt::Debug) {
        assert!(bytes.end <= self.npages() * PAGE_SIZE);
        // SAFETY: bytes of the mapping, to which nobody refers.
        unsafe { wipe(self.first.cast::<u8>().add(bytes.start), bytes.len()) };
        for at in 0..self.npages() {
            // SAFETY: a page of the mapping, to which nobody refers.
            let page = unsafe { self.page(at).as_mut() }.as_bytes_mut();
            let start = at * PAGE_SIZE;
            let wiped = bytes.start.clamp(start, start + PAGE_SIZE) - start
                ..bytes.end.clamp(start, start + PAGE_SIZE) - start;
            if !wiped.is_empty() {
                let zero = page[wiped.clone()].iter().all(|&byte| byte == 0);
                assert!(zero, "{what:?} {bytes:?}: page {at} is not zero in {wiped:?}");
                if wiped.len() == PAGE_SIZE {
                    self.held[at] = 0;
                } else {
                    page[wiped].fill(self.held[at]);
                }
            }
        }
        self.check(&(what, bytes));
    }

    /// Whether each page holds what it should.
    pub fn is_as_held(&self) -> bool {
        (0..self.npages()).all(|at| self.bad(at).is_none())
    }

    /// The first byte of page `at` that is not what it should be.
    fn bad(&self, at: usize) -> Option<(usize, u8)> {
        // SAFETY: a page of the mapping, to which nobody refers.
        let bytes = unsafe { self.page(at).as_ref() }.as_bytes();
        if *bytes == [self.held[at]; PAGE_SIZE] {
            return None;
        }
        let bad = bytes.iter().position(|&byte| byte != self.held[at])?;
        Some((bad, bytes[bad]))
    }

    /// Panics unless each page holds what it should.
    pub fn check(&self, what: &dyn std::fmt::Debug) {
        self.check_some(0..self.npages(), what);
    }

    /// [`Memory::check`] on some pages, where others cannot be read.
    pub fn check_some(&self, pages: std::ops::Range<usize>, what: &dyn std::fmt::Debug) {
        for at in pages {
            if let Some((byte, found)) = self.bad(at) {
                let held = self.held[at];
                panic!("{what:?}: page {at}, byte {byte}: {found:#x}, not {held:#x}");
            }
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: it was mapped, and nobody refers to it any more.
        unsafe { munmap(self.mapping, self.len) }.unwrap();
    }
}
