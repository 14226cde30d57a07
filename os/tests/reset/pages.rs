//! Pages that are not in memory as themselves: parts of huge ones, the one page of zeroes, pages
//! that are swapped out, and those of another process.

use std::fs;

use clearpage::PAGE_SIZE;
use clearpage_os::reset::{Method, Reuse, Summary};
use rustix::mm::{Advice, madvise};

use crate::every_way;
use crate::known::{PRESENT, SWAPPED, count, drops, scans, tells};
use crate::mapped::{FACES, Face, HUGE, Memory, unit};
use crate::process::in_child;
use clearpage_testkit::say;

/// Two huge pages, where the system gives them.
fn huge() -> Option<Memory> {
    let mut memory = Memory::new(2 * HUGE / PAGE_SIZE);
    // A fork, as other tests do, would have them split where they are written.
    for advice in [Advice::LinuxHugepage, Advice::LinuxDontFork] {
        // SAFETY: it changes no content.
        let _ = unsafe { madvise(memory.start(0), 2 * HUGE, advice) };
    }
    memory.touch_all();
    let address = format!("{:x}-", memory.start(0).addr());
    let smaps = fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let of_mapping = smaps.lines().skip_while(|line| !line.starts_with(&address));
    let kilobytes = of_mapping.skip(1).find_map(|line| line.strip_prefix("AnonHugePages:"));
    let is_huge = kilobytes.is_some_and(|kilobytes| kilobytes.trim() == "4096 kB");
    if !is_huge {
        say("reset: skipped huge pages: there are none of 2 MiB");
    }
    is_huge.then_some(memory)
}

/// Ranges that begin or end within a huge page: contents are right whatever that costs, and what
/// is given back unasked is whole huge pages.
#[test]
fn parts_of_huge_pages() {
    let npages = HUGE / PAGE_SIZE;
    for (how, next) in every_way() {
        for face in FACES {
            for (at, len, whole) in [
                (0, 2 * npages, 2),
                (1, 2 * npages - 2, 0),
                (0, npages + 3, 1),
                (npages - 3, npages + 3, 1),
                (npages / 2, npages / 4, 0),
            ] {
                let Some(mut memory) = huge() else { return };
                let what = (at, len, how, next, face);
                let done = memory.reset((at, len), face, how, next);
                memory.check(&what);
                if !scans() {
                    continue;
                }
                let discarded = match (how, next) {
                    (Method::Discard, _) => len,
                    (Method::Auto(Reuse::Unlikely)) => whole * npages,
                    _ => 0,
                };
                assert_eq!(done, Ok(Summary { cleared: len - discarded, discarded, untouched: 0 }));
            }
        }
    }
}

/// Pages that were only read are the one page of zeroes, and stay it where the system tells so.
#[test]
fn pages_that_were_only_read() {
    let npages = (5 << 20) / PAGE_SIZE;
    for (how, next) in every_way() {
        for face in FACES {
            let mut memory = Memory::new(npages);
            // SAFETY: it changes no content.
            let _ =
                unsafe { madvise(memory.start(0), npages * PAGE_SIZE, Advice::LinuxNoHugepage) };
            memory.check(&"fresh memory");
            let done = memory.reset((0, npages), face, how, next);
            memory.check(&(how, next, face));
            if scans() && matches!(how, Method::Auto | Method::ClearTouched) {
                assert_eq!(
                    done,
                    Ok(Summary { untouched: npages, ..Summary::default() }),
                    "{how:?}"
                );
            }
        }
    }
}

/// A page in swap is not present, and holds what it held.
#[test]
fn swapped_pages() {
    let npages = 64 * unit() / PAGE_SIZE;
    for (how, next) in every_way() {
        for face in FACES {
            let mut memory = Memory::new(npages);
            memory.touch_all();
            // SAFETY: it changes no content.
            let _ = unsafe { madvise(memory.start(0), npages * PAGE_SIZE, Advice::LinuxPageOut) };
            let swapped = count(&memory, SWAPPED).filter(|swapped| *swapped > 0 && tells());
            let Some(swapped) = swapped else {
                return say("reset: skipped swapped pages: nothing is swapped out here");
            };
            let done = memory.reset((0, npages), face, how, next).unwrap();
            memory.check(&(how, next, face));
            if how == Method::Auto && drops() && scans() {
                assert_eq!(done.discarded, swapped, "{next:?} {face:?}");
            }
        }
    }
}

/// Touches some pages, resets all, and says whether all is zero, and whether the others were left
/// alone where they should be; allocates nothing.
fn touch_and_reset(memory: &mut Memory, face: Face, how: Method) -> bool {
    let step = unit() / PAGE_SIZE;
    (0..memory.npages()).filter(|at| at / step % 3 == 0).for_each(|at| memory.touch(at));
    let done = memory.reset((0, memory.npages()), face, how, Reuse::Likely);
    let left = matches!(how, Method::Auto | Method::ClearTouched);
    done.is_ok_and(|done| (done.untouched > 0) == left) && memory.is_as_held()
}

/// A file of /proc that the parent opened would tell of the parent, which never touched the pages.
#[test]
fn a_forked_child_sees_its_own_pages() {
    if !scans() {
        return;
    }
    let npages = (5 << 20) / PAGE_SIZE;
    for face in FACES {
        for how in [Method::Auto, Method::ClearTouched, Method::Discard] {
            let mut memory = Memory::new(npages);
            memory.reset((0, npages), face, Method::ClearTouched).unwrap();
            assert_eq!(count(&memory, PRESENT), Some(0));
            assert!(in_child(|| {
                let child = touch_and_reset(&mut memory, face, how);
                // Gone, so that the grandchild finds nothing touched but by itself.
                child
                    && memory.reset((0, npages), face, Method::Discard).is_ok()
                    && in_child(|| touch_and_reset(&mut memory, face, how))
            }));
            memory.check(&"the parent's");
        }
    }
}

/// Linux on AArch64 lets a program keep a tag in the top byte of a pointer. The files of /proc do
/// not know of it, and fresh memory has no tag.
#[cfg(target_arch = "aarch64")]
#[test]
fn a_pointer_with_a_tag() {
    use clearpage_os::reset::{ResetError, reset_anonymous, reset_raw};
    let npages = (5 << 20) / PAGE_SIZE;
    for (how, next) in every_way() {
        for reset in [reset_raw, reset_anonymous] {
            let mut memory = Memory::new(npages);
            memory.touch_all();
            let page = memory.page(0).map_addr(|addr| addr | 0x5a << 56);
            // SAFETY: pages of the mapping, to which nobody refers.
            match unsafe { reset(page, npages, how, next) } {
                Ok(done) => {
                    assert_eq!(done.cleared, npages, "{how:?}");
                    (0..npages).for_each(|at| memory.hold(at, 0));
                }
                Err(error) => {
                    assert!(matches!(error, ResetError::Unavailable { .. }), "{how:?}: {error}");
                    let may_be = how == Method::ClearTouched && !tells();
                    assert!(may_be || how == Method::Discard, "{how:?}");
                }
            }
            memory.check(&(how, next));
        }
    }
}
