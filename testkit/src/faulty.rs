//! A mapper that counts its mappings and fails on request, and a model of clearing through it.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::fmt;
use std::ptr::NonNull;

use clearpage::highmem::{ClearError, Frame, FrameRange, Highmem, Mapping};
use clearpage::{PAGE_SIZE, Page};

use crate::is_all;

/// Not zero, so that a byte shows whether it was cleared.
const GARBAGE: u8 = 0xa5;

/// Contiguous frames: their number, and whether they have an address. Adjacent runs with an address
/// are not contiguous in memory.
pub type Run = (u64, bool);

/// Memory of frames from 0 on, in runs with and without an address. A mapping is a copy of frames
/// between redzones, which is written back on drop.
pub struct FaultyMap {
    /// All frames. A redzone follows each run.
    memory: UnsafeCell<Vec<Page>>,
    /// The runs and the number of the first frame of each.
    runs: Vec<(u64, Run)>,
    /// The frames that mapping n holds at most, modulo the length of this list.
    pub windows: Vec<u64>,
    /// The frames that `page_address` returns at most.
    pub prefix: u64,
    /// Whether a mapping may include frames that have an address.
    pub covers: bool,
    /// Bit n is set if mapping n fails. The last bit stands for all further mappings.
    fails: Cell<u64>,
    panic: Cell<Option<u64>>,
    maps: Cell<u64>,
    /// The frames of the mappings that are held.
    held: RefCell<Vec<FrameRange>>,
}

/// The reason that a frame was not mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The failure of this mapping was requested.
    Requested(u64),
    /// The frame does not exist.
    Absent,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested(n) => write!(f, "mapping {n} fails"),
            Self::Absent => write!(f, "no such frame"),
        }
    }
}

impl FaultyMap {
    /// Creates memory full of garbage.
    pub fn new(runs: &[Run], window: u64) -> Self {
        let mut start = 0;
        let runs: Vec<_> = runs
            .iter()
            .map(|&run| {
                start += run.0;
                (start - run.0, run)
            })
            .collect();
        let mut memory = vec![Page::ZERO; start as usize + runs.len()];
        memory.iter_mut().for_each(|page| page.as_bytes_mut().fill(GARBAGE));
        Self {
            memory: UnsafeCell::new(memory),
            runs,
            windows: vec![window],
            prefix: u64::MAX,
            covers: false,
            fails: Cell::new(0),
            panic: Cell::new(None),
            maps: Cell::new(0),
            held: RefCell::default(),
        }
    }

    /// Sets the mappings that fail, by bits: see the field.
    pub fn fail(&self, mappings: u64) {
        self.fails.set(mappings);
    }

    /// Lets mapping `n` and all after it fail.
    pub fn fail_from(&self, n: u64) {
        self.fail(u64::MAX << n);
    }

    /// Lets mapping `n` panic.
    pub fn panic_at(&self, n: u64) {
        self.panic.set(Some(n));
    }

    /// Returns the number of frames.
    pub fn npages(&self) -> u64 {
        self.runs.last().map_or(0, |(start, run)| start + run.0)
    }

    /// Returns the number of mappings so far.
    pub fn maps(&self) -> u64 {
        self.maps.get()
    }

    /// Returns the index of the frame's run.
    fn run(&self, frame: u64) -> Option<usize> {
        self.runs.iter().position(|(start, run)| (*start..start + run.0).contains(&frame))
    }

    /// Returns whether a frame has an address.
    pub fn has_address(&self, frame: u64) -> bool {
        self.run(frame).is_some_and(|run| self.runs[run].1.1)
    }

    fn page(&self, frame: Frame) -> NonNull<Page> {
        let at = frame.get() as usize + self.run(frame.get()).expect("the frame exists");
        // SAFETY: the vector never grows, and has this page.
        unsafe { NonNull::new_unchecked((*self.memory.get()).as_mut_ptr().add(at)) }
    }

    /// Returns the length of mapping `n`, of at most `npages` frames from `frame` on, or why it
    /// fails.
    fn window(&self, n: u64, frame: Frame, npages: u64) -> Result<u64, Fault> {
        if self.fails.get() >> n.min(63) & 1 == 1 {
            return Err(Fault::Requested(n));
        }
        match self.npages().saturating_sub(frame.get()) {
            0 => Err(Fault::Absent),
            left => Ok(npages.min(left).min(self.windows[n as usize % self.windows.len()])),
        }
    }

    /// Panics unless exactly the frames in `zero` are zero and no mapping is held. Then fills the
    /// memory with garbage again.
    pub fn check(&self, zero: impl Fn(u64) -> bool) {
        assert!(self.held.borrow().is_empty(), "held: {self:?}");
        let mut cleared = vec![false; self.npages() as usize + self.runs.len()];
        for frame in 0..self.npages() {
            cleared[frame as usize + self.run(frame).expect("the frame exists")] = zero(frame);
        }
        // SAFETY: no mapping is held, and no address is used now.
        let memory = unsafe { &mut *self.memory.get() };
        for (at, (page, cleared)) in memory.iter_mut().zip(cleared).enumerate() {
            let byte = if cleared { 0 } else { GARBAGE };
            let page = page.as_bytes_mut();
            assert!(is_all(byte, page), "page {at} should be {byte:#x}: {self:?}");
            page.fill(GARBAGE);
        }
    }
}

