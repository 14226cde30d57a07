//! talc under `ClearingAlloc` as the global allocator of this test binary.
#![cfg(target_os = "linux")]

use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeMap;
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;
use std::thread;

use clearpage::hooks::{ClearingAlloc, Counters, InitPolicy, set_policy};
use clearpage_allocators::talc::{Talc, heap};
use clearpage_testkit::is_all;

const LEN: usize = 24 << 20;
static mut MEMORY: MaybeUninit<[u8; LEN]> = MaybeUninit::uninit();

#[global_allocator]
static ALLOC: ClearingAlloc<Talc, Counters> = {
    let memory = NonNull::new(&raw mut MEMORY).expect("a static").cast();
    // SAFETY: nothing else uses the static.
    ClearingAlloc::with_stats(unsafe { heap(memory, LEN) }, Counters::new())
};

/// The data that this program writes to the heap, where none of it may remain.
const SECRET: &str = "Swordfish";

/// Reads memory through the kernel, because a program may not read uninitialised bytes.
struct Memory(File);

impl Memory {
    fn read<'a>(&self, from: *const u8, into: &'a mut [u8]) -> &'a [u8] {
        self.0.read_exact_at(into, from.addr() as u64).unwrap();
        into
    }

    /// Counts the secrets in the heap.
    fn secrets(&self) -> usize {
        let (word, mut window) = (SECRET.as_bytes(), [0; 8 << 10]);
        let starts = (0..LEN - word.len()).step_by(window.len() - word.len() + 1);
        starts
            .map(|start| {
                let len = window.len().min(LEN - start);
                let from = (&raw const MEMORY).cast::<u8>().wrapping_add(start);
                let bytes = self.read(from, &mut window[..len]);
                bytes.windows(word.len()).filter(|bytes| *bytes == word).count()
            })
            .sum()
    }

    /// Returns whether fresh blocks of many sizes are zero.
    fn fresh_is_zero(&self) -> bool {
        let mut bytes = [0; 10_100];
        (0..2000_usize).all(|n| {
            let layout = Layout::from_size_align(1 + n * n % 10_007, 1 << (n % 8)).unwrap();
            // SAFETY: the size is not 0, and the block is freed once.
            unsafe {
                let block = alloc(layout);
                let zero = is_all(0, self.read(block, &mut bytes[..layout.size()]));
                dealloc(block, layout);
                zero
            }
        })
    }
}

/// Creates and drops growing strings and trees full of secrets, in several threads.
fn work() {
    let texts = |n: usize| {
        let mut texts = BTreeMap::new();
        for i in 0..n {
            let mut text = String::new();
            (0..i % 70).for_each(|_| text.push_str(SECRET));
            texts.insert(i * 7 % n, text);
        }
        texts.retain(|key, _| key % 3 == 0);
        assert!(texts.iter().all(|(_, text)| text.len() % SECRET.len() == 0));
    };
    thread::scope(|scope| (1..4).for_each(|n| _ = scope.spawn(move || texts(300 * n))));
    drop(SECRET.repeat(100_000));
}

/// A single test, because tests would share the policy and the heap.
#[test]
fn a_program_leaves_no_secrets_in_freed_memory() {
    let memory = Memory(File::open("/proc/self/mem").unwrap());
    assert_eq!(memory.read(SECRET.as_ptr(), &mut [0; SECRET.len()]), SECRET.as_bytes());
    set_policy(InitPolicy::BOTH);
    assert!(memory.fresh_is_zero());
    // The harness waits now, and allocates nothing.
    let before = ALLOC.stats().read();
    work();
    assert_eq!(memory.secrets(), 0);
    let after = ALLOC.stats().read();
    assert_eq!(after.on_free.skips, before.on_free.skips, "a block was freed without a clear");
    assert!(after.on_free.clears > before.on_free.clears + 2000);
    assert!(after.on_alloc.clears > before.on_alloc.clears + 2000);

    // Negative control: the same without hooks.
    set_policy(InitPolicy::OFF);
    let before = ALLOC.stats().read();
    work();
    assert!(!memory.fresh_is_zero());
    assert_ne!(memory.secrets(), 0);
    let after = ALLOC.stats().read();
    assert_eq!(after.on_alloc.clears, before.on_alloc.clears);
    assert_eq!(after.on_free.clears, before.on_free.clears);
}
