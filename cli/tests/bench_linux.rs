//! `clearpage bench` where Linux gives it less than it asks for, or has it end.

#![cfg(target_os = "linux")]

mod tool;

use std::fs;
use std::hint;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use clearpage::PAGE_SIZE;
use clearpage_cli::harness::pin;
use tool::terminal::on_terminal;
use tool::{Temporary, command, refused, stdout};

const QUICK: [&str; 3] = ["--temperature=hot", "--primitive=generic", "--loops=3"];

/// `clearpage bench` of a page, with these arguments as well.
fn bench(args: &[&str]) -> Command {
    let size = format!("--size={PAGE_SIZE}");
    command(&[&["bench", &size], &QUICK[..], args].concat())
}

/// The command in a process that has first done this to itself.
fn after(mut command: Command, change: fn() -> io::Result<()>) -> Output {
    // SAFETY: what is done is a system call, which neither allocates nor locks.
    unsafe { command.pre_exec(change) };
    command.output().unwrap()
}

#[test]
fn every_cpu_is_measured_by_itself() {
    let cpus = pin::allowed().unwrap();
    let file = Temporary::new("cpus");
    stdout(&bench(&["--cpu", "all", "--json", file.path()]).output().unwrap());
    let report = file.json();
    let mut measured: Vec<_> =
        report["cells"].as_array().unwrap().iter().map(|cell| cell["cpu"].as_u64()).collect();
    measured.dedup();
    assert_eq!(measured, cpus.iter().map(|&cpu| Some(cpu as u64)).collect::<Vec<_>>());
    assert_eq!(report["machine"]["cpus"], cpus.len());
}

/// Runs on different CPUs have no cell in common.
#[test]
fn every_run_is_on_the_same_cpu() {
    let cpus = pin::allowed().unwrap();
    let file = Temporary::new("same");
    let done = AtomicBool::new(false);
    let output = thread::scope(|scope| {
        // Busy, so that the system would have chosen another.
        scope.spawn(|| {
            pin::to(cpus[0]).unwrap();
            while !done.load(Relaxed) {
                hint::spin_loop();
            }
        });
        let output = bench(&["--json", file.path()]).output();
        done.store(true, Relaxed);
        output.unwrap()
    });
    stdout(&output);
    let report = file.json();
    let cells = report["cells"].as_array().unwrap();
    let first = Some(cpus[0] as u64);
    assert!(cells.iter().all(|cell| cell["cpu"].as_u64() == first), "{cells:?}");
}

#[test]
fn a_cpu_that_affinity_leaves_out_is_refused() {
    let cpus = pin::allowed().unwrap();
    let Some(last) = cpus.last().filter(|&&last| last != cpus[0]) else {
        eprintln!("skipped: only one CPU");
        return;
    };
    // Children have the affinity of the thread that starts them.
    pin::to(cpus[0]).unwrap();
    let message = refused(&bench(&["--cpu", &last.to_string()]).output().unwrap());
    let expected = format!("--cpu {last}: not a CPU this process may use");
    assert!(message.contains(&expected), "{message}");
    assert!(message.contains(&format!("allowed are {}", cpus[0])), "{message}");
    let message = refused(&bench(&["--threads=2"]).output().unwrap());
    assert!(message.contains("--threads 2: allowed are up to 1"), "{message}");
    assert!(stdout(&bench(&["--cpu=all"]).output().unwrap()).contains(&format!("CPU {}", cpus[0])));
}

