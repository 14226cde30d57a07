//! The plan in a forked process.

use std::ffi::{OsStr, c_int, c_uint};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::{hint, io, thread};

use clearpage::{Intent, PAGE_SIZE};
use clearpage_testkit::{TempFile, built_for_one, emulator, say, texts};

use crate::{child, generic, run, runs};

unsafe extern "C" {
    // Of the C library that `std` links.
    fn fork() -> c_int;
    safe fn alarm(seconds: c_uint) -> c_uint;
    safe fn _exit(status: c_int) -> !;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
}

/// Child: forks while another thread makes the first plan. Each forked process uses its copy of the
/// plan, then makes the plan again. It does only what is allowed after a fork.
#[test]
#[ignore = "run by other tests, in a process of its own"]
fn fork_while_the_plan_is_made() {
    const FORKS: usize = 16;
    /// A forked process that hangs ends by SIGALRM after this time.
    const SECONDS: c_uint = 20;
    static FORKED: AtomicBool = AtomicBool::new(false);
    static STARTED: AtomicBool = AtomicBool::new(false);
    static MADE: AtomicBool = AtomicBool::new(false);
    fn obeys() -> bool {
        clearpage::primitive_for(Intent::Hot, PAGE_SIZE).name() == "generic"
    }
    let maker = thread::spawn(|| {
        while !FORKED.load(SeqCst) {
            hint::spin_loop();
        }
        STARTED.store(true, SeqCst);
        let obeyed = obeys();
        MADE.store(true, SeqCst);
        obeyed
    });
    let mut forked = vec![];
    for _ in 0..FORKS {
        // SAFETY: the child allocates nothing, waits for no lock, and ends below.
        let process = unsafe { fork() };
        if process == 0 {
            alarm(SECONDS);
            let amid = STARTED.load(SeqCst) && !MADE.load(SeqCst);
            let obeyed = obeys() && clearpage::reset_plan().is_ok() && obeys();
            _exit(if obeyed { amid.into() } else { 2 });
        }
        assert!(process > 0, "fork: {}", io::Error::last_os_error());
        FORKED.store(true, SeqCst);
        forked.push(process);
    }
    let statuses: Vec<c_int> = forked.into_iter().map(status).collect();
    assert!(maker.join().unwrap());
    let amid = statuses.iter().filter(|&&status| status == 1 << 8).count();
    assert!(statuses.iter().all(|&status| status == 0 || status == 1 << 8), "{statuses:?}");
    println!("forked amid: {amid};");
}

fn status(process: c_int) -> c_int {
    let mut status = -1;
    // SAFETY: a child of this process, and a place for its status.
    assert_eq!(unsafe { waitpid(process, &mut status, 0) }, process);
    status
}

/// The environment is copied before `main`, so reading it is no longer in the window. With
/// `CLEARPAGE_FORCE` the window is a few microseconds, which few runs hit: CPU features are read, and
/// the entries of the plan are filled. `CLEARPAGE_TUNING` adds the read and the parse of its file.
#[test]
fn a_process_forked_while_the_plan_is_made_obeys_the_environment() {
    if built_for_one() {
        return;
    }
    if emulator::emulator().is_some() {
        return say("skipped: QEMU may hang in a fork while another thread runs");
    }
    let mut text = generic().into_bytes();
    text.resize(64 << 10, b'\n');
    let file = TempFile::new("forked", &text);
    for (variable, value) in
        [("CLEARPAGE_FORCE", OsStr::new("generic")), ("CLEARPAGE_TUNING", file.path().as_os_str())]
    {
        let mut amid = 0;
        for _ in 0..runs() {
            let mut command = child("fork::fork_while_the_plan_is_made");
            command.env(variable, value);
            let (code, stdout, stderr) = texts(&run(command));
            assert_eq!(code, Some(0), "{variable}: {stdout}{stderr}");
            let count = stdout.split_once("forked amid: ").unwrap().1.split_once(';').unwrap().0;
            amid += count.parse::<usize>().unwrap();
        }
        println!("{variable}: {amid} processes were forked while the plan was made");
    }
}
