//! Caches a number that only the system reports, such as the size of a cache block.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::primitive::Unavailable;

/// Ends the program: the build is for a primitive (`--cfg clearpage_force`) that this CPU lacks. It
/// does not unwind, because the call may come from inside an allocation.
#[cfg(all(feature = "std", any(unix, windows)))]
fn refuse(why: &Unavailable) -> ! {
    crate::env::refuse(&format_args!("clearpage_force={NAME} is not available: {why}"))
}

/// Ends the program as above: a panic in an `extern "C"` function aborts.
#[cfg(not(all(feature = "std", any(unix, windows))))]
extern "C" fn refuse(why: &Unavailable) -> ! {
    panic!("clearpage_force={NAME} is not available: {why}")
}

const NAME: &str = env!("CLEARPAGE_FORCED");

/// A non-zero number that is detected on first use, then cached. Failures are not cached.
pub(super) struct LazyNumber {
    /// 0 until the number is detected.
    number: AtomicUsize,
    detect: fn() -> Result<usize, Unavailable>,
}

impl LazyNumber {
    pub(super) const fn new(detect: fn() -> Result<usize, Unavailable>) -> Self {
        Self { number: AtomicUsize::new(0), detect }
    }

    /// Sets the number, instead of its detection.
    pub(super) fn set(&self, number: usize) {
        self.number.store(number, Relaxed);
    }

    /// Returns the number, or the reason why it is unknown.
    pub(super) fn get(&self) -> Result<usize, Unavailable> {
        match self.number.load(Relaxed) {
            0 => {
                let number = (self.detect)()?;
                self.number.store(number, Relaxed);
                Ok(number)
            }
            number => Ok(number),
        }
    }

    /// Returns the number with one load. Ends the program if it is unavailable.
    #[inline]
    pub(super) fn get_or_exit(&self) -> usize {
        match self.number.load(Relaxed) {
            0 => self.detect_or_exit(),
            number => number,
        }
    }

    #[cold]
    #[inline(never)]
    fn detect_or_exit(&self) -> usize {
        self.get().unwrap_or_else(|why| refuse(&why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs as the child process of the test below.
    #[test]
    #[ignore = "run by another test, in a process of its own"]
    fn need_an_unknown_number() {
        LazyNumber::new(|| Err(Unavailable { reason: "test" })).get_or_exit();
    }

    #[test]
    #[cfg(all(feature = "std", any(unix, windows)))]
    fn an_unknown_number_ends_the_program_without_unwinding() {
        let mut child = clearpage_testkit::emulator::command(&std::env::current_exe().unwrap());
        child.args(["--exact", "arch::lazy::tests::need_an_unknown_number", "--ignored"]);
        let child = child.arg("--nocapture").output().unwrap();
        let stderr = String::from_utf8(child.stderr).unwrap();
        let message = format!("clearpage: clearpage_force={NAME} is not available: test\n");
        assert!(stderr.contains(&message) && !stderr.contains("panicked"), "{stderr}");
        assert_eq!(child.status.code(), Some(2), "{stderr}");
    }
}
