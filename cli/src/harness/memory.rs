//! The memory that is cleared: one block of the requested kind of pages.

use std::io::{Error, ErrorKind};

use clearpage::{PAGE_SIZE, Page};
use memmap2::{MmapMut, MmapOptions};

use crate::UserError;
use crate::harness::units::format_size;
use crate::report::Backing;

/// Huge pages are this large on most machines; more alignment than needed costs nothing.
const HUGE: usize = 2 << 20;

/// A block of memory that is aligned to a huge page.
pub struct Arena {
    mapping: MmapMut,
    /// Where the block begins in the mapping, and its length.
    start: usize,
    bytes: usize,
}

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
        Self::map(bytes, backing).map_err(|error| {
            let (size, pages) = (format_size(bytes as u64), backing.name());
            UserError(format!("{size} of memory on {pages} pages is unavailable: {error}"))
        })
    }

    fn map(bytes: usize, backing: Backing) -> Result<Self, Error> {
        // Reserved pages are mapped at their own boundaries.
        let (huge, margin) = match backing {
            Backing::Base | Backing::Thp => (HUGE, HUGE),
            Backing::Hugetlb => (reserved().map_or(HUGE, |(_, page)| page), 0),
        };
        let too_large = || Error::from(ErrorKind::OutOfMemory);
        let bytes = bytes.checked_next_multiple_of(huge).ok_or_else(too_large)?;
        let all = bytes.checked_add(margin).ok_or_else(too_large)?;
        let mut options = MmapOptions::new();
        options.len(all);
        if backing == Backing::Hugetlb {
            options.huge(Some(huge.ilog2() as u8));
        }
        let mapping = options.map_anon()?;
        let start = mapping.as_ptr().addr().next_multiple_of(huge) - mapping.as_ptr().addr();
        // memmap2 has no such advice for Android.
        #[cfg(target_os = "linux")]
        {
            use memmap2::Advice;
            // A kernel without huge pages refuses, and has none to give.
            let _ = match backing {
                Backing::Base => mapping.advise_range(Advice::NoHugePage, start, bytes),
                Backing::Thp => mapping.advise_range(Advice::HugePage, start, bytes),
                Backing::Hugetlb => Ok(()),
            };
        }
        Ok(Self { mapping, start, bytes })
    }

    /// Returns the whole block.
    pub fn pages(&mut self) -> &mut [Page] {
        let block = &mut self.mapping[self.start..][..self.bytes];
        // SAFETY: a page is bytes that may have any value. The block is aligned to more than a page,
        // and its length is a multiple of one.
        unsafe { std::slice::from_raw_parts_mut(block.as_mut_ptr().cast(), self.bytes / PAGE_SIZE) }
    }
}

/// Returns the bytes of all free reserved huge pages and of one of them, or `None` if there is no
/// such page.
pub fn reserved() -> Option<(usize, usize)> {
    pool(&crate::cpuinfo::file("/proc/meminfo")?)
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
