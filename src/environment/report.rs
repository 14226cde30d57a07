//! Messages to whoever set a variable. They are written past `std::io::stderr`, whose lock another
//! thread may hold.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rustix::fd::BorrowedFd;
use rustix::io::write;

use super::Variable;

/// Reports on standard error that a variable is ignored, and why. Only the first call does: several
/// threads may make the plan at once.
pub(crate) fn ignore(variable: Variable, why: &dyn fmt::Display) {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    if REPORTED.swap(true, Relaxed) {
        return;
    }
    say(format_args!("clearpage: {variable}: ignored: {why}\n"));
}

/// Ends the process with exit code 2: a clearing call has nobody to return an error to, and to go
/// on with another plan than the one asked for would be worse.
///
/// The call may come from inside an allocation, and that from anywhere, such as the first use of
/// standard output, for which exit handlers would wait. So none is run.
pub(crate) fn refuse(error: &dyn fmt::Display) -> ! {
    unsafe extern "C" {
        safe fn _exit(code: core::ffi::c_int) -> !;
    }
    say(format_args!("clearpage: {error}\n"));
    _exit(2)
}

/// Where nobody reads it, the exit code remains.
fn say(message: fmt::Arguments<'_>) {
    let mut line = Line { text: [0; 512], len: 0 };
    let _ = line.write_fmt(message);
    line.flush();
}

/// Gathers a message, so that it is written in one piece if it is short.
struct Line {
    text: [u8; 512],
    len: usize,
}

impl Line {
    fn flush(&mut self) {
        // SAFETY: 2 is standard error by convention; if it is closed, writing is an error, and if it
        // is another file by now, that is what the message would go to in C as well.
        let stderr = unsafe { BorrowedFd::borrow_raw(2) };
        let mut rest = &self.text[..self.len];
        while let Ok(written @ 1..) = write(stderr, rest) {
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
