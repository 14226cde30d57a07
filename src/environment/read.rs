//! Reading the variables, and keeping what was read.

use std::ffi::{CStr, c_char};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::AtomicPtr;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use super::privileged::privileged;
use super::{Name, Variable, refuse};
use crate::settings::Once;

/// By [`Name`]: the value, or `None` if it is empty or not set.
struct Values([Option<&'static CStr>; Name::ALL.len()]);

static NOTHING: Values = Values([None; Name::ALL.len()]);

/// What was read.
static READ: Once<Values> = Once(AtomicPtr::new(ptr::null_mut()));

/// Returns a variable as it was when the environment was read; `None` if it was empty or not set,
/// or if the program is privileged.
pub(crate) fn value(name: Name) -> Option<Variable> {
    let value = values().0[name as usize]?;
    Some(Variable::new(name.as_c_str(), value))
}

/// Threads that are the first to ask at the same time all read, and keep what one of them read; a
/// child that is forked meanwhile reads by itself. The few bytes of the others stay mapped: this
/// happens once, if at all.
fn values() -> &'static Values {
    READ.get_or_make(|| {
        let found = match privileged() {
            true => [None; Name::ALL.len()],
            false => Name::ALL.map(variable),
        };
        if found == [None; Name::ALL.len()] { &NOTHING } else { keep(found) }
    })
}

/// Calls getenv(3), which does not take the lock of `std::env`: its holder may be waiting for this very
/// call. A lock of the C library's own, if it has one, is taken.
fn variable(name: Name) -> Option<&'static CStr> {
    unsafe extern "C" {
        fn getenv(name: *const c_char) -> *const c_char;
    }
    // SAFETY: a name that ends with 0. The value is valid until somebody changes the environment: it
    // is read when the program starts, before it has threads. If the first call comes earlier, or
    // this library is loaded later, a `setenv` at the same time is the C library's race, as with
    // every getenv of C code.
    let value = unsafe { NonNull::new(getenv(name.as_c_str().as_ptr()).cast_mut())? };
    // SAFETY: as above.
    let value = unsafe { CStr::from_ptr(value.as_ptr()) };
    if value.is_empty() { None } else { Some(value) }
}

/// Copies values to where nobody changes them. The memory is the system's, not the allocator's,
/// which may be what is calling.
fn keep(found: [Option<&CStr>; Name::ALL.len()]) -> &'static Values {
    let text: usize = found.iter().flatten().map(|value| value.count_bytes() + 1).sum();
    let size = size_of::<Values>() + text;
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: where there is room.
    let Ok(memory) = (unsafe { mmap_anonymous(ptr::null_mut(), size, access, flags) }) else {
        refuse(&"the variables of the environment cannot be read: out of memory")
    };
    let mut at = memory.cast::<u8>().wrapping_add(size_of::<Values>());
    let values = found.map(|value| {
        let bytes = value?.to_bytes();
        // SAFETY: the mapping has room for all values, each with a 0 behind it, and is zero. It is
        // never given back.
        let kept = unsafe {
            at.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            slice::from_raw_parts(at, bytes.len() + 1)
        };
        at = at.wrapping_add(kept.len());
        CStr::from_bytes_until_nul(kept).ok()
    });
    let place = memory.cast::<Values>();
    // SAFETY: a mapping starts at a page, and this is its start; it is never given back.
    unsafe {
        place.write(Values(values));
        &*place
    }
}

/// Called when the program or library is loaded, before it has threads that change the environment.
/// Systems whose files are neither ELF nor Mach-O ignore the section: there the first call reads.
#[cfg(not(miri))]
#[used]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
static AT_START: extern "C" fn() = {
    extern "C" fn at_start() {
        values();
    }
    at_start
};