impl fmt::Debug for FaultyMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (_, (npages, address)) in &self.runs {
            write!(f, "{npages}{} ", if *address { " with an address," } else { " without," })?;
        }
        let Self { windows, prefix, covers, fails, .. } = self;
        write!(f, "windows {windows:?}, prefix {prefix}, covers {covers}, fails {:b}", fails.get())
    }
}

// SAFETY: the memory is a vector that never grows. Each frame is one page of it, and the frames of a
// run are in order.
unsafe impl Highmem for FaultyMap {
    type Error = Fault;
    type Mapping<'a> = Copied<'a>;

    fn page_address(&self, frames: FrameRange) -> Option<NonNull<[Page]>> {
        assert!(!frames.is_empty(), "an address of no frame");
        let frame = frames.start();
        let (start, (npages, address)) = self.runs[self.run(frame.get())?];
        let len = frames.npages().min(start + npages - frame.get()).min(self.prefix);
        address.then(|| NonNull::slice_from_raw_parts(self.page(frame), len as usize))
    }

    fn kmap_local(&self, frames: FrameRange) -> Result<Copied<'_>, Fault> {
        assert!(!frames.is_empty(), "a mapping of no frame");
        assert!(!self.has_address(frames.start().get()), "the frame has an address: {self:?}");
        assert_ne!(self.panic.get(), Some(self.maps()), "requested panic");
        let included = |frame: &Frame| self.covers || !self.has_address(frame.get());
        let npages = frames.iter().take_while(included).count() as u64;
        let npages = self.window(self.maps(), frames.start(), npages)?;
        let frames = frames.split_at(npages).0;
        self.maps.set(self.maps() + 1);
        self.held.borrow_mut().push(frames);
        let mut copy = vec![Page::ZERO; npages as usize + 2];
        copy.iter_mut().for_each(|page| page.as_bytes_mut().fill(!GARBAGE));
        for (frame, copy) in frames.iter().zip(&mut copy[1..]) {
            // SAFETY: nothing writes to the frame now.
            copy.clone_from(unsafe { self.page(frame).as_ref() });
        }
        Ok(Copied { map: self, frames, copy: RefCell::new(copy) })
    }
}

/// A mapping: a redzone page, the frames, a redzone page.
pub struct Copied<'a> {
    map: &'a FaultyMap,
    frames: FrameRange,
    copy: RefCell<Vec<Page>>,
}

// SAFETY: the pages between the redzones, which do not move.
unsafe impl Mapping for Copied<'_> {
    fn pages(&self) -> NonNull<[Page]> {
        let mut copy = self.copy.borrow_mut();
        let end = copy.len() - 1;
        NonNull::from(&mut copy[1..end])
    }
}

impl Drop for Copied<'_> {
    fn drop(&mut self) {
        let copy = self.copy.get_mut();
        for redzone in [&copy[0], &copy[copy.len() - 1]] {
            assert!(redzone.as_bytes() == &[!GARBAGE; PAGE_SIZE], "a redzone of {}", self.frames);
        }
        for (frame, page) in self.frames.iter().zip(&copy[1..]) {
            // SAFETY: nothing else accesses the frame now.
            unsafe { self.map.page(frame).as_mut() }.clone_from(page);
        }
        assert_eq!(self.map.held.borrow_mut().pop(), Some(self.frames), "out of order");
    }
}

/// The expected result of a clear: the frames that are cleared, the mappings that are created, and
/// the error.
pub struct Expected {
    cleared: Vec<u64>,
    mappings: u64,
    error: Option<ClearError<Fault>>,
}

impl Expected {
    /// Returns what to expect of contiguous frames, or of a list. In a list, a mapping includes only
    /// frames without an address.
    pub fn of(mem: &FaultyMap, list: &[u64], contiguous: bool) -> Self {
        let mut this = Self { cleared: vec![], mappings: mem.maps(), error: None };
        // The frames from here on may be mapped together.
        let mut run = 0..0;
        while let Some(&first) = list.get(this.cleared.len()) {
            let at = this.cleared.len();
            if mem.has_address(first) {
                this.cleared.push(first);
                continue;
            }
            if at >= run.end {
                let included = |pair: &&[u64]| {
                    pair[0] + 1 == pair[1]
                        && (!mem.has_address(pair[1]) || contiguous && mem.covers)
                };
                run = at..at + 1 + list[at..].windows(2).take_while(included).count();
            }
            let frame = Frame::new(first).expect("small");
            match mem.window(this.mappings, frame, (run.end - at) as u64) {
                Ok(npages) => this.cleared.extend(&list[at..at + npages as usize]),
                Err(source) => {
                    this.error = Some(ClearError { cleared: at as u64, frame, source });
                    break;
                }
            }
            this.mappings += 1;
        }
        this
    }

    /// Panics unless the clear had this result.
    pub fn check(self, mem: &FaultyMap, result: Result<(), ClearError<Fault>>) {
        assert_eq!(result.err(), self.error, "{mem:?}");
        assert_eq!(mem.maps(), self.mappings, "mappings: {mem:?}");
        mem.check(|frame| self.cleared.contains(&frame));
    }
}
