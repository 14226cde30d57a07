//! Models of `src/settings/`, which `.ci/loom` runs.
#![cfg(loom)]

use clearpage_testkit::loom::{Arc, atomic, check, thread};

// The library's own files, compiled with loom's atomics.
#[path = "../src/settings/entries.rs"]
mod entries;
#[path = "../src/settings/once.rs"]
mod once;
#[path = "../src/settings/switch.rs"]
mod switch;

use atomic::{AtomicPtr, AtomicU8};
use loom::cell::UnsafeCell;

use self::{entries::Entries, once::Once, switch::Switch};

type Plan = Entries<i32, 1, 2>;

fn plan() -> Arc<Plan> {
    Arc::new(Entries([[(); 2].map(|()| AtomicPtr::new(std::ptr::null_mut()))]))
}

fn rows() -> [&'static i32; 2] {
    [&1, &2]
}

fn chosen(plan: &Plan) -> [&'static i32; 2] {
    [0, 1].map(|class| plan.get(0, class).expect("the plan was made"))
}

/// Makes the plan, as `clearpage::init` does.
fn init(plan: &Plan, row: &'static i32) {
    if !plan.are_complete() {
        plan.complete(|_, _| row);
    }
}

/// If threads make the plan while another forces a primitive, each maker finds a complete plan, and
/// the force is not overwritten.
#[test]
fn a_plan_that_is_made_never_undoes_a_force() {
    check(3, || {
        let ([detected, forced], plan) = (rows(), plan());
        let makers = [(); 2].map(|()| {
            let plan = Arc::clone(&plan);
            thread::spawn(move || {
                init(&plan, detected);
                chosen(&plan);
            })
        });
        plan.replace(|_, _| forced);
        assert_eq!(chosen(&plan), [forced; 2]);
        let _ = makers.map(|maker| maker.join().unwrap());
        assert_eq!(chosen(&plan), [forced; 2]);
    });
}

/// Concurrent calls of `reset_plan` and `force` leave each entry filled by one of them.
#[test]
fn no_entry_is_empty_while_others_change_it() {
    check(3, || {
        let ([detected, forced], plan) = (rows(), plan());
        init(&plan, detected);
        let reset_plan = thread::spawn({
            let plan = Arc::clone(&plan);
            move || plan.replace(|_, _| detected)
        });
        let force = thread::spawn({
            let plan = Arc::clone(&plan);
            move || plan.replace(|_, _| forced)
        });
        chosen(&plan);
        reset_plan.join().unwrap();
        force.join().unwrap();
        assert!(plan.are_complete());
    });
}

/// `set_policy` overrides the environment at any time, and every reader gets a policy.
#[test]
fn the_environment_never_undoes_a_policy() {
    const UNREAD: u8 = 7;
    check(3, || {
        let switch = Arc::new(Switch(AtomicU8::new(UNREAD)));
        let readers = [(); 2].map(|()| {
            let switch = Arc::clone(&switch);
            thread::spawn(move || {
                if switch.get() == UNREAD {
                    switch.set_from(UNREAD, 0);
                }
                assert_ne!(switch.get(), UNREAD);
            })
        });
        switch.set(1);
        assert_eq!(switch.get(), 1);
        let _ = readers.map(|reader| reader.join().unwrap());
        assert_eq!(switch.get(), 1);
    });
}

/// A value of which loom reports a read that does not happen after the write.
struct Value(UnsafeCell<usize>);

// SAFETY: loom checks every access.
unsafe impl Sync for Value {}
// SAFETY: loom checks every access.
unsafe impl Send for Value {}

#[test]
fn all_threads_get_the_same_published_value() {
    check(3, || {
        let once = Arc::new(Once(AtomicPtr::new(std::ptr::null_mut())));
        let get = |once: &Once<Value>, number| {
            let value = once.get_or_make(|| {
                let value = Box::leak(Box::new(Value(UnsafeCell::new(0))));
                // SAFETY: the value is not published yet, so no other thread can access it.
                value.0.with_mut(|value| unsafe { *value = number });
                value
            });
            // SAFETY: no thread writes a published value.
            value.0.with(|value| unsafe { *value })
        };
        let others = [1, 2].map(|number| {
            let once = Arc::clone(&once);
            thread::spawn(move || get(&once, number))
        });
        let mine = get(&once, 3);
        for other in others {
            assert_eq!(other.join().unwrap(), mine);
        }
        assert_eq!(get(&once, 4), mine);
    });
}
