//! Idle scheduling priority for the background thread.

/// Sets the policy of the calling thread to SCHED_IDLE (sched(7)). If the system refuses, the
/// policy is unchanged.
///
/// This calls the C library because rustix lacks the call, and the function for threads because
/// musl's sched_setscheduler always fails.
#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
pub(super) fn idle() {
    use std::ffi::c_int;

    unsafe extern "C" {
        // In glibc, musl and bionic a pthread_t is a pointer or an integer of that size.
        safe fn pthread_self() -> usize;
        fn pthread_setschedparam(thread: usize, policy: c_int, param: *const SchedParam) -> c_int;
    }
    const SCHED_IDLE: c_int = 5;
    /// As large as musl's, which reads only the priority; glibc's and bionic's have no more fields.
    #[repr(C)]
    struct SchedParam {
        priority: c_int,
        reserved: [usize; 8],
    }
    let param = SchedParam { priority: 0, reserved: [0; 8] };
    // SAFETY: the thread is the calling one, and `param` is only read and outlives the call.
    unsafe { pthread_setschedparam(pthread_self(), SCHED_IDLE, &raw const param) };
}

/// Does nothing: the policy of the thread is unchanged.
#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
pub(super) fn idle() {}
