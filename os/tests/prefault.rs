//! Prefaulting changes no contents and makes every page present; what cannot be written is an error.

use std::ptr::NonNull;

use clearpage::{PAGE_SIZE, Page};
use clearpage_os::{HugePages, prefault, raw};
use clearpage_testkit::Garbage;

const BOTH: [HugePages; 2] = [HugePages::Advise, HugePages::AsMapped];

#[test]
fn contents_of_a_vector_are_unchanged() {
    for huge in BOTH {
        for npages in [0, 1, 2, 17, 3 * (2 << 20) / PAGE_SIZE + 5] {
            let mut memory = Garbage::new(npages * PAGE_SIZE);
            prefault(memory.pages(npages), huge).unwrap();
            memory.check(0, 0, &"prefault");
        }
    }
}

#[test]
fn no_pages_are_a_no_op_for_any_pointer() {
    let misaligned = NonNull::<Page>::dangling().map_addr(|addr| addr | 1);
    for huge in BOTH {
        for page in [NonNull::dangling(), misaligned] {
            // SAFETY: no page is accessed.
            unsafe { raw::prefault(page, 0, huge).unwrap() };
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod mapped {
    use std::ptr::NonNull;
    use std::{fs, io};

    use clearpage::{PAGE_SIZE, Page};
    use clearpage_os::{HugePages, parallel, prefault, raw};
    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mprotect};

    use super::BOTH;
    use clearpage_testkit::linux::{HUGE, Mapping, populates, present, unit};

    fn is_zero(page: &Page) -> bool {
        page.as_bytes() == &[0; PAGE_SIZE]
    }

    /// Allows only `access` to the first `npages` pages, and returns the first of them.
    fn protect(mapping: &mut Mapping, npages: usize, access: MprotectFlags) -> NonNull<Page> {
        // SAFETY: nothing refers to the contents.
        unsafe { mprotect(mapping.start(), npages * PAGE_SIZE, access) }.unwrap();
        NonNull::new(mapping.start().cast()).unwrap()
    }

    #[test]
    fn every_page_becomes_present() {
        let populates = populates();
        for huge in BOTH {
            for (skip, npages) in [(0, 1), (1, 2), (0, 40), (3, 2 * HUGE / PAGE_SIZE + 1)] {
                let mut mapping = Mapping::new((skip + npages) * PAGE_SIZE);
                let pages = mapping.pages(skip, npages);
                if populates {
                    assert_eq!(present(pages), 0, "a fresh mapping");
                }
                prefault(pages, huge).unwrap();
                if populates {
                    assert_eq!(present(pages), npages, "{huge:?} {npages} pages");
                }
                assert!(pages.iter().all(is_zero));
            }
        }
    }

    #[test]
    fn contents_of_a_partly_written_mapping_are_unchanged() {
        let mut mapping = Mapping::new(2 * HUGE);
        let pages = mapping.pages(0, 2 * HUGE / PAGE_SIZE);
        for page in pages.iter_mut().step_by(3) {
            page.as_bytes_mut().fill(0xa5);
        }
        for huge in BOTH {
            prefault(pages, huge).unwrap();
            for (i, page) in pages.iter().enumerate() {
                let byte = if i % 3 == 0 { 0xa5 } else { 0 };
                assert!(page.as_bytes().iter().all(|&b| b == byte), "page {i}");
            }
        }
    }

    #[test]
    fn protected_memory_is_an_error_and_no_signal() {
        if !populates() {
            return;
        }
        for access in [MprotectFlags::READ, MprotectFlags::empty()] {
            for huge in BOTH {
                let npages = HUGE / PAGE_SIZE;
                let mut mapping = Mapping::new(HUGE);
                let page = protect(&mut mapping, npages, access);
                // SAFETY: this kernel checks the range itself, which the test is about.
                let error = unsafe { raw::prefault(page, npages, huge) }.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{access:?}: {error}");
            }
        }
    }

    #[test]
    fn several_threads_report_the_error_of_one() {
        if !populates() {
            return;
        }
        let npages = (64 << 20) / PAGE_SIZE + 1;
        let mut mapping = Mapping::new(npages * PAGE_SIZE);
        let page = protect(&mut mapping, npages.next_multiple_of(16), MprotectFlags::READ);
        // SAFETY: the pages are mapped, and this kernel writes nothing to them.
        let pages = unsafe { std::slice::from_raw_parts_mut(page.as_ptr(), npages) };
        let error = parallel::prefault(pages, HugePages::AsMapped).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
    }

    #[test]
    fn pages_past_the_end_of_a_file_are_an_error_and_no_signal() {
        const EFAULT: i32 = 14;
        if !populates() {
            return;
        }
        let path = std::env::temp_dir().join(format!("clearpage-{}", std::process::id()));
        fs::write(&path, vec![0xa5; unit()]).unwrap();
        let file = fs::File::options().read(true).write(true).open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let mut mapping = Mapping::new(HUGE);
        let (access, flags) =
            (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
        // SAFETY: a part of the mapping, which nothing refers to.
        unsafe { mmap(mapping.start(), 4 * unit(), access, flags, &file, 0) }.unwrap();
        let (inside, all) = (unit() / PAGE_SIZE, 4 * unit() / PAGE_SIZE);
        for huge in BOTH {
            let page = NonNull::new(mapping.start().cast()).unwrap();
            // SAFETY: this kernel checks the range itself, which the test is about.
            let error = unsafe { raw::prefault(page, all, huge) }.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(EFAULT), "{error}");
            prefault(mapping.pages(0, inside), huge).unwrap();
        }
        let pages = mapping.pages(0, inside);
        assert!(pages.iter().all(|page| page.as_bytes() == &[0xa5; PAGE_SIZE]));
    }

    /// Returns the flag `hg` of the mapping that contains `page`, from /proc/self/smaps.
    fn is_advised(page: &Page) -> bool {
        let address = std::ptr::from_ref(page).addr();
        let contains = |line: &str| {
            let range = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
            let parse = |text| usize::from_str_radix(text, 16);
            range.is_some_and(|(first, end)| match (parse(first), parse(end)) {
                (Ok(first), Ok(end)) => (first..end).contains(&address),
                _ => false,
            })
        };
        let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
        let mapping = smaps.lines().skip_while(|line| !contains(line));
        let flags = mapping.skip(1).find_map(|line| line.strip_prefix("VmFlags:")).unwrap();
        flags.split_whitespace().any(|flag| flag == "hg")
    }

    #[test]
    fn only_advise_advises_huge_pages() {
        if !populates() || !fs::exists("/sys/kernel/mm/transparent_hugepage").unwrap() {
            return;
        }
        for huge in BOTH {
            let mut mapping = Mapping::new(2 * HUGE);
            let pages = mapping.pages(0, 2 * HUGE / PAGE_SIZE);
            prefault(pages, huge).unwrap();
            assert_eq!(is_advised(&pages[0]), huge == HugePages::Advise);
        }
    }
}
