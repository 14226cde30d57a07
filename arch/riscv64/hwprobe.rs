//! Detects Zicboz: whether the CPU has a cache-block zero instruction, and the size of its block.
//!
//! A program can read neither from the CPU. Linux reports both by riscv_hwprobe
//! (Documentation/arch/riscv/hwprobe.rst; since 6.7), which also means that programs may use the
//! instruction. Without `std`, or on another system, only the build knows its CPU, by the target
//! features zicboz and zic64b (blocks of 64 bytes), which RVA22 and RVA23 require. rustc 1.85 has
//! no such features yet, so its builds do without, unless they ask Linux.

use crate::arch::lazy::LazyNumber;
use crate::cpu::{Feature, Flag};
use crate::primitive::Unavailable;

/// The size of a block in bytes, a power of two up to a page, if the CPU has Zicboz.
pub(super) static BLOCK: LazyNumber = LazyNumber::new(system::zicboz);

pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    [Flag { feature: Feature::Zicboz, set: BLOCK.get().is_ok(), source: system::SOURCE }]
        .into_iter()
}

#[cfg(not(all(feature = "std", any(target_os = "linux", target_os = "android"))))]
mod system {
    use super::*;

    pub(super) const SOURCE: &str = "target features zicboz and zic64b";

    pub(super) fn zicboz() -> Result<usize, Unavailable> {
        #[allow(unexpected_cfgs, reason = "rustc 1.85 does not know them")]
        const BUILT_FOR: bool = cfg!(all(target_feature = "zicboz", target_feature = "zic64b"));
        if BUILT_FOR {
            Ok(64)
        } else {
            Err(Unavailable {
                reason: "no Zicboz: the build has no target features zicboz and zic64b, and \
                         the system is not Linux",
            })
        }
    }
}

#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]
mod system {
    use super::*;
    use crate::page::PAGE_SIZE;

    pub(super) const SOURCE: &str = "riscv_hwprobe key 4 bit 6, with a block size in key 6";

    pub(super) fn zicboz() -> Result<usize, Unavailable> {
        let mut pairs = [IMA_EXT_0, ZICBOZ_BLOCK_SIZE].map(|key| Pair { key, value: 0 });
        let error = riscv_hwprobe(&mut pairs);
        block(error, pairs)
    }

    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Pair {
        key: i64,
        value: u64,
    }

    /// Key of the extension bits, each set if all CPUs have it and programs may use it.
    const IMA_EXT_0: i64 = 4;
    const ZICBOZ: u64 = 1 << 6;
    const ZICBOZ_BLOCK_SIZE: i64 = 6;

    /// Asks the kernel for the values, for all CPUs that are online; returns its error, or 0.
    fn riscv_hwprobe(pairs: &mut [Pair]) -> isize {
        let error;
        // SAFETY: the kernel writes only to the pairs. It preserves the general registers but a0; a
        // system call clobbers the vector registers (Linux, Documentation/arch/riscv/vector.rst).
        unsafe {
            core::arch::asm!(
                "ecall",
                in("a7") 258,
                inlateout("a0") pairs.as_mut_ptr() => error,
                in("a1") pairs.len(),
                in("a2") 0, // of all CPUs
                in("a3") 0,
                in("a4") 0, // no flags
                clobber_abi("C"),
                options(nostack),
            );
        }
        error
    }

    /// Decodes the answer. If a kernel does not know a key, it sets the key to -1 and the value to
    /// 0. If CPUs differ, the value is -1.
    fn block(error: isize, [extensions, size]: [Pair; 2]) -> Result<usize, Unavailable> {
        let no = |reason| Err(Unavailable { reason });
        if error != 0 {
            return no("no riscv_hwprobe (system call 258): the kernel cannot tell of Zicboz");
        }
        if extensions.key != IMA_EXT_0 || extensions.value & ZICBOZ == 0 {
            return no("no Zicboz: riscv_hwprobe key 4 bit 6 is 0");
        }
        let bytes = size.value as usize;
        if size.key != ZICBOZ_BLOCK_SIZE || !bytes.is_power_of_two() || bytes > PAGE_SIZE {
            return no(
                "Zicboz without a block size: riscv_hwprobe key 6 is no power of two up to \
                       a page",
            );
        }
        Ok(bytes)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_block_size_is_never_assumed() {
            const ENOSYS: isize = -38;
            let no_bit = Err("no Zicboz: riscv_hwprobe key 4 bit 6 is 0");
            let page = PAGE_SIZE as u64;
            let unknown = "Zicboz without a block size: riscv_hwprobe key 6 is no power of two up to \
                       a page";
            let too_old = "no riscv_hwprobe (system call 258): the kernel cannot tell of Zicboz";
            for (error, extensions, size, expected) in [
                (0, (4, ZICBOZ), (6, 16), Ok(16)),
                (0, (4, ZICBOZ), (6, 64), Ok(64)),
                (0, (4, ZICBOZ), (6, page), Ok(PAGE_SIZE)),
                (0, (4, !ZICBOZ), (6, 64), no_bit),
                (0, (-1, 0), (6, 64), no_bit),
                (0, (4, ZICBOZ), (6, 0), Err(unknown)),
                (0, (4, ZICBOZ), (6, u64::MAX), Err(unknown)),
                (0, (4, ZICBOZ), (6, 48), Err(unknown)),
                (0, (4, ZICBOZ), (6, 2 * page), Err(unknown)),
                (0, (4, ZICBOZ), (-1, 0), Err(unknown)),
                (ENOSYS, (4, ZICBOZ), (6, 64), Err(too_old)),
            ] {
                let pairs = [extensions, size].map(|(key, value)| Pair { key, value });
                assert_eq!(block(error, pairs).map_err(|why| why.reason), expected, "{size:?}");
            }
        }
    }
}
