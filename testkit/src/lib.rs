//! Shared by the tests of all packages: memory with redzones, mappers and allocators that fail on
//! request, users that check every byte, and child processes of the test binary.

#![allow(missing_docs, reason = "unpublished: names that say enough need no line")]

pub mod emulator;
pub mod faulty;
pub mod flags;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub mod linux;
#[cfg(loom)]
pub mod loom;
pub mod random;
pub mod recording;
pub mod stress;
pub mod user;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::{env, fs, process};

use clearpage::{PAGE_SIZE, Page, Primitive, primitives};

/// The bytes before and after a cleared range that must not change.
pub const REDZONE: usize = PAGE_SIZE;

/// Memory full of garbage without a zero byte, so that each byte shows whether it was cleared.
pub struct Garbage {
    pages: Vec<Page>,
    original: Vec<u8>,
}

impl Garbage {
    /// Allocates `len` bytes at any offset up to a page, with a redzone on both sides.
    pub fn new(len: usize) -> Self {
        let npages = len.div_ceil(PAGE_SIZE) + 3;
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut original = vec![0; npages * PAGE_SIZE];
        for word in original.chunks_exact_mut(8) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // No byte is zero.
            word.copy_from_slice(&(state.rotate_left(32) | 0x0101_0101_0101_0101).to_le_bytes());
        }
        let mut garbage = Self { pages: vec![Page::ZERO; npages], original };
        garbage.fill();
        garbage
    }

    /// Fills the memory with garbage again.
    pub fn fill(&mut self) {
        for (page, original) in self.pages.iter_mut().zip(self.original.chunks(PAGE_SIZE)) {
            page.as_bytes_mut().copy_from_slice(original);
        }
    }

    /// Returns `len` bytes, `offset` bytes after the first redzone, which ends at a page boundary.
    pub fn bytes(&mut self, offset: usize, len: usize) -> &mut [u8] {
        &mut self.all()[REDZONE + offset..][..len]
    }

    /// Returns `npages` pages after the first redzone.
    pub fn pages(&mut self, npages: usize) -> &mut [Page] {
        &mut self.pages[REDZONE / PAGE_SIZE..][..npages]
    }

    /// Panics unless exactly the pages given by `zero`, counted from the first redzone on, are zero.
    /// Then fills the memory with garbage again.
    pub fn check_pages(&mut self, zero: &[bool], what: &dyn std::fmt::Display) {
        let first = REDZONE / PAGE_SIZE;
        for (i, page) in self.pages.iter().enumerate() {
            let cleared = i >= first && zero.get(i - first) == Some(&true);
            let original = &self.original[i * PAGE_SIZE..][..PAGE_SIZE];
            let bytes = page.as_bytes();
            let good = if cleared { is_all(0, bytes) } else { bytes == original };
            if !good {
                let should = |at: usize| if cleared { 0 } else { original[at] };
                let at = (0..PAGE_SIZE).find(|&at| bytes[at] != should(at)).unwrap();
                let (page, should) =
                    (i as isize - first as isize, if cleared { "zero" } else { "garbage" });
                panic!("{what}: page {page} should be {should}: byte {at} is {:#x}", bytes[at]);
            }
        }
        self.fill();
    }

    fn all(&mut self) -> &mut [u8] {
        let (ptr, len) = (self.pages.as_mut_ptr().cast(), self.pages.len() * PAGE_SIZE);
        // SAFETY: a page consists of bytes.
        unsafe { std::slice::from_raw_parts_mut(ptr, len) }
    }

    /// Panics unless exactly `bytes(offset, len)` are zero. Then fills the memory with garbage again.
    pub fn check(&mut self, offset: usize, len: usize, what: &dyn std::fmt::Display) {
        let (start, end) = (REDZONE + offset, REDZONE + offset + len);
        let original = std::mem::take(&mut self.original);
        let all = self.all();
        let after = &all[start..end];
        if !is_all(0, after) {
            let at = after.iter().position(|&b| b != 0).unwrap();
            panic!("{what}: offset {offset}, length {len}: byte {at} is {:#x}, not 0", after[at]);
        }
        for (name, zone, base) in [("before", 0..start, start), ("after", end..all.len(), end)] {
            if all[zone.clone()] != original[zone.clone()] {
                let at = zone.into_iter().find(|&i| all[i] != original[i]).unwrap();
                let far = at.abs_diff(base);
                panic!("{what}: offset {offset}, length {len}: redzone {name}, {far} bytes away");
            }
        }
        self.original = original;
        self.fill();
    }
}

/// Returns whether all bytes are `byte`.
pub fn is_all(byte: u8, bytes: &[u8]) -> bool {
    // Compares by `memcmp`: a loop over bytes is slow in an emulated debug build.
    let expected = [byte; 256];
    bytes.chunks(expected.len()).all(|chunk| chunk == &expected[..chunk.len()])
}

/// Prints a line that the test harness does not capture, so that passing tests show skipped parts.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Returns whether the build has one fixed primitive (`--cfg clearpage_force`).
pub fn built_for_one() -> bool {
    clearpage::built_for().is_some()
}

/// Returns the primitives that are available on this CPU.
pub fn available() -> Vec<&'static Primitive> {
    primitives().iter().filter(|p| p.available().is_ok()).collect()
}

/// Runs an ignored test of this test binary in a child process, with `variable` set.
pub fn child(test: &str, variable: (&str, &str)) -> Output {
    child_with(test, &[variable])
}

/// [`child`] with several variables set.
pub fn child_with(test: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = emulator::command(&env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command.envs(variables.iter().copied()).output().unwrap()
}

/// Returns the exit status of a child, its output and its errors.
pub fn texts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A temporary file, removed on drop.
pub struct TempFile(PathBuf);

impl TempFile {
    /// Returns a path of this process, at which nothing exists yet.
    pub fn named(name: &str) -> Self {
        Self(env::temp_dir().join(format!("clearpage-{}-{name}", process::id())))
    }

    /// Creates a file.
    pub fn new(name: &str, contents: impl AsRef<[u8]>) -> Self {
        let file = Self::named(name);
        fs::write(&file.0, contents).unwrap();
        file
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Runs one ignored test of this test binary as the only one of its process, and panics unless it
/// passes.
pub fn alone(test: &str) {
    let output = child(test, ("RUST_TEST_THREADS", "1"));
    let (_, text, errors) = texts(&output);
    assert!(output.status.success(), "{test}: {}\n{text}\n{errors}", output.status);
    assert!(text.contains("1 passed"), "{test}: {text}");
}
