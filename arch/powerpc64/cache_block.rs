//! The cache block that DCBZ clears: its size is in no register that a program may read, Linux
//! tells it.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::arch::auxv::auxv;
use crate::page::PAGE_SIZE;
use crate::primitive::Unavailable;

/// The entry of the auxiliary vector that is made for users of DCBZ
/// (arch/powerpc/include/uapi/asm/auxvec.h).
const AT_DCACHEBSIZE: usize = 19;

/// The size of a block in bytes, a power of two up to a page; 0 until it is known.
static BLOCK: AtomicUsize = AtomicUsize::new(0);

/// The size of a block. Asked until it is known, and once then.
pub(super) fn known() -> Result<usize, Unavailable> {
    match BLOCK.load(Relaxed) {
        0 => {
            let block = usable(auxv(AT_DCACHEBSIZE))?;
            BLOCK.store(block, Relaxed);
            Ok(block)
        }
        block => Ok(block),
    }
}

/// The size of a block, for who clears: it can be known.
#[inline]
pub(super) fn block() -> usize {
    match BLOCK.load(Relaxed) {
        0 => not_asked_yet(),
        block => block,
    }
}

/// Only builds for `dcbz` alone do not ask before they clear.
#[cold]
#[inline(never)]
fn not_asked_yet() -> usize {
    known().expect("this build is for dcbz alone")
}

fn usable(told: usize) -> Result<usize, Unavailable> {
    if told == 0 {
        Err(Unavailable {
            reason: "no cache block size: AT_DCACHEBSIZE is 0, or no Linux is asked",
        })
    } else if !told.is_power_of_two() || told > PAGE_SIZE {
        Err(Unavailable { reason: "AT_DCACHEBSIZE is no power of two up to a page" })
    } else {
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_any_size_up_to_a_page() {
        for size in [32, 64, 128, PAGE_SIZE] {
            assert_eq!(usable(size), Ok(size));
        }
    }

    #[test]
    fn a_size_is_never_assumed() {
        for size in [0, 96, 2 * PAGE_SIZE] {
            assert!(usable(size).unwrap_err().reason.contains("AT_DCACHEBSIZE"), "{size}");
        }
    }
}
