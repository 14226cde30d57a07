//! A thread that runs when nobody else wants to.

/// Gives the calling thread the policy SCHED_IDLE (sched(7)). Where the system refuses, it stays
/// as it is.
///
/// By the C library, as rustix has no call for it; by its call for threads, because musl's
/// sched_setscheduler only ever fails.
#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
pub(super) fn idle() {
    use std::ffi::c_int;

    unsafe extern "C" {
        // A pthread_t is a pointer or a number as large, in glibc, musl and bionic.
        safe fn pthread_self() -> usize;
        fn pthread_setschedparam(thread: usize, policy: c_int, param: *const SchedParam) -> c_int;
    }
    const SCHED_IDLE: c_int = 5;
    /// As large as that of musl, of which only the priority is looked at; the others end there.
    #[repr(C)]
    struct SchedParam {
        priority: c_int,
        reserved: [usize; 8],
    }
    let param = SchedParam { priority: 0, reserved: [0; 8] };
    // SAFETY: this thread, and a parameter that is read only.
    unsafe { pthread_setschedparam(pthread_self(), SCHED_IDLE, &raw const param) };
}

/// Elsewhere it stays as it is.
#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
pub(super) fn idle() {}
