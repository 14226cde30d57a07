//! Clears huge ranges, or faults them in, on several threads.
//!
//! How many threads help depends on the share of the memory bandwidth that one CPU can use, which
//! no system reports. On the machine of the figures below it is all, on a desktop about half, on a
//! server with many memory channels a tenth. Memory that was never touched is cleared by the
//! kernel's page faults, which always gain from more CPUs. A constant is therefore wrong on most
//! machines. So is one thread per last-level cache: where a whole socket shares one, that is a
//! single thread. [`clear_pages_for`] therefore measures during the work: it starts alone, doubles the
//! threads while that pays, and stops those that did not pay.
//!
//! The range is cut at multiples of 2 MiB, and every piece is cleared by the primitive that is
//! chosen for the whole range. The calling thread clears pieces too, until none is left. If the
//! system refuses a thread, the others do its work.
//!
//! On Linux machines with several NUMA nodes, a piece is cleared by CPUs of the node that holds its
//! memory, if the system reports the node and allows its CPUs. Memory that was never touched is on
//! no node yet. It is cleared on the caller's node, where clearing without threads would place it.
//! The calling thread keeps its affinity, and takes pieces of other nodes only after its own. On
//! other systems the scheduler places the threads.
//!
//! Starting a thread allocates, so do not call this from inside an allocator.
//!
//! On an AMD EPYC (Zen 5, in a virtual machine with two CPUs) the default primitive reaches 93 GB/s
//! on one thread, which is the full memory bandwidth. A second thread adds nothing, and
//! [`clear_pages_for`] stops it. With `movnti` forced, two threads raise 57 GB/s to 90.
//! `cargo bench --bench parallel` measures your machine.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod nodes;
mod pace;
mod share;
mod workers;

use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::{io, thread};

use self::pace::Pace;
use self::share::{Share, cut, piece_size};
use crate::HUGE;
use crate::prefault::{self, HugePages};
use clearpage::checks::{AddressSanitizer, ChecksDisabled};
use clearpage::{AvailablePrimitive, Intent, Page, checks, primitive_for};

/// Minimum length for threads. A shorter range is cleared before it is known whether they help.
const SMALLEST: usize = 64 << 20;
/// Pieces of a range when the number of threads is to be found. Most of them must be left once it
/// is found.
const PIECES: usize = 256;
/// Minimum length of such a piece: on any memory, clearing it takes longer than starting a thread.
const SMALLEST_PIECE: usize = 8 << 20;
/// Pieces per thread of [`clear_pages_on`], so that a delayed thread does not delay the whole.
const PIECES_A_THREAD: usize = 4;

/// Zeroes all pages on as many threads as help, at most one for each CPU that this thread may use.
///
/// With less than 64 MiB, or one CPU, it is [`clear_pages_for`](clearpage::clear_pages_for). More
/// threads are started only if the rest takes long enough to pay for them. A call that gains
/// nothing from threads is at most a few percent slower than the serial one.
///
/// ```
/// use clearpage::{Intent, Page};
/// use clearpage_os::parallel;
///
/// let mut pages = vec![Page::ZERO; 100];
/// parallel::clear_pages_for(&mut pages, Intent::Cold);
/// ```
pub fn clear_pages_for(pages: &mut [Page], intent: Intent) {
    match cpus_for(pages) {
        1 => clearpage::clear_pages_for(pages, intent),
        cpus => {
            let primitive = primitive_for(intent, size_of_val(pages));
            find_pace(pages, cpus, as_this_thread(primitive));
        }
    }
}

/// Zeroes all pages on `threads` threads, including the calling one, for callers that know the best
/// number or may not use more.
///
/// If the range has fewer parts of 2 MiB, fewer threads are used. With one thread it is
/// [`clear_pages_for`](clearpage::clear_pages_for).
pub fn clear_pages_on(pages: &mut [Page], intent: Intent, threads: NonZeroUsize) {
    let len = size_of_val(pages);
    if threads == NonZeroUsize::MIN || len <= HUGE {
        clearpage::clear_pages_for(pages, intent);
    } else {
        let primitive = primitive_for(intent, len);
        let size = piece_size(len, threads.get().saturating_mul(PIECES_A_THREAD), HUGE);
        let shares = shares(cut(pages, size));
        workers::work(shares, Pace::fixed(threads.get()), as_this_thread(primitive));
    }
}

/// Returns a function that clears a piece on any thread, unchecked by ASan if this thread is.
fn as_this_thread(primitive: AvailablePrimitive) -> impl Fn(&mut [Page]) + Sync {
    let guarded = checks::is_disabled();
    move |piece| {
        let _unchecked = guarded.then(|| ChecksDisabled::new(&AddressSanitizer));
        primitive.clear_pages(piece);
    }
}

/// Faults pages in as [`prefault`](fn@crate::prefault) does, on as many threads as speed it
/// up. These are more than for clearing: the CPU that touches a page does the kernel's work for it.
///
/// If the memory is on no NUMA node yet, all threads run on the caller's node.
///
/// # Errors
/// As [`prefault`](mod@crate::prefault). If several pieces fail, one of their errors is returned.
pub fn prefault(pages: &mut [Page], huge: HugePages) -> io::Result<()> {
    let cpus = cpus_for(pages);
    if cpus == 1 {
        return prefault::prefault(pages, huge);
    }
    // SAFETY: a slice is exclusively borrowed. One call, so that no thread waits for another's.
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

/// Returns the maximum number of threads for a range, from the affinity and, on Linux, the control
/// group's quota. Both may change, so it asks on each call.
fn cpus_for(pages: &[Page]) -> usize {
    match size_of_val(pages) {
        SMALLEST.. => thread::available_parallelism().map_or(1, NonZeroUsize::get),
        _ => 1,
    }
}

/// Calls `each` for all pieces of a range, on as many threads as pay.
fn find_pace(pages: &mut [Page], cpus: usize, each: impl Fn(&mut [Page]) + Sync) {
    let size = piece_size(size_of_val(pages), PIECES, SMALLEST_PIECE);
    workers::work(shares(cut(pages, size)), Pace::find(cpus), each);
}

/// Groups pieces by the NUMA node that their memory is on.
fn shares(pieces: Vec<&mut [Page]>) -> Vec<Share<&mut [Page]>> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return nodes::shares(pieces);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return vec![Share::anywhere(pieces)];
}

/// Moves the calling thread to `cpus` if the system allows it.
fn move_to(cpus: &[usize]) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    nodes::move_to(cpus);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = cpus;
}
