//! The memory that is cleared: one block of the requested kind of pages.

use std::ptr::NonNull;

use clearpage::{PAGE_SHIFT, Page};

use crate::UserError;
use crate::harness::units::format_size;
use crate::report::Backing;

/// A block of memory that is aligned to a huge page.
pub struct Arena {
    start: NonNull<Page>,
    npages: usize,
    /// Unmaps the memory.
    _mapping: system::Mapping,
}

// SAFETY: the block belongs to the arena alone, and any thread may write it or give it back.
unsafe impl Send for Arena {}

impl Arena {
    /// Maps `bytes`, rounded up to a huge page, and touches them. Uses huge pages if available.
    ///
    /// # Panics
    /// Not enough memory is available.
    pub fn new(bytes: usize) -> Self {
        Self::touched(bytes, Backing::Thp).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Maps `bytes` on pages of `backing` and touches them.
    ///
    /// # Errors
    /// Not enough memory is available.
    pub fn touched(bytes: usize, backing: Backing) -> Result<Self, UserError> {
        let mut arena = Self::fresh(bytes, backing)?;
        clearpage::clear_pages(arena.pages());
        Ok(arena)
    }

    /// Maps `bytes` on pages of `backing` without touching them.
    ///
    /// # Errors
    /// Not enough memory is available.
    pub fn fresh(bytes: usize, backing: Backing) -> Result<Self, UserError> {
        let mapped = system::map(bytes, backing);
        let (start, bytes, mapping) = mapped.map_err(|error| {
            let (size, pages) = (format_size(bytes as u64), backing.name());
            UserError(format!("{size} of memory on {pages} pages is unavailable: {error}"))
        })?;
        Ok(Self { start, npages: bytes >> PAGE_SHIFT, _mapping: mapping })
    }

    /// Returns the whole block.
    pub fn pages(&mut self) -> &mut [Page] {
        // SAFETY: the block is ours, zero until somebody wrote it, and borrowed as `self` is.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.npages) }
    }
}

/// Returns the bytes of all free reserved huge pages and of one of them, or `None` if there is no
/// such page.
pub fn reserved() -> Option<(usize, usize)> {
    pool(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn pool(meminfo: &str) -> Option<(usize, usize)> {
    let number = |name: &str| -> Option<usize> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim_end_matches("kB").trim().parse().ok()
    };
    let page = number("Hugepagesize")? << 10;
    // Some of the free ones are promised to mappings that have not touched them yet.
    let free = number("HugePages_Free")?.saturating_sub(number("HugePages_Rsvd")?);
    (free > 0).then_some((free * page, page))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::ffi::c_void;
    use std::io::{Error, ErrorKind};
    use std::ptr::{NonNull, null_mut};

    use clearpage::Page;
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    use crate::report::Backing;

    /// Huge pages are this large on most machines; more alignment than needed costs nothing.
    const HUGE: usize = 2 << 20;

    /// What was mapped.
    pub struct Mapping {
        start: *mut c_void,
        bytes: usize,
    }

    impl Drop for Mapping {
        fn drop(&mut self) {
            // SAFETY: the mapping is ours, and the arena that lay in it is gone.
            let unmapped = unsafe { munmap(self.start, self.bytes) };
            debug_assert!(unmapped.is_ok(), "{unmapped:?}");
        }
    }

    /// Fresh memory, at a huge page's boundary, and its length.
    pub fn map(bytes: usize, backing: Backing) -> Result<(NonNull<Page>, usize, Mapping), Error> {
        let private = MapFlags::PRIVATE;
        let (huge, room, flags) = match backing {
            Backing::Base | Backing::Thp => (HUGE, HUGE, private),
            // Maps at its own boundaries, and takes what it may need from the reserved ones now.
            Backing::Hugetlb => {
                let page = super::reserved().map_or(HUGE, |(_, page)| page);
                (page, 0, private.union(MapFlags::HUGETLB))
            }
        };
        let too_large = || Error::from(ErrorKind::OutOfMemory);
        let bytes = bytes.checked_next_multiple_of(huge).ok_or_else(too_large)?;
        let all = bytes.checked_add(room).ok_or_else(too_large)?;
        // SAFETY: a mapping of its own, where there is room.
        let start =
            unsafe { mmap_anonymous(null_mut(), all, ProtFlags::READ | ProtFlags::WRITE, flags)? };
        let mapping = Mapping { start, bytes: all };
        let pages = start.map_addr(|addr| addr.next_multiple_of(huge));
        let advice = match backing {
            Backing::Base => Some(Advice::LinuxNoHugepage),
            Backing::Thp => Some(Advice::LinuxHugepage),
            Backing::Hugetlb => None,
        };
        if let Some(advice) = advice {
            // SAFETY: the memory is ours; advice does not change what it holds. A kernel without
            // huge pages has none to give or to refuse.
            let _ = unsafe { madvise(pages, bytes, advice) };
        }
        let pages = NonNull::new(pages.cast()).ok_or_else(too_large)?;
        Ok((pages, bytes, mapping))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use std::alloc::{Layout, alloc_zeroed, dealloc};
    use std::io::{Error, ErrorKind};
    use std::ptr::NonNull;

    use clearpage::{PAGE_SIZE, Page};

    use crate::report::Backing;

    /// What was allocated.
    pub struct Mapping {
        start: NonNull<u8>,
        layout: Layout,
    }

    impl Drop for Mapping {
        fn drop(&mut self) {
            // SAFETY: allocated with this layout, and the arena that lay in it is gone.
            unsafe { dealloc(self.start.as_ptr(), self.layout) }
        }
    }

    /// Fresh memory by the system's own choice of pages, and its length.
    pub fn map(bytes: usize, _: Backing) -> Result<(NonNull<Page>, usize, Mapping), Error> {
        let none = || Error::from(ErrorKind::OutOfMemory);
        let bytes = bytes.max(PAGE_SIZE).checked_next_multiple_of(PAGE_SIZE).ok_or_else(none)?;
        let layout = Layout::from_size_align(bytes, PAGE_SIZE).map_err(|_| none())?;
        // SAFETY: the size is not 0.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(none)?;
        Ok((start.cast(), bytes, Mapping { start, layout }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_memory_has_the_requested_length_and_is_zero() {
        for backing in [Backing::Base, Backing::Thp] {
            for mut arena in [Arena::fresh(5 << 20, backing), Arena::touched(5 << 20, backing)]
                .map(Result::unwrap)
            {
                assert!(size_of_val(arena.pages()) >= 5 << 20);
                assert!(arena.pages().iter().all(|page| page.as_bytes() == Page::ZERO.as_bytes()));
            }
        }
    }

    #[test]
    fn error_of_a_too_large_mapping_names_the_size() {
        let error = Arena::fresh(isize::MAX as usize / 2, Backing::Base).err().unwrap();
        assert!(error.to_string().contains("on base pages is unavailable"), "{error}");
    }

    #[test]
    fn reserved_pages_exclude_those_promised_to_mappings() {
        let meminfo = "MemTotal:  1 kB\nHugePages_Total:      20\nHugePages_Free:       12\n\
                       HugePages_Rsvd:        2\nHugepagesize:       2048 kB\n";
        assert_eq!(pool(meminfo), Some((10 << 21, 2 << 20)));
        assert_eq!(pool(&meminfo.replace(" 12", "  2")), None);
        assert_eq!(pool("MemTotal:  1 kB\n"), None);
    }
}
