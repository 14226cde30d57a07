//! Reads the size of the cache block that DCBZ clears. Programs cannot read it from a register;
//! Linux reports it.

use crate::arch::auxv::auxv;
use crate::arch::lazy::LazyNumber;
use crate::page::PAGE_SIZE;
use crate::primitive::Unavailable;

/// The entry of the auxiliary vector for users of DCBZ (arch/powerpc/include/uapi/asm/auxvec.h).
const AT_DCACHEBSIZE: usize = 19;

/// The size of a block in bytes, a power of two up to a page.
pub(super) static BLOCK: LazyNumber = LazyNumber::new(|| usable(auxv(AT_DCACHEBSIZE)));

fn usable(size: usize) -> Result<usize, Unavailable> {
    if size == 0 {
        Err(Unavailable {
            reason: "no cache block size: AT_DCACHEBSIZE is 0, or the system is not Linux",
        })
    } else if !size.is_power_of_two() || size > PAGE_SIZE {
        Err(Unavailable { reason: "AT_DCACHEBSIZE is no power of two up to a page" })
    } else {
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_never_assumed() {
        for size in [32, 64, 128, PAGE_SIZE] {
            assert_eq!(usable(size), Ok(size));
        }
        for size in [0, 96, 2 * PAGE_SIZE] {
            assert!(usable(size).unwrap_err().reason.contains("AT_DCACHEBSIZE"), "{size}");
        }
    }
}
