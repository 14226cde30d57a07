//! Reading the environment. `CLEARPAGE_FORCE` and `CLEARPAGE_TUNING`: the plan of a program that is
//! already built.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub(crate) const FORCE: &str = "CLEARPAGE_FORCE";
pub(crate) const TUNING: &str = "CLEARPAGE_TUNING";

/// What the environment asks for.
pub(crate) enum Setting {
    Nothing,
    /// The primitive of that name.
    Force(String),
    /// The tuning in a file, as text.
    Tuning(io::Result<String>),
}

/// Reads what the plan is to be; a force is stronger than a tuning. To be called, and its result
/// dropped, in [`reading`].
pub(crate) fn setting() -> Setting {
    match (value(FORCE), value(TUNING)) {
        // A name that is not Unicode stays wrong when it is made so.
        (Some(name), _) => Setting::Force(name.to_string_lossy().into_owned()),
        (None, Some(file)) => Setting::Tuning(fs::read_to_string(file)),
        (None, None) => Setting::Nothing,
    }
}

static READING: AtomicBool = AtomicBool::new(false);

/// Does `read`, or nothing while the environment is being read already. Reading allocates and
/// frees, and the allocator may be one that clears with this crate: the call that comes back from
/// there, and any other thread's, is told so at once instead of waiting.
pub(crate) fn reading<T>(read: impl FnOnce() -> T) -> Option<T> {
    if READING.swap(true, Relaxed) {
        return None;
    }
    let found = read();
    READING.store(false, Relaxed);
    Some(found)
}

/// A variable's value; empty counts as not set.
pub(crate) fn value(variable: &str) -> Option<OsString> {
    env::var_os(variable).filter(|value| !value.is_empty())
}

/// "VARIABLE=value", as it is now: for messages about what was read a moment ago.
pub(crate) fn assignment(variable: &str) -> String {
    let value = env::var_os(variable).unwrap_or_default();
    format!("{variable}={}", value.to_string_lossy())
}

/// Reports on standard error that a variable is ignored, and why.
pub(crate) fn ignore(variable: &str, why: &dyn fmt::Display) {
    let _ = writeln!(io::stderr(), "clearpage: {}: ignored: {why}", assignment(variable));
}

/// Ends the process: a clearing call has nobody to return an error to, and to go on with another
/// plan than the one asked for would be worse.
///
/// The call may come from inside an allocation, and that from anywhere: from what exit handlers
/// would wait for, such as the first use of standard output. So on Unix none is run.
pub(crate) fn refuse(error: &dyn fmt::Display) -> ! {
    // The message allocates too: nobody may come back here from there.
    READING.store(true, Relaxed);
    // Where nobody reads it, the exit code remains.
    let _ = writeln!(io::stderr(), "clearpage: {error}");
    #[cfg(unix)]
    {
        unsafe extern "C" {
            safe fn _exit(code: std::ffi::c_int) -> !;
        }
        _exit(2)
    }
    #[cfg(not(unix))]
    std::process::exit(2)
}
