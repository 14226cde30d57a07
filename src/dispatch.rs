//! The plan: (intent, length) -> primitive. Made at the first call or by [`init`], replaced by
//! [`force`]; a request reads one entry of it with one relaxed load.

use core::fmt;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use crate::arch;
use crate::built_for::FORCED;
use crate::intent::{Intent, Tuning};
use crate::primitive::{Available, Primitive, find, primitives};

/// Lengths of one class have the same highest bit: class 13 is 4 KiB up to 8 KiB - 1.
const CLASSES: usize = usize::BITS as usize + 1;

/// The plan. An entry is null until the plan is made; after that it is a row that this CPU has.
/// Entries stand alone, so a reader in the middle of a `force` gets the old row or the new one.
static PLAN: [[AtomicPtr<Primitive>; CLASSES]; Intent::ALL.len()] =
    [const { [const { AtomicPtr::new(ptr::null_mut()) }; CLASSES] }; Intent::ALL.len()];

const fn class(len: usize) -> usize {
    (usize::BITS - len.leading_zeros()) as usize
}

/// The smallest length of a class.
const fn shortest(class: usize) -> usize {
    if class == 0 { 0 } else { 1 << (class - 1) }
}

/// The primitive that serves `len` bytes under `intent`.
#[inline]
pub(crate) fn choose(intent: Intent, len: usize) -> Available {
    if let Some(forced) = FORCED {
        // SAFETY: who builds for one primitive builds for CPUs that have it, as with target-cpu.
        return unsafe { Available::new_unchecked(forced) };
    }
    let row = PLAN[intent as usize][class(len)].load(Relaxed);
    if row.is_null() {
        return first_call(intent, len);
    }
    // SAFETY: an entry that is not null is a row of the static table that this CPU has.
    unsafe { Available::new_unchecked(&*row) }
}

#[cold]
#[inline(never)]
fn first_call(intent: Intent, len: usize) -> Available {
    let made = init();
    #[cfg(feature = "std")]
    if let Err(error) = &made {
        crate::environment::refuse(error);
    }
    debug_assert!(made.is_ok(), "only an environment can be wrong");
    let mut row = PLAN[intent as usize][class(len)].load(Relaxed).cast_const();
    if row.is_null() {
        // Called back by the allocator of the one who is making the plan.
        row = arch::tuning().choose(intent, len);
    }
    // SAFETY: both are rows that this CPU has.
    unsafe { Available::new_unchecked(&*row) }
}

/// Makes the plan now, not at the first call; does nothing where it is made.
///
/// Detection takes some CPUID instructions, each a microsecond or more under a hypervisor. With
/// the `std` feature, `CLEARPAGE_FORCE` is read here: a bad value is an error here, and ends the
/// process with exit code 2 where the first clearing call finds it.
///
/// # Errors
/// `CLEARPAGE_FORCE` names no primitive, or one that this CPU does not have; or the build is for
/// a primitive (`--cfg clearpage_force`) that this CPU does not have.
pub fn init() -> Result<(), ForceError> {
    if let Some(forced) = FORCED {
        return usable(forced).map(drop);
    }
    // The last entry written: while it is null the plan is not complete.
    if !PLAN[Intent::ALL.len() - 1][CLASSES - 1].load(Relaxed).is_null() {
        return Ok(());
    }
    if let Some(tuning) = detect()? {
        // Only where nobody forced a primitive in the meantime.
        fill(&tuning, |entry, row| {
            #[cfg(target_has_atomic = "ptr")]
            let _ = entry.compare_exchange(ptr::null_mut(), row, Relaxed, Relaxed);
            #[cfg(not(target_has_atomic = "ptr"))]
            if entry.load(Relaxed).is_null() {
                entry.store(row, Relaxed);
            }
        });
    }
    Ok(())
}

/// Puts `tuning`'s choice into every entry.
fn fill(tuning: &Tuning, put: impl Fn(&AtomicPtr<Primitive>, *mut Primitive)) {
    for (intent, entries) in Intent::ALL.into_iter().zip(&PLAN) {
        for (class, entry) in entries.iter().enumerate() {
            put(entry, ptr::from_ref(tuning.choose(intent, shortest(class))).cast_mut());
        }
    }
}

fn replace(tuning: &Tuning) {
    fill(tuning, |entry, row| entry.store(row, Relaxed));
}

/// The plan by environment and CPU; `None` while it is being read further up this call stack, or
/// by another thread.
fn detect() -> Result<Option<Tuning>, ForceError> {
    #[cfg(feature = "std")]
    match crate::environment::forced() {
        crate::environment::Forced::BeingRead => return Ok(None),
        crate::environment::Forced::Nothing => {}
        crate::environment::Forced::To(name) => return Ok(Some(Tuning::only(named(&name)?))),
    }
    Ok(Some(arch::tuning()))
}

/// Serves everything by the primitive called `name`, on all threads, until [`unforce`]. Stronger
/// than `CLEARPAGE_FORCE`; requests of up to 256 bytes stay plain stores.
///
/// # Errors
/// There is no such primitive, or this CPU does not have it; the plan is then as before. A build
/// for one primitive (`--cfg clearpage_force`) takes no other.
pub fn force(name: &str) -> Result<(), ForceError> {
    let forced = named(name)?;
    match FORCED {
        Some(built) if built != forced.primitive() => Err(ForceError::Unavailable {
            name: forced.primitive().name(),
            reason: concat!("this build is for ", env!("CLEARPAGE_FORCED"), " alone"),
        }),
        Some(_) => Ok(()),
        None => {
            replace(&Tuning::only(forced));
            Ok(())
        }
    }
}

/// Ends [`force`]: back to `CLEARPAGE_FORCE` where it is set, to what suits the CPU where not.
///
/// # Errors
/// `CLEARPAGE_FORCE` has a bad value; the plan is then as before.
pub fn unforce() -> Result<(), ForceError> {
    while FORCED.is_none() {
        if let Some(tuning) = detect()? {
            replace(&tuning);
            break;
        }
        core::hint::spin_loop();
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
}

impl fmt::Display for ForceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => {
                f.write_str("no such primitive; this build has")?;
                for (i, p) in primitives().iter().enumerate() {
                    write!(f, "{} {}", if i == 0 { "" } else { "," }, p.name())?;
                }
                Ok(())
            }
            Self::Unavailable { name, reason } => write!(f, "{name} is not available: {reason}"),
        }
    }
}

impl core::error::Error for ForceError {}

fn named(name: &str) -> Result<Available, ForceError> {
    usable(find(name).ok_or(ForceError::Unknown)?)
}

fn usable(primitive: &'static Primitive) -> Result<Available, ForceError> {
    primitive.available().map_err(|unavailable| ForceError::Unavailable {
        name: primitive.name(),
        reason: unavailable.reason,
    })
}
