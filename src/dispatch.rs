//! The plan, which maps intent and length to a primitive. The first call or [`init`] makes it, and
//! [`force`] replaces it. A clear reads one entry with one relaxed load.

use core::fmt;
use core::ptr;
use core::sync::atomic::AtomicPtr;

use crate::built_for::FORCED;
#[cfg(all(feature = "std", unix))]
use crate::environment::{FileError, Variable};
use crate::intent::Intent;
use crate::primitive::{Available, Primitive, find, primitives};
use crate::settings::Entries;
use crate::tuning::{CLASSES, Proven, Tuning, class, shortest};
#[cfg(all(feature = "std", unix))]
use crate::tuning_text::TuningError;

/// The plan. Every entry that is filled is a row that this CPU can run.
static PLAN: Entries<{ Intent::ALL.len() }, CLASSES> =
    Entries([const { [const { AtomicPtr::new(ptr::null_mut()) }; CLASSES] }; Intent::ALL.len()]);

/// Returns the primitive for `len` bytes under `intent`.
#[inline]
pub(crate) fn choose(intent: Intent, len: usize) -> Available {
    if let Some(forced) = FORCED {
        // SAFETY: a build for one primitive requires a CPU that has it, as with target-cpu.
        return unsafe { Available::new_unchecked(forced) };
    }
    match PLAN.get(intent as usize, class(len)) {
        // SAFETY: the plan contains only rows that this CPU can run.
        Some(row) => unsafe { Available::new_unchecked(row) },
        None => first_call(intent, len),
    }
}

#[cold]
#[inline(never)]
fn first_call(intent: Intent, len: usize) -> Available {
    let made = init();
    #[cfg(all(feature = "std", unix))]
    if let Err(error) = &made {
        crate::environment::refuse(error);
    }
    debug_assert!(made.is_ok(), "only an environment can be wrong");
    // SAFETY: `init` fills every entry, and the plan contains only rows that this CPU can run.
    unsafe { Available::new_unchecked(PLAN.get(intent as usize, class(len)).unwrap_unchecked()) }
}

/// Makes the plan now instead of at the first clear. Does nothing if the plan exists.
///
/// On x86, detection executes some 20 CPUID instructions, each a microsecond or more under a
/// hypervisor. With `std`, on Unix, `CLEARPAGE_FORCE` and `CLEARPAGE_TUNING` override the default.
/// They are read at program start, and ignored in a privileged program (setuid; `AT_SECURE` in
/// getauxval(3)). A bad value is an error here; the first clear exits with status 2 instead.
///
/// # Errors
/// - `CLEARPAGE_FORCE` does not name a primitive that [`force`] accepts.
/// - `CLEARPAGE_TUNING` does not name a readable regular file of at most 64 KiB with a tuning for
///   this CPU. A tuning of another CPU or version is no error: it is ignored, with a message.
/// - The build is for one primitive (`--cfg clearpage_force`) that this CPU cannot run.
pub fn init() -> Result<(), InitError> {
    if let Some(forced) = FORCED {
        return Tuning::only(forced).proven().map(drop).map_err(InitError::Built);
    }
    if !PLAN.are_complete() {
        let tuning = asked_for()?;
        PLAN.complete(|intent, class| chosen(&tuning, intent, class));
    }
    Ok(())
}

/// Replaces the plan by `tuning`.
pub(crate) fn replace(tuning: &Proven) {
    PLAN.replace(|intent, class| chosen(tuning, intent, class));
}

/// Returns the entry of the plan that `tuning` describes.
fn chosen(tuning: &Proven, intent: usize, class: usize) -> &'static Primitive {
    tuning.choose(Intent::ALL[intent], shortest(class)).primitive()
}

