//! The thread of a pool, its memory, and the pool after a `fork`.
//!
//! Each test observes the whole process, and so runs in a process of its own.

use std::ffi::{c_int, c_uint};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::{fs, thread};

use clearpage::{Order, PAGE_SIZE};
use clearpage_os::pool::{ZeroBlock, ZeroPool};
use clearpage_testkit::linux::{HUGE, Mapping, populates, status_bytes};
use clearpage_testkit::{alone, is_all, say};
use rustix::mm::{Advice, madvise};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::source::GARBAGE;
use crate::{AtEnd, builder, wait_until};

const MIB: usize = 1 << 20;

/// Returns the folders in /proc of the threads of pools.
fn workers() -> Vec<PathBuf> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let name = |task: &PathBuf| fs::read_to_string(task.join("comm")).unwrap_or_default();
    tasks.filter(|task| name(task).trim() == "clearpage-pool").collect()
}

/// Returns the bytes of this process's address space that are writable.
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
fn a_dropped_pool_leaves_no_thread() {
    alone("process::create_and_drop_pools");
}

#[test]
#[ignore = "run alone by the test above"]
fn create_and_drop_pools() {
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
fn the_thread_has_idle_priority_unless_disabled() {
    alone("process::read_policies");
}

#[test]
#[ignore = "run alone by the test above"]
fn read_policies() {
    /// SCHED_OTHER and SCHED_IDLE.
    const POLICIES: [(bool, &str); 2] = [(false, "0"), (true, "5")];
    for (idle, expected) in POLICIES {
        let pool = ZeroPool::builder(8).idle(idle).build().unwrap();
        wait_until(&format!("policy {expected}"), || {
            workers().iter().any(|worker| {
                // Field 41 of proc_pid_stat(5); field 2 ends with a bracket.
                let stat = fs::read_to_string(worker.join("stat")).unwrap();
                let fields = stat.rsplit_once(") ").unwrap().1;
                fields.split(' ').nth(41 - 3) == Some(expected)
            })
        });
        drop(pool);
        wait_until("no thread", || workers().is_empty());
    }
}

#[test]
fn released_blocks_return_memory_and_addresses() {
    alone("process::measure_memory");
}

#[test]
#[ignore = "run alone by the test above"]
fn measure_memory() {
    const HELD: usize = 64 * MIB;
    // The C library caches the stack of the first thread.
    drop(ZeroPool::new(1));
    let populates = populates();
    let resident = || status_bytes("VmRSS");
    for order in
        [Order::ZERO, Order::new(3).unwrap(), Order::for_pages(2 * MIB / PAGE_SIZE).unwrap()]
    {
        let (resident_before, mapped_before) = (resident(), mapped());
        let more = || resident().saturating_sub(resident_before);
        let blocks = HELD / order.bytes();
        let pool = builder(blocks).min(blocks).order(order);
        let pool = pool.build().unwrap();
        wait_until("all blocks are ready", || pool.stats().ready == blocks);
        if populates {
            assert!(more() > HELD / 8 * 7, "ready blocks are not present");
        }
        let mut taken: Vec<_> = (0..blocks).map(|_| pool.take().unwrap()).collect();
        taken.iter_mut().flat_map(|block| &mut **block).for_each(|page| page.as_bytes_mut()[0] = 1);
        assert!(more() > HELD / 8 * 7);
        drop(taken);
        pool.trim(0);
        wait_until("all blocks are released", || pool.stats().held == 0);
        wait_until("their memory is released", || more() < HELD / 8);
        // Addresses too, in whatever order the blocks are freed.
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
fn a_pool_works_in_a_forked_child() {
    alone("process::fork_while_threads_use_the_pool");
}

#[test]
#[ignore = "run alone by the test above"]
fn fork_while_threads_use_the_pool() {
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
            // SAFETY: the child makes only async-signal-safe calls and frees memory, which the C
            // library permits there.
            let process = unsafe { fork() };
            if process == 0 {
                alarm(60);
                // SAFETY: the child does not use the original again.
                let pool = unsafe { std::ptr::read(&*pool) };
                _exit(in_the_child(pool));
            }
            assert!(process > 0, "{}", std::io::Error::last_os_error());
            let mut status = 0;
            // SAFETY: a child of this process, and a number to write to.
            assert_eq!(unsafe { waitpid(process, &raw mut status, 0) }, process);
            assert_eq!(status, 0, "the child's status; 14 is its alarm");
        }
    });
    drop(ManuallyDrop::into_inner(pool));
    wait_until("no thread", || workers().is_empty());
}

/// Returns an exit code. A panic would allocate, and wait for locks that no thread will release.
fn in_the_child(pool: ZeroPool) -> c_int {
    for _ in 0..3 {
        let mut taken = [const { None::<ZeroBlock> }; 100];
        for slot in &mut taken {
            let Some(mut block) = pool.take() else { return 1 };
            if !is_all(0, block.bytes()) {
                return 2;
            }
            block.bytes_mut().fill(!GARBAGE);
            *slot = Some(block);
        }
        // No other block overlaps it.
        for block in taken.iter().flatten() {
            if !is_all(!GARBAGE, block.bytes()) {
                return 3;
            }
        }
        drop(taken);
        pool.trim(10);
    }
    let last = pool.take();
    drop(pool);
    if last.is_some_and(|block| is_all(0, block.bytes())) { 0 } else { 4 }
}

/// Makes the next child of this thread PID 1 of a new namespace.
fn unshare_pids() -> rustix::io::Result<()> {
    // SAFETY: file descriptors stay shared.
    unsafe { unshare_unsafe(UnshareFlags::NEWPID) }
}

/// Returns whether this kernel has `MADV_WIPEONFORK`: Linux since 4.14.
fn wipes_on_fork() -> bool {
    let mapping = Mapping::new(HUGE);
    // SAFETY: this advice changes no content of this process.
    unsafe { madvise(mapping.start(), HUGE, Advice::LinuxWipeOnFork) }.is_ok()
}

/// Parent and child are PID 1 of nested namespaces, as the init of a container and its child may be.
#[test]
fn a_child_with_the_pid_of_its_parent_does_not_join_the_thread() {
    if !wipes_on_fork() {
        return say("pool: skipped equal PIDs: this kernel has no MADV_WIPEONFORK");
    }
    // Only children of the calling thread are in the new namespace.
    let test = thread::spawn(|| match unshare_pids() {
        Ok(()) => alone("process::fork_as_pid_1"),
        Err(error) => say(&format!("pool: skipped equal PIDs: unshare: {error}")),
    });
    test.join().unwrap();
}

#[test]
#[ignore = "run alone by the test above"]
fn fork_as_pid_1() {
    const WNOHANG: c_int = 1;
    assert_eq!(std::process::id(), 1);
    let pool = ManuallyDrop::new(builder(8).build().unwrap());
    unshare_pids().unwrap();
    // SAFETY: the child makes only async-signal-safe calls and frees memory, which the C library
    // permits there.
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
