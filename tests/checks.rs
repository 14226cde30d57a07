//! The guard that disables a checker. ASan: `os/tests/asan.rs`.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::thread;

use clearpage::checks::{Checker, ChecksDisabled, NoChecker};

std::thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A checker that counts the nesting per thread, as KASAN does.
struct Depth;

impl Checker for Depth {
    type State = ();

    fn disable_current(&self) {
        DEPTH.set(DEPTH.get() + 1);
    }

    fn enable_current(&self, (): ()) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

#[test]
fn guards_nest() {
    {
        let _outer = ChecksDisabled::new(&Depth);
        assert_eq!(DEPTH.get(), 1);
        drop(ChecksDisabled::new(&Depth));
        assert_eq!(DEPTH.get(), 1);
        let _inner = ChecksDisabled::new(&Depth);
        assert_eq!(DEPTH.get(), 2);
    }
    assert_eq!(DEPTH.get(), 0);
}

#[test]
fn a_guard_affects_only_its_thread() {
    let _guard = ChecksDisabled::new(&Depth);
    assert_eq!(thread::spawn(|| DEPTH.get()).join().unwrap(), 0);
    assert_eq!(DEPTH.get(), 1);
}

#[test]
fn a_panic_releases_the_guard() {
    let panics = || {
        let _guard = ChecksDisabled::new(&Depth);
        assert_eq!(DEPTH.get(), 2, "requested panic");
    };
    catch_unwind(panics).unwrap_err();
    assert_eq!(DEPTH.get(), 0);
}

#[test]
fn each_guard_restores_the_state_it_found() {
    struct Saving(Cell<u32>);
    impl Checker for Saving {
        type State = u32;
        fn disable_current(&self) -> u32 {
            self.0.replace(self.0.get() * 10)
        }
        fn enable_current(&self, state: u32) {
            self.0.set(state);
        }
    }
    let checker = Saving(Cell::new(1));
    let outer = ChecksDisabled::new(&checker);
    let inner = ChecksDisabled::new(&checker);
    let _other = ChecksDisabled::new(&NoChecker);
    assert_eq!(checker.0.get(), 100);
    drop(inner);
    assert_eq!(checker.0.get(), 10);
    drop(outer);
    assert_eq!(checker.0.get(), 1);
}
