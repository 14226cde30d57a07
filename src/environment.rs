//! `CLEARPAGE_FORCE` and `CLEARPAGE_TUNING`: the plan of a program that is already built.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::dispatch::InitError;

pub(crate) const FORCE: &str = "CLEARPAGE_FORCE";
pub(crate) const TUNING: &str = "CLEARPAGE_TUNING";

/// What the environment asks for.
pub(crate) enum Setting {
    Nothing,
    /// The primitive of that name.
    Force(String),
    /// The tuning in a file, as text.
    Tuning(io::Result<String>),
    /// Somebody is reading it right now.
    BeingRead,
}

/// Reads the variables; empty counts as not set, and a force is stronger than a tuning. Reading
/// allocates, and the allocator may be one that clears with this crate: the call that comes back
/// from there, and any other thread's, is told so at once instead of waiting.
pub(crate) fn read() -> Setting {
    static READING: AtomicBool = AtomicBool::new(false);
    if READING.swap(true, Relaxed) {
        return Setting::BeingRead;
    }
    let setting = match (value(FORCE), value(TUNING)) {
        // A name that is not Unicode stays wrong when it is made so.
        (Some(name), _) => Setting::Force(name.to_string_lossy().into_owned()),
        (None, Some(file)) => Setting::Tuning(fs::read_to_string(file)),
        (None, None) => Setting::Nothing,
    };
    READING.store(false, Relaxed);
    setting
}

fn value(variable: &str) -> Option<OsString> {
    env::var_os(variable).filter(|value| !value.is_empty())
}

/// "VARIABLE=value", as it is now: for messages about what was read a moment ago.
pub(crate) fn assignment(variable: &str) -> String {
    let value = env::var_os(variable).unwrap_or_default();
    format!("{variable}={}", value.to_string_lossy())
}

/// Ends the process: a clearing call has nobody to return an error to, and to go on with another
/// plan than the one asked for would be worse.
pub(crate) fn refuse(error: &InitError) -> ! {
    eprintln!("clearpage: {error}");
    process::exit(2)
}
