//! `ClearingAlloc` as the global allocator, with the policy of the environment. It serves the
//! standard library, the test harness, and this crate while it reads its own settings.
#![cfg(feature = "std")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use clearpage::hooks::{ClearingAlloc, InitPolicy, policy};
use clearpage::{Intent, PAGE_SIZE, Tuning};
use clearpage_testkit::{TempFile, built_for_one, child_with, texts};

#[global_allocator]
static ALLOC: ClearingAlloc<Watch> = ClearingAlloc::new(Watch);

/// `System` with fresh blocks full of garbage. Counts the freed blocks that are zero.
struct Watch;

static WIPED: AtomicUsize = AtomicUsize::new(0);
static UNWIPED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all blocks are the system's.
unsafe impl GlobalAlloc for Watch {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise; a block that is not null is valid for its size.
        unsafe {
            let ptr = System.alloc(layout);
            if !ptr.is_null() {
                ptr.write_bytes(0xa5, layout.size());
            }
            ptr
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the block is valid until it is freed. The reads are volatile, because parts of it
        // may be uninitialised.
        unsafe {
            let zero = (0..layout.size()).all(|at| ptr.add(at).read_volatile() == 0);
            if zero { &WIPED } else { &UNWIPED }.fetch_add(1, Relaxed);
            System.dealloc(ptr, layout);
        }
    }
}

/// Child: uses memory as programs do, then prints what it and the allocator found.
#[test]
#[ignore = "run by other tests, in a process of its own"]
fn use_memory() {
    let work = |n: usize| {
        let mut list: Vec<String> = vec![];
        for i in 0..n {
            list.push(format!("{i}: {}", "x".repeat(i)));
        }
        list.sort_by_key(String::len);
        list.truncate(n / 2);
        list.shrink_to_fit();
        assert!(list.iter().enumerate().all(|(i, s)| s.starts_with(&format!("{i}: "))));
        assert!(vec![0_u64; n * n].iter().all(|&word| word == 0));
    };
    thread::scope(|scope| {
        for n in [300, 200, 100] {
            scope.spawn(move || work(n));
        }
    });
    let fresh = [1, 100, 1000, 10_000, 1_000_000].map(|size| {
        let layout = Layout::from_size_align(size, 64).unwrap();
        // SAFETY: the block is freed once. The reads are volatile, because it is uninitialised.
        unsafe {
            let ptr = std::alloc::alloc(layout);
            let zero = (0..size).all(|at| ptr.add(at).read_volatile() == 0);
            ptr.write_bytes(1, size);
            std::alloc::dealloc(ptr, layout);
            zero
        }
    });
    let zeroes = match fresh {
        [true, true, true, true, true] => "all",
        [false, false, false, false, false] => "none",
        _ => "some",
    };
    let (wiped, unwiped) = (WIPED.load(Relaxed), UNWIPED.load(Relaxed));
    println!("{:?}: fresh and zero: {zeroes}; wiped: {}", policy(), wiped > 1000);
    println!("unwiped: {}", unwiped > 1000);
    println!("left: {unwiped}");
    println!("plan: {}", clearpage::primitive_for(Intent::Hot, PAGE_SIZE).name());
}

fn run(variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    texts(&child_with("use_memory", variables))
}

#[test]
fn the_environment_sets_the_policy_from_the_first_allocation_on() {
    for (on_alloc, on_free) in [(false, false), (true, false), (false, true), (true, true)] {
        let switch = |on| if on { "1" } else { "" };
        let (code, stdout, stderr) = run(&[
            ("CLEARPAGE_INIT_ON_ALLOC", switch(on_alloc)),
            ("CLEARPAGE_INIT_ON_FREE", switch(on_free)),
        ]);
        assert_eq!(code, Some(0), "{stderr}");
        let zeroes = if on_alloc { "all" } else { "none" };
        let policy = InitPolicy { on_alloc, on_free };
        let expected = format!(
            "{policy:?}: fresh and zero: {zeroes}; wiped: {on_free}\nunwiped: {}\n",
            !on_free
        );
        assert!(stdout.contains(&expected), "{stdout}");
        // Under `on_free` no block of the process is freed without a clear.
        assert_eq!(stdout.contains("left: 0\n"), on_free, "{stdout}");
    }
}

#[test]
fn a_malformed_policy_exits_with_status_2() {
    let (code, stdout, stderr) = run(&[("CLEARPAGE_INIT_ON_FREE", "on")]);
    assert_eq!(code, Some(2), "{stdout}");
    assert!(stderr.contains("clearpage: CLEARPAGE_INIT_ON_FREE=on: allowed are 0"), "{stderr}");
}

/// The plan may be needed to clear memory that is allocated while the plan is made.
#[test]
fn the_plan_can_be_made_inside_an_allocation() {
    if built_for_one() {
        return;
    }
    let on = [("CLEARPAGE_INIT_ON_ALLOC", "1"), ("CLEARPAGE_INIT_ON_FREE", "1")];
    let with = |variable, value| run(&[on[0], on[1], (variable, value)]);

    let (code, stdout, stderr) = with("CLEARPAGE_FORCE", "generic");
    assert!(code == Some(0) && stdout.contains("plan: generic\n"), "{stdout}{stderr}");

    let name = "nonsense".repeat(1000);
    let (code, _, stderr) = with("CLEARPAGE_FORCE", &name);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains(&format!("clearpage: CLEARPAGE_FORCE={name}: no such primitive")));

    let generic = clearpage::primitives().last().unwrap();
    let file = TempFile::new("hooks", Tuning::uniform(generic).to_string());
    let (code, stdout, stderr) = with("CLEARPAGE_TUNING", file.path().to_str().unwrap());
    assert!(code == Some(0) && stdout.contains("plan: generic\n"), "{stdout}{stderr}");
}
