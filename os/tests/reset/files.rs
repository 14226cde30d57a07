//! The files of /proc that a reset reads are open during the call, and at no other time.

use std::fs::{self, File};

use clearpage::PAGE_SIZE;
use clearpage_os::reset::{Method, ResetError, Reuse, Summary};

use crate::every_way;
use crate::known::tells;
use crate::mapped::{FACES, Memory};
use crate::process::{beside_a_child, close_files, in_child, limit_files, open_files};
use clearpage_testkit::child;

/// Long enough for every way to read the files.
const PAGES: usize = (5 << 20) / PAGE_SIZE;

/// Runs a test in a process of its own, where no other test opens or closes files.
fn alone(test: &str) {
    let output = child(test, ("RUST_TEST_THREADS", "1"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn no_file_stays_open() {
    alone("files::counted_before_and_after");
}

#[test]
#[ignore = "run by no_file_stays_open"]
fn counted_before_and_after() {
    let count = || fs::read_dir("/proc/self/fd").unwrap().count();
    let mut memory = Memory::new(PAGES);
    let before = count();
    for (how, next) in every_way() {
        for face in FACES {
            (0..PAGES).step_by(3).for_each(|at| memory.touch(at));
            let done = memory.reset((0, PAGES), face, how, next);
            assert_eq!(count(), before, "{how:?} {next:?} {face:?}: {done:?}");
        }
    }
}

/// A descriptor of /proc/self/maps opened by a privileged parent would show the parent's mappings
/// to a child without privileges.
#[test]
fn a_forked_child_inherits_no_file() {
    alone("files::looked_for_in_a_child");
}

#[test]
#[ignore = "run by a_forked_child_inherits_no_file"]
fn looked_for_in_a_child() {
    let mut memory = Memory::new(PAGES);
    let before = open_files();
    for face in FACES {
        memory.reset((0, PAGES), face, Method::Auto(Reuse::Likely)).unwrap();
    }
    assert!(in_child(|| open_files() == before));
}

/// A program that becomes a daemon closes all files that it does not know. If it then watches
/// another process, their numbers are those of that process's files.
#[test]
fn files_of_another_process_are_not_believed() {
    alone("files::of_a_child_that_touched_nothing");
}

#[test]
#[ignore = "run by files_of_another_process_are_not_believed"]
fn of_a_child_that_touched_nothing() {
    for face in FACES {
        let mut memory = Memory::new(PAGES);
        memory.reset((0, PAGES), face, Method::Auto(Reuse::Likely)).unwrap();
        beside_a_child(|child| {
            memory.touch_all();
            // SAFETY: nothing in this process uses them.
            unsafe { close_files() };
            let watched =
                ["maps", "pagemap"].map(|name| File::open(format!("/proc/{child}/{name}")));
            let done = memory.reset((0, PAGES), face, Method::Auto(Reuse::Likely));
            memory.check(&(face, done));
            if tells() {
                assert_eq!(done, Ok(Summary { cleared: PAGES, ..Summary::default() }));
            }
            drop(watched);
        });
    }
}

/// With no number left for a file, `Auto` clears everything, and what has to ask is an error.
#[test]
fn too_many_open_files() {
    let mut memory = Memory::new(PAGES);
    for (how, next) in every_way() {
        for face in FACES {
            memory.touch_all();
            assert!(in_child(|| {
                limit_files(3);
                let done = memory.reset((0, PAGES), face, how, next);
                let refused = matches!(done, Err(ResetError::Unavailable { .. }));
                let may_refuse = !matches!(how, Method::Auto | Method::Clear);
                (done.is_ok() || refused && may_refuse) && memory.is_as_held()
            }));
        }
    }
}
