//! Tags in the upper bits of an address: Linear Address Masking, where it is enabled.
//!
//! Sources: Intel SDM volume 1, Linear Address Masking (CR3.LAM_U57, LAM_U48, CR4.LAM_SUP); Linux,
//! arch_prctl(ARCH_GET_UNTAG_MASK), 6.4 and newer.

use crate::arch::asked::Asked;
// Memory itself has none.
pub(crate) use crate::arch::untagged::{TagChecks, set_tag};

/// The bits of an address that are no tag.
static UNTAG_MASK: Asked = Asked::new(|| Ok(ask()));

/// The address that the CPU goes by: tag bits are those of bit 63, which picks the half of the
/// address space.
#[inline]
pub(crate) fn untag(address: usize) -> usize {
    masked(address, UNTAG_MASK.known())
}

#[inline]
const fn masked(address: usize, mask: usize) -> usize {
    if (address as isize) < 0 { address | !mask } else { address & mask }
}

/// Who knows better than this module, from now on.
pub(crate) fn set_untag_mask(mask: usize) {
    UNTAG_MASK.set(mask);
}

/// Linux's word; without it nothing is a tag. An older kernel knows no LAM, and says that it does
/// not know the question.
#[cfg(all(feature = "std", target_os = "linux"))]
fn ask() -> usize {
    const ARCH_PRCTL: usize = 158;
    const ARCH_GET_UNTAG_MASK: usize = 0x4001;
    let mut mask = usize::MAX;
    // SAFETY: the kernel writes one word, or none.
    unsafe {
        core::arch::asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => _,
            in("rdi") ARCH_GET_UNTAG_MASK,
            in("rsi") &raw mut mask,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        )
    }
    mask
}

#[cfg(not(all(feature = "std", target_os = "linux")))]
const fn ask() -> usize {
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_bits_become_those_of_the_sign() {
        const U57: usize = !(0x3f << 57);
        const U48: usize = !(0x7fff << 48);
        const USER: usize = 0x0000_7fff_1234_5678;
        const KERNEL: usize = 0xffff_8000_1234_5678;
        for mask in [U57, U48] {
            for tag in [0, 0x5555_5555_5555_5555, usize::MAX] {
                let tagged = |address| address & mask | tag & !mask;
                assert_eq!(masked(tagged(USER), mask), USER);
                assert_eq!(masked(tagged(KERNEL), mask), KERNEL);
            }
        }
        assert_eq!(masked(USER | !U57, usize::MAX), USER | !U57, "LAM is off");
    }

    #[test]
    #[cfg(all(feature = "std", target_os = "linux"))]
    fn the_mask_is_the_kernels() {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
        let line = status.lines().find_map(|line| line.strip_prefix("untag_mask:\t0x"));
        let told = line.map(|mask| usize::from_str_radix(mask, 16).expect("a number"));
        assert_eq!(ask(), told.unwrap_or(usize::MAX));
    }
}
