//! Files full of garbage.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::{env, fs, process};

use clearpage::highmem::{Frame, FrameRange};
use clearpage::{Intent, PAGE_SIZE};
use clearpage_os::file_frames::ZeroMethod;
use rustix::fs::{MemfdFlags, memfd_create};

/// The methods that tmpfs supports: all of them, with each intent.
pub const METHODS: [ZeroMethod; 5] = [
    ZeroMethod::Map(Intent::Auto),
    ZeroMethod::Map(Intent::Hot),
    ZeroMethod::Map(Intent::Cold),
    ZeroMethod::Write,
    ZeroMethod::PunchHole,
];

pub fn frame(number: u64) -> Frame {
    Frame::new(number).unwrap()
}

pub fn frames(start: u64, npages: u64) -> FrameRange {
    FrameRange::new(frame(start), npages).unwrap()
}

/// Creates a memfd of `npages` frames, which are a hole.
pub fn memfd(name: &str, npages: u64) -> File {
    let file = File::from(memfd_create(name, MemfdFlags::ALLOW_SEALING).unwrap());
    file.set_len(npages * PAGE_SIZE as u64).unwrap();
    file
}

/// Creates such a file in the folder for temporary files.
pub fn temporary(npages: u64) -> File {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("clearpage-{}-{}", process::id(), NUMBER.fetch_add(1, Relaxed));
    let path = env::temp_dir().join(name);
    let options = File::options().read(true).write(true).create_new(true).clone();
    let file = options.open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    file.set_len(npages * PAGE_SIZE as u64).unwrap();
    file
}

/// Returns the garbage of frame `n`: no byte is zero, and frames near it have other garbage.
pub fn garbage(n: u64) -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = BYTES.get_or_init(|| (0..PAGE_SIZE + 251).map(|i| (i % 251) as u8 + 1).collect());
    &bytes[(n * 131 % 251) as usize..][..PAGE_SIZE]
}

pub fn fill(file: &File, frames: impl IntoIterator<Item = u64>) {
    for n in frames {
        file.write_all_at(garbage(n), n * PAGE_SIZE as u64).unwrap();
    }
}

/// Panics unless each of the frames is zero if `zero` returns `true` for it, and garbage otherwise.
pub fn check(
    file: &File,
    frames: impl IntoIterator<Item = u64>,
    zero: impl Fn(u64) -> bool,
    what: &dyn std::fmt::Debug,
) {
    let (mut found, zeroes) = (vec![0; PAGE_SIZE], vec![0; PAGE_SIZE]);
    for n in frames {
        file.read_exact_at(&mut found, n * PAGE_SIZE as u64).unwrap();
        let (should, expected) = if zero(n) { ("zero", &*zeroes) } else { ("garbage", garbage(n)) };
        if found != expected {
            let at = (0..PAGE_SIZE).find(|&at| found[at] != expected[at]).unwrap();
            panic!("{what:?}: frame {n} should be {should}: byte {at} is {:#x}", found[at]);
        }
    }
}

/// Returns the bytes of memory or disk that are allocated for the file.
pub fn allocated(file: &File) -> u64 {
    file.metadata().unwrap().blocks() * 512
}

/// Returns whether single frames can be holes. A system with larger pages, or a tmpfs with huge
/// pages, fills more than a frame.
pub fn has_small_holes(file: &File) -> bool {
    rustix::param::page_size().max(file.metadata().unwrap().blksize() as usize) <= PAGE_SIZE
}
