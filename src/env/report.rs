//! Messages to the user about variables. They bypass `std::io::stderr`, whose lock another thread
//! may hold.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::Variable;
use super::system::{exit, write_to_stderr};

/// Reports on standard error that a variable is ignored, and why. Only the first call reports,
/// because several threads may make the plan at once.
pub(crate) fn ignore(variable: Variable, why: &dyn fmt::Display) {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    if REPORTED.swap(true, Relaxed) {
        return;
    }
    say(format_args!("clearpage: {variable}: ignored: {why}\n"));
}

/// Exits the process with status 2: a clearing call cannot return an error, and to continue with
/// another plan than the requested one would be worse.
///
/// It runs no exit handlers. They may wait for what this call interrupts: it may come from inside
/// an allocation anywhere, such as in the first use of standard output.
pub(crate) fn refuse(error: &dyn fmt::Display) -> ! {
    say(format_args!("clearpage: {error}\n"));
    exit(2)
}

/// Writes a message to standard error. Errors are ignored: the exit status still reports failure.
fn say(message: fmt::Arguments<'_>) {
    let mut line = Line { text: [0; 512], len: 0 };
    let _ = line.write_fmt(message);
    line.flush();
}

/// Buffers a message, so that a short one is written at once.
struct Line {
    text: [u8; 512],
    len: usize,
}

impl Line {
    fn flush(&mut self) {
        let mut rest = &self.text[..self.len];
        while let written @ 1.. = write_to_stderr(rest) {
            rest = &rest[written..];
        }
        self.len = 0;
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if self.len == self.text.len() {
                self.flush();
            }
            self.text[self.len] = byte;
            self.len += 1;
        }
        Ok(())
    }
}
