//! The memory of a mark-region collector, zeroed by [`raw`](clearpage::raw): blocks of 32 KiB, of
//! which the free lines, of 256 bytes, are allocated again.
//!
//! The sizes are those of mmtk-core's Immix space; the collector is Immix (Blackburn and McKinley,
//! PLDI 2008). A program takes a block, clears each hole, a run of free lines, when it comes to it,
//! and bumps a pointer through it: that memory is used at once, so it is cleared
//! [`Hot`](Intent::Hot). A sweeper, which runs meanwhile, says which lines are free. If it is to
//! wipe, it clears them itself, [`Cold`](Intent::Cold): the program will come to them later, and
//! then has nothing left to clear, since the marks lie apart.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use clearpage::Intent;
use clearpage::hooks::{Counts, Op};

use crate::Clear;

/// Bytes in a block.
pub const BLOCK: usize = 32 << 10;
/// Bytes in a line.
pub const LINE: usize = 256;
/// Lines in a block.
pub const LINES: usize = BLOCK / LINE;

/// Objects are aligned to this, and as long as a multiple of it.
pub const ALIGN: usize = 16;

/// A block and its marks; who holds it has its free lines.
#[derive(Debug)]
struct Block {
    start: NonNull<u8>,
    live: [bool; LINES],
    /// The lines that are not live are zero.
    wiped: bool,
}

// SAFETY: an address; what is there is the holder's.
unsafe impl Send for Block {}

impl Block {
    /// The first free lines from `line` on, up to one that is not.
    fn hole(&self, line: usize) -> Option<Range<usize>> {
        let start = (line..LINES).find(|&line| !self.live[line])?;
        let end = (start..LINES).find(|&line| self.live[line]).unwrap_or(LINES);
        Some(start..end)
    }

    fn holes(&self) -> impl Iterator<Item = Range<usize>> {
        let mut line = 0;
        std::iter::from_fn(move || {
            let hole = self.hole(line)?;
            line = hole.end;
            Some(hole)
        })
    }

    fn line(&self, line: usize) -> NonNull<u8> {
        assert!(line <= LINES);
        // SAFETY: in the block, or its end.
        unsafe { self.start.add(line * LINE) }
    }
}

/// The blocks that nobody holds.
#[derive(Debug)]
pub struct Space {
    lists: Mutex<Lists>,
    clear: Clear,
    wipe: bool,
}

#[derive(Debug, Default)]
struct Lists {
    /// To allocate from.
    ready: Vec<Block>,
    /// Allocated from, not swept since.
    full: Vec<Block>,
    counts: Counts,
}

/// A program that allocates.
#[derive(Debug, Default)]
pub struct Mutator {
    block: Option<Block>,
    /// The first line behind the hole.
    line: usize,
    hole: Range<usize>,
}

impl Space {
    /// As many blocks as there are in the `len` bytes at `base`, whatever they hold; `wipe` has the
    /// sweeper clear, and `clear` is what clears.
    ///
    /// # Safety
    /// The bytes are valid for reads and writes as long as anything of it is used, and nobody else
    /// uses them, but who was handed them out. `clear` writes only where it is told to.
    pub unsafe fn new(base: NonNull<u8>, len: usize, wipe: bool, clear: Clear) -> Self {
        // SAFETY: so many blocks are there.
        let block = |n| unsafe { base.add(n * BLOCK) };
        let ready = (0..len / BLOCK).rev().map(|n| Block {
            start: block(n),
            live: [false; LINES],
            wiped: false,
        });
        let lists = Lists { ready: ready.collect(), ..Lists::default() };
        Self { lists: Mutex::new(lists), clear, wipe }
    }

    /// An object of `size` bytes, all zero; `None` where none are left.
    pub fn alloc(&self, program: &mut Mutator, size: usize) -> Option<NonNull<u8>> {
        let size = size.next_multiple_of(ALIGN);
        if size > BLOCK {
            return None;
        }
        while program.hole.len() < size {
            self.next_hole(program)?;
        }
        let block = program.block.as_ref().expect("a hole is in a block");
        // SAFETY: in the hole, which is in the block.
        let object = unsafe { block.start.add(program.hole.start) };
        program.hole.start += size;
        Some(object)
    }

    fn next_hole(&self, program: &mut Mutator) -> Option<()> {
        loop {
            let Some(block) = &program.block else {
                program.block = Some(self.lists().ready.pop()?);
                program.line = 0;
                continue;
            };
            let Some(lines) = block.hole(program.line) else {
                self.retire(program);
                continue;
            };
            self.prepare(block, &lines, Op::Alloc, !block.wiped);
            program.hole = lines.start * LINE..lines.end * LINE;
            program.line = lines.end;
            return Some(());
        }
    }

    /// The program allocates from its block no more.
    pub fn retire(&self, program: &mut Mutator) {
        self.lists().full.extend(program.block.take());
        program.hole = 0..0;
    }

    /// Sweeps one block that was allocated from: `live` says of a line's address whether anything in
    /// it is used. How many lines are free; `None` where there was no block.
    ///
    /// # Safety
    /// Nobody uses the lines that are not live.
    pub unsafe fn sweep(&self, live: impl Fn(usize) -> bool) -> Option<usize> {
        let mut block = self.lists().full.pop()?;
        block.live = std::array::from_fn(|line| live(block.line(line).addr().get()));
        for hole in block.holes() {
            self.prepare(&block, &hole, Op::Free, self.wipe);
        }
        block.wiped = self.wipe;
        let free = block.live.iter().filter(|live| !**live).count();
        self.lists().ready.push(block);
        Some(free)
    }

    /// What was cleared, and what was not, by holes.
    pub fn counts(&self) -> Counts {
        self.lists().counts
    }

    fn prepare(&self, block: &Block, lines: &Range<usize>, side: Op, clear: bool) {
        let len = lines.len() * LINE;
        let intent = match side {
            Op::Alloc => Intent::Hot,
            Op::Free => Intent::Cold,
        };
        if clear {
            // SAFETY: free lines are the holder's.
            unsafe { (self.clear)(block.line(lines.start).as_ptr(), len, intent) };
        }
        let mut lists = self.lists();
        let counts = match side {
            Op::Alloc => &mut lists.counts.on_alloc,
            Op::Free => &mut lists.counts.on_free,
        };
        crate::count(counts, len, clear);
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
