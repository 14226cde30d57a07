//! The environment is read once, without allocation and locks. A privileged program ignores it.
#![cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]

mod fork;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use clearpage::hooks::{self, ClearingAlloc, InitPolicy};
use clearpage::{Intent, PAGE_SIZE, Page, Tuning};
use clearpage_testkit::{TempFile, built_for_one, emulator, say, texts};

#[global_allocator]
static ALLOC: Observed = Observed;

/// `System` that counts the blocks of each thread and can call a function inside an allocation. It
/// clears only on request, because clears of the test harness would already make the plan.
struct Observed;

static CLEARING: ClearingAlloc<System> = ClearingAlloc::new(System).with_policy(InitPolicy::BOTH);
static CLEARS: AtomicBool = AtomicBool::new(false);

thread_local! {
    static BLOCKS: Cell<usize> = const { Cell::new(0) };
    static CALL: Cell<Option<fn()>> = const { Cell::new(None) };
}

// SAFETY: all blocks are the system's.
unsafe impl GlobalAlloc for Observed {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BLOCKS.set(BLOCKS.get() + 1);
        if let Some(call) = CALL.take() {
            call();
        }
        // SAFETY: the caller's promise.
        unsafe { if CLEARS.load(SeqCst) { CLEARING.alloc(layout) } else { System.alloc(layout) } }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe {
            if CLEARS.load(SeqCst) {
                CLEARING.dealloc(ptr, layout)
            } else {
                System.dealloc(ptr, layout)
            }
        }
    }
}

fn this_test_in(mut command: Command, test: &str) -> Command {
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command
}

fn child(test: &str) -> Command {
    this_test_in(emulator::command(&env::current_exe().unwrap()), test)
}

/// Runs the command, or panics if it does not end.
fn run(mut command: Command) -> Output {
    const LIMIT: Duration = Duration::from_secs(60);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > LIMIT {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("no end after {LIMIT:?}: {:?}", command.get_args());
        }
        thread::sleep(Duration::from_millis(2));
    };
    let (mut stdout, mut stderr) = (vec![], vec![]);
    child.stdout.unwrap().read_to_end(&mut stdout).unwrap();
    child.stderr.unwrap().read_to_end(&mut stderr).unwrap();
    Output { status, stdout, stderr }
}

/// Child: clears for the first time, and prints the number of allocations.
#[test]
#[ignore = "run by other tests, in a process of its own"]
fn clear_and_count() {
    let mut page = Box::new(Page::ZERO);
    let before = BLOCKS.get();
    clearpage::clear_page(&mut page);
    let blocks = BLOCKS.get() - before;
    println!("blocks: {blocks}; plan: {}", clearpage::primitive_for(Intent::Hot, PAGE_SIZE).name());
}

fn generic() -> String {
    Tuning::uniform(clearpage::primitives().last().unwrap()).to_string()
}

#[test]
fn making_the_plan_allocates_nothing() {
    if built_for_one() {
        return;
    }
    // The path is longer than any buffer for it is likely to be.
    let file = TempFile::new(&"x".repeat(150), generic().as_bytes());
    let file = Path::new("/./").join(file.path().strip_prefix("/").unwrap());
    let path = OsStr::new(&"/.".repeat(1000)).to_owned();
    let path = [path.as_bytes(), file.as_os_str().as_bytes()].concat();
    for (variable, value) in
        [("CLEARPAGE_FORCE", OsStr::new("generic")), ("CLEARPAGE_TUNING", OsStr::from_bytes(&path))]
    {
        let mut command = child("clear_and_count");
        command.env(variable, value);
        let (code, stdout, stderr) = texts(&run(command));
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stdout.contains("blocks: 0; plan: generic\n"), "{variable}: {stdout}");
    }
}

static WRITER: AtomicBool = AtomicBool::new(false);

