//! The heap of a mark-region garbage collector, cleared with [`raw`](clearpage::raw). It consists of
//! blocks of 32 KiB, whose free lines of 256 bytes are allocated again.
//!
//! The collector is Immix (Blackburn and McKinley, PLDI 2008), with the sizes of mmtk-core's Immix
//! space. A mutator takes a block and allocates from its holes, which are runs of free lines. There
//! are two ways to clear a hole:
//!
//! - The mutator clears it when it gets there, [`Hot`](Intent::Hot), because it uses it at once.
//! - The sweeper, which runs concurrently and determines the free lines, clears it,
//!   [`Cold`](Intent::Cold), because it is used later. The mutator then skips the clear. That works
//!   because the marks are stored outside the blocks.

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

/// The alignment of objects. Their sizes are rounded up to it.
pub const ALIGN: usize = 16;

/// A block and its marks. Its holder owns the free lines.
#[derive(Debug)]
struct Block {
    start: NonNull<u8>,
    live: [bool; LINES],
    /// Whether the free lines are zero.
    wiped: bool,
}

// SAFETY: an address. Its memory belongs to the holder of the block.
unsafe impl Send for Block {}

impl Block {
    /// Returns the first hole from `line` on.
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
        // SAFETY: the line is in the block, or at its end.
        unsafe { self.start.add(line * LINE) }
    }
}

/// The blocks that no mutator holds.
#[derive(Debug)]
pub struct Space {
    lists: Mutex<Lists>,
    clear: Clear,
    wipe: bool,
}

#[derive(Debug, Default)]
struct Lists {
    /// Blocks to allocate from.
    ready: Vec<Block>,
    /// Blocks allocated from and not swept since.
    full: Vec<Block>,
    counts: Counts,
}

/// The allocation state of one thread of the program.
#[derive(Debug, Default)]
pub struct Mutator {
    block: Option<Block>,
    /// The first line after the hole.
    line: usize,
    hole: Range<usize>,
}

impl Space {
    /// Creates a space of the blocks in the `len` bytes at `base`, with any contents. If `wipe` is
    /// set, the sweeper clears, otherwise the mutators do. Both clear with `clear`.
    ///
    /// # Safety
    /// As long as the space or its objects are used, the bytes are valid for reads and writes, and
    /// only the owners of objects use them. `clear` writes only to its range.
    pub unsafe fn new(base: NonNull<u8>, len: usize, wipe: bool, clear: Clear) -> Self {
        // SAFETY: `n` is below the number of blocks.
        let block = |n| unsafe { base.add(n * BLOCK) };
        let ready = (0..len / BLOCK).rev().map(|n| Block {
            start: block(n),
            live: [false; LINES],
            wiped: false,
        });
        let lists = Lists { ready: ready.collect(), ..Lists::default() };
        Self { lists: Mutex::new(lists), clear, wipe }
    }

    /// Allocates a zeroed object of `size` bytes, or returns `None` if no hole is left.
    pub fn alloc(&self, mutator: &mut Mutator, size: usize) -> Option<NonNull<u8>> {
        let size = size.next_multiple_of(ALIGN);
        if size > BLOCK {
            return None;
        }
        while mutator.hole.len() < size {
            self.next_hole(mutator)?;
        }
        let block = mutator.block.as_ref().expect("a hole is in a block");
        // SAFETY: the hole is in the block.
        let object = unsafe { block.start.add(mutator.hole.start) };
        mutator.hole.start += size;
        Some(object)
    }

    fn next_hole(&self, mutator: &mut Mutator) -> Option<()> {
        loop {
            let Some(block) = &mutator.block else {
                mutator.block = Some(self.lists().ready.pop()?);
                mutator.line = 0;
                continue;
            };
            let Some(lines) = block.hole(mutator.line) else {
                self.retire(mutator);
                continue;
            };
            self.prepare(block, &lines, Op::Alloc, !block.wiped);
            mutator.hole = lines.start * LINE..lines.end * LINE;
            mutator.line = lines.end;
            return Some(());
        }
    }

    /// Retires the block of a mutator, so that it can be swept.
    pub fn retire(&self, mutator: &mut Mutator) {
        self.lists().full.extend(mutator.block.take());
        mutator.hole = 0..0;
    }

    /// Sweeps one retired block. `live` returns whether the line at an address is in use. Returns
    /// the number of free lines, or `None` if no block is left.
    ///
    /// # Safety
    /// Lines that are not live are not used.
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

    /// Returns what was cleared and what was skipped, counted by holes.
    pub fn counts(&self) -> Counts {
        self.lists().counts
    }

    fn prepare(&self, block: &Block, lines: &Range<usize>, op: Op, clear: bool) {
        let len = lines.len() * LINE;
        let intent = match op {
            Op::Alloc => Intent::Hot,
            Op::Free => Intent::Cold,
        };
        if clear {
            // SAFETY: the holder of a block owns its free lines.
            unsafe { (self.clear)(block.line(lines.start).as_ptr(), len, intent) };
        }
        let mut lists = self.lists();
        let counts = match op {
            Op::Alloc => &mut lists.counts.on_alloc,
            Op::Free => &mut lists.counts.on_free,
        };
        crate::count(counts, len, clear);
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
