//! Reads the variables and stores their values.

use std::ffi::CStr;
use std::ptr;
use std::slice;
use std::sync::atomic::AtomicPtr;

use super::privileged::privileged;
use super::system::{self, map};
use super::{Name, VARIABLES, Variable, refuse};
use crate::settings::Once;

/// The values, indexed by [`Name`]; `None` if the variable is empty or not set.
struct Values([Option<&'static CStr>; VARIABLES.len()]);

static NOTHING: Values = Values([None; VARIABLES.len()]);

/// The values that were read.
static READ: Once<Values> = Once(AtomicPtr::new(ptr::null_mut()));

/// Returns a variable with the value that was read; `None` if it was empty or not set, or if the
/// program is privileged.
pub(crate) fn value(name: Name) -> Option<Variable> {
    let value = values().0[name as usize]?;
    Some(Variable::new(VARIABLES[name as usize], value))
}

/// Returns the values, and reads them on the first call. If several threads make that call, each
/// reads, all use the values of one, and the few bytes of the others leak. A child that is forked
/// meanwhile reads by itself.
fn values() -> &'static Values {
    READ.get_or_make(|| {
        let found = match privileged() {
            true => [None; VARIABLES.len()],
            false => VARIABLES.map(variable),
        };
        if found == [None; VARIABLES.len()] { &NOTHING } else { keep(found) }
    })
}

/// Returns a variable; `None` if it is empty or not set.
fn variable(name: &CStr) -> Option<&'static CStr> {
    system::variable(name).filter(|value| !value.is_empty())
}

/// Copies values to memory that never changes.
fn keep(found: [Option<&CStr>; VARIABLES.len()]) -> &'static Values {
    let text: usize = found.iter().flatten().map(|value| value.count_bytes() + 1).sum();
    let size = size_of::<Values>() + text;
    let Ok(memory) = map(size) else {
        refuse(&"the variables of the environment cannot be read: out of memory")
    };
    let mut at = memory.wrapping_add(size_of::<Values>());
    let values = found.map(|value| {
        let bytes = value?.to_bytes();
        // SAFETY: the mapping has room for all values, each followed by a 0. It is zero and never
        // unmapped.
        let kept = unsafe {
            at.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            slice::from_raw_parts(at, bytes.len() + 1)
        };
        at = at.wrapping_add(kept.len());
        CStr::from_bytes_until_nul(kept).ok()
    });
    let place = memory.cast::<Values>();
    // SAFETY: this is the start of the mapping, so it is aligned, and it is never unmapped.
    unsafe {
        place.write(Values(values));
        &*place
    }
}

/// Reads the variables at load time, before there are threads that change the environment, from
/// the section with the constructors of Mach-O, PE and ELF. A system that runs none ignores the
/// section, and the first call reads the variables.
#[cfg(not(miri))]
#[used]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(windows, unsafe(link_section = ".CRT$XCU"))]
#[cfg_attr(not(any(target_vendor = "apple", windows)), unsafe(link_section = ".init_array"))]
static AT_START: extern "C" fn() = {
    extern "C" fn at_start() {
        values();
    }
    at_start
};
