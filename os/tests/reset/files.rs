//! The files of /proc that a reset reads are open during the call, and at no other time.

use std::fs::{self, File};

use clearpage::PAGE_SIZE;
use clearpage_os::reset::{Method, ResetError, Reuse};
use clearpage_testkit::alone;

use crate::mapped::{FACES, Memory};
use crate::process::{beside_a_child, close_files, in_child, limit_files, open_files};
use crate::support::reports;
use crate::{METHODS, never_fails};

/// Long enough for every method to read the files.
const PAGES: usize = (5 << 20) / PAGE_SIZE;
const AUTO: Method = Method::Auto(Reuse::Likely);

/// A test that counts files runs in a process of its own, where no other test opens or closes some.
#[test]
fn a_reset_leaves_no_file_open() {
    alone("files::count_files_after_each_reset");
}

#[test]
#[ignore = "run by a_reset_leaves_no_file_open"]
fn count_files_after_each_reset() {
    let count = || fs::read_dir("/proc/self/fd").unwrap().count();
    let mut memory = Memory::new(PAGES);
    let before = count();
    for method in METHODS {
        for face in FACES {
            (0..PAGES).step_by(3).for_each(|at| memory.touch(at));
            let result = memory.reset_all(face, method);
            assert_eq!(count(), before, "{method:?} {face:?}: {result:?}");
        }
    }
}

/// A descriptor of /proc/self/maps opened by a privileged parent would show the parent's mappings
/// to a child without privileges.
#[test]
fn a_forked_child_inherits_no_file() {
    alone("files::list_files_in_a_forked_child");
}

#[test]
#[ignore = "run by a_forked_child_inherits_no_file"]
fn list_files_in_a_forked_child() {
    let mut memory = Memory::new(PAGES);
    let before = open_files();
    for face in FACES {
        memory.reset_all(face, AUTO).unwrap();
    }
    assert!(in_child(|| open_files() == before));
}

/// A program that becomes a daemon closes all files that it does not know. If it then watches
/// another process, descriptors of that process's files have their numbers.
#[test]
fn files_of_another_process_are_not_read() {
    alone("files::reset_with_files_of_a_child_open");
}

#[test]
#[ignore = "run by files_of_another_process_are_not_read"]
fn reset_with_files_of_a_child_open() {
    for face in FACES {
        let mut memory = Memory::new(PAGES);
        memory.reset_all(face, AUTO).unwrap();
        beside_a_child(|child| {
            memory.touch_all();
            // SAFETY: nothing in this process uses them.
            unsafe { close_files() };
            let watched =
                ["maps", "pagemap"].map(|name| File::open(format!("/proc/{child}/{name}")));
            let result = memory.reset_all(face, AUTO);
            memory.check(&(face, result));
            if reports() {
                assert_eq!(result, Ok((PAGES, 0, 0)));
            }
            drop(watched);
        });
    }
}

#[test]
fn without_descriptors_auto_clears_and_other_methods_may_fail() {
    let mut memory = Memory::new(PAGES);
    for method in METHODS {
        for face in FACES {
            memory.touch_all();
            assert!(in_child(|| {
                limit_files(3);
                let result = memory.reset_all(face, method);
                let unavailable = matches!(result, Err(ResetError::Unavailable { .. }));
                let expected = result.is_ok() || unavailable && !never_fails(method);
                expected && memory.is_as_expected()
            }));
        }
    }
}
