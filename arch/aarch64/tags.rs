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
