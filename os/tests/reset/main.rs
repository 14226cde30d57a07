//! Resetting: whatever the memory, the way and what was touched of it, all of the range is zero
//! afterwards or none of it was changed; and nothing beside it is.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod files;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod known;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod mapped;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod pages;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod process;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod traps;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod ways;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod wipe;

use std::ptr::NonNull;

use clearpage::{PAGE_SIZE, Page};
use clearpage_os::reset::{Method, ResetError, Reuse, Summary, reset, reset_anonymous, reset_raw};
use clearpage_testkit::Garbage;

const NEXT: [Reuse; 2] = [Reuse::Likely, Reuse::Unlikely];

/// Every way, for whatever is next.
fn every_way() -> impl Iterator<Item = (Method, Reuse)> {
    Method::ALL.into_iter().flat_map(|how| NEXT.map(|next| (how, next)))
}

#[test]
fn a_vector_becomes_zero_or_stays() {
    for npages in [0, 1, 2, 17, (1 << 20) / PAGE_SIZE + 3] {
        let mut memory = Garbage::new(npages * PAGE_SIZE);
        for (how, next) in every_way() {
            let done = reset(memory.pages(npages), how, next);
            let what = format!("{how:?} {next:?} {npages} pages: {done:?}");
            memory.check_pages(&vec![done.is_ok(); npages], &what);
            match done {
                Ok(Summary { cleared, discarded, untouched, .. }) => {
                    assert_eq!(cleared + discarded + untouched, npages, "{what}");
                }
                Err(ResetError::Unavailable { .. }) => {
                    assert!(!matches!(how, Method::Auto | Method::Clear), "{what}");
                }
                Err(_) => panic!("{what}"),
            }
        }
    }
}

#[test]
fn nothing_is_a_no_op_of_any_pointer() {
    let misaligned = NonNull::<Page>::dangling().map_addr(|addr| addr | 1);
    for (how, next) in every_way() {
        for page in [NonNull::dangling(), misaligned] {
            // SAFETY: no page is touched.
            unsafe {
                assert_eq!(reset_raw(page, 0, how, next), Ok(Summary::default()));
                assert_eq!(reset_anonymous(page, 0, how, next), Ok(Summary::default()));
            }
        }
    }
}

/// In a file's private mapping: what is dropped there comes back as it is in the executable.
#[test]
fn a_static_is_never_dropped() {
    const GARBAGE: Page = {
        let mut page = Page::ZERO;
        page.as_bytes_mut()[PAGE_SIZE / 2] = 0xa5;
        page
    };
    static mut PAGES: [Page; 40] = [GARBAGE; 40];
    // SAFETY: this test alone refers to it, once.
    let pages = unsafe { &mut *std::ptr::addr_of_mut!(PAGES) };
    for (how, next) in every_way() {
        pages.fill(GARBAGE);
        let zero = match reset(pages, how, next) {
            Ok(_) => true,
            Err(ResetError::NotAnonymous | ResetError::Unavailable { .. }) => false,
            Err(error) => panic!("{how:?}: {error}"),
        };
        for page in &*pages {
            let byte = page.as_bytes()[PAGE_SIZE / 2];
            assert_eq!(byte, if zero { 0 } else { 0xa5 }, "{how:?} {next:?}");
        }
        assert!(zero || !matches!(how, Method::Auto | Method::Clear), "{how:?}");
    }
}

#[test]
fn errors_say_what_was_wrong() {
    use std::io::{Error, ErrorKind};
    for (error, text, kind) in [
        (ResetError::Unmapped, "not mapped", ErrorKind::InvalidInput),
        (ResetError::Protected, "read and written", ErrorKind::InvalidInput),
        (ResetError::NotAnonymous, "a file", ErrorKind::InvalidInput),
        (ResetError::Locked, "locked", ErrorKind::InvalidInput),
        (ResetError::Unavailable { reason: "a thing" }, "a thing", ErrorKind::Unsupported),
        (ResetError::Refused(ErrorKind::OutOfMemory), "out of memory", ErrorKind::OutOfMemory),
    ] {
        assert!(error.to_string().contains(text), "{error}");
        let error = Error::from(error);
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(text), "{error}");
    }
}
