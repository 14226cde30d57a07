//! Checkers that look away while memory is initialised: a guard, and ASan in a build with it.

mod common;

use std::cell::Cell;
use std::panic::catch_unwind;
use std::thread;

use clearpage::highmem::{Instrumentation, NotInstrumented, Unchecked};

std::thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A checker that counts, as KASAN does.
struct Checker;

impl Instrumentation for Checker {
    type State = ();

    fn disable_current(&self) {
        DEPTH.set(DEPTH.get() + 1);
    }

    fn enable_current(&self, (): ()) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

#[test]
fn guards_nest() {
    {
        let _outer = Unchecked::new(&Checker);
        assert_eq!(DEPTH.get(), 1);
        drop(Unchecked::new(&Checker));
        assert_eq!(DEPTH.get(), 1);
        let _inner = Unchecked::new(&Checker);
        assert_eq!(DEPTH.get(), 2);
    }
    assert_eq!(DEPTH.get(), 0);
}

#[test]
fn a_guard_is_its_threads() {
    let _guard = Unchecked::new(&Checker);
    assert_eq!(thread::spawn(|| DEPTH.get()).join().unwrap(), 0);
    assert_eq!(DEPTH.get(), 1);
}

#[test]
fn a_panic_releases_the_guard() {
    let panics = || {
        let _guard = Unchecked::new(&Checker);
        assert_eq!(DEPTH.get(), 2, "told to panic");
    };
    catch_unwind(panics).unwrap_err();
    assert_eq!(DEPTH.get(), 0);
}

/// What was before is given back, innermost first.
#[test]
fn each_guard_gives_back_what_it_found() {
    struct Saving(Cell<u32>);
    impl Instrumentation for Saving {
        type State = u32;
        fn disable_current(&self) -> u32 {
            self.0.replace(self.0.get() * 10)
        }
        fn enable_current(&self, state: u32) {
            self.0.set(state);
        }
    }
    let checker = Saving(Cell::new(1));
    let outer = Unchecked::new(&checker);
    let inner = Unchecked::new(&checker);
    let _nobody = Unchecked::new(&NotInstrumented);
    assert_eq!(checker.0.get(), 100);
    drop(inner);
    assert_eq!(checker.0.get(), 10);
    drop(outer);
    assert_eq!(checker.0.get(), 1);
}

/// Built with `-Zsanitizer=address`.
#[cfg(clearpage_asan)]
mod asan {
    use std::ops::Range;
    use std::ptr::NonNull;

    use clearpage::highmem::{
        AddressSanitizer, Frame, Frames, LinearMap, clear_highpages, clear_scattered_highpages,
    };
    use clearpage::{Intent, PAGE_SIZE, Page, clear_pages_for, clear_scattered, raw, zero_bytes};

    use super::*;
    use crate::common::{available, built_for_one, child};

    unsafe extern "C" {
        safe fn __asan_poison_memory_region(address: usize, len: usize);
        safe fn __asan_unpoison_memory_region(address: usize, len: usize);
        safe fn __asan_address_is_poisoned(address: usize) -> i32;
    }

    const NPAGES: usize = 6;
    /// Of each page.
    const REDZONE: Range<usize> = 512..640;

    /// Pages with a redzone in each, which whoever owns them must not write.
    struct Pages(Vec<Page>);

    impl Pages {
        fn new() -> Self {
            let mut pages = vec![Page::ZERO; NPAGES];
            pages.iter_mut().for_each(|page| page.as_bytes_mut().fill(0xa5));
            let pages = Self(pages);
            pages.redzones().for_each(|zone| __asan_poison_memory_region(zone, REDZONE.len()));
            pages
        }

        fn redzones(&self) -> impl Iterator<Item = usize> {
            self.0.iter().map(|page| page.as_bytes().as_ptr().addr() + REDZONE.start)
        }

        /// Panics unless the redzones are still such; then unless all is zero.
        fn check(&self, what: &str) {
            for zone in self.redzones() {
                let poisoned = |at| __asan_address_is_poisoned(zone + at) == 1;
                assert!((0..REDZONE.len()).all(poisoned), "{what}: the poison is gone");
            }
            self.redzones().for_each(|zone| __asan_unpoison_memory_region(zone, REDZONE.len()));
            let zero = |page: &Page| page.as_bytes().iter().all(|&byte| byte == 0);
            assert!(self.0.iter().all(zero), "{what}: not all is zero");
        }

        fn map(&mut self) -> (LinearMap, Frames) {
            let frames = Frames::new(Frame::default(), NPAGES as u64).unwrap();
            // SAFETY: the map is used up before the pages are.
            (unsafe { LinearMap::new(frames, NonNull::from(&mut self.0[..]).cast()) }, frames)
        }
    }

