//! Handles tags in the top byte of an address, and the checks of MTE.
//!
//! Sources: Arm ARM (DDI 0487), TCR_EL1.TBI0 and TBI1, PSTATE.TCO; Linux,
//! Documentation/arch/arm64/tagged-pointers.rst: programs run with TBI0 on.

use core::arch::asm;

use super::ident;

/// Returns the address that the CPU translates: the top byte copies bit 55, which selects the half
/// of the address space. Without TBI every valid address looks like this.
#[inline]
pub(crate) const fn untag(address: usize) -> usize {
    ((address << 8) as isize >> 8) as usize
}

/// Returns `address` with a memory tag, bits 59:56.
#[inline]
pub(crate) const fn set_tag(address: usize, tag: u8) -> usize {
    address & !(15 << 56) | (tag as usize) << 56
}

/// The previous PSTATE.TCO; `None` if the CPU has no such bit. The bit is the thread's own, and an
/// exception saves and restores it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TagChecks(Option<u64>);

impl TagChecks {
    /// Sets TCO, Tag Check Override: loads and stores of this thread are not checked.
    pub(crate) fn off() -> Self {
        Self(ident::mte().is_ok().then(|| {
            let before;
            // SAFETY: FEAT_MTE2 is present, and so are the instruction and the register, which
            // every exception level may read and write.
            unsafe {
                asm!(
                    ".arch_extension memtag",
                    "mrs {}, tco",
                    "msr tco, #1",
                    out(reg) before,
                    options(nostack, preserves_flags),
                )
            }
            before
        }))
    }

    /// Restores the previous TCO.
    pub(crate) fn restore(self) {
        if let Some(before) = self.0 {
            // SAFETY: as above.
            unsafe {
                asm!(
                    ".arch_extension memtag",
                    "msr tco, {}",
                    in(reg) before,
                    options(nostack, preserves_flags),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_byte_is_no_part_of_an_address() {
        const USER: usize = 0x0000_7fff_1234_5678;
        const KERNEL: usize = 0xffff_8000_1234_5678;
        for tag in [0, 0x5a, 0xff] {
            let tagged = |address: usize| address & !(0xff << 56) | tag << 56;
            assert_eq!(untag(tagged(USER)), USER);
            assert_eq!(untag(tagged(KERNEL)), KERNEL);
        }
        for tag in 0..16 {
            assert_eq!(untag(set_tag(USER, tag)), USER);
            assert_eq!((set_tag(set_tag(USER, 15), tag) >> 56) as u8, tag);
            // Only bits 59:56 hold the tag. Bits 63:60 are unchanged.
            assert_eq!((set_tag(KERNEL, tag) >> 56) as u8, 0xf0 | tag);
        }
    }
}
