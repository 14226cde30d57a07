//! The errors of making and replacing the plan.

use core::fmt;

#[cfg(all(feature = "std", any(unix, windows)))]
use crate::env::{FileError, Variable};
use crate::page::PAGE_SIZE;
use crate::primitive::primitives;
#[cfg(all(feature = "std", any(unix, windows)))]
use crate::tuning::TuningError;
use crate::tuning::WrongIsa;

/// The reason why a primitive cannot be forced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForceError {
    /// This build has no primitive of that name; the message lists those that it has.
    Unknown,
    /// This CPU or build cannot run the primitive.
    Unavailable {
        /// The requested primitive.
        name: &'static str,
        /// The source of the information and its value.
        reason: &'static str,
    },
    /// The primitive also sets memory tags, so that pointers with another tag would fault; the
    /// message lists the allowed primitives.
    SetsTags {
        /// The requested primitive.
        name: &'static str,
    },
}

impl fmt::Display for ForceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no such primitive; this build has")?,
            Self::SetsTags { name } => {
                write!(f, "{name} sets memory tags and cannot serve every clear; allowed are")?;
            }
            Self::Unavailable { name, reason } => {
                return write!(f, "{name} is not available: {reason}");
            }
        }
        for (i, p) in primitives().iter().filter(|p| !p.sets_tags()).enumerate() {
            write!(f, "{} {}", if i == 0 { "" } else { "," }, p.name())?;
        }
        Ok(())
    }
}

impl core::error::Error for ForceError {}

/// The reason why the plan cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InitError {
    /// `--cfg clearpage_force`: this CPU cannot run the primitive that the build is for.
    Built(ForceError),
    /// `CLEARPAGE_FORCE`: the primitive cannot be forced.
    #[cfg(all(feature = "std", any(unix, windows)))]
    Force(Variable, ForceError),
    /// `CLEARPAGE_TUNING`: the text of the file is not a valid tuning.
    #[cfg(all(feature = "std", any(unix, windows)))]
    Tuning(Variable, TuningError),
    /// `CLEARPAGE_TUNING`: the tuning names a primitive that this CPU cannot run.
    #[cfg(all(feature = "std", any(unix, windows)))]
    TuningLacks(Variable, ForceError),
    /// `CLEARPAGE_TUNING`: the file cannot be read.
    #[cfg(all(feature = "std", any(unix, windows)))]
    TuningFile(Variable, FileError),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Built(error) => error.fmt(f),
            #[cfg(all(feature = "std", any(unix, windows)))]
            Self::Force(variable, error) | Self::TuningLacks(variable, error) => {
                write!(f, "{variable}: {error}")
            }
            #[cfg(all(feature = "std", any(unix, windows)))]
            Self::Tuning(variable, error) => write!(f, "{variable}: {error}"),
            #[cfg(all(feature = "std", any(unix, windows)))]
            Self::TuningFile(variable, error) => write!(f, "{variable}: {error}"),
        }
    }
}

impl core::error::Error for InitError {}

/// The reason why facts cannot be those of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FactsError {
    /// The facts are of another ISA.
    Isa(WrongIsa),
    /// The block size of `cbo.zero` or `dcbz` is not a power of two up to [`PAGE_SIZE`].
    Block(usize),
}

impl fmt::Display for FactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Isa(error) => error.fmt(f),
            Self::Block(block) => {
                write!(f, "a block of {block} bytes: allowed are powers of two up to {PAGE_SIZE}")
            }
        }
    }
}

impl core::error::Error for FactsError {}