    impl Drop for Pages {
        fn drop(&mut self) {
            self.redzones().for_each(|zone| __asan_unpoison_memory_region(zone, REDZONE.len()));
        }
    }

    type Way = (&'static str, fn(&mut Pages));

    /// Every way to zero memory, over all pages.
    const WAYS: [Way; 7] = [
        ("clear_page", |pages| pages.0.iter_mut().for_each(clearpage::clear_page)),
        ("clear_pages_for", |pages| clear_pages_for(&mut pages.0, Intent::Cold)),
        ("clear_scattered", |pages| {
            clear_scattered(&mut pages.0.iter_mut().collect::<Vec<_>>(), Intent::Cold);
        }),
        ("zero_bytes", |pages| {
            let len = NPAGES * PAGE_SIZE;
            // SAFETY: the pages' bytes.
            unsafe { raw::zero_bytes(pages.0.as_mut_ptr().cast(), len, Intent::Hot) }
        }),
        ("zero_bytes, up to 256", |pages| {
            for page in &mut pages.0 {
                for (i, len) in (1..=256).rev().enumerate().chain((1..=256).enumerate()) {
                    let at = (i * 61) % (PAGE_SIZE - 256);
                    zero_bytes(&mut page.as_bytes_mut()[at..at + len], Intent::Hot);
                }
                page.as_bytes_mut().chunks_mut(200).for_each(|part| zero_bytes(part, Intent::Hot));
            }
        }),
        ("clear_highpages", |pages| {
            let (map, frames) = pages.map();
            // SAFETY: the frames are this test's alone.
            unsafe { clear_highpages(&map, frames, Intent::Auto) }.unwrap();
        }),
        ("clear_scattered_highpages", |pages| {
            let (map, frames) = pages.map();
            let list: Vec<Frame> = frames.iter().rev().collect();
            // SAFETY: the frames are this test's alone.
            unsafe { clear_scattered_highpages(&map, &list, Intent::Cold) }.unwrap();
        }),
    ];

    #[test]
    fn redzones_are_cleared_and_stay() {
        let names: Vec<_> =
            available().iter().filter(|row| !row.sets_tags()).map(|row| row.name()).collect();
        for name in names {
            if !built_for_one() {
                clearpage::force(name).unwrap();
            }
            for (way, clear) in WAYS {
                let mut pages = Pages::new();
                {
                    let _unchecked = Unchecked::new(&AddressSanitizer);
                    clear(&mut pages);
                }
                pages.check(&format!("{way} by {name}"));
            }
        }
        clearpage::unforce().unwrap();
    }

    /// Children of the test below.
    #[test]
    #[ignore = "run by another test, in a process of its own"]
    fn clear_without_a_guard() {
        let way: usize = std::env::var("WAY").unwrap().parse().unwrap();
        drop(Unchecked::new(&AddressSanitizer));
        // That of another thread is no help.
        thread::scope(|scope| {
            let (held, holds) = std::sync::mpsc::channel();
            let (done, waits) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || {
                let _unchecked = Unchecked::new(&AddressSanitizer);
                held.send(()).unwrap();
                let _ = waits.recv();
            });
            holds.recv().unwrap();
            WAYS[way].1(&mut Pages::new());
            drop(done);
        });
    }

    #[test]
    #[ignore = "run by another test, in a process of its own"]
    fn overflow() {
        let len: usize = std::env::var("LEN").unwrap().parse().unwrap();
        {
            let _unchecked = Unchecked::new(&AddressSanitizer);
            zero_bytes(&mut vec![1; len], Intent::Hot);
        }
        let mut bytes = vec![1_u8; len];
        // SAFETY: none: a byte more than there are, which is what is to be caught.
        unsafe { raw::zero_bytes(bytes.as_mut_ptr(), len + 1, Intent::Hot) }
    }

    fn reported(test: &str, variable: (&str, &str), what: &str) {
        let child = child(&format!("asan::{test}"), variable);
        let stderr = String::from_utf8_lossy(&child.stderr);
        assert!(stderr.contains(&format!("AddressSanitizer: {what}")), "{variable:?}: {stderr}");
        assert!(!child.status.success(), "{variable:?}");
    }

    #[test]
    fn without_a_guard_a_redzone_is_reported() {
        for way in 0..WAYS.len() {
            let way = ("WAY", &*way.to_string());
            reported("clear_without_a_guard", way, "use-after-poison");
        }
    }

    #[test]
    fn an_overflow_is_reported() {
        for len in [1, 100, 256, 1000, 40 * PAGE_SIZE] {
            reported("overflow", ("LEN", &len.to_string()), "heap-buffer-overflow");
        }
    }
}
