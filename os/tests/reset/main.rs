//! After a reset all of the range is zero, or it failed and the range is unchanged; memory outside
//! of the range is unchanged. This holds for any memory, method and pattern of touched pages.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod files;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod mapped;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod methods;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod pages;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod pressure;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod process;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod support;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod traps;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod wipe;

use std::ptr::NonNull;

use clearpage::{PAGE_SIZE, Page};
use clearpage_os::raw;
use clearpage_os::reset::{Method, ResetError, Reuse, Summary, reset, reset_with};
use clearpage_testkit::Garbage;

const METHODS: [Method; 5] = [
    Method::Auto(Reuse::Likely),
    Method::Auto(Reuse::Unlikely),
    Method::Clear,
    Method::ClearTouched,
    Method::Discard,
];

/// Returns whether the method works for any memory on any system.
fn never_fails(method: Method) -> bool {
    matches!(method, Method::Auto(_) | Method::Clear)
}

#[test]
fn a_vector_becomes_zero_or_is_unchanged() {
    for npages in [0, 1, 2, 17, (1 << 20) / PAGE_SIZE + 3] {
        let mut memory = Garbage::new(npages * PAGE_SIZE);
        for reuse in [Reuse::Likely, Reuse::Unlikely] {
            let summary = reset(memory.pages(npages), reuse);
            memory.check_pages(&vec![true; npages], &format_args!("{reuse:?}"));
            assert_eq!(summary.cleared + summary.discarded + summary.untouched, npages);
        }
        for method in METHODS {
            let result = reset_with(memory.pages(npages), method);
            let what = format!("{method:?} {npages} pages: {result:?}");
            memory.check_pages(&vec![result.is_ok(); npages], &what);
            match result {
                Ok(Summary { cleared, discarded, untouched, .. }) => {
                    assert_eq!(cleared + discarded + untouched, npages, "{what}");
                }
                Err(ResetError::Unavailable { .. }) => assert!(!never_fails(method), "{what}"),
                Err(_) => panic!("{what}"),
            }
        }
    }
}

#[test]
fn no_pages_are_a_no_op_for_any_pointer() {
    let misaligned = NonNull::<Page>::dangling().map_addr(|addr| addr | 1);
    for method in METHODS {
        for page in [NonNull::dangling(), misaligned] {
            // SAFETY: no page is accessed.
            unsafe {
                assert_eq!(raw::reset(page, 0, method), Ok(Summary::default()));
                assert_eq!(raw::reset_anonymous(page, 0, method), Ok(Summary::default()));
            }
        }
    }
}

/// It is in a private mapping of the executable: a dropped page would return with its bytes.
#[test]
fn a_static_is_never_dropped() {
    const GARBAGE: Page = {
        let mut page = Page::ZERO;
        page.as_bytes_mut()[PAGE_SIZE / 2] = 0xa5;
        page
    };
    static mut PAGES: [Page; 40] = [GARBAGE; 40];
    // SAFETY: only this test refers to it, once.
    let pages = unsafe { &mut *std::ptr::addr_of_mut!(PAGES) };
    for method in METHODS {
        pages.fill(GARBAGE);
        let zero = match reset_with(pages, method) {
            Ok(_) => true,
            Err(ResetError::NotAnonymous | ResetError::Unavailable { .. }) => false,
            Err(error) => panic!("{method:?}: {error}"),
        };
        for page in &*pages {
            let byte = page.as_bytes()[PAGE_SIZE / 2];
            assert_eq!(byte, if zero { 0 } else { 0xa5 }, "{method:?}");
        }
        assert!(zero || !never_fails(method), "{method:?}");
    }
}

#[test]
fn errors_name_what_was_wrong() {
    use std::io::{Error, ErrorKind};
    for (error, text, kind) in [
        (ResetError::Unmapped, "not mapped", ErrorKind::InvalidInput),
        (ResetError::Protected, "read and written", ErrorKind::InvalidInput),
        (ResetError::NotAnonymous, "a file", ErrorKind::InvalidInput),
        (ResetError::Locked, "locked", ErrorKind::InvalidInput),
        (ResetError::Unavailable { reason: "a thing" }, "a thing", ErrorKind::Unsupported),
        (ResetError::Refused(ErrorKind::OutOfMemory), "out of memory", ErrorKind::OutOfMemory),
    ] {
        let error = Error::from(error);
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(text), "{error}");
    }
}
