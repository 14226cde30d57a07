//! For what memory was cleared.

use std::cell::Cell;

use clearpage::{Intent, raw};

std::thread_local! {
    static BYTES: Cell<[u64; 3]> = const { Cell::new([0; 3]) };
}

/// A [`Clear`](crate::Clear) that does what it should, and counts.
///
/// # Safety
/// As [`raw::zero_bytes`].
pub unsafe fn zero_by_intent(ptr: *mut u8, len: usize, intent: Intent) {
    let mut bytes = BYTES.get();
    bytes[intent as usize] += len as u64;
    BYTES.set(bytes);
    // SAFETY: the caller's promise.
    unsafe { raw::zero_bytes(ptr, len, intent) };
}

/// Bytes that this thread cleared that way, for each of [`Intent::ALL`], since it last asked.
pub fn by_intent() -> [u64; 3] {
    BYTES.take()
}
