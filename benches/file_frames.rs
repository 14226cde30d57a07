//! Measures how fast `FileFrames` zeroes a file, by window size and by method:
//! `cargo bench --bench file_frames`.
//!
//! The files have 256 MiB, more than any cache: a memfd, a file of hugetlbfs if enough huge pages are
//! free (`sysctl vm.nr_hugepages`), and a file in the folder for temporary files. They are filled or
//! emptied before the clock starts.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::fs::File;
    use std::ops::Range;
    use std::os::unix::fs::{FileExt, MetadataExt};
    use std::{env, fs, process};

    use clearpage::highmem::{Frame, FrameRange, clear_scattered_highpages};
    use clearpage::{Intent, PAGE_SIZE};
    use clearpage_benches::{Promises, Race, Samples, nanoseconds, pinned};
    use clearpage_cli::harness::table::ruled;
    use clearpage_cli::harness::units::format_size;
    use clearpage_os::file_frames::{FileFrames, ZeroMethod};
    use rustix::fs::{MemfdFlags, memfd_create};

    const MIB: usize = 1 << 20;
    const LEN: usize = 256 * MIB;
    const ROUNDS: usize = 11;

    /// Window sizes in bytes, with their names in the table.
    const WINDOWS: [(&str, usize); 10] = [
        ("a page", PAGE_SIZE),
        ("64 KiB", 64 << 10),
        ("256 KiB", 256 << 10),
        ("1 MiB", MIB),
        ("2 MiB", 2 * MIB),
        ("4 MiB", 4 * MIB),
        ("8 MiB", 8 * MIB),
        ("16 MiB", 16 * MIB),
        ("32 MiB", 32 * MIB),
        ("64 MiB", 64 * MIB),
    ];
    const COLD: ZeroMethod = ZeroMethod::Map(Intent::Cold);

    fn frames(bytes: Range<usize>) -> FrameRange {
        let start = Frame::containing(bytes.start as u64);
        FrameRange::new(start, (bytes.len() / PAGE_SIZE) as u64).expect("small")
    }

    fn memfd(flags: MemfdFlags) -> Option<File> {
        let file = File::from(memfd_create("clearpage", flags).ok()?);
        file.set_len(LEN as u64).ok()?;
        Some(file)
    }

    fn temporary() -> File {
        let path = env::temp_dir().join(format!("clearpage-bench-{}", process::id()));
        let options = File::options().read(true).write(true).create_new(true).clone();
        let file = options.open(&path).expect("a file");
        fs::remove_file(&path).expect("to be removed");
        file.set_len(LEN as u64).expect("room");
        file
    }

    fn open(file: &File) -> FileFrames {
        FileFrames::new(file.try_clone().expect("a descriptor")).expect("a regular file")
    }

    fn fill(file: &File) {
        let garbage = vec![0xa5; MIB];
        for at in (0..LEN).step_by(MIB) {
            file.write_all_at(&garbage, at as u64).expect("room");
        }
    }

    fn empty(file: &File) {
        file.set_len(0).expect("to be cut off");
        file.set_len(LEN as u64).expect("room");
    }

    /// Returns the time to zero the whole file in nanoseconds, or infinity if `zero` fails.
    fn time(memory: &FileFrames, zero: impl Fn(&FileFrames, FrameRange) -> bool) -> f64 {
        let mut done = true;
        let time = nanoseconds(|| done = zero(memory, frames(0..LEN)));
        if done { time } else { f64::INFINITY }
    }

    fn windows(file: &File) -> Samples {
        let mut race = Race::default();
        for (name, bytes) in WINDOWS {
            let memory = open(file).with_window(bytes / PAGE_SIZE);
            // `with_window` rounds up to a huge page, which is another row of the table.
            let possible = memory.window() == (bytes / PAGE_SIZE) as u64;
            race = race.with(name, move |_| {
                time(&memory, |memory, all| possible && memory.zero(all, COLD).is_ok())
            });
        }
        let memory = open(file);
        race = race.with("written", move |_| {
            time(&memory, |memory, all| memory.zero(all, ZeroMethod::Write).is_ok())
        });
        let memory = open(file);
        race = race.with("written by pages", move |_| {
            time(&memory, |memory, all| {
                all.iter().all(|frame| memory.zero(frame.into(), ZeroMethod::Write).is_ok())
            })
        });
        race.run(ROUNDS, &mut [])
    }

    type Zero = fn(&FileFrames, FrameRange) -> bool;

    const WAYS: [(&str, Zero); 6] = [
        ("Map", |memory, all| memory.zero(all, COLD).is_ok()),
        ("Write", |memory, all| memory.zero(all, ZeroMethod::Write).is_ok()),
        ("zero_data, Map", |memory, all| memory.zero_data(all, COLD).is_ok()),
        ("zero_data, Write", |memory, all| memory.zero_data(all, ZeroMethod::Write).is_ok()),
        ("PunchHole", |memory, all| memory.zero(all, ZeroMethod::PunchHole).is_ok()),
        ("PunchHole, then Write", |memory, all| {
            memory
                .zero(all, ZeroMethod::PunchHole)
                .and_then(|()| memory.zero(all, ZeroMethod::Write))
                .is_ok()
        }),
    ];

    fn ways(file: &File, prepare: fn(&File)) -> Samples {
        let mut race = Race::default();
        for (name, zero) in WAYS {
            let memory = open(file);
            race = race.with(name, move |_| {
                prepare(file);
                time(&memory, zero)
            });
        }
        race.run(ROUNDS / 2, &mut [])
    }

    /// Zeroes every other page, in random or ascending order.
    fn scattered(file: &File) -> Samples {
        let mut list: Vec<_> = frames(0..LEN).iter().step_by(2).collect();
        fastrand::Rng::with_seed(1).shuffle(&mut list);
        let mut sorted = list.clone();
        sorted.sort_unstable();
        type Clear = fn(&FileFrames, &[Frame]) -> bool;
        let contenders: [(_, _, Clear); 4] = [
            ("clear_scattered_highpages, sorted", &sorted, |memory, list| {
                // SAFETY: no other mapping of the file exists.
                unsafe { clear_scattered_highpages(memory, list, Intent::Cold) }.is_ok()
            }),
            ("Map, sorted", &sorted, |memory, list| memory.zero_scattered(list, COLD).is_ok()),
            ("Map", &list, |memory, list| memory.zero_scattered(list, COLD).is_ok()),
            ("Write", &list, |memory, list| memory.zero_scattered(list, ZeroMethod::Write).is_ok()),
        ];
        let mut race = Race::default();
        for (name, list, clear) in contenders {
            let memory = open(file);
            race = race.with(name, move |_| time(&memory, |memory, _| clear(memory, list)));
        }
        race.run(ROUNDS / 2, &mut [])
    }

    fn print(corner: &str, len: usize, columns: &[(String, Samples)]) {
        let mut table = ruled();
        let names = columns.iter().map(|(name, _)| name.clone());
        table.set_header([format!("{corner}; GB/s")].into_iter().chain(names));
        for (name, _) in &columns[0].1.0 {
            let rates =
                columns.iter().map(|(_, samples)| match len as f64 / samples.median(name) {
                    0.0 => "-".to_owned(),
                    rate @ 1000.0.. => format!("{rate:.0}"),
                    rate => format!("{rate:.2}"),
                });
            table.add_row([name.clone()].into_iter().chain(rates));
        }
        println!("{table}");
    }

    pub fn main() {
        let (_, heading) = pinned();
        println!("{heading}, {ROUNDS} rounds");
        let shared = memfd(MemfdFlags::empty()).expect("a memfd");
        let disk = temporary();
        let mut files = vec![("memfd", &shared)];
        let huge = memfd(MemfdFlags::HUGETLB).filter(|file| {
            // Clearing allocates all its pages, so it fails if too few are free.
            open(file).zero(frames(0..LEN), COLD).is_ok()
        });
        files.extend(huge.as_ref().map(|file| ("hugetlb", file)));
        files.push(("temporary file", &disk));
        let name = |(name, file): &(&str, &File)| {
            let block = file.metadata().map_or(0, |metadata| metadata.blksize());
            format!("{name}, blocks of {}", format_size(block))
        };

        for file in [&shared, &disk] {
            fill(file);
        }
        let of_windows: Vec<_> = files.iter().map(|file| (name(file), windows(file.1))).collect();
        print("window", LEN, &of_windows);
        let of_lists: Vec<_> = files.iter().map(|file| (name(file), scattered(file.1))).collect();
        print("every other page", LEN / 2, &of_lists);
        let mut promises = Promises::default();
        for (window, bytes) in WINDOWS {
            if bytes >= 2 * MIB {
                let found = of_windows[0].1.ratio(window, "a page");
                promises.at_least(&format!("memfd: windows of {window} to a page"), found, 8.0);
            }
        }
        files.retain(|(name, _)| *name != "hugetlb");
        let mut of_ways = Vec::new();
        for file in &files {
            of_ways.push((format!("{}: data", file.0), ways(file.1, fill)));
            of_ways.push((format!("{}: a hole", file.0), ways(file.1, empty)));
        }
        print("way", LEN, &of_ways);
        promises.print();
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
use linux::main;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn main() {
    println!("frames of files are for Linux alone");
}
