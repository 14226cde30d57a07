//! Ctrl-C: the first asks the measurement to end, the second ends the program.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Exit code of what was interrupted: 128 and the number of SIGINT, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// A flag that the first Ctrl-C (SIGINT or SIGTERM) sets; the second ends the program at once.
/// Where signals cannot be caught, the first does.
pub fn interrupted() -> Arc<AtomicBool> {
    let set = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        use signal_hook::flag::{register, register_conditional_shutdown};
        // In this order: the one that ends the program must find the flag as it was before.
        let code = i32::from(INTERRUPTED);
        let second = register_conditional_shutdown(signal, code, Arc::clone(&set));
        let _ = second.and_then(|_| register(signal, Arc::clone(&set)));
    }
    set
}
