//! The plan: (intent, length) -> primitive. Made at the first call or by [`init`], replaced by
//! [`force`]; a request reads one entry of it with one relaxed load.

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

/// The plan. Every entry is a row that this CPU has.
static PLAN: Entries<{ Intent::ALL.len() }, CLASSES> =
    Entries([const { [const { AtomicPtr::new(ptr::null_mut()) }; CLASSES] }; Intent::ALL.len()]);

/// The primitive that serves `len` bytes under `intent`.
#[inline]
pub(crate) fn choose(intent: Intent, len: usize) -> Available {
    if let Some(forced) = FORCED {
        // SAFETY: who builds for one primitive builds for CPUs that have it, as with target-cpu.
        return unsafe { Available::new_unchecked(forced) };
    }
    match PLAN.get(intent as usize, class(len)) {
        // SAFETY: the plan has only rows that this CPU has.
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
    // SAFETY: `init` leaves no entry empty, and the plan has only rows that this CPU has.
    unsafe { Available::new_unchecked(PLAN.get(intent as usize, class(len)).unwrap_unchecked()) }
}

/// Makes the plan now, not at the first call; does nothing where it is made.
///
/// Detection takes some CPUID instructions, each a microsecond or more under a hypervisor. With
/// the `std` feature, on Unix, `CLEARPAGE_FORCE` and `CLEARPAGE_TUNING` say what the plan is. They
/// are read when the program starts, and ignored in a privileged program (setuid; `AT_SECURE` in
/// getauxval(3)). A bad value is an error here, and ends the process with exit code 2 where the
/// first clearing call finds it.
///
/// # Errors
/// `CLEARPAGE_FORCE` names no primitive, or one that this CPU does not have; `CLEARPAGE_TUNING`
/// names no regular file of at most 64 KiB that can be read, or one that is no tuning for this CPU;
/// or the build is for a primitive (`--cfg clearpage_force`) that this CPU does not have.
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

/// Makes `tuning` the plan.
pub(crate) fn replace(tuning: &Proven) {
    PLAN.replace(|intent, class| chosen(tuning, intent, class));
}

/// The entry of a plan that is `tuning`.
fn chosen(tuning: &Proven, intent: usize, class: usize) -> &'static Primitive {
    tuning.choose(Intent::ALL[intent], shortest(class)).primitive()
}

/// The plan that this CPU and the environment ask for; a force is stronger than a tuning.
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
        // Another CPU, microcode, hypervisor or version: the default is right there.
        Err(error) if error.is_foreign() => {
            ignore(file, &error);
            Ok(Proven::detect())
        }
        Err(error) => Err(InitError::Tuning(file, error)),
    }
}

/// The plan that this CPU asks for.
#[cfg(not(all(feature = "std", unix)))]
fn asked_for() -> Result<Proven, InitError> {
    Ok(Proven::detect())
}

/// Serves everything by the primitive called `name`, on all threads, until [`unforce`]. Stronger
/// than `CLEARPAGE_FORCE`; short requests stay plain stores: up to 256 bytes, and on x86_64 with
/// AVX2 all that are shorter than 4 KiB.
///
/// If another thread forks during the call, the plan of the child is partly old and partly new; every
/// entry is valid.
///
/// # Errors
/// There is no such primitive, this CPU does not have it, or it sets memory tags
/// ([`Primitive::sets_tags`]); the plan is then as before. A build for one primitive
/// (`--cfg clearpage_force`) takes no other.
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

/// Ends [`force`] and [`Tuning::install`]: back to what the environment asks for, or to what suits
/// the CPU.
///
/// # Errors
/// Those of [`init`]; the plan is then as before.
pub fn unforce() -> Result<(), InitError> {
    if FORCED.is_none() {
        replace(&asked_for()?);
    }
    Ok(())
}

/// The primitive that a request of `len` bytes under `intent` is served by.
///
/// Choices change only at powers of two.
pub fn plan(intent: Intent, len: usize) -> &'static Primitive {
    choose(intent, len).primitive()
}

/// Why a primitive cannot be forced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForceError {
    /// No primitive of this build is called that; the message lists those that are.
    Unknown,
    /// This CPU or build does not have it.
    Unavailable {
        /// The primitive asked for.
        name: &'static str,
        /// What was looked at and what it said.
        reason: &'static str,
    },
    /// It sets memory tags too, after which pointers with another tag fault; the message lists the
    /// primitives that are allowed.
    SetsTags {
        /// The primitive asked for.
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

/// Why no plan can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InitError {
    /// `--cfg clearpage_force`: this CPU lacks what the build is for.
    Built(ForceError),
    /// `CLEARPAGE_FORCE`: not a primitive that can be forced.
    #[cfg(all(feature = "std", unix))]
    Force(Variable, ForceError),
    /// `CLEARPAGE_TUNING`: the text is no tuning for this CPU.
    #[cfg(all(feature = "std", unix))]
    Tuning(Variable, TuningError),
    /// `CLEARPAGE_TUNING`: the tuning names a primitive that this CPU lacks.
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

/// The primitive called `name`, and the tuning in which it serves everything.
fn named(name: &str) -> Result<(&'static Primitive, Proven), ForceError> {
    let row = find(name).ok_or(ForceError::Unknown)?;
    Ok((row, Tuning::only(row).proven()?))
}
