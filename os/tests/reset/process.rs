//! Forks children, and opens, counts and limits files without allocating.

use std::ffi::c_int;

use rustix::process::{Resource, Rlimit, setrlimit};

unsafe extern "C" {
    // From the C library that `std` links.
    fn fork() -> c_int;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn _exit(status: c_int) -> !;
    fn kill(process: c_int, signal: c_int) -> c_int;
    fn pause() -> c_int;
    fn close(file: c_int) -> c_int;
    fn fcntl(file: c_int, command: c_int, ...) -> c_int;
}

/// Forks and returns the child, which runs `in_child` and exits with status 0 if that returns `true`.
///
/// # Safety
/// `in_child` does only what is allowed after a fork: it does not allocate, for example.
unsafe fn spawn(in_child: impl FnOnce() -> bool) -> c_int {
    // SAFETY: the caller's promise; the child ends here.
    unsafe {
        let child = fork();
        assert!(child >= 0, "fork");
        if child == 0 {
            _exit(if in_child() { 0 } else { 1 });
        }
        child
    }
}

fn wait(child: c_int) -> bool {
    let mut status = -1;
    // SAFETY: a child of this process, and a place for its status.
    assert_eq!(unsafe { waitpid(child, &mut status, 0) }, child);
    status == 0
}

/// Runs `in_child` in a forked process, where it must not allocate; returns its result.
pub fn in_child(in_child: impl FnOnce() -> bool) -> bool {
    // SAFETY: the caller's promise.
    wait(unsafe { spawn(in_child) })
}

/// Calls `f` with the PID of a forked process that does nothing, and then kills that process.
pub fn beside_a_child<T>(f: impl FnOnce(c_int) -> T) -> T {
    const SIGKILL: c_int = 9;
    // SAFETY: `pause` is allowed after a fork.
    let child = unsafe {
        spawn(|| {
            loop {
                pause();
            }
        })
    };
    // Also after a panic: the child holds the standard output open.
    struct End(c_int);
    impl Drop for End {
        fn drop(&mut self) {
            // SAFETY: a child of this process that has not been waited for.
            unsafe { kill(self.0, SIGKILL) };
            wait(self.0);
        }
    }
    let _end = End(child);
    f(child)
}

/// Closes every file but standard input, output and error.
///
/// # Safety
/// The process uses none of them any more.
pub unsafe fn close_files() {
    // SAFETY: the caller's promise.
    (3..64).for_each(|file| _ = unsafe { close(file) });
}

/// Returns for each number whether a file is open. Does not allocate.
pub fn open_files() -> [bool; 256] {
    const F_GETFD: c_int = 1;
    // SAFETY: it reads the flags of a file, and fails for a number that is not open.
    std::array::from_fn(|file| unsafe { fcntl(file as c_int, F_GETFD) } >= 0)
}

/// Prevents this process from opening files whose number is `number` or more.
pub fn limit_files(number: u64) {
    let limit = Some(number);
    setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit }).unwrap();
}
