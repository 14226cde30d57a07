//! `CLEARPAGE_INIT_ON_ALLOC` and `CLEARPAGE_INIT_ON_FREE`: the policy of a program that is already
//! built.

use std::fmt;

use super::policy::{InitPolicy, is_unread, set_if_unread};
use crate::environment::{Name, Variable, value};

/// Makes the policy what the environment says now, not when it is first needed; does nothing where
/// it is set.
///
/// `CLEARPAGE_INIT_ON_ALLOC` and `CLEARPAGE_INIT_ON_FREE` are 0 or 1 each; empty or not there is 0.
/// They are read when the program starts, and ignored in a privileged program (setuid; `AT_SECURE`
/// in getauxval(3)). Where memory is allocated by a [`ClearingAlloc`](super::ClearingAlloc) before
/// `main`, as it usually is by a global one, a bad value has ended the process by then.
///
/// # Errors
/// One of them is something else; the policy is then as before.
pub fn init() -> Result<(), PolicyError> {
    if is_unread() {
        set_if_unread(InitPolicy {
            on_alloc: switch(Name::InitOnAlloc)?,
            on_free: switch(Name::InitOnFree)?,
        });
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

/// Why the environment gives no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyError {
    variable: Variable,
}

impl PolicyError {
    /// Returns the variable that is wrong, as it was read.
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
