//! Pages that are not in memory as small pages of this process: parts of huge pages, the shared zero
//! page, swapped-out pages, and those of a forked child.

use std::fs;

use clearpage::PAGE_SIZE;
use clearpage_os::reset::{Method, Reuse};
use clearpage_testkit::linux::{HUGE, unit};
use clearpage_testkit::say;
use rustix::mm::Advice;

use crate::METHODS;
use crate::mapped::{FACES, Face, Memory};
use crate::process::in_child;
use crate::support::{drops, reports, scans};

/// Returns two huge pages, if the system has them.
fn huge() -> Option<Memory> {
    let mut memory = Memory::new(2 * HUGE / PAGE_SIZE);
    memory.advise(Advice::LinuxHugepage);
    // If another test forks, a write would split them.
    memory.advise(Advice::LinuxDontFork);
    memory.touch_all();
    let address = format!("{:x}-", memory.start(0).addr());
    let smaps = fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let mapping = smaps.lines().skip_while(|line| !line.starts_with(&address));
    let kilobytes = mapping.skip(1).find_map(|line| line.strip_prefix("AnonHugePages:"));
    let is_huge = kilobytes.is_some_and(|kilobytes| kilobytes.trim() == "4096 kB");
    if !is_huge {
        say("reset: skipped huge pages: there are none of 2 MiB");
    }
    is_huge.then_some(memory)
}

#[test]
fn auto_drops_only_whole_huge_pages() {
    let npages = HUGE / PAGE_SIZE;
    for method in METHODS {
        for face in FACES {
            for (at, len, whole) in [
                (0, 2 * npages, 2),
                (1, 2 * npages - 2, 0),
                (0, npages + 3, 1),
                (npages - 3, npages + 3, 1),
                (npages / 2, npages / 4, 0),
            ] {
                let Some(mut memory) = huge() else { return };
                let result = memory.reset((at, len), face, method);
                memory.check(&(at, len, method, face));
                if !scans() {
                    continue;
                }
                let discarded = match method {
                    Method::Discard => len,
                    Method::Auto(Reuse::Unlikely) => whole * npages,
                    _ => 0,
                };
                assert_eq!(result, Ok((len - discarded, discarded, 0)), "{method:?} {face:?}");
            }
        }
    }
}

/// They are the shared zero page, which PAGEMAP_SCAN distinguishes.
#[test]
fn pages_that_were_only_read_count_as_untouched() {
    let npages = (5 << 20) / PAGE_SIZE;
    for method in METHODS {
        for face in FACES {
            let mut memory = Memory::new(npages);
            memory.advise(Advice::LinuxNoHugepage);
            memory.check(&"fresh memory");
            let result = memory.reset_all(face, method);
            memory.check(&(method, face));
            if scans() && matches!(method, Method::Auto(_) | Method::ClearTouched) {
                assert_eq!(result, Ok((0, 0, npages)), "{method:?} {face:?}");
            }
        }
    }
}

#[test]
fn swapped_out_pages_become_zero_and_auto_drops_them() {
    let npages = 64 * unit() / PAGE_SIZE;
    for method in METHODS {
        for face in FACES {
            let mut memory = Memory::new(npages);
            memory.touch_all();
            memory.advise(Advice::LinuxPageOut);
            let swapped = memory.swapped().filter(|swapped| *swapped > 0 && reports());
            let Some(swapped) = swapped else {
                return say("reset: skipped swapped pages: nothing is swapped out here");
            };
            let (_, discarded, _) = memory.reset_all(face, method).unwrap();
            memory.check(&(method, face));
            if matches!(method, Method::Auto(_)) && drops() && scans() {
                assert_eq!(discarded, swapped, "{method:?} {face:?}");
            }
        }
    }
}

/// Touches some pages and resets all; returns whether all are zero and, except by `Discard`, the
/// others are untouched. Does not allocate.
fn touch_and_reset(memory: &mut Memory, face: Face, method: Method) -> bool {
    let step = unit() / PAGE_SIZE;
    (0..memory.npages()).filter(|at| at / step % 3 == 0).for_each(|at| memory.touch(at));
    let result = memory.reset_all(face, method);
    let skips = method != Method::Discard;
    result.is_ok_and(|(_, _, untouched)| (untouched > 0) == skips) && memory.is_as_expected()
}

/// A file of /proc that the parent opened would report the parent's pages, none of them touched.
#[test]
fn a_forked_child_resets_its_own_pages() {
    if !scans() {
        return;
    }
    let npages = (5 << 20) / PAGE_SIZE;
    for face in FACES {
        for method in [Method::Auto(Reuse::Likely), Method::ClearTouched, Method::Discard] {
            let mut memory = Memory::new(npages);
            // The first touch of a huge page makes all of it present.
            memory.advise(Advice::LinuxNoHugepage);
            memory.reset_all(face, Method::ClearTouched).unwrap();
            assert_eq!(memory.present(), Some(0));
            assert!(in_child(|| {
                let child = touch_and_reset(&mut memory, face, method);
                // The discard leaves no page that the grandchild did not touch itself.
                child
                    && memory.reset_all(face, Method::Discard).is_ok()
                    && in_child(|| touch_and_reset(&mut memory, face, method))
            }));
            memory.check(&"the parent's pages");
        }
    }
}

/// On AArch64, Linux permits a tag in the top byte of a pointer. The files of /proc do not know the
/// tag, and fresh memory has none.
#[cfg(target_arch = "aarch64")]
#[test]
fn memory_under_a_tagged_pointer_is_cleared_and_never_dropped() {
    use clearpage_os::raw::{reset, reset_anonymous};
    use clearpage_os::reset::ResetError;
    let npages = (5 << 20) / PAGE_SIZE;
    for method in METHODS {
        for reset in [reset, reset_anonymous] {
            let mut memory = Memory::new(npages);
            memory.touch_all();
            let page = memory.page(0).map_addr(|addr| addr | 0x5a << 56);
            // SAFETY: pages of the mapping, which nothing else refers to.
            match unsafe { reset(page, npages, method) } {
                Ok(summary) => {
                    assert_eq!(summary.cleared, npages, "{method:?}");
                    (0..npages).for_each(|at| memory.expect(at, 0));
                }
                Err(error) => {
                    assert!(matches!(error, ResetError::Unavailable { .. }), "{method:?}: {error}");
                    let unreported = method == Method::ClearTouched && !reports();
                    assert!(unreported || method == Method::Discard, "{method:?}");
                }
            }
            memory.check(&method);
        }
    }
}
