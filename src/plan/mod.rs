//! The plan, which maps intent and length to a primitive. The first call or [`init`] makes it, and
//! [`force`] replaces it. A clear reads one entry with one relaxed load.

mod error;
mod forced;

pub use error::{FactsError, ForceError, InitError};
pub use forced::built_for;

use core::ptr;
use core::sync::atomic::AtomicPtr;

use crate::arch;
use crate::cpu::{self, Facts, Feature};
use crate::intent::Intent;
use crate::page::PAGE_SIZE;
use crate::primitive::{self, AvailablePrimitive, Primitive, Unavailable};
use crate::settings::Entries;
use crate::tuning::{CLASSES, Tuning, class};

use forced::FORCED;

/// The plan. Every entry that is filled is a row that this CPU can run.
static PLAN: Entries<Primitive, { Intent::ALL.len() }, CLASSES> =
    Entries([const { [const { AtomicPtr::new(ptr::null_mut()) }; CLASSES] }; Intent::ALL.len()]);

/// Returns the primitive that the plan has for `len` bytes under `intent`, with one relaxed load.
///
/// It changes only at lengths that are powers of two. If the plan does not exist, this call makes
/// it, as [`init`] does.
#[inline]
pub fn primitive_for(intent: Intent, len: usize) -> AvailablePrimitive {
    if let Some(forced) = FORCED {
        // SAFETY: a build for one primitive requires a CPU that has it, as with target-cpu.
        return unsafe { AvailablePrimitive::new_unchecked(forced) };
    }
    match PLAN.get(intent as usize, class(len)) {
        // SAFETY: the plan contains only rows that this CPU can run.
        Some(row) => unsafe { AvailablePrimitive::new_unchecked(row) },
        None => first_call(intent, len),
    }
}

#[cold]
#[inline(never)]
fn first_call(intent: Intent, len: usize) -> AvailablePrimitive {
    let made = init();
    #[cfg(all(feature = "std", any(unix, windows)))]
    if let Err(error) = &made {
        crate::env::refuse(error);
    }
    debug_assert!(made.is_ok(), "only an environment can be wrong");
    // SAFETY: `init` fills every entry, and the plan contains only rows that this CPU can run.
    unsafe {
        AvailablePrimitive::new_unchecked(PLAN.get(intent as usize, class(len)).unwrap_unchecked())
    }
}

/// Makes the plan now instead of at the first clear. Does nothing if the plan exists.
///
/// On x86, detection executes some 20 CPUID instructions, each a microsecond or more under a
/// hypervisor. With `std`, on Unix and Windows, `CLEARPAGE_FORCE` and `CLEARPAGE_TUNING` override the default.
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
        return Tuning::uniform(forced).proven().map(drop).map_err(InitError::Built);
    }
    if !PLAN.are_complete() {
        let tuning = asked_for()?;
        PLAN.complete(|intent, class| tuning.0.row(intent, class));
    }
    Ok(())
}

/// Makes the plan for a machine that is as `facts` say, instead of detecting it: for a kernel, which
/// knows what detection cannot read.
///
/// - riscv64: Zicboz, with the block size of the device tree (`riscv,cboz-block-size`).
/// - aarch64: MOPS (`ID_AA64ISAR2_EL1`), the caches (firmware tables); no DC ZVA while the MMU is off.
///   This call and all later clears use no exclusive access, such as LDXR, which may fault then.
/// - powerpc64: the block size of DCBZ.
///
/// Start from [`Facts::detect`] and change what you know better. A second call replaces the first:
/// one before the MMU is on, one after.
///
/// ```
/// use clearpage::cpu::Facts;
///
/// let mut facts = Facts::detect();
/// facts.caches.l2 = 2 << 20; // as the firmware's table says
/// // SAFETY: all features were detected, and no other thread clears memory.
/// unsafe { clearpage::init_with(&facts) }.unwrap();
/// assert_eq!(clearpage::cpu::caches().l2, 2 << 20);
/// ```
///
/// # Safety
/// - Until the next such call, every CPU that clears memory can execute the instructions of each
///   feature in `facts`, at the privilege level and on the memory where it clears.
/// - The block size is that of their instruction.
/// - No other thread, and no interrupt, clears memory meanwhile.
///
/// # Errors
/// The facts are of another ISA, or an instruction that clears a block has no valid size of it. The
/// plan is then unchanged.
pub unsafe fn init_with(facts: &Facts) -> Result<(), FactsError> {
    let tuning = Tuning::for_cpu(facts).map_err(FactsError::Isa)?;
    if facts.has(Feature::Zicboz) || facts.has(Feature::Dcbz) {
        // Not `is_power_of_two`: on aarch64 it counts bits in a vector register.
        let power = 1_usize.checked_shl(facts.block.trailing_zeros());
        if power != Some(facts.block) || facts.block > PAGE_SIZE {
            return Err(FactsError::Block(facts.block));
        }
        arch::declare_block(facts.block);
    }
    cpu::declared::declare(facts);
    // A tuning for these facts has only rows that they allow.
    replace(&tuning.proven().unwrap_or_else(|_| Proven(Tuning::uniform(arch::generic()))));
    Ok(())
}

