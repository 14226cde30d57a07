//! Caches a number that only the system knows, such as the size of a cache block.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::primitive::Unavailable;

/// Ends the program: the build is for a primitive (`--cfg clearpage_force`) that this CPU lacks. It
/// does not unwind, because the call may come from inside an allocation.
#[cfg(all(feature = "std", unix))]
fn refuse(why: &Unavailable) -> ! {
    crate::env::refuse(&format_args!("clearpage_force={NAME} is not available: {why}"))
}

/// Ends the program as above: a panic in an `extern "C"` function aborts.
#[cfg(not(all(feature = "std", unix)))]
extern "C" fn refuse(why: &Unavailable) -> ! {
    panic!("clearpage_force={NAME} is not available: {why}")
}

const NAME: &str = env!("CLEARPAGE_FORCED");

/// A number that is queried until it is known, then cached. It is not 0.
#[allow(dead_code, reason = "PowerPC may be without asm to need it")]
pub(super) struct Asked {
    /// 0 until the number is known.
    told: AtomicUsize,
    ask: fn() -> Result<usize, Unavailable>,
}

#[allow(dead_code, reason = "PowerPC may be without asm to need it")]
impl Asked {
    pub(super) const fn new(ask: fn() -> Result<usize, Unavailable>) -> Self {
        Self { told: AtomicUsize::new(0), ask }
    }

    /// Returns the number, or the reason why it is unknown.
    pub(super) fn get(&self) -> Result<usize, Unavailable> {
        match self.told.load(Relaxed) {
            0 => {
                let told = (self.ask)()?;
                self.told.store(told, Relaxed);
                Ok(told)
            }
            told => Ok(told),
        }
    }

    /// Returns the number with one load. Ends the program if it is unavailable.
    #[inline]
    pub(super) fn known(&self) -> usize {
        match self.told.load(Relaxed) {
            0 => self.not_asked_yet(),
            told => told,
        }
    }

    #[cold]
    #[inline(never)]
    fn not_asked_yet(&self) -> usize {
        self.get().unwrap_or_else(|why| refuse(&why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs as the child process of the test below.
    #[test]
    #[ignore = "run by another test, in a process of its own"]
    fn need_what_nobody_tells() {
        Asked::new(|| Err(Unavailable { reason: "nobody tells" })).known();
    }

    #[test]
    #[cfg(all(feature = "std", unix))]
    fn a_number_that_is_needed_and_unknown_ends_the_program_without_unwinding() {
        let mut child = clearpage_testkit::emulator::command(&std::env::current_exe().unwrap());
        child.args(["--exact", "arch::asked::tests::need_what_nobody_tells", "--ignored"]);
        let child = child.arg("--nocapture").output().unwrap();
        let stderr = String::from_utf8(child.stderr).unwrap();
        let message = format!("clearpage: clearpage_force={NAME} is not available: nobody tells\n");
        assert!(stderr.contains(&message) && !stderr.contains("panicked"), "{stderr}");
        assert_eq!(child.status.code(), Some(2), "{stderr}");
    }
}
