//! `CLEARPAGE_FORCE`: the primitive by name, for a program that is already built.

use std::env;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::dispatch::ForceError;

const FORCE: &str = "CLEARPAGE_FORCE";

/// What the environment asks for.
pub(crate) enum Forced {
    Nothing,
    To(String),
    /// Somebody is reading it right now.
    BeingRead,
}

/// Reads the variable; empty counts as not set. Reading allocates, and the allocator may be one
/// that clears with this crate: the call that comes back from there, and any other thread's, is
/// told so at once instead of waiting.
pub(crate) fn forced() -> Forced {
    static READING: AtomicBool = AtomicBool::new(false);
    if READING.swap(true, Relaxed) {
        return Forced::BeingRead;
    }
    let value = env::var_os(FORCE).filter(|value| !value.is_empty());
    READING.store(false, Relaxed);
    match value {
        // A name that is not Unicode stays wrong when it is made so.
        Some(name) => Forced::To(name.to_string_lossy().into_owned()),
        None => Forced::Nothing,
    }
}

/// Ends the process: a clearing call has nobody to return an error to, and to go on with another
/// primitive than the one asked for would be worse.
pub(crate) fn refuse(error: &ForceError) -> ! {
    let value = env::var_os(FORCE).unwrap_or_default();
    eprintln!("clearpage: {FORCE}={}: {error}", value.to_string_lossy());
    process::exit(2)
}
