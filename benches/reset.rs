//! Compares the methods of `reset`: `cargo bench --bench reset`.
//!
//! Each sample starts with fresh memory of which a share was touched, one byte per page: random
//! pages of 4 KiB, or all pages of some huge pages. The first figure is the median time of the reset
//! in microseconds, the second that of the reset and of touching the same pages again.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::ffi::c_void;
    use std::ptr::null_mut;
    use std::time::{Duration, Instant};

    use clearpage::{PAGE_SIZE, Page};
    use clearpage_cli::harness::machine::Machine;
    use clearpage_cli::harness::measure::median;
    use clearpage_cli::harness::table::ruled;
    use clearpage_cli::harness::units::format_size;
    use clearpage_os::raw::reset_anonymous;
    use clearpage_os::reset::{Method, Reuse, reset_with};
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    const HUGE: usize = 2 << 20;
    const SMALL_SIZES: [usize; 6] = [16 << 10, 64 << 10, 256 << 10, 1 << 20, 8 << 20, 64 << 20];
    const HUGE_SIZES: [usize; 3] = [HUGE, 8 << 20, 64 << 20];
    /// Touched share of the pages, per cent.
    const SHARES: [usize; 6] = [0, 1, 10, 50, 90, 100];
    /// Time limit of the samples, of which there are 5 to 301.
    const LIMIT: Duration = Duration::from_millis(700);

    const CONTENDERS: [(&str, Method); 5] = [
        ("Clear", Method::Clear),
        ("ClearTouched", Method::ClearTouched),
        ("Discard", Method::Discard),
        ("Auto, Likely", Method::Auto(Reuse::Likely)),
        ("Auto, Unlikely", Method::Auto(Reuse::Unlikely)),
    ];

    /// A mapping on small or huge pages.
    struct Memory {
        mapping: *mut c_void,
        start: *mut c_void,
        len: usize,
        advice: Advice,
    }

    impl Memory {
        fn new(len: usize, advice: Advice) -> Self {
            let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
            // SAFETY: a new mapping, at an address that the kernel chooses.
            let mapping = unsafe { mmap_anonymous(null_mut(), len + HUGE, access, flags) }.unwrap();
            let start = mapping.map_addr(|addr| addr.next_multiple_of(HUGE));
            Self { mapping, start, len, advice }
        }

        /// Discards all pages.
        fn refresh(&mut self) {
            // SAFETY: an anonymous mapping, which reads as zero afterwards.
            unsafe {
                madvise(self.start, self.len, Advice::LinuxDontNeed).unwrap();
                // Fails on a kernel without huge pages, which needs no advice.
                let _ = madvise(self.start, self.len, self.advice);
            }
        }

        fn pages(&mut self) -> &mut [Page] {
            // SAFETY: inside of the mapping, with the lifetime of `self`.
            unsafe { std::slice::from_raw_parts_mut(self.start.cast(), self.len / PAGE_SIZE) }
        }
    }

    impl Drop for Memory {
        fn drop(&mut self) {
            // SAFETY: mapped by `new`, and no reference is left.
            unsafe { munmap(self.mapping, self.len + HUGE) }.unwrap();
        }
    }

    fn touch(pages: &mut [Page], touched: &[usize]) {
        for &at in touched {
            // SAFETY: the first byte of a page that is borrowed mutably.
            unsafe { pages[at].as_bytes_mut().as_mut_ptr().write_volatile(1) };
        }
    }

    /// Selects `share` per cent of the pages, in contiguous groups.
    fn choose(npages: usize, share: usize, group: usize, random: &mut fastrand::Rng) -> Vec<usize> {
        let mut groups: Vec<usize> = (0..npages / group).collect();
        random.shuffle(&mut groups);
        groups.truncate((groups.len() * share).div_ceil(100));
        groups.sort_unstable();
        groups.iter().flat_map(|first| first * group..(first + 1) * group).collect()
    }

    /// Returns each contender's median times of reset, and of reset and next use, in microseconds.
    fn cell(memory: &mut Memory, share: usize, random: &mut fastrand::Rng) -> Vec<(f64, f64)> {
        let group = if memory.advice == Advice::LinuxHugepage { HUGE / PAGE_SIZE } else { 1 };
        let touched = choose(memory.len / PAGE_SIZE, share, group, random);
        let mut samples = [const { (Vec::new(), Vec::new()) }; CONTENDERS.len()];
        let mut order: Vec<_> = (0..CONTENDERS.len()).collect();
        let begin = Instant::now();
        for round in 0.. {
            if round >= 301 || (round >= 5 && begin.elapsed() > LIMIT) {
                break;
            }
            random.shuffle(&mut order);
            for &i in &order {
                let (_, method) = CONTENDERS[i];
                memory.refresh();
                let pages = memory.pages();
                touch(pages, &touched);
                let start = Instant::now();
                reset_with(pages, method).unwrap();
                let alone = start.elapsed();
                touch(pages, &touched);
                let both = start.elapsed();
                if round > 0 {
                    samples[i].0.push(alone.as_nanos() as f64 / 1000.0);
                    samples[i].1.push(both.as_nanos() as f64 / 1000.0);
                }
            }
        }
        samples.into_iter().map(|(mut a, mut b)| (median(&mut a), median(&mut b))).collect()
    }

    /// Formats with three digits.
    fn figure(value: f64) -> String {
        let digits = (2 - value.max(0.01).log10().floor() as i32).clamp(0, 2) as usize;
        format!("{value:.digits$}")
    }

    fn table(sizes: &[usize], advice: Advice, title: &str, random: &mut fastrand::Rng) {
        println!("{title}");
        let mut table = ruled();
        let names = CONTENDERS.map(|(name, ..)| name.to_owned());
        table.set_header(["size".to_owned(), "touched".to_owned()].into_iter().chain(names));
        let (mut pays, mut idle) = (Vec::new(), Vec::new());
        for &size in sizes {
            let mut memory = Memory::new(size, advice);
            let cells = SHARES.map(|share| (share, cell(&mut memory, share, random)));
            for (share, cell) in &cells {
                let row = cell.iter().map(|(a, b)| format!("{}; {}", figure(*a), figure(*b)));
                let head = [format_size(size as u64), format!("{share} %")];
                table.add_row(head.into_iter().chain(row));
            }
            // Cost of the lookup if all was touched, divided by its gain if nothing was.
            let (none, all) = (&cells[0].1, &cells[SHARES.len() - 1].1);
            let pages = (all[1].0 - all[0].0) / (none[0].0 - none[1].0) * 100.0;
            pays.push(format!("{}: {pages:.1} %", format_size(size as u64)));
            // Cost of keeping the pages now, divided by its gain later if all are used.
            let [.., kept, given_back] = all[..] else { unreachable!("contenders") };
            let again = (given_back.1 - given_back.0) - (kept.1 - kept.0);
            let used = (kept.0 - given_back.0) / again * 100.0;
            idle.push(format!("{}: {used:.0} %", format_size(size as u64)));
        }
        println!("{table}");
        println!("ClearTouched pays if more than this was not touched: {}", pays.join(", "));
        if advice == Advice::LinuxHugepage {
            println!("Reuse::Unlikely pays if less than this is used again: {}", idle.join(", "));
        }
    }

    /// Prints the cost of looking up the mapping and the state of one touched page.
    fn overhead() {
        let mut memory = Memory::new(PAGE_SIZE, Advice::LinuxNoHugepage);
        memory.refresh();
        touch(memory.pages(), &[0]);
        let mut time = |reset: &dyn Fn(&mut [Page])| {
            let samples = (0..1001).map(|_| {
                let start = Instant::now();
                reset(memory.pages());
                start.elapsed().as_nanos() as f64 / 1000.0
            });
            figure(median(&mut samples.collect::<Vec<_>>()))
        };
        let clear = time(&|pages| _ = reset_with(pages, Method::Clear).unwrap());
        let asked = time(&|pages| _ = reset_with(pages, Method::ClearTouched).unwrap());
        let known = time(&|pages| {
            let page = std::ptr::NonNull::from(&mut pages[0]);
            // SAFETY: the page is in an anonymous private mapping.
            let done = unsafe { reset_anonymous(page, 1, Method::ClearTouched) };
            done.unwrap();
        });
        println!("one page: Clear {clear} us, ClearTouched {asked}, with reset_anonymous {known}");
    }

    pub fn main() {
        println!("{}, pages of {}", Machine::detect().cpu, format_size(PAGE_SIZE as u64));
        overhead();
        let mut random = fastrand::Rng::with_seed(1);
        table(
            &SMALL_SIZES,
            Advice::LinuxNoHugepage,
            "small pages, us: reset; and use",
            &mut random,
        );
        table(&HUGE_SIZES, Advice::LinuxHugepage, "huge pages, us: reset; and use", &mut random);
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
use linux::main;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn main() {
    println!("resetting is measured on Linux alone");
}
