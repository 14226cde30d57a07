//! The pool as a part of its process: its thread, its memory, and what a `fork` leaves of it.
//!
//! Each test looks at the process as a whole, and so runs in one of its own.

use std::ffi::{c_int, c_uint};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::{fs, thread};

use clearpage::{Order, PAGE_SIZE};
use clearpage_os::pool::{ZeroBlock, ZeroPool};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::supply::GARBAGE;
use crate::{AtEnd, builder, common, wait_until};

const MIB: usize = 1 << 20;

/// Runs one of the tests below as the only one of its process.
fn alone(test: &str) {
    let output = clearpage_testkit::child(&format!("process::{test}"), ("NONE", ""));
    let (text, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{text}\n{errors}", output.status);
    assert!(text.contains("1 passed"), "{text}");
}

/// The threads of pools, by their folders.
fn workers() -> Vec<PathBuf> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let name = |task: &PathBuf| fs::read_to_string(task.join("comm")).unwrap_or_default();
    tasks.filter(|task| name(task).trim() == "clearpage-pool").collect()
}

/// Bytes of this process's memory that are present.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    value.trim_end_matches("kB").trim().parse::<usize>().unwrap() << 10
}

/// Bytes of this process's addresses that may be written.
fn mapped() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let writable = maps.lines().filter_map(|line| line.split_once(" rw").map(|parts| parts.0));
    let len = |range: &str| {
        let (start, end) = range.split_once('-').unwrap();
        u64::from_str_radix(end, 16).unwrap() - u64::from_str_radix(start, 16).unwrap()
    };
    writable.map(len).sum::<u64>() as usize
}

#[test]
fn no_thread_is_left() {
    alone("threads_come_and_go");
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn threads_come_and_go() {
    assert!(workers().is_empty());
    for _ in 0..20 {
        let pools = [4, 100].map(|max| ZeroPool::new(max).unwrap());
        wait_until("two threads", || workers().len() == 2);
        let taken: Vec<_> = (0..50).map(|_| pools[0].take()).collect();
        drop(pools);
        // A thread that is joined is still listed for a moment.
        wait_until("no thread", || workers().is_empty());
        drop(taken);
    }
}

#[test]
fn the_thread_is_idle_unless_told_otherwise() {
    alone("policies");
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn policies() {
    /// SCHED_OTHER and SCHED_IDLE.
    const POLICIES: [(bool, &str); 2] = [(false, "0"), (true, "5")];
    for (idle, expected) in POLICIES {
        let pool = ZeroPool::builder(8).idle(idle).build().unwrap();
        wait_until(&format!("policy {expected}"), || {
            workers().iter().any(|worker| {
                // The 41st of proc_pid_stat(5), of which the second ends by a bracket.
                let stat = fs::read_to_string(worker.join("stat")).unwrap();
                let behind = stat.rsplit_once(") ").unwrap().1;
                behind.split(' ').nth(41 - 3) == Some(expected)
            })
        });
        drop(pool);
        wait_until("no thread", || workers().is_empty());
    }
}

/// Whether the system faults memory in when it is told to: emulators say that they did.
fn populates() -> bool {
    let (len, before) = (16 * MIB, resident());
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: a new mapping, to which nobody refers.
    unsafe {
        let start = mmap_anonymous(null_mut(), len, access, flags).unwrap();
        let advised = madvise(start, len, Advice::LinuxPopulateWrite).is_ok();
        let populates = advised && resident().saturating_sub(before) > len / 2;
        munmap(start, len).unwrap();
        populates
    }
}

#[test]
fn memory_goes_back_to_the_system() {
    alone("memory_comes_and_goes");
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn memory_comes_and_goes() {
    const HELD: usize = 64 * MIB;
    // What the C library maps for the first thread it keeps, as a stack.
    drop(ZeroPool::new(1));
    let populates = populates();
    for order in
        [Order::ZERO, Order::new(3).unwrap(), Order::for_pages(2 * MIB / PAGE_SIZE).unwrap()]
    {
        let (resident_before, mapped_before) = (resident(), mapped());
        let more = || resident().saturating_sub(resident_before);
        let blocks = HELD / order.bytes();
        let pool = builder(blocks).min(blocks).order(order);
        let pool = pool.build().unwrap();
        wait_until("all are ready", || pool.statistics().ready == blocks);
        if populates {
            assert!(more() > HELD / 8 * 7, "present before they are taken");
        }
        let mut taken: Vec<_> = (0..blocks).map(|_| pool.take().unwrap()).collect();
        taken.iter_mut().flat_map(|block| &mut **block).for_each(|page| page.as_bytes_mut()[0] = 1);
        assert!(more() > HELD / 8 * 7);
        drop(taken);
        pool.trim(0);
        wait_until("all are given back", || pool.statistics().held == 0);
        wait_until("the memory too", || more() < HELD / 8);
        // And the addresses, however the blocks are scattered that go back.
        let mut taken: Vec<_> = (0..blocks).map(|_| pool.take().unwrap()).collect();
        let mut others = taken.split_off(blocks / 2);
        while let (Some(_), Some(_)) = (taken.pop(), others.pop()) {}
        drop((taken, others, pool));
        let left = mapped().saturating_sub(mapped_before);
        assert!(left < HELD / 8, "{left} bytes are still mapped");
    }
}

unsafe extern "C" {
    fn fork() -> c_int;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    safe fn _exit(code: c_int) -> !;
    safe fn alarm(seconds: c_uint) -> c_uint;
}

#[test]
fn a_fork_leaves_a_pool_that_works() {
    alone("forks");
}

/// Forks while the thread works and others take, at whatever they are.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn forks() {
    let forks = if cfg!(target_arch = "x86_64") { 100 } else { 20 };
    let pool = builder(64).min(32).build().unwrap();
    let pool = ManuallyDrop::new(pool);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for user in 0..3 {
            let (pool, done) = (&pool, &done);
            scope.spawn(move || {
                while !done.load(SeqCst) {
                    let mut taken: Vec<_> = (0..20).map(|_| pool.take().unwrap()).collect();
                    taken.iter_mut().for_each(|block| block.bytes_mut().fill(GARBAGE));
                    if user == 0 {
                        pool.trim(0);
                    }
                }
            });
        }
        let _end = AtEnd(&done);
        for _ in 0..forks {
            // SAFETY: the child does nothing but what async signals may, other than that it frees
            // memory, which the C library allows there.
            let process = unsafe { fork() };
            if process == 0 {
                alarm(60);
                // SAFETY: the child uses it no more.
                let pool = unsafe { std::ptr::read(&*pool) };
                _exit(in_the_child(pool));
            }
            assert!(process > 0, "{}", std::io::Error::last_os_error());
            let mut status = 0;
            // SAFETY: a child of ours, and a number to write to.
            assert_eq!(unsafe { waitpid(process, &raw mut status, 0) }, process);
            assert_eq!(status, 0, "the child's status; 14 is its alarm");
        }
    });
    drop(ManuallyDrop::into_inner(pool));
    wait_until("no thread", || workers().is_empty());
}

