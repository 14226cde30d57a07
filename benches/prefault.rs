//! Compares the methods of first touch of a fresh mapping: `cargo bench --bench prefault`.
//!
//! Each sample has its own mapping. Huge pages are advised or refused before the clock starts,
//! unless the contender does so itself. A ratio is a contender's time divided by that of `prefault`
//! with huge pages in the same round, as the median over the rounds.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::ffi::c_void;
    use std::hint::black_box;
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

    use clearpage::{Intent, PAGE_SIZE, Page, clear_pages_for};
    use clearpage_benches::{compare_sizes, nanoseconds};
    use clearpage_cli::harness::machine::Machine;
    use clearpage_cli::harness::units::format_size;
    use clearpage_os::{HugePages, parallel, prefault};
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    const HUGE: usize = 2 << 20;
    const SIZES: [usize; 3] = [HUGE, 64 << 20, 1 << 30];

    type Contender = (&'static str, Advice, fn(&mut [Page]));

    const CONTENDERS: [Contender; 9] = [
        ("prefault, huge pages", Advice::Normal, |p| prefault(p, HugePages::Advise).unwrap()),
        ("parallel::prefault, huge pages", Advice::Normal, |p| {
            parallel::prefault(p, HugePages::Advise).unwrap();
        }),
        ("touch, huge pages", Advice::LinuxHugepage, touch),
        ("clear_pages_for cold, huge pages", Advice::LinuxHugepage, cold),
        ("memset, huge pages", Advice::LinuxHugepage, memset),
        ("prefault", Advice::LinuxNoHugepage, |p| prefault(p, HugePages::AsMapped).unwrap()),
        ("touch", Advice::LinuxNoHugepage, touch),
        ("clear_pages_for cold", Advice::LinuxNoHugepage, cold),
        ("memset", Advice::LinuxNoHugepage, memset),
    ];

    /// Writes one byte per page, as `prefault` does if the kernel lacks `MADV_POPULATE_WRITE`.
    fn touch(pages: &mut [Page]) {
        for page in pages {
            // SAFETY: the first byte of a page that is borrowed mutably.
            let byte = unsafe { AtomicU8::from_ptr(page.as_bytes_mut().as_mut_ptr()) };
            let _ = byte.compare_exchange(0, 0, Relaxed, Relaxed);
        }
    }

    fn cold(pages: &mut [Page]) {
        clear_pages_for(pages, Intent::Cold);
    }

    fn memset(pages: &mut [Page]) {
        // SAFETY: a page is an array of bytes, and any byte is valid.
        black_box(unsafe { pages.align_to_mut::<u8>().1 }).fill(0);
    }

    /// Returns the time of the first touch of `len` bytes in nanoseconds.
    fn sample((_, advice, first_touch): Contender, len: usize) -> f64 {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: the mapping is new. `pages` lie in it, aligned to a huge page, read as zero, and are
        // not used after `munmap`.
        unsafe {
            let mapping = mmap_anonymous(null_mut(), len + HUGE, access, flags).unwrap();
            let start: *mut c_void = mapping.map_addr(|addr| addr.next_multiple_of(HUGE));
            // Fails on a kernel without huge pages, which needs no advice.
            let _ = madvise(start, len, advice);
            let pages = std::slice::from_raw_parts_mut(start.cast(), len / PAGE_SIZE);
            let time = nanoseconds(|| first_touch(pages));
            munmap(mapping, len + HUGE).unwrap();
            time
        }
    }

    pub fn main() {
        println!("{}, pages of {}", Machine::detect().cpu, format_size(PAGE_SIZE as u64));
        let names = CONTENDERS.map(|(name, ..)| name.to_owned());
        let title = "time to that of the first; GB/s";
        compare_sizes(
            title,
            &names,
            &SIZES,
            |first, own| own / first,
            |i, len| sample(CONTENDERS[i], len),
        );
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
use linux::main;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn main() {
    println!("first touch is measured on Linux alone");
}
