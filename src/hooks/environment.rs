//! `CLEARPAGE_INIT_ON_ALLOC` and `CLEARPAGE_INIT_ON_FREE`: the policy of a program that is already
//! built.

use std::fmt;

use super::policy::{InitPolicy, is_unread, set_if_unread};
use crate::environment;

const ON_ALLOC: &str = "CLEARPAGE_INIT_ON_ALLOC";
const ON_FREE: &str = "CLEARPAGE_INIT_ON_FREE";

/// Reads the policy from the environment now, not when it is first needed; does nothing where it
/// is set or read.
///
/// `CLEARPAGE_INIT_ON_ALLOC` and `CLEARPAGE_INIT_ON_FREE` are 0 or 1 each; empty or not there is 0.
/// Where memory is allocated by a [`ClearingAlloc`](super::ClearingAlloc) before `main`, as it
/// usually is by a global one, they have been read by then.
///
/// # Errors
/// One of them is something else; the policy is then as before.
pub fn init() -> Result<(), PolicyError> {
    if is_unread() {
        // None: somebody is reading right now, and will know.
        if let Some(asked) = environment::reading(asked_for) {
            // Who set it while it was read does not mind what was found.
            if is_unread() {
                set_if_unread(asked?);
            }
        }
    }
    Ok(())
}

fn asked_for() -> Result<InitPolicy, PolicyError> {
    Ok(InitPolicy { on_alloc: switch(ON_ALLOC)?, on_free: switch(ON_FREE)? })
}

fn switch(variable: &'static str) -> Result<bool, PolicyError> {
    match environment::value(variable) {
        None => Ok(false),
        Some(value) if value == "0" => Ok(false),
        Some(value) if value == "1" => Ok(true),
        Some(_) => Err(PolicyError { variable }),
    }
}

/// Why the environment gives no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyError {
    variable: &'static str,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let assignment = environment::assignment(self.variable);
        write!(f, "{assignment}: allowed are 0 (off), 1 (on) and nothing (off)")
    }
}

impl std::error::Error for PolicyError {}
