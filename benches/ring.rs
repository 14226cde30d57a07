//! The pool's queue against crossbeam's `ArrayQueue`: `cargo bench --bench ring`.
//!
//! First the time of taking a block out and putting it back. A ratio is the median over the rounds of
//! the ring's time to that of `ArrayQueue` in the same round. Then children are forked while two
//! threads use the queue, and the children that cannot use it are counted: whoever meets a slot that
//! another thread was filling or emptying waits for that thread in `ArrayQueue`.

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

    /// `ArrayQueue` takes only what may go to other threads.
    #[derive(Clone, Copy)]
    struct Sent(Block);

    // SAFETY: nobody looks into the blocks.
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

    /// Nanoseconds of a pair, on each of so many threads.
    fn pair(queue: &impl Queue, threads: usize) -> f64 {
        let work = || (0..PAIRS).for_each(|_| take_and_put_back(queue));
        let all = || thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        nanoseconds(all) / PAIRS as f64
    }

    /// The children that do not come back.
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
            // SAFETY: nothing of the child is to be dropped.
            unsafe { libc::_exit(0) };
        }
        let begin = Instant::now();
        let mut status = 0;
        // SAFETY: a child of this process, waited for until it has gone.
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

// What the ring stands on in the library.
mod sync {
    pub use std::sync::atomic;
}

/// A value on a cache line of its own, as in the library.
#[derive(Default)]
#[repr(align(128))]
struct Line<T>(T);

fn main() {
    #[cfg(unix)]
    unix::main();
}
