//! Memory of several permanent mappings, and of frames that have none. A window is a copy between
//! redzones, brought back when it is undone.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::ptr::NonNull;

use clearpage::highmem::{Frame, FrameRange, Highmem, Mapping};
use clearpage::{PAGE_SIZE, Page};

/// Not zero, so that a byte says by itself whether it was cleared.
const GARBAGE: u8 = 0xa5;
const REDZONE: u8 = 0x5c;
/// Frames at most.
const MOST: usize = 64;

/// Why a frame is not mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This mapping was to fail.
    Told(u64),
    /// There is no such frame.
    Absent,
}

pub struct Mixed {
    /// Frames that follow one another and are of one kind; the first byte of a run is no neighbour
    /// of the last one of the run before.
    runs: Vec<Run>,
    windows: Vec<u8>,
    fails: u64,
    maps: Cell<u64>,
    held: Cell<u64>,
    fault: Cell<Option<(Fault, u64)>>,
}

struct Run {
    frames: FrameRange,
    permanent: bool,
    pages: UnsafeCell<Vec<Page>>,
}

impl Run {
    fn page(&self, frame: u64) -> NonNull<Page> {
        let at = (frame - self.frames.start().get()) as usize;
        assert!(at < self.frames.npages() as usize);
        // SAFETY: inside the vector, which never grows.
        unsafe { NonNull::new_unchecked((*self.pages.get()).as_mut_ptr().add(at)) }
    }
}

impl Mixed {
    pub fn new(runs: &[(u8, bool)], windows: &[u8], fails: u64) -> Self {
        let mut mixed = Self {
            runs: Vec::new(),
            windows: windows.to_vec(),
            fails,
            maps: Cell::new(0),
            held: Cell::new(0),
            fault: Cell::new(None),
        };
        for &(npages, permanent) in runs {
            let left = MOST - mixed.npages() as usize;
            let npages = (1 + usize::from(npages) % 16).min(left);
            if npages == 0 {
                break;
            }
            let start = Frame::new(mixed.npages()).expect("small");
            let frames = FrameRange::new(start, npages as u64).expect("small");
            let pages = UnsafeCell::new(vec![Page::ZERO; npages]);
            mixed.runs.push(Run { frames, permanent, pages });
        }
        mixed.check_or_refill(None);
        mixed
    }

    /// Frames that there are, from 0 on.
    pub fn npages(&self) -> u64 {
        self.runs.last().map_or(0, |run| run.frames.end())
    }

    /// The mapping that failed, by its first frame, since this was asked last.
    pub fn take_fault(&self) -> Option<(Fault, u64)> {
        self.fault.take()
    }

    /// Panics unless exactly the frames of `zero` are zero; then makes all garbage again.
    pub fn check_and_refill(&self, zero: &[u64]) {
        assert_eq!(self.held.get(), 0, "a mapping is left");
        self.check_or_refill(Some(zero));
        self.check_or_refill(None);
    }

    fn check_or_refill(&self, zero: Option<&[u64]>) {
        for (run, frame) in
            self.runs.iter().flat_map(|run| run.frames.iter().map(move |f| (run, f)))
        {
            // SAFETY: a page of the run, to which nobody else refers now.
            let bytes = unsafe { run.page(frame.get()).as_mut() }.as_bytes_mut();
            match zero {
                None => bytes.fill(GARBAGE),
                Some(zero) => {
                    let byte = if zero.contains(&frame.get()) { 0 } else { GARBAGE };
                    assert!(bytes.iter().all(|&is| is == byte), "{frame} should be {byte:#x}");
                }
            }
        }
    }

    fn run(&self, frame: u64) -> Option<&Run> {
        self.runs.iter().find(|run| (run.frames.start().get()..run.frames.end()).contains(&frame))
    }

    fn is_permanent(&self, frame: u64) -> bool {
        self.run(frame).is_some_and(|run| run.permanent)
    }

    fn fail<T>(&self, fault: Fault, frames: FrameRange) -> Result<T, Fault> {
        assert_eq!(self.fault.replace(Some((fault, frames.start().get()))), None, "went on");
        Err(fault)
    }
}

// SAFETY: each frame is a page of one run, and runs never grow.
unsafe impl Highmem for Mixed {
    type Error = Fault;
    type Mapping<'a> = Copied<'a>;

    fn page_address(&self, frames: FrameRange) -> Option<NonNull<[Page]>> {
        assert!(!frames.is_empty());
        let run = self.run(frames.start().get()).filter(|run| run.permanent)?;
        let npages = run.frames.end().min(frames.end()) - frames.start().get();
        Some(NonNull::slice_from_raw_parts(run.page(frames.start().get()), npages as usize))
    }

    fn kmap_local(&self, frames: FrameRange) -> Result<Copied<'_>, Fault> {
        assert!(!frames.is_empty() && !self.is_permanent(frames.start().get()));
        let alike = frames.iter().take_while(|frame| !self.is_permanent(frame.get())).count();
        let frames = frames.split_at(alike as u64).0;
        let n = self.maps.replace(self.maps.get() + 1);
        if self.fails >> (n % 64) & 1 == 1 {
            return self.fail(Fault::Told(n), frames);
        }
        if frames.start().get() >= self.npages() {
            return self.fail(Fault::Absent, frames);
        }
        let window = match self.windows.len() {
            0 => 1,
            len => 1 + u64::from(self.windows[n as usize % len]) % 24,
        };
        let there = self.npages() - frames.start().get();
        let mapped = frames.split_at(window.min(there)).0;
        let mut pages = vec![Page::ZERO; mapped.npages() as usize + 2];
        pages.iter_mut().for_each(|page| page.as_bytes_mut().fill(REDZONE));
        for (frame, copy) in mapped.iter().zip(&mut pages[1..]) {
            let run = self.run(frame.get()).expect("it is there");
            // SAFETY: a page of the run, which nobody writes meanwhile.
            copy.clone_from(unsafe { run.page(frame.get()).as_ref() });
        }
        self.held.set(self.held.get() + 1);
        Ok(Copied { mem: self, frames: mapped, pages: RefCell::new(pages) })
    }
}

/// A mapping: a redzone, the frames, a redzone.
pub struct Copied<'a> {
    mem: &'a Mixed,
    frames: FrameRange,
    pages: RefCell<Vec<Page>>,
}

// SAFETY: the pages between the redzones, which stay where they are.
unsafe impl Mapping for Copied<'_> {
    fn pages(&self) -> NonNull<[Page]> {
        let mut pages = self.pages.borrow_mut();
        let end = pages.len() - 1;
        NonNull::from(&mut pages[1..end])
    }
}

impl Drop for Copied<'_> {
    fn drop(&mut self) {
        let pages = self.pages.get_mut();
        for redzone in [&pages[0], &pages[pages.len() - 1]] {
            assert!(redzone.as_bytes() == &[REDZONE; PAGE_SIZE], "a redzone of {}", self.frames);
        }
        for (frame, copy) in self.frames.iter().zip(&pages[1..]) {
            let run = self.mem.run(frame.get()).expect("it is there");
            // SAFETY: a page of the run, to which nobody else refers now.
            unsafe { run.page(frame.get()).as_mut() }.clone_from(copy);
        }
        self.mem.held.set(self.mem.held.get() - 1);
    }
}