/// Child: clears for the first time inside `vars_os`, which holds the read lock of the environment,
/// while another thread waits to write.
#[test]
#[ignore = "run by other tests, in a process of its own"]
fn clear_while_the_environment_is_locked() {
    let writer = thread::spawn(|| {
        while !WRITER.load(SeqCst) {
            thread::yield_now();
        }
        // SAFETY: this process reads its environment only through `std`.
        unsafe { env::set_var("SOMETHING", "else") };
    });
    CALL.set(Some(|| {
        WRITER.store(true, SeqCst);
        // The writer is then waiting for the lock.
        thread::sleep(Duration::from_millis(300));
        let mut page = Page::ZERO;
        clearpage::clear_page(&mut page);
    }));
    assert!(env::vars_os().next().is_some());
    assert!(CALL.take().is_none(), "the list of variables is allocated");
    writer.join().unwrap();
    println!("not locked");
}

#[test]
fn a_clear_inside_a_locked_environment_does_not_wait() {
    let (code, stdout, stderr) = texts(&run(child("clear_while_the_environment_is_locked")));
    assert!(code == Some(0) && stdout.contains("not locked\n"), "{stdout}{stderr}");
}

/// Child: one thread changes a variable while another lists all 400, and every block is cleared.
#[test]
#[ignore = "run by other tests, in a process of its own"]
fn list_and_change_variables() {
    CLEARS.store(true, SeqCst);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(SeqCst) {
                // SAFETY: this process reads its environment only through `std`.
                unsafe { env::set_var("SOMETHING", "else") };
            }
        });
        for _ in 0..200 {
            assert!(env::vars_os().count() >= 400);
        }
        stop.store(true, SeqCst);
    });
}

/// The number of child processes in a test that depends on the timing of threads. Emulated ones are
/// slow.
fn runs() -> usize {
    let default = if emulator::emulator().is_some() { 3 } else { 20 };
    env::var("CLEARPAGE_TEST_RUNS").map_or(default, |runs| runs.parse().unwrap())
}

#[test]
fn listing_and_changing_variables_never_hangs() {
    for _ in 0..runs() {
        let mut command = child("list_and_change_variables");
        command.envs((0..400).map(|i| (format!("VARIABLE_{i}"), "value")));
        let (code, _, stderr) = texts(&run(command));
        assert_eq!(code, Some(0), "{stderr}");
    }
}

/// Child: changes the environment after it was read.
#[test]
#[ignore = "run by other tests, in a process of its own"]
fn change_the_environment() {
    let plan = || clearpage::primitive_for(Intent::Hot, PAGE_SIZE).name();
    // SAFETY: no other thread of this process reads the environment.
    unsafe { env::set_var("CLEARPAGE_FORCE", "nonsense") };
    let first = plan();
    clearpage::reset_plan().unwrap();
    println!("plans: {first} {}", plan());
}

#[test]
fn variables_are_read_once() {
    if built_for_one() {
        return;
    }
    let mut command = child("change_the_environment");
    command.env("CLEARPAGE_FORCE", "generic");
    let (code, stdout, stderr) = texts(&run(command));
    assert!(code == Some(0) && stdout.contains("plans: generic generic\n"), "{stdout}{stderr}");
}

