//! Ctrl-C: the first stops the measurement, the second ends the program.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Exit code of an interrupted command: 128 plus the number of SIGINT, as in shells.
pub const INTERRUPTED: u8 = 130;

/// Returns a flag that the first Ctrl-C (SIGINT, SIGTERM or SIGHUP) sets. The second ends the
/// program at once. If signals cannot be caught, the first does. `nohup` has SIGHUP ignored, and it
/// remains so.
pub fn interrupted() -> Arc<AtomicBool> {
    let set = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        if signal == libc::SIGHUP && is_ignored(signal) {
            continue;
        }
        use signal_hook::flag::{register, register_conditional_shutdown};
        // In this order: the one that ends the program must find the flag as it was before.
        let code = i32::from(INTERRUPTED);
        let second = register_conditional_shutdown(signal, code, Arc::clone(&set));
        let _ = second.and_then(|_| register(signal, Arc::clone(&set)));
    }
    set
}

#[cfg(unix)]
fn is_ignored(signal: libc::c_int) -> bool {
    // SAFETY: a signal's action is plain data.
    let mut action = unsafe { std::mem::zeroed::<libc::sigaction>() };
    // SAFETY: only reads the action, into memory of ours.
    let read = unsafe { libc::sigaction(signal, std::ptr::null(), &mut action) };
    read == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Blocks SIGINT, SIGTERM, SIGHUP and SIGQUIT in this thread until it is dropped. If there is no
/// other thread, the program cannot be ended by them meanwhile. On systems without signals it does
/// nothing.
pub struct Deferred {
    #[cfg(unix)]
    before: libc::sigset_t,
    /// A mask is that of a thread.
    not_send: PhantomData<*const ()>,
}

/// Blocks the signals of [`Deferred`].
pub fn deferred() -> Deferred {
    Deferred {
        #[cfg(unix)]
        before: {
            // SAFETY: a signal set is plain data.
            let [mut ending, mut before] = unsafe { std::mem::zeroed::<[libc::sigset_t; 2]>() };
            // SAFETY: both sets are ours, and the signals exist.
            unsafe {
                libc::sigemptyset(&mut ending);
                for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
                    libc::sigaddset(&mut ending, signal);
                }
                libc::pthread_sigmask(libc::SIG_BLOCK, &ending, &mut before);
            }
            before
        },
        not_send: PhantomData,
    }
}

#[cfg(unix)]
impl Drop for Deferred {
    fn drop(&mut self) {
        // SAFETY: the mask that this thread had.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;

    use super::*;

    #[test]
    fn a_deferred_signal_is_delivered_afterwards() {
        let set = interrupted();
        let deferred = deferred();
        // SAFETY: has a handler, registered above.
        assert_eq!(unsafe { libc::raise(libc::SIGINT) }, 0);
        assert!(!set.load(SeqCst));
        drop(deferred);
        assert!(set.load(SeqCst));
    }
}
