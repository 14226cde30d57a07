//! Runs threads that take pieces until none is left.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;
use std::vec;

use super::move_to;
use super::pace::Pace;
use super::share::{Share, assign};
use clearpage::Page;

/// A share that threads are working on.
struct Queue<'a> {
    cpus: Vec<usize>,
    pieces: Mutex<vec::IntoIter<&'a mut [Page]>>,
}

impl<'a> Queue<'a> {
    fn take(&self) -> Option<&'a mut [Page]> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner).next()
    }

    /// Returns the number of pieces that are not yet taken.
    fn left(&self) -> usize {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Calls `clear` once per piece, on this thread and on as many others as `pace` asks for. This
/// thread takes from every share, its own first; each other one stays with the share near its CPUs.
pub(super) fn work(
    shares: Vec<Share<&mut [Page]>>,
    mut pace: Pace,
    clear: impl Fn(&mut [Page]) + Sync,
) {
    let pieces: usize = shares.iter().map(|share| share.pieces.len()).sum();
    let assigned = assign(&shares, pace.most().min(pieces));
    let queue = |s: Share<_>| Queue { cpus: s.cpus, pieces: Mutex::new(s.pieces.into_iter()) };
    let queues: Vec<Queue> = shares.into_iter().map(queue).collect();
    // A thread stops when this is no more than its number.
    let wanted = AtomicUsize::new(1);
    thread::scope(|scope| {
        let mut started = 1;
        loop {
            wanted.store(pace.threads(), Relaxed);
            while started < pace.threads().min(assigned.len()) {
                let (queue, number, wanted, clear) =
                    (&queues[assigned[started]], started, &wanted, &clear);
                let work = move || {
                    move_to(&queue.cpus);
                    while number < wanted.load(Relaxed) {
                        let Some(piece) = queue.take() else { break };
                        clear(piece);
                    }
                };
                let name = "clearpage".to_owned();
                if thread::Builder::new().name(name).spawn_scoped(scope, work).is_err() {
                    pace.only(started);
                }
                started += 1;
            }
            let Some(piece) = queues.iter().find_map(Queue::take) else { break };
            let (bytes, start) = (size_of_val(piece), Instant::now());
            clear(piece);
            pace.piece(bytes, start.elapsed(), queues.iter().map(Queue::left).sum());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    /// Clears 64 pages, in one share for each of `cpus`, and checks that each is cleared once.
    fn all_cleared_once(cpus: &[&[usize]], pace: Pace) {
        let mut pages = vec![Page::ZERO; 64];
        pages.iter_mut().for_each(|page| page.as_bytes_mut().fill(1));
        let mut shares: Vec<_> =
            cpus.iter().map(|cpus| Share { cpus: cpus.to_vec(), pieces: Vec::new() }).collect();
        for (i, page) in pages.chunks_mut(1).enumerate() {
            shares[i % cpus.len()].pieces.push(page);
        }
        let calls = AtomicUsize::new(0);
        work(shares, pace, |piece| {
            assert!(piece[0].as_bytes().iter().all(|&byte| byte == 1), "cleared twice");
            piece[0].as_bytes_mut().fill(0);
            calls.fetch_add(1, Relaxed);
        });
        assert_eq!(calls.into_inner(), 64);
        assert!(pages.iter().all(|page| page.as_bytes().iter().all(|&byte| byte == 0)));
    }

    #[test]
    fn any_number_of_threads_clears_each_piece_of_each_share_once() {
        // Two nodes of one CPU each, and one whose CPU does not exist; and 64 pieces anywhere.
        for threads in [1, 2, 3, 4, 5, 6, 64, 100] {
            all_cleared_once(&[&[0], &[1], &[1023]], Pace::fixed(threads));
            all_cleared_once(&[&[]], Pace::fixed(threads));
        }
        all_cleared_once(&[&[0], &[1]], Pace::find(2));
        all_cleared_once(&[&[]], Pace::find(8));
    }

    #[test]
    fn no_piece_is_a_no_op() {
        work(vec![Share::anywhere(Vec::new())], Pace::fixed(4), |_| unreachable!("no piece"));
    }

    #[test]
    fn threads_share_the_work() {
        let mut pages = vec![Page::ZERO; 2];
        let both = std::sync::Barrier::new(2);
        let waited = AtomicBool::new(false);
        // Each piece waits until the other has begun.
        work(vec![Share::anywhere(pages.chunks_mut(1).collect())], Pace::fixed(2), |_| {
            both.wait();
            waited.store(true, Relaxed);
        });
        assert!(waited.into_inner());
    }
}
