//! A mapper that counts, and fails where it is told to.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ptr::NonNull;

use clearpage::highmem::{Frame, FrameRange, Highmem, Mapping};
use clearpage::{PAGE_SIZE, Page};

/// Not zero, so that a byte says by itself whether it was cleared.
const GARBAGE: u8 = 0xa5;

/// Memory of frames from 0 on, some of which have an address. The others have none: a mapping is a
/// copy of them between redzones, brought back when it is undone.
pub struct FaultyMap {
    memory: RefCell<Vec<Page>>,
    mapped: Vec<bool>,
    /// Frames a mapping holds at most.
    pub window: usize,
    fail: Cell<Option<u64>>,
    panic: Cell<Option<u64>>,
    maps: Cell<u64>,
    /// The frames of the mappings that are held.
    held: RefCell<Vec<FrameRange>>,
}

/// Why a frame is not mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The n-th mapping was to fail.
    Told(u64),
    /// There is no such frame.
    Absent,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(n) => write!(f, "mapping {n} fails"),
            Self::Absent => write!(f, "no such frame"),
        }
    }
}

impl FaultyMap {
    /// Frame n has an address if `mapped[n]` says so; mapping number `fail` fails, and all behind it.
    pub fn new(mapped: &[bool], window: usize, fail: Option<u64>) -> Self {
        let mut memory = vec![Page::ZERO; mapped.len()];
        memory.iter_mut().for_each(|page| page.as_bytes_mut().fill(GARBAGE));
        Self {
            memory: RefCell::new(memory),
            mapped: mapped.to_vec(),
            window,
            fail: Cell::new(fail),
            panic: Cell::new(None),
            maps: Cell::new(0),
            held: RefCell::default(),
        }
    }

    /// Returns whether a frame has an address.
    pub fn has_address(&self, frame: u64) -> bool {
        self.mapped.get(frame as usize) == Some(&true)
    }

    /// Returns how many frames at the start of `frames` have an address, or have none.
    fn run(&self, frames: FrameRange, address: bool) -> u64 {
        frames.iter().take_while(|frame| self.has_address(frame.get()) == address).count() as u64
    }

    /// Why mapping number `n`, of `frame` first, fails.
    pub fn fault(&self, frame: Frame, n: u64) -> Option<Fault> {
        if self.fail.get().is_some_and(|fail| n >= fail) {
            Some(Fault::Told(n))
        } else {
            (frame.get() >= self.mapped.len() as u64).then_some(Fault::Absent)
        }
    }

    /// Mapping number `n` panics.
    pub fn panic_at(&self, n: u64) {
        self.panic.set(Some(n));
    }

    /// From now on no mapping fails.
    pub fn heal(&self) {
        self.fail.set(None);
    }

    /// Mappings made so far.
    pub fn maps(&self) -> u64 {
        self.maps.get()
    }

    /// Panics unless exactly the frames that `zero` names are zero, the others as they were, and
    /// no mapping is held.
    pub fn check(&self, zero: &[bool]) {
        assert!(self.held.borrow().is_empty(), "held: {self:?}");
        for (frame, page) in self.memory.borrow().iter().enumerate() {
            let byte = if zero[frame] { 0 } else { GARBAGE };
            let bad = page.as_bytes().iter().position(|&b| b != byte);
            assert_eq!(bad, None, "frame {frame} should be {byte:#x}: {self:?}");
        }
    }
}

impl fmt::Debug for FaultyMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mapped: String = self.mapped.iter().map(|&m| if m { '#' } else { '.' }).collect();
        write!(f, "{mapped}, window {}, fails at {:?}", self.window, self.fail.get())
    }
}

// SAFETY: the memory is a vector that never grows, and frame n its n-th page.
unsafe impl Highmem for FaultyMap {
    type Error = Fault;
    type Mapping<'a> = Copied<'a>;

    fn page_address(&self, frames: FrameRange) -> Option<NonNull<[Page]>> {
        let run = self.run(frames, true);
        let mut memory = self.memory.borrow_mut();
        let start = frames.start().get() as usize;
        (run > 0).then(|| NonNull::from(&mut memory[start..start + run as usize]))
    }

    fn kmap_local(&self, frames: FrameRange) -> Result<Copied<'_>, Fault> {
        let frames = frames.split_at(self.run(frames, false)).0;
        assert!(!frames.is_empty(), "the first frame has an address: {self:?}");
        assert_ne!(self.panic.get(), Some(self.maps.get()), "told to panic");
        if let Some(fault) = self.fault(frames.start(), self.maps.get()) {
            return Err(fault);
        }
        let there = FrameRange::new(Frame::default(), self.mapped.len() as u64).unwrap();
        let mapped = frames.split_at(self.window as u64).0.intersection(there);
        self.maps.set(self.maps.get() + 1);
        self.held.borrow_mut().push(mapped);
        let mut copy = vec![Page::ZERO; mapped.npages() as usize + 2];
        copy.iter_mut().for_each(|page| page.as_bytes_mut().fill(!GARBAGE));
        for (frame, page) in mapped.iter().zip(&mut copy[1..]) {
            page.clone_from(&self.memory.borrow()[frame.get() as usize]);
        }
        Ok(Copied { map: self, frames: mapped, copy: RefCell::new(copy) })
    }
}

/// A mapping: a page of redzone, the frames, a page of redzone.
pub struct Copied<'a> {
    map: &'a FaultyMap,
    frames: FrameRange,
    copy: RefCell<Vec<Page>>,
}

// SAFETY: the pages between the redzones, which stay where they are.
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
        let mut memory = self.map.memory.borrow_mut();
        for (frame, page) in self.frames.iter().zip(&copy[1..]) {
            memory[frame.get() as usize].clone_from(page);
        }
        assert_eq!(self.map.held.borrow_mut().pop(), Some(self.frames), "out of order");
    }
}
