//! The codes that functions return, and their texts.

use core::ffi::{c_char, c_int};

/// Success.
pub const CLEARPAGE_OK: c_int = 0;
/// A pointer is NULL.
pub const CLEARPAGE_E_NULL: c_int = -1;
/// A pointer to a page is not a multiple of the page size.
pub const CLEARPAGE_E_ALIGN: c_int = -2;
/// The range is longer than PTRDIFF_MAX bytes or than the rest of the address space.
pub const CLEARPAGE_E_LENGTH: c_int = -3;
/// The intent is none of CLEARPAGE_AUTO, CLEARPAGE_HOT and CLEARPAGE_COLD.
pub const CLEARPAGE_E_INTENT: c_int = -4;
/// The flags have a bit that is not CLEARPAGE_ZERO, _SKIP_ZERO, _KNOWN_ZERO or _WILL_OVERWRITE.
pub const CLEARPAGE_E_FLAGS: c_int = -5;
/// The policy has a bit that is neither CLEARPAGE_INIT_ON_ALLOC nor CLEARPAGE_INIT_ON_FREE.
pub const CLEARPAGE_E_POLICY: c_int = -6;
/// The build has no primitive of this name.
pub const CLEARPAGE_E_PRIMITIVE: c_int = -7;
/// This CPU, or this build, cannot run the primitive.
pub const CLEARPAGE_E_UNAVAILABLE: c_int = -8;
/// The number of the hot page is not less than the number of pages.
pub const CLEARPAGE_E_HOT: c_int = -9;
/// A chunk has 0 pages.
pub const CLEARPAGE_E_CHUNK: c_int = -10;
/// A variable CLEARPAGE_FORCE, _TUNING, _INIT_ON_ALLOC or _INIT_ON_FREE has an invalid value.
pub const CLEARPAGE_E_ENVIRONMENT: c_int = -11;

/// The error is a code.
pub(crate) type Result<T> = core::result::Result<T, c_int>;

pub(crate) fn code_of(call: impl FnOnce() -> Result<c_int>) -> c_int {
    match call() {
        Ok(code) | Err(code) => code,
    }
}

/// Returns the text of a code that a function returned; a constant, so any thread may use it.
#[no_mangle]
pub extern "C" fn clearpage_strerror(code: c_int) -> *const c_char {
    // Debian's cbindgen knows no C string literals.
    let text: &[u8] = match code {
        1.. => b"the memory was cleared\0",
        CLEARPAGE_OK => b"success\0",
        CLEARPAGE_E_NULL => b"a pointer is NULL\0",
        CLEARPAGE_E_ALIGN => b"a pointer to a page is not a multiple of the page size\0",
        CLEARPAGE_E_LENGTH => {
            b"the range is longer than PTRDIFF_MAX bytes or than the rest of the address space\0"
        }
        CLEARPAGE_E_INTENT => {
            b"unknown intent; allowed are CLEARPAGE_AUTO (0), CLEARPAGE_HOT (1), CLEARPAGE_COLD (2)\0"
        }
        CLEARPAGE_E_FLAGS => {
            b"unknown flag; allowed are CLEARPAGE_ZERO (1), CLEARPAGE_SKIP_ZERO (2), \
              CLEARPAGE_KNOWN_ZERO (8), CLEARPAGE_WILL_OVERWRITE (16)\0"
        }
        CLEARPAGE_E_POLICY => {
            b"unknown policy; allowed are 0, CLEARPAGE_INIT_ON_ALLOC (1), CLEARPAGE_INIT_ON_FREE (2) \
              and both (3)\0"
        }
        CLEARPAGE_E_PRIMITIVE => b"this build has no primitive of that name\0",
        CLEARPAGE_E_UNAVAILABLE => b"this CPU or this build cannot run the primitive\0",
        CLEARPAGE_E_HOT => b"the number of the hot page is not less than the number of pages\0",
        CLEARPAGE_E_CHUNK => b"a chunk has 0 pages; allowed is 1 or more\0",
        CLEARPAGE_E_ENVIRONMENT => {
            b"CLEARPAGE_FORCE, CLEARPAGE_TUNING, CLEARPAGE_INIT_ON_ALLOC or CLEARPAGE_INIT_ON_FREE \
              has an invalid value\0"
        }
        _ => b"unknown code\0",
    };
    text.as_ptr().cast()
}
