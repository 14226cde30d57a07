//! Which primitive is used.

use core::ffi::{CStr, c_char, c_int};

use rust::{ForceError, InitError, primitives};

use crate::code::{
    CLEARPAGE_E_ENVIRONMENT, CLEARPAGE_E_PRIMITIVE, CLEARPAGE_E_UNAVAILABLE, CLEARPAGE_OK, code_of,
};

/// Detects the CPU and, in a build with std, obeys CLEARPAGE_FORCE, CLEARPAGE_TUNING,
/// CLEARPAGE_INIT_ON_ALLOC and CLEARPAGE_INIT_ON_FREE, with the values from when the library was
/// loaded. A tuning of another CPU is ignored, with a line on standard error. May be called more than
/// once.
///
/// Optional: the first clear and clearpage_plan_name read the first two variables;
/// clearpage_policy, clearpage_post_alloc and clearpage_free_prepare read the others. They cannot
/// report an invalid one, so they end the process with status 2, even after clearpage_init reported it.
///
/// Returns CLEARPAGE_OK, CLEARPAGE_E_ENVIRONMENT, or CLEARPAGE_E_UNAVAILABLE if the library was built
/// for one primitive that this CPU lacks: a clear would raise an invalid-instruction exception.
/// clearpage_init_message has the whole error.
#[must_use]
#[no_mangle]
pub extern "C" fn clearpage_init() -> c_int {
    if let Err(error) = rust::init() {
        return code(error);
    }
    #[cfg(all(feature = "std", any(unix, windows)))]
    if rust::hooks::init_policy_from_env().is_err() {
        return CLEARPAGE_E_ENVIRONMENT;
    }
    CLEARPAGE_OK
}

/// Makes the plan for this CPU and sets the policy to 0, whatever the variables of the environment
/// say: for a program that must start with invalid variables, or that obeys none.
///
/// Returns CLEARPAGE_OK, and clearpage_init does afterwards, or CLEARPAGE_E_UNAVAILABLE as
/// clearpage_init does.
#[must_use]
#[no_mangle]
pub extern "C" fn clearpage_init_default() -> c_int {
    // Cannot fail: the CPU's tuning has only primitives that it can run.
    #[cfg(all(feature = "std", any(unix, windows)))]
    let _ = rust::Tuning::detect().install();
    // Without variables this is the same plan, by code that is linked already.
    #[cfg(not(all(feature = "std", any(unix, windows))))]
    let _ = rust::reset_plan();
    rust::hooks::set_policy(rust::hooks::InitPolicy::OFF);
    // Fails only in a build for one primitive.
    rust::init().map_or_else(code, |()| CLEARPAGE_OK)
}

fn code(error: InitError) -> c_int {
    match error {
        InitError::Built(_) => CLEARPAGE_E_UNAVAILABLE,
        _ => CLEARPAGE_E_ENVIRONMENT,
    }
}

/// Writes the text of the error that clearpage_init returns, with the variable and its value, or an
/// empty text if it returns CLEARPAGE_OK: at most `size` bytes, of which the last is 0.
///
/// Returns the length of the whole text without the 0, as snprintf does.
///
/// # Safety
/// `text` is valid for writes of `size` bytes; it may be NULL if `size` is 0.
#[no_mangle]
pub unsafe extern "C" fn clearpage_init_message(text: *mut c_char, size: usize) -> usize {
    let mut cut = Cut { text: text.cast(), size, len: 0 };
    message(&mut cut);
    if let Some(last) = size.checked_sub(1) {
        // SAFETY: the caller's promise: it is one of the `size` bytes.
        unsafe { cut.text.add(cut.len.min(last)).write(0) };
    }
    cut.len
}

/// Without std there is no variable, and formatting would be most of the library.
#[cfg(not(all(feature = "std", any(unix, windows))))]
fn message(cut: &mut Cut) {
    if let code @ ..0 = clearpage_init() {
        // SAFETY: the text is a constant.
        cut.push(unsafe { CStr::from_ptr(crate::code::clearpage_strerror(code)) }.to_bytes());
    }
}

#[cfg(all(feature = "std", any(unix, windows)))]
fn message(cut: &mut Cut) {
    use core::fmt::Write;

    // `Cut` returns no error.
    let _ = match (rust::init(), rust::hooks::init_policy_from_env()) {
        (Err(error), _) => write!(cut, "{error}"),
        (_, Err(error)) => write!(cut, "{error}"),
        _ => Ok(()),
    };
}

/// A text of which only the first `size - 1` bytes are written; `len` counts all.
struct Cut {
    text: *mut u8,
    size: usize,
    len: usize,
}

impl Cut {
    fn push(&mut self, bytes: &[u8]) {
        let room = self.size.saturating_sub(1).saturating_sub(self.len).min(bytes.len());
        if room > 0 {
            // SAFETY: the caller of clearpage_init_message promises `size` bytes.
            unsafe { self.text.add(self.len).copy_from_nonoverlapping(bytes.as_ptr(), room) };
        }
        self.len += bytes.len();
    }
}

#[cfg(all(feature = "std", any(unix, windows)))]
impl core::fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// Clears all pages from now on with one primitive, such as "avx2"; clearpage_zero still clears short
/// ranges with ordinary stores. Other threads continue with the primitive that they have read. NULL
/// undoes it and makes the plan again, from CLEARPAGE_FORCE, CLEARPAGE_TUNING or the CPU. To compare
/// primitives, and to test; it overrides the environment.
///
/// # Safety
/// `name` is NULL or a string that ends with 0.
///
/// Returns CLEARPAGE_OK. Nothing changes, so an earlier primitive stays, if it returns
/// CLEARPAGE_E_PRIMITIVE, CLEARPAGE_E_UNAVAILABLE because this CPU or build cannot run the primitive,
/// or for NULL CLEARPAGE_E_ENVIRONMENT because one of the two variables is invalid.
#[must_use]
#[no_mangle]
pub unsafe extern "C" fn clearpage_force(name: *const c_char) -> c_int {
    code_of(|| {
        if name.is_null() {
            return rust::reset_plan().map(|()| CLEARPAGE_OK).map_err(code);
        }
        // SAFETY: the caller's promise.
        let name = unsafe { CStr::from_ptr(name) };
        let same = primitives().iter().find(|primitive| primitive.c_name() == name);
        match rust::force(same.ok_or(CLEARPAGE_E_PRIMITIVE)?.name()) {
            Ok(()) => Ok(CLEARPAGE_OK),
            Err(ForceError::Unknown) => Err(CLEARPAGE_E_PRIMITIVE),
            Err(_) => Err(CLEARPAGE_E_UNAVAILABLE),
        }
    })
}

/// Returns the name of the primitive that clears `bytes` bytes for `intent`, a constant such as
/// "clzero", or NULL if the intent is unknown. For short ranges that are not whole pages
/// clearpage_zero uses ordinary stores instead.
#[no_mangle]
pub extern "C" fn clearpage_plan_name(intent: u32, bytes: usize) -> *const c_char {
    match crate::intent(intent) {
        Ok(intent) => rust::primitive_for(intent, bytes).c_name().as_ptr(),
        Err(_) => core::ptr::null(),
    }
}
