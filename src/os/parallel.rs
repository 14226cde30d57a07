//! Clearing huge ranges, and faulting them in, on several threads.
//!
//! How many are of use depends on what nobody can ask for: how much of the memory's bandwidth one
//! CPU can take. On the machine of the figures below it is all, on a desktop about half, on a
//! server with many memory channels a tenth; and memory that was never touched is cleared by the
//! kernel's page faults, which always gain by more CPUs. A constant is wrong on most machines, and
//! so is a thread for each last-level cache, because where a whole socket shares one that is a
//! single thread. So [`clear_pages`] finds out with the work itself: it begins alone, doubles the
//! threads as long as that pays, and lets those go whose coming did not.
//!
//! The range is cut at addresses that are multiples of 2 MiB, and every piece is cleared by the
//! primitive that is chosen for the whole. The calling thread clears pieces too, until none is
//! left; so if the system refuses a thread, the others do its work.
//!
//! On Linux machines with several NUMA nodes a piece is cleared by CPUs of the node that its
//! memory is on, as far as the system tells and allows. Memory that was never touched is on none
//! yet: it stays with the caller's node, where clearing it without threads would put it. The
//! calling thread's own affinity is left alone; it takes pieces of other nodes only when its own
//! are done.
//!
//! Starting a thread allocates, so this is not for use inside an allocator.
//!
//! On an AMD EPYC (Zen 5, in a virtual machine with two CPUs) the plan takes 93 GB/s alone, which
//! is all that memory gives: a second thread adds nothing, and [`clear_pages`] sends it home. With
//! `movnti` forced, 57 GB/s become 90. `cargo bench --bench parallel` measures your machine.

mod crew;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod nodes;
mod pace;
mod share;

use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::{io, thread};

use self::pace::Pace;
use self::share::{Share, cut, piece_size};
use super::HUGE;
use super::prefault::{self, HugePages};
use crate::clear::clear_pages_for;
use crate::dispatch::choose;
use crate::highmem::{AddressSanitizer, Unchecked};
use crate::intent::Intent;
use crate::page::Page;
use crate::primitive::Available;
use crate::sanitizer;

/// Shorter ranges are cleared in less time than it takes to see whether threads help.
const SMALLEST: usize = 64 << 20;
/// Pieces of a range for which the number of threads is to be found: so many that most are left
/// when it is.
const PIECES: usize = 256;
/// None of those is shorter: it takes longer than a thread's start, at the speed of any memory.
const SMALLEST_PIECE: usize = 8 << 20;
/// Pieces for each thread of [`clear_pages_on`], so that one that is held up delays nobody.
const PIECES_A_THREAD: usize = 4;

/// Zeroes all pages, on as many threads as speed it up; at most one for each CPU that this thread
/// may use.
///
/// Less than 64 MiB, or with one CPU, it is [`clear_pages_for`](crate::clear_pages_for). More
/// threads are started only if the rest would take long enough to pay for them, so a call that
/// gains nothing by threads is at most some percent slower than the serial one.
///
/// ```
/// use clearpage::{Intent, Page, parallel};
///
/// let mut pages = vec![Page::ZERO; 100];
/// parallel::clear_pages(&mut pages, Intent::Cold);
/// ```
pub fn clear_pages(pages: &mut [Page], intent: Intent) {
    match cpus_for(pages) {
        1 => clear_pages_for(pages, intent),
        cpus => {
            let primitive = choose(intent, size_of_val(pages));
            find_pace(pages, cpus, as_this_thread(primitive));
        }
    }
}

/// Zeroes all pages on `threads` threads, this one among them: for callers who know how many serve
/// them best, or who may use no more.
///
/// There are fewer where the range has fewer parts of 2 MiB. One is
/// [`clear_pages_for`](crate::clear_pages_for).
pub fn clear_pages_on(pages: &mut [Page], intent: Intent, threads: NonZeroUsize) {
    let len = size_of_val(pages);
    if threads == NonZeroUsize::MIN || len <= HUGE {
        clear_pages_for(pages, intent);
    } else {
        let primitive = choose(intent, len);
        let size = piece_size(len, threads.get().saturating_mul(PIECES_A_THREAD), HUGE);
        let shares = shares(cut(pages, size));
        crew::work(shares, Pace::fixed(threads.get()), as_this_thread(primitive));
    }
}

/// Clears pieces on any thread as this one would: if it holds a guard of ASan, none of them is checked.
fn as_this_thread(primitive: Available) -> impl Fn(&mut [Page]) + Sync {
    let guarded = sanitizer::is_guarded();
    move |piece| {
        let _unchecked = guarded.then(|| Unchecked::new(&AddressSanitizer));
        primitive.clear_pages(piece);
    }
}

/// [`prefault`](super::prefault::prefault) on as many threads as speed it up, which are more than
/// for clearing: the kernel's work for each page is done by the CPU that touches it.
///
/// Of memory that is on no NUMA node yet, all threads are of the caller's node.
///
/// # Errors
/// As [`prefault`](super::prefault); of several errors, one.
pub fn prefault(pages: &mut [Page], huge: HugePages) -> io::Result<()> {
    let cpus = cpus_for(pages);
    if cpus == 1 {
        return prefault::prefault(pages, huge);
    }
    // SAFETY: a slice is the caller's. Once for all pieces: no thread waits for another's advice.
    unsafe { prefault::advise(NonNull::from(&mut *pages).cast(), pages.len(), huge) };
    let error = OnceLock::new();
    find_pace(pages, cpus, |piece| {
        if error.get().is_none() {
            if let Err(failed) = prefault::prefault(piece, HugePages::AsMapped) {
                let _ = error.set(failed);
            }
        }
    });
    error.into_inner().map_or(Ok(()), Err)
}

/// How many threads a range may have: by affinity and, on Linux, by the control group's quota,
/// asked each time because both may change.
fn cpus_for(pages: &[Page]) -> usize {
    match size_of_val(pages) {
        SMALLEST.. => thread::available_parallelism().map_or(1, NonZeroUsize::get),
        _ => 1,
    }
}

/// Does `each` for all pieces of a range, on as many threads as pay.
fn find_pace(pages: &mut [Page], cpus: usize, each: impl Fn(&mut [Page]) + Sync) {
    let size = piece_size(size_of_val(pages), PIECES, SMALLEST_PIECE);
    crew::work(shares(cut(pages, size)), Pace::find(cpus), each);
}

/// Divides pieces by where their memory is.
fn shares(pieces: Vec<&mut [Page]>) -> Vec<Share<&mut [Page]>> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return nodes::shares(pieces);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return vec![Share::anywhere(pieces)];
}

/// Moves the calling thread to `cpus`, where that can be done.
fn move_to(cpus: &[usize]) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    nodes::move_to(cpus);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = cpus;
}
