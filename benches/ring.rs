//! Compares the pool's queue with crossbeam's `ArrayQueue`: `cargo bench --bench ring`.
//!
//! The first part measures taking a block and putting it back. A ratio is the ring's time divided by
//! that of `ArrayQueue` in the same round, as the median over the rounds. The second part forks
//! children while two threads use the queue, and counts the children that cannot use it: in
//! `ArrayQueue` they wait for a thread of the parent that was filling or emptying a slot.

#[cfg(unix)]
mod unix {
    use std::ptr::{NonNull, without_provenance_mut};
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::thread;
    use std::time::{Duration, Instant};

    use clearpage::{PAGE_SIZE, Page};
    use clearpage_benches::nanoseconds;
    use clearpage_cli::harness::measure::median;
    use clearpage_cli::harness::table::ruled;
    use crossbeam_queue::ArrayQueue;

    use crate::ring::Ring;

    const CAPACITY: usize = 64;
    const PAIRS: usize = 1_000_000;
    const ROUNDS: usize = 21;
    const FORKS: usize = 200;
    const PATIENCE: Duration = Duration::from_millis(200);

    type Block = NonNull<Page>;

    trait Queue: Sync {
        fn put(&self, block: Block) -> bool;
        fn take(&self) -> Option<Block>;
    }

    impl Queue for Ring {
        fn put(&self, block: Block) -> bool {
            self.push(block)
        }

        fn take(&self) -> Option<Block> {
            self.pop()
        }
    }

    /// A block that is `Send`, as `ArrayQueue` requires to be shared.
    #[derive(Clone, Copy)]
    struct Sent(Block);

    // SAFETY: the blocks are never dereferenced.
    unsafe impl Send for Sent {}

    impl Queue for ArrayQueue<Sent> {
        fn put(&self, block: Block) -> bool {
            self.push(Sent(block)).is_ok()
        }

        fn take(&self) -> Option<Block> {
            self.pop().map(|sent| sent.0)
        }
    }

    fn fill(queue: &impl Queue, blocks: usize) {
        for number in 1..=blocks {
            let block = NonNull::new(without_provenance_mut(number * PAGE_SIZE));
            assert!(queue.put(block.expect("not null")));
        }
    }

    fn take_and_put_back(queue: &impl Queue) {
        if let Some(block) = queue.take() {
            while !queue.put(block) {
                std::hint::spin_loop();
            }
        }
    }

    /// Returns the nanoseconds per take and put, with `threads` concurrent threads.
    fn pair(queue: &impl Queue, threads: usize) -> f64 {
        let work = || (0..PAIRS).for_each(|_| take_and_put_back(queue));
        let all = || thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        nanoseconds(all) / PAIRS as f64
    }

    /// Returns the number of children that do not exit.
    fn stuck(queue: &impl Queue) -> usize {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Relaxed) {
                        take_and_put_back(queue);
                    }
                });
            }
            let stuck = (0..FORKS).filter(|_| child_is_stuck(queue)).count();
            stop.store(true, Relaxed);
            stuck
        })
    }

    fn child_is_stuck(queue: &impl Queue) -> bool {
        // SAFETY: the child touches the queue and exits. It allocates nothing and takes no lock.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "fork failed");
        if child == 0 {
            for _ in 0..CAPACITY {
                if let Some(block) = queue.take() {
                    queue.put(block);
                }
            }
            // SAFETY: the child has nothing to drop.
            unsafe { libc::_exit(0) };
        }
        let begin = Instant::now();
        let mut status = 0;
        // SAFETY: `child` is a child of this process that has not been reaped.
        unsafe {
            while libc::waitpid(child, &mut status, libc::WNOHANG) == 0 {
                if begin.elapsed() > PATIENCE {
                    libc::kill(child, libc::SIGKILL);
                    libc::waitpid(child, &mut status, 0);
                    return true;
                }
                thread::yield_now();
            }
        }
        false
    }

    pub fn main() {
        let ring = Ring::new(CAPACITY).expect("memory");
        let array = ArrayQueue::new(CAPACITY);
        fill(&ring, 8);
        fill(&array, 8);
        let mut table = ruled();
        table.set_header(["threads", "ring, ns", "ArrayQueue, ns", "ratio"]);
        for threads in [1, 2] {
            let times: Vec<_> = (0..ROUNDS)
                .map(|round| match round % 2 {
                    0 => [pair(&ring, threads), pair(&array, threads)],
                    _ => {
                        let array = pair(&array, threads);
                        [pair(&ring, threads), array]
                    }
                })
                .collect();
            let of = |value: fn(&[f64; 2]) -> f64| {
                median(&mut times.iter().map(value).collect::<Vec<_>>())
            };
            let cells = [of(|t| t[0]), of(|t| t[1]), of(|t| t[0] / t[1])];
            let cells = cells.map(|cell| format!("{cell:.2}"));
            table.add_row([&threads.to_string(), &cells[0], &cells[1], &cells[2]]);
        }
        println!("{table}");
        println!(
            "children that cannot use the queue, of {FORKS}: ring {}, ArrayQueue {}",
            stuck(&ring),
            stuck(&array),
        );
    }
}

#[allow(dead_code, unused_imports, reason = "the library and its tests use more of it")]
#[path = "../os/src/pool/ring.rs"]
mod ring;

// The part of the library's `sync` that the ring uses.
mod sync {
    pub use std::sync::atomic;
}

/// A value on its own cache line, as in the library.
#[derive(Default)]
#[repr(align(128))]
struct Line<T>(T);

fn main() {
    #[cfg(unix)]
    unix::main();
}
