//! Sets the policy of a built program from `CLEARPAGE_INIT_ON_ALLOC` and
//! `CLEARPAGE_INIT_ON_FREE`.

use std::fmt;

use super::policy::{InitPolicy, SWITCH, UNREAD};
use crate::env::{Name, Variable, value};

/// Sets the process policy from the environment now instead of on first use. Does nothing if the
/// policy is already set.
///
/// `CLEARPAGE_INIT_ON_ALLOC` and `CLEARPAGE_INIT_ON_FREE` are 0 or 1; empty or unset means 0. They
/// are read at program start and ignored in a privileged program (setuid; `AT_SECURE` in
/// getauxval(3)). If a [`ClearingAlloc`](super::ClearingAlloc) allocates before `main`, as a global
/// one usually does, an invalid value exits the process before this call.
///
/// # Errors
/// A variable has another value. The policy is then unchanged.
pub fn init_policy_from_env() -> Result<(), PolicyError> {
    if SWITCH.get() == UNREAD {
        let (on_alloc, on_free) = (switch(Name::InitOnAlloc)?, switch(Name::InitOnFree)?);
        SWITCH.set_from(UNREAD, InitPolicy { on_alloc, on_free }.bits());
    }
    Ok(())
}

fn switch(name: Name) -> Result<bool, PolicyError> {
    match value(name) {
        None => Ok(false),
        Some(variable) => match variable.value() {
            b"0" => Ok(false),
            b"1" => Ok(true),
            _ => Err(PolicyError { variable }),
        },
    }
}

/// An environment variable whose value is not a valid policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyError {
    variable: Variable,
}

impl PolicyError {
    /// Returns the invalid variable.
    pub const fn variable(&self) -> Variable {
        self.variable
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: allowed are 0 (off), 1 (on) and nothing (off)", self.variable)
    }
}

impl std::error::Error for PolicyError {}
