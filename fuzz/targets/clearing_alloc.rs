//! Any use of `ClearingAlloc`, against a model that knows every byte: what is to be zero is, what
//! is freed under `on_free` is wiped before the inner allocator has it, `realloc` keeps contents,
//! and no other block changes, whatever policy comes in the middle and whatever call fails.
#![no_main]

use std::alloc::{GlobalAlloc, Layout};

use arbitrary::Arbitrary;
use clearpage::hooks::{ClearingAlloc, Counters, Counts, InitPolicy, OpCounts, set_policy};
use libfuzzer_sys::fuzz_target;

#[path = "clearing_alloc/arena.rs"]
mod arena;
#[path = "clearing_alloc/dl.rs"]
mod dl;
#[path = "clearing_alloc/watch.rs"]
mod watch;

use arena::Arena;
use dl::Dl;
use watch::{POISON, Watch};

#[derive(Arbitrary, Debug)]
struct Input {
    inner: Inner,
    /// From how many bytes on the inner allocator zeroes.
    from: Option<u16>,
    /// From how many bytes on it unmaps what is freed.
    unmaps_from: Option<u16>,
    /// A policy of the allocator's own.
    fixed: Option<(bool, bool)>,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Inner {
    Arena,
    Dl,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    Alloc {
        size: u16,
        align: u8,
        zeroed: bool,
        fill: u8,
    },
    Realloc {
        which: u8,
        size: u16,
    },
    Dealloc {
        which: u8,
    },
    Write {
        which: u8,
        from: u16,
        len: u16,
        byte: u8,
    },
    Policy {
        on_alloc: bool,
        on_free: bool,
    },
    /// The next call that can fails, fails.
    Fail,
}

/// Short ones as likely as long ones, and none of 0.
fn size(raw: u16) -> usize {
    1 + usize::from(raw >> (raw % 13))
}

struct Block {
    ptr: *mut u8,
    layout: Layout,
    bytes: Vec<u8>,
}

impl Block {
    fn memory(&mut self) -> &mut [u8] {
        // SAFETY: the block is the model's alone, and `Watch` filled it.
        unsafe { std::slice::from_raw_parts_mut(self.ptr, self.layout.size()) }
    }
}

struct Model<'a, A> {
    alloc: &'a ClearingAlloc<Watch<A>, Counters>,
    policy: InitPolicy,
    fixed: bool,
    from: Option<usize>,
    unmaps_from: usize,
    blocks: Vec<Block>,
    expected: Counts,
}

fuzz_target!(|input: Input| match input.inner {
    Inner::Arena => run(Arena::new(), &input),
    Inner::Dl => run(Dl::new(), &input),
});

fn run<A: GlobalAlloc>(inner: A, input: &Input) {
    let alloc = ClearingAlloc::with_stats(Watch::new(inner), Counters::new());
    let from = input.from.map(usize::from);
    let alloc = match from {
        Some(from) => alloc.alloc_zeroed_threshold(from),
        None => alloc,
    };
    let unmaps_from = input.unmaps_from.map_or(usize::MAX, usize::from);
    let alloc = alloc.unmap_threshold(unmaps_from);
    let policy = input.fixed.map(|(on_alloc, on_free)| InitPolicy { on_alloc, on_free });
    let alloc = match policy {
        Some(policy) => alloc.with_policy(policy),
        None => alloc,
    };
    set_policy(InitPolicy::OFF);
    let mut model = Model {
        alloc: &alloc,
        policy: policy.unwrap_or_default(),
        fixed: policy.is_some(),
        from,
        unmaps_from,
        blocks: Vec::new(),
        expected: Counts::default(),
    };
    for &step in input.steps.iter().take(256) {
        model.step(step);
        model.check();
    }
    while let Some(block) = model.blocks.pop() {
        model.dealloc(block);
        model.check();
    }
    assert_eq!(alloc.inner().live(), 0);
    assert_eq!(alloc.stats().read(), model.expected);
}