/// What is wrong, as an exit code: a panic would allocate, and lock what may be locked for good.
fn in_the_child(pool: ZeroPool) -> c_int {
    for _ in 0..3 {
        let mut taken = [const { None::<ZeroBlock> }; 100];
        for slot in &mut taken {
            let Some(mut block) = pool.take() else { return 1 };
            if block.bytes().iter().any(|&byte| byte != 0) {
                return 2;
            }
            block.bytes_mut().fill(!GARBAGE);
            *slot = Some(block);
        }
        // All of them its own.
        for block in taken.iter().flatten() {
            if block.bytes().iter().any(|&byte| byte != !GARBAGE) {
                return 3;
            }
        }
        drop(taken);
        pool.trim(10);
    }
    let last = pool.take();
    drop(pool);
    if last.is_some_and(|block| block.bytes().iter().all(|&byte| byte == 0)) { 0 } else { 4 }
}

/// The next child of this thread becomes PID 1 of a new namespace.
fn unshare_pids() -> rustix::io::Result<()> {
    // SAFETY: file descriptors stay shared.
    unsafe { unshare_unsafe(UnshareFlags::NEWPID) }
}

/// Whether this kernel can wipe a page on fork: Linux since 4.14.
fn wipes_on_fork() -> bool {
    let (len, access) = (rustix::param::page_size(), ProtFlags::READ | ProtFlags::WRITE);
    // SAFETY: a new mapping, to which nobody refers.
    unsafe {
        let start = mmap_anonymous(null_mut(), len, access, MapFlags::PRIVATE).unwrap();
        let advised = madvise(start, len, Advice::LinuxWipeOnFork);
        munmap(start, len).unwrap();
        advised.is_ok()
    }
}

/// Parent and child both have PID 1, in nested namespaces, as a container's init and its child may.
#[test]
fn a_forked_child_with_its_parents_pid_drops_a_pool_without_joining_its_thread() {
    if !wipes_on_fork() {
        return clearpage_testkit::say(
            "pool: skipped equal PIDs: this kernel has no MADV_WIPEONFORK",
        );
    }
    // Only children of the thread that unshares are in the namespace.
    let test = thread::spawn(|| match unshare_pids() {
        Ok(()) => alone("pid_1_forks"),
        Err(error) => {
            clearpage_testkit::say(&format!("pool: skipped equal PIDs: unshare: {error}"))
        }
    });
    test.join().unwrap();
}

#[test]
#[ignore = "run by another test, as PID 1"]
fn pid_1_forks() {
    const WNOHANG: c_int = 1;
    assert_eq!(std::process::id(), 1);
    let pool = ManuallyDrop::new(builder(8).build().unwrap());
    unshare_pids().unwrap();
    // SAFETY: the child does nothing but what async signals may, other than that it frees memory,
    // which the C library allows there.
    let process = unsafe { fork() };
    if process == 0 {
        if std::process::id() != 1 {
            _exit(2);
        }
        // SAFETY: the child does not use it again.
        let pool = unsafe { std::ptr::read(&*pool) };
        _exit(catch_unwind(AssertUnwindSafe(|| drop(pool))).is_err().into());
    }
    assert!(process > 0, "{}", std::io::Error::last_os_error());
    let mut status = 0;
    // PID 1 ignores its alarm, so the parent has the time limit.
    wait_until("the child drops the pool", || {
        // SAFETY: a child of this process, and a number to write to.
        unsafe { waitpid(process, &raw mut status, WNOHANG) == process }
    });
    assert_eq!(status, 0, "the child's status; 256 is a panic");
    drop(ManuallyDrop::into_inner(pool));
}