#[test]
fn only_a_small_regular_file_of_text_is_read() {
    if built_for_one() {
        return;
    }
    let good = generic();
    let padded = |len: usize| {
        let mut bytes = good.clone().into_bytes();
        bytes.resize(len, b'\n');
        bytes
    };
    let pipe = TempFile::named("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        pipe.path(),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let long = TempFile::new("long", padded((64 << 10) + 1));
    let binary = TempFile::new("binary", b"clearpage-tuning \xff");
    let longest = TempFile::new("longest", padded(64 << 10));
    let refused = |path: &Path, reason: &str| {
        let mut command = child("clear_and_count");
        command.env("CLEARPAGE_TUNING", path);
        let (code, stdout, stderr) = texts(&run(command));
        let message = format!("clearpage: CLEARPAGE_TUNING={}: {reason}", path.display());
        assert!(stderr.contains(&message), "{stdout}{stderr}");
        assert_eq!(code, Some(2));
    };
    refused(pipe.path(), "not a regular file\n");
    refused(Path::new("/dev/zero"), "not a regular file\n");
    refused(&env::temp_dir(), "not a regular file\n");
    refused(long.path(), "the file is longer than 64 KiB\n");
    refused(binary.path(), "the file is not text in UTF-8\n");
    refused(Path::new("/nonexistent"), "No such file or directory\n");
    refused(Path::new(&"x".repeat(5000)), "invalid filename\n");

    let mut command = child("clear_and_count");
    command.env("CLEARPAGE_TUNING", longest.path());
    let (_, stdout, stderr) = texts(&run(command));
    assert!(stdout.contains("plan: generic\n"), "{stderr}");
}

#[test]
fn values_are_escaped_in_messages() {
    for (variable, code) in [("CLEARPAGE_FORCE", Some(2)), ("CLEARPAGE_TUNING", Some(2))] {
        if built_for_one() {
            return;
        }
        let mut command = child("clear_and_count");
        let text = "it's a \"file\" \u{e9}".as_bytes();
        let value = [text, b"\x1b[31m\xff\n", "\u{202e}".as_bytes()].concat();
        command.env(variable, OsStr::from_bytes(&value));
        let output = run(command);
        let (found, _, stderr) = texts(&output);
        assert_eq!(found, code, "{stderr}");
        let message = "it's a \"file\" \u{e9}\\u{1b}[31m\\xff\\n\\u{202e}: ";
        let message = format!("clearpage: {variable}={message}");
        assert!(stderr.contains(&message) && !stderr.contains('\x1b'), "{stderr}");
    }
}

/// Child: prints the plan and the policy of a privileged program.
#[test]
#[ignore = "run by other tests, in a process of its own"]
fn print_plan_policy_and_rights() {
    unsafe extern "C" {
        safe fn getauxval(kind: core::ffi::c_ulong) -> core::ffi::c_ulong;
    }
    println!("privileged: {}", getauxval(23) != 0);
    println!("plan: {}", clearpage::primitive_for(Intent::Hot, PAGE_SIZE).name());
    println!("policy: {:?}", hooks::policy());
}

#[test]
fn a_privileged_program_ignores_all_variables() {
    if built_for_one() || !rustix::process::geteuid().is_root() {
        return say("skipped: needs root, to make a program setuid");
    }
    if emulator::emulator().is_some() {
        return say("skipped: the system runs no setuid program in an emulator");
    }
    let program = TempFile::named("setuid");
    fs::copy(env::current_exe().unwrap(), program.path()).unwrap();
    chown(program.path(), Some(0), Some(0)).unwrap();
    fs::set_permissions(program.path(), fs::Permissions::from_mode(0o4755)).unwrap();
    let values = [("FORCE", "nonsense"), ("TUNING", "/nonexistent"), ("INIT_ON_ALLOC", "nonsense")];
    let mut command = this_test_in(Command::new(program.path()), "print_plan_policy_and_rights");
    command.envs(values.map(|(name, value)| (format!("CLEARPAGE_{name}"), value)));
    command.env("CLEARPAGE_INIT_ON_FREE", "1").current_dir("/").uid(65534).gid(65534);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => return say(&format!("skipped: a setuid program cannot be run: {error}")),
    };
    let (code, stdout, stderr) = texts(&output);
    if stdout.contains("privileged: false\n") {
        return say("skipped: this file system makes no program setuid");
    }
    let plan = Tuning::detect().choose(Intent::Hot, PAGE_SIZE).name();
    let expected = format!("privileged: true\nplan: {plan}\npolicy: {:?}\n", InitPolicy::OFF);
    assert!(code == Some(0) && stdout.contains(&expected), "{stdout}{stderr}");
}