/// From now on sched_setaffinity is answered with EPERM.
fn no_pinning() -> io::Result<()> {
    // Loads the number of the system call, and compares it.
    let step = |code: u32, jf, k| libc::sock_filter { code: code as u16, jt: 0, jf, k };
    let program = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, libc::SYS_sched_setaffinity as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program =
        libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // SAFETY: the program is of this length, and the kernel copies it.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) == 0
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[test]
fn a_failure_to_pin_is_reported() {
    let message = refused(&after(bench(&["--cpu=0"]), no_pinning));
    assert!(message.contains("--cpu 0: the system refused: Operation not permitted"), "{message}");
    // Without --cpu, it measures unpinned.
    let text = stdout(&after(bench(&["--threads=1,all"]), no_pinning));
    assert!(text.contains("warning: threads are not pinned"), "{text}");
}

/// From now on there is address space for one walk, but not for two.
fn little_memory() -> io::Result<()> {
    let bytes = 480 << 20;
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: the limit is only read.
    if unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[test]
fn cells_measured_before_memory_ran_out_are_written() {
    if pin::allowed().unwrap().len() < 2 {
        eprintln!("skipped: only one CPU");
        return;
    }
    let file = Temporary::new("memory");
    let args = ["--size=256M", "--threads=1,2", "--json", file.path()];
    let output = after(command(&[&["bench"], &QUICK[..], &args].concat()), little_memory);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    let last = message.lines().next_back().unwrap();
    assert!(last.contains("256 MiB of memory on thp pages is unavailable"), "{message}");
    assert_eq!(message.lines().count(), 2, "{message}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("generic"), "{output:?}");
    let report = file.json();
    assert_eq!(report["complete"], false);
    let cells = report["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 2);
    assert!(cells.iter().all(|cell| cell["threads"] == 1), "{report}");
}

/// A benchmark of a day, well under way. The tests may themselves run under nohup.
fn long(file: &Temporary) -> Child {
    long_after(file, || {
        // SAFETY: sets no handler.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_DFL) };
        Ok(())
    })
}

fn long_after(file: &Temporary, change: fn() -> io::Result<()>) -> Child {
    let size = format!("--size={PAGE_SIZE}");
    let args = ["bench", "--temperature=hot", "--loops=65535", &size, "--json", file.path()];
    let mut command = command(&args);
    // SAFETY: the callers change a signal at most.
    unsafe { command.pre_exec(change) };
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Warming up takes 0.2 seconds; so much time of the CPU is beyond it.
    let ticks = |stat: &str| -> u64 {
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
        fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
    };
    let stat = format!("/proc/{}/stat", child.id());
    // SAFETY: asks for a number.
    let second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as u64;
    while ticks(&fs::read_to_string(&stat).unwrap()) < second {
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn send(child: &Child, signal: i32) {
    // SAFETY: the child has not been waited for, so that the number is still its own.
    assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
}

#[test]
fn ctrl_c_and_a_closed_terminal_keep_the_finished_measurements() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        let file = Temporary::new("interrupted");
        let child = long(&file);
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("generic") && text.contains("warning: interrupted"), "{text}");
        let report = file.json();
        assert_eq!(report["complete"], false);
        assert!(!report["cells"].as_array().unwrap().is_empty(), "{report}");
    }
}

#[test]
fn nohup_outlives_a_closed_terminal() {
    let file = Temporary::new("nohup");
    let ignored = || {
        // SAFETY: sets no handler.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
        Ok(())
    };
    let mut child = long_after(&file, ignored);
    send(&child, libc::SIGHUP);
    thread::sleep(Duration::from_millis(100));
    assert!(child.try_wait().unwrap().is_none());
    send(&child, libc::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(file.json()["complete"], false);
}

#[test]
fn the_second_ctrl_c_ends_at_once() {
    let file = Temporary::new("ended");
    let child = long(&file);
    // Stopped, so that both arrive before it can act on the first.
    for signal in [libc::SIGSTOP, libc::SIGINT, libc::SIGTERM, libc::SIGCONT] {
        send(&child, signal);
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    assert!(!file.0.exists());
}

/// Returns the width of what `list` prints on a terminal that reports the given number of columns.
fn width(columns: u16, variable: &str) -> usize {
    let mut list = command(&["list"]);
    let text = on_terminal(list.env("COLUMNS", variable), columns);
    text.lines().map(|line| line.trim_end().chars().count()).max().unwrap()
}

#[test]
fn tables_fit_the_terminal() {
    // An unknown width counts as 80.
    for (columns, variable, expected) in
        [(0, "", 80), (70, "", 70), (0, "100", 100), (70, "100", 100)]
    {
        let width = width(columns, variable);
        assert!((expected - 10..=expected).contains(&width), "{columns} {variable}: {width}");
    }
}