/// Returns the tuning from the environment, or this CPU's default. A force overrides a tuning.
#[cfg(all(feature = "std", unix))]
fn asked_for() -> Result<Proven, InitError> {
    use crate::environment::{Name, ignore, value, with_text};
    if let Some(force) = value(Name::Force) {
        let name = core::str::from_utf8(force.value()).map_err(|_| ForceError::Unknown);
        let named = name.and_then(named).map_err(|error| InitError::Force(force, error))?;
        return Ok(named.1);
    }
    let Some(file) = value(Name::Tuning) else { return Ok(Proven::detect()) };
    let parsed = with_text(file.path(), str::parse::<Tuning>);
    match parsed.map_err(|error| InitError::TuningFile(file, error))? {
        Ok(tuning) => tuning.proven().map_err(|error| InitError::TuningLacks(file, error)),
        // For another CPU, microcode, hypervisor or version, the default tuning is right.
        Err(error) if error.is_foreign() => {
            ignore(file, &error);
            Ok(Proven::detect())
        }
        Err(error) => Err(InitError::Tuning(file, error)),
    }
}

/// Returns this CPU's default tuning.
#[cfg(not(all(feature = "std", unix)))]
fn asked_for() -> Result<Proven, InitError> {
    Ok(Proven::detect())
}

/// Uses the primitive named `name` for every clear, on all threads, until [`unforce`].
///
/// Overrides `CLEARPAGE_FORCE`. `zero_bytes` still clears short ranges with ordinary stores: up to
/// 256 bytes, and on x86_64 with AVX2 all below 4 KiB. If another thread forks during the call,
/// the child's plan is partly old and partly new; every entry is valid.
///
/// # Errors
/// The primitive does not exist, this CPU cannot run it, or it sets memory tags
/// ([`Primitive::sets_tags`]). In a build for one primitive (`--cfg clearpage_force`), `name` is
/// another one. The plan is then unchanged.
pub fn force(name: &str) -> Result<(), ForceError> {
    let (row, forced) = named(name)?;
    match FORCED {
        Some(built) if built != row => Err(ForceError::Unavailable {
            name: row.name(),
            reason: concat!("this build is for ", env!("CLEARPAGE_FORCED"), " alone"),
        }),
        Some(_) => Ok(()),
        None => {
            replace(&forced);
            Ok(())
        }
    }
}

/// Reverts [`force`] and [`Tuning::install`]: restores the environment's plan or the default.
///
/// # Errors
/// Those of [`init`]. The plan is then unchanged.
pub fn unforce() -> Result<(), InitError> {
    if FORCED.is_none() {
        replace(&asked_for()?);
    }
    Ok(())
}

/// Returns the primitive that the plan has for `len` bytes under `intent`.
///
/// It changes only at lengths that are powers of two.
pub fn plan(intent: Intent, len: usize) -> &'static Primitive {
    choose(intent, len).primitive()
}

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
    #[cfg(all(feature = "std", unix))]
    Force(Variable, ForceError),
    /// `CLEARPAGE_TUNING`: the text of the file is not a valid tuning.
    #[cfg(all(feature = "std", unix))]
    Tuning(Variable, TuningError),
    /// `CLEARPAGE_TUNING`: the tuning names a primitive that this CPU cannot run.
    #[cfg(all(feature = "std", unix))]
    TuningLacks(Variable, ForceError),
    /// `CLEARPAGE_TUNING`: the file cannot be read.
    #[cfg(all(feature = "std", unix))]
    TuningFile(Variable, FileError),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Built(error) => error.fmt(f),
            #[cfg(all(feature = "std", unix))]
            Self::Force(variable, error) | Self::TuningLacks(variable, error) => {
                write!(f, "{variable}: {error}")
            }
            #[cfg(all(feature = "std", unix))]
            Self::Tuning(variable, error) => write!(f, "{variable}: {error}"),
            #[cfg(all(feature = "std", unix))]
            Self::TuningFile(variable, error) => write!(f, "{variable}: {error}"),
        }
    }
}

impl core::error::Error for InitError {}

/// Returns the primitive named `name`, and the tuning that uses it for every clear.
fn named(name: &str) -> Result<(&'static Primitive, Proven), ForceError> {
    let row = find(name).ok_or(ForceError::Unknown)?;
    Ok((row, Tuning::only(row).proven()?))
}