impl<A: GlobalAlloc> Model<'_, A> {
    /// Whether a freed block of `len` bytes is wiped.
    fn wipes(&self, len: usize) -> bool {
        self.policy.on_free && len < self.unmaps_from
    }

    fn step(&mut self, step: Step) {
        let nblocks = self.blocks.len();
        match step {
            Step::Alloc { size: raw, align, zeroed, fill } => {
                let layout = Layout::from_size_align(size(raw), 1 << (align % 14));
                self.alloc(layout.expect("small"), zeroed, fill);
            }
            Step::Policy { on_alloc, on_free } => {
                let policy = InitPolicy { on_alloc, on_free };
                set_policy(policy);
                if !self.fixed {
                    self.policy = policy;
                }
            }
            Step::Fail => self.alloc.inner().fail_next(),
            _ if nblocks == 0 => {}
            Step::Realloc { which, size: raw } => {
                let block = self.blocks.swap_remove(usize::from(which) % nblocks);
                self.realloc(block, size(raw));
            }
            Step::Dealloc { which } => {
                let block = self.blocks.swap_remove(usize::from(which) % nblocks);
                self.dealloc(block);
            }
            Step::Write { which, from, len, byte } => {
                let block = &mut self.blocks[usize::from(which) % nblocks];
                let from = usize::from(from) % block.bytes.len();
                let to = (from + usize::from(len)).min(block.bytes.len());
                block.bytes[from..to].fill(byte);
                block.memory()[from..to].fill(byte);
            }
        }
    }

    fn alloc(&mut self, layout: Layout, zeroed: bool, fill: u8) {
        // SAFETY: the size is not 0.
        let ptr = unsafe {
            if zeroed { self.alloc.alloc_zeroed(layout) } else { self.alloc.alloc(layout) }
        };
        if ptr.is_null() {
            return;
        }
        assert_eq!(ptr.addr() % layout.align(), 0, "{layout:?}");
        let zero = zeroed || self.policy.on_alloc;
        let by_inner = zero && self.from.map_or(zeroed, |from| layout.size() >= from);
        count(&mut self.expected.on_alloc, layout.size(), zero && !by_inner);
        let mut block = Block { ptr, layout, bytes: vec![fill; layout.size()] };
        let byte = if zero { 0 } else { POISON };
        assert!(block.memory().iter().all(|&is| is == byte), "{layout:?} should be {byte:#x}");
        block.memory().fill(fill);
        self.blocks.push(block);
    }

    fn realloc(&mut self, mut block: Block, size: usize) {
        let old = block.layout.size();
        self.alloc.inner().expect_wiped(self.wipes(old));
        // SAFETY: the block has this layout; the new size is not 0, and small.
        let ptr = unsafe { self.alloc.realloc(block.ptr, block.layout, size) };
        if ptr.is_null() {
            // Untouched: the next check sees that.
            self.blocks.push(block);
            return;
        }
        if size > old {
            count(&mut self.expected.on_alloc, size - old, self.policy.on_alloc);
        }
        if self.wipes(old.min(size)) {
            let wiped = self.wipes(old);
            count(&mut self.expected.on_free, old, wiped);
        } else if size < old {
            count(&mut self.expected.on_free, old - size, false);
        }
        block.ptr = ptr;
        block.layout = Layout::from_size_align(size, block.layout.align()).expect("small");
        assert_eq!(ptr.addr() % block.layout.align(), 0, "{:?}", block.layout);
        block.bytes.truncate(size);
        if size > old {
            let grown = &mut block.memory()[old..];
            assert!(!self.policy.on_alloc || grown.iter().all(|&is| is == 0), "{old} to {size}");
            grown.fill(POISON);
            block.bytes.resize(size, POISON);
        }
        self.blocks.push(block);
    }

    fn dealloc(&mut self, block: Block) {
        let wipes = self.wipes(block.layout.size());
        self.alloc.inner().expect_wiped(wipes);
        count(&mut self.expected.on_free, block.layout.size(), wipes);
        // SAFETY: the block has this layout, and is given back once.
        unsafe { self.alloc.dealloc(block.ptr, block.layout) };
    }

    /// Every block holds what its user wrote.
    fn check(&mut self) {
        for block in &mut self.blocks {
            let bytes = std::mem::take(&mut block.bytes);
            assert!(block.memory() == bytes, "{:?} changed", block.layout);
            block.bytes = bytes;
        }
    }
}

fn count(side: &mut OpCounts, bytes: usize, cleared: bool) {
    let (calls, sum) = if cleared {
        (&mut side.clears, &mut side.cleared_bytes)
    } else {
        (&mut side.skips, &mut side.skipped_bytes)
    };
    *calls += 1;
    *sum += bytes as u64;
}