fn replace(tuning: &Proven) {
    PLAN.replace(|intent, class| tuning.0.row(intent, class));
}

/// Returns the tuning from the environment, or this CPU's default. A force overrides a tuning.
#[cfg(all(feature = "std", any(unix, windows)))]
fn asked_for() -> Result<Proven, InitError> {
    use crate::env::{Name, ignore, value, with_text};
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

#[cfg(not(all(feature = "std", any(unix, windows))))]
fn asked_for() -> Result<Proven, InitError> {
    Ok(Proven::detect())
}

/// Uses the primitive named `name` for every clear, on all threads, until [`reset_plan`].
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
pub fn reset_plan() -> Result<(), InitError> {
    if FORCED.is_none() {
        replace(&asked_for()?);
    }
    Ok(())
}

/// Returns the primitive named `name`, and the tuning that uses it for every clear.
fn named(name: &str) -> Result<(&'static Primitive, Proven), ForceError> {
    let row = primitive::named(name).ok_or(ForceError::Unknown)?;
    Ok((row, Tuning::uniform(row).proven()?))
}

impl Tuning {
    /// Returns the default tuning of this CPU: [`for_cpu`](Self::for_cpu) of [`Facts::detect`].
    pub fn detect() -> Self {
        arch::tuning(&Facts::detect())
    }

    /// Makes this tuning the plan, on all threads. This ends a [`force`](crate::force), but has no
    /// effect in a build for one primitive (`--cfg clearpage_force`).
    ///
    /// # Errors
    /// The tuning names a primitive that this CPU cannot run, or one that sets memory tags
    /// ([`Primitive::sets_tags`]). The plan is then unchanged.
    pub fn install(&self) -> Result<(), ForceError> {
        replace(&self.proven()?);
        Ok(())
    }

    /// Checks that this CPU can run each primitive of this tuning, and that none sets memory tags.
    fn proven(self) -> Result<Proven, ForceError> {
        let mut checked = None;
        for intent in 0..Intent::ALL.len() {
            for class in 0..CLASSES {
                let row = self.row(intent, class);
                // CPUID is slow.
                if checked != Some(row) {
                    can_serve(row)?;
                    checked = Some(row);
                }
            }
        }
        Ok(Proven(self))
    }
}

fn can_serve(row: &'static Primitive) -> Result<(), ForceError> {
    if row.sets_tags() {
        return Err(ForceError::SetsTags { name: row.name() });
    }
    let unavailable =
        |why: Unavailable| ForceError::Unavailable { name: row.name(), reason: why.reason };
    row.available().map(drop).map_err(unavailable)
}

/// A tuning of which this CPU can run every primitive, and of which none sets memory tags.
struct Proven(Tuning);

impl Proven {
    /// Returns the default tuning of this CPU. If the CPU cannot run a primitive that its facts
    /// imply, which would be a bug in `arch/`, it falls back to word stores.
    fn detect() -> Self {
        let tuning = Tuning::detect();
        tuning.proven().unwrap_or_else(|_| Self(Tuning::uniform(arch::generic())))
    }
}
