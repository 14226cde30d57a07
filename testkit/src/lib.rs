//! What the tests of all packages share: memory with redzones, a mapper that fails on request,
//! every policy and set of flags, and children that run the test binary again.

pub mod emulator;
pub mod faulty;
pub mod flags;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub mod linux;
#[cfg(loom)]
pub mod loom;

use std::io::Write;
use std::process::Output;

use clearpage::{PAGE_SIZE, Page, Primitive, primitives};

/// Bytes that must survive before and behind whatever is cleared.
pub const REDZONE: usize = PAGE_SIZE;

/// Memory full of garbage, none of it zero, so that a byte says by itself whether it was cleared.
pub struct Garbage {
    pages: Vec<Page>,
    original: Vec<u8>,
}

impl Garbage {
    /// Room for `len` bytes at any offset up to a page, and a redzone on both sides.
    pub fn new(len: usize) -> Self {
        let npages = len.div_ceil(PAGE_SIZE) + 3;
        let mut garbage = 0x9e37_79b9_u32;
        let original: Vec<u8> = (0..npages * PAGE_SIZE)
            .map(|_| {
                garbage = garbage.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (garbage >> 24) as u8 | 1
            })
            .collect();
        let mut garbage = Self { pages: vec![Page::ZERO; npages], original };
        garbage.fill();
        garbage
    }

    /// Makes everything garbage again.
    pub fn fill(&mut self) {
        for (page, original) in self.pages.iter_mut().zip(self.original.chunks(PAGE_SIZE)) {
            page.as_bytes_mut().copy_from_slice(original);
        }
    }

    /// `len` bytes, `offset` behind a page boundary and the first redzone.
    pub fn bytes(&mut self, offset: usize, len: usize) -> &mut [u8] {
        &mut self.all()[REDZONE + offset..][..len]
    }

    /// `npages` pages behind the first redzone.
    pub fn pages(&mut self, npages: usize) -> &mut [Page] {
        &mut self.pages[REDZONE / PAGE_SIZE..][..npages]
    }

    /// Panics unless each page behind the first redzone is zero or garbage as `zero` says, and the
    /// redzones are garbage; then makes everything garbage again.
    pub fn check_pages(&mut self, zero: &[bool], what: &dyn std::fmt::Display) {
        let first = REDZONE / PAGE_SIZE;
        for (i, page) in self.pages.iter().enumerate() {
            let cleared = i >= first && zero.get(i - first) == Some(&true);
            let original = &self.original[i * PAGE_SIZE..][..PAGE_SIZE];
            let bytes = page.as_bytes();
            let bad =
                (0..PAGE_SIZE).find(|&at| bytes[at] != if cleared { 0 } else { original[at] });
            if let Some(at) = bad {
                let (page, should) =
                    (i as isize - first as isize, if cleared { "zero" } else { "garbage" });
                panic!("{what}: page {page} should be {should}: byte {at} is {:#x}", bytes[at]);
            }
        }
        self.fill();
    }

    fn all(&mut self) -> &mut [u8] {
        let (ptr, len) = (self.pages.as_mut_ptr().cast(), self.pages.len() * PAGE_SIZE);
        // SAFETY: pages are nothing but bytes.
        unsafe { std::slice::from_raw_parts_mut(ptr, len) }
    }

    /// Panics, naming the first bad byte, unless exactly `bytes(offset, len)` is zero; then makes
    /// everything garbage again.
    pub fn check(&mut self, offset: usize, len: usize, what: &dyn std::fmt::Display) {
        let (start, end) = (REDZONE + offset, REDZONE + offset + len);
        let original = std::mem::take(&mut self.original);
        let all = self.all();
        let after = &all[start..end];
        if let Some(at) = after.iter().position(|&b| b != 0) {
            panic!("{what}: offset {offset}, length {len}: byte {at} is {:#x}, not 0", after[at]);
        }
        for (name, zone, base) in [("before", 0..start, start), ("behind", end..all.len(), end)] {
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

/// Writes a line past the test harness's capture: what was skipped shows in a passing run too.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether the build is for one primitive (`--cfg clearpage_force`), which `force` cannot change.
pub fn built_for_one() -> bool {
    clearpage::built_for().is_some()
}

/// Rows that this CPU has; says which it has not, and why.
pub fn available() -> Vec<&'static Primitive> {
    primitives().iter().filter(|p| p.available().is_ok()).collect()
}

/// Runs one ignored test of this test binary in a process of its own, with `variable` set.
pub fn child(test: &str, variable: (&str, &str)) -> Output {
    child_with(test, &[variable])
}

/// [`child`] with several variables set.
pub fn child_with(test: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = emulator::command(&std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command.envs(variables.iter().copied()).output().unwrap()
}

/// Runs one ignored test of this test binary as the only one of its process, and panics unless it
/// passes.
pub fn alone(test: &str) {
    let output = child(test, ("RUST_TEST_THREADS", "1"));
    let [text, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{test}: {}\n{text}\n{errors}", output.status);
    assert!(text.contains("1 passed"), "{test}: {text}");
}
