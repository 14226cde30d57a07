//! First touch: nothing that was there changes, and where it can be seen, everything is present.

use std::ptr::NonNull;

use clearpage::{PAGE_SIZE, Page};
use clearpage_os::prefault::{HugePages, prefault, prefault_raw};
use clearpage_testkit::Garbage;

const BOTH: [HugePages; 2] = [HugePages::Advise, HugePages::AsMapped];

#[test]
fn content_stays() {
    for huge in BOTH {
        for npages in [0, 1, 2, 17, 3 * (2 << 20) / PAGE_SIZE + 5] {
            let mut memory = Garbage::new(npages * PAGE_SIZE);
            prefault(memory.pages(npages), huge).unwrap();
            memory.check(0, 0, &"prefault");
        }
    }
}

#[test]
fn nothing_is_a_no_op_of_any_pointer() {
    let misaligned = NonNull::<Page>::dangling().map_addr(|addr| addr | 1);
    for huge in BOTH {
        for page in [NonNull::dangling(), misaligned] {
            // SAFETY: no page is touched.
            unsafe { prefault_raw(page, 0, huge).unwrap() };
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod mapped {
    use std::ffi::c_void;
    use std::mem::MaybeUninit;
    use std::ptr::{NonNull, null_mut};
    use std::sync::OnceLock;
    use std::{fs, io};

    use clearpage::{PAGE_SIZE, Page};
    use clearpage_os::prefault::{HugePages, prefault, prefault_fresh, prefault_raw};
    use rustix::mm::{
        Advice, MapFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect, munmap,
    };

    use super::BOTH;
    use clearpage_testkit::say;

    const HUGE: usize = 2 << 20;

    /// A fresh anonymous mapping, with room to begin at any page.
    struct Mapping {
        start: *mut c_void,
        len: usize,
    }

    impl Mapping {
        fn new(len: usize) -> Self {
            let len = len.next_multiple_of(rustix::param::page_size()) + (64 << 10);
            let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
            // SAFETY: where there is room.
            let start = unsafe { mmap_anonymous(null_mut(), len, access, flags) }.unwrap();
            Self { start, len }
        }

        /// The `npages` pages from the first page on, and those after page `skip`.
        fn pages(&mut self, skip: usize, npages: usize) -> &mut [Page] {
            let first = self.start.map_addr(|addr| addr.next_multiple_of(PAGE_SIZE)).cast::<Page>();
            let end = first.addr() + (skip + npages) * PAGE_SIZE;
            assert!(end <= self.start.addr() + self.len);
            // SAFETY: inside the mapping, which is zero, and borrowed as `self` is.
            unsafe { std::slice::from_raw_parts_mut(first.add(skip), npages) }
        }

        /// Allows no more than `access`.
        fn protect(&self, access: rustix::mm::MprotectFlags) {
            // SAFETY: nothing refers to the mapping's content.
            unsafe { mprotect(self.start, self.len, access) }.unwrap();
        }
    }

    impl Drop for Mapping {
        fn drop(&mut self) {
            // SAFETY: it was mapped, and nobody refers to it any more.
            unsafe { munmap(self.start, self.len) }.unwrap();
        }
    }

    /// How many of the pages are present: bit 63 of their entries in /proc/self/pagemap.
    fn present(pages: &[Page]) -> io::Result<usize> {
        use std::os::unix::fs::FileExt;
        let pagemap = fs::File::open("/proc/self/pagemap")?;
        let mut present = 0;
        for page in pages {
            let mut entry = [0; 8];
            let number = std::ptr::from_ref(page).addr() / rustix::param::page_size();
            pagemap.read_exact_at(&mut entry, number as u64 * 8)?;
            present += usize::from(u64::from_ne_bytes(entry) >> 63 == 1);
        }
        Ok(present)
    }

    /// Whether populating does what it should here: older kernels do not know it, and emulators of
    /// another machine's user programs say that they did it and do nothing.
    fn populates() -> bool {
        static POPULATES: OnceLock<bool> = OnceLock::new();
        *POPULATES.get_or_init(|| {
            let mut mapping = Mapping::new(4 * PAGE_SIZE);
            let pages = mapping.pages(0, 4);
            let (start, len) = (pages.as_mut_ptr().cast(), size_of_val(pages));
            // SAFETY: it changes no content.
            let advised = unsafe { madvise(start, len, Advice::LinuxPopulateWrite) };
            let populates = advised.is_ok() && present(pages).is_ok_and(|present| present == 4);
            if !populates {
                say("prefault: skipped residency and refusal: this system does not populate");
            }
            populates
        })
    }

    #[test]
    fn every_page_is_present() {
        let populates = populates();
        for huge in BOTH {
            for (skip, npages) in [(0, 1), (1, 2), (0, 40), (3, 2 * HUGE / PAGE_SIZE + 1)] {
                let mut mapping = Mapping::new((skip + npages) * PAGE_SIZE);
                let pages = mapping.pages(skip, npages);
                if populates {
                    assert_eq!(present(pages).unwrap(), 0, "a fresh mapping");
                }
                prefault(pages, huge).unwrap();
                if populates {
                    assert_eq!(present(pages).unwrap(), npages, "{huge:?} {npages} pages");
                }
                assert!(pages.iter().all(|page| page.as_bytes().iter().all(|&byte| byte == 0)));
            }
        }
    }

    /// Some pages written before, some not, and a second time over all of them.
    #[test]
    fn content_of_a_mapping_stays() {
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
    fn a_fresh_mapping_becomes_pages_of_zeroes() {
        let mut mapping = Mapping::new(HUGE);
        let pages = mapping.pages(0, HUGE / PAGE_SIZE);
        let (address, npages) = (pages.as_ptr().addr(), pages.len());
        // SAFETY: a MaybeUninit<Page> has the layout of a Page; nothing uninitialised is written.
        let fresh = unsafe { &mut *(std::ptr::from_mut(pages) as *mut [MaybeUninit<Page>]) };
        // SAFETY: an anonymous mapping to which nobody wrote.
        let pages = unsafe { prefault_fresh(fresh, HugePages::Advise) }.unwrap();
        assert_eq!((pages.as_ptr().addr(), pages.len()), (address, npages));
        assert!(pages.iter().all(|page| page.as_bytes().iter().all(|&byte| byte == 0)));
    }

    #[test]
    fn memory_that_cannot_be_written_is_an_error_and_no_signal() {
        use rustix::mm::MprotectFlags;
        if !populates() {
            return;
        }
        for access in [MprotectFlags::READ, MprotectFlags::empty()] {
            for huge in BOTH {
                let mut mapping = Mapping::new(HUGE);
                let npages = HUGE / PAGE_SIZE;
                let page = NonNull::from(mapping.pages(0, npages)).cast();
                mapping.protect(access);
                // SAFETY: this kernel checks the range itself, which is what is tested.
                let error = unsafe { prefault_raw(page, npages, huge) }.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{access:?}: {error}");
            }
        }
    }

    /// The flag `hg` of the mapping that holds `page`, in /proc/self/smaps.
    fn advised_huge(page: &Page) -> bool {
        let address = std::ptr::from_ref(page).addr();
        let holds = |line: &str| {
            let range = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
            let end = |text| usize::from_str_radix(text, 16);
            range.is_some_and(|(first, last)| match (end(first), end(last)) {
                (Ok(first), Ok(last)) => (first..last).contains(&address),
                _ => false,
            })
        };
        let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
        let of_mapping = smaps.lines().skip_while(|line| !holds(line));
        let flags = of_mapping.skip(1).find_map(|line| line.strip_prefix("VmFlags:")).unwrap();
        flags.split_whitespace().any(|flag| flag == "hg")
    }

    #[test]
    fn huge_pages_are_advised_as_asked_for() {
        if !populates() || !fs::exists("/sys/kernel/mm/transparent_hugepage").unwrap() {
            return;
        }
        for huge in BOTH {
            let mut mapping = Mapping::new(2 * HUGE);
            let pages = mapping.pages(0, 2 * HUGE / PAGE_SIZE);
            prefault(pages, huge).unwrap();
            assert_eq!(advised_huge(&pages[0]), huge == HugePages::Advise);
        }
    }

    #[test]
    fn several_threads_tell_of_an_error() {
        if !populates() {
            return;
        }
        let npages = (64 << 20) / PAGE_SIZE + 1;
        let mut mapping = Mapping::new(npages * PAGE_SIZE);
        let pages: *mut [Page] = mapping.pages(0, npages);
        mapping.protect(rustix::mm::MprotectFlags::READ);
        // SAFETY: the mapping is there, and this kernel writes nothing to it.
        let pages = unsafe { &mut *pages };
        let error = clearpage_os::parallel::prefault(pages, HugePages::AsMapped).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
    }

    /// Behind the end of a file a touch raises SIGBUS.
    #[test]
    fn the_end_of_a_file_is_an_error_and_no_signal() {
        const EFAULT: i32 = 14;
        if !populates() {
            return;
        }
        let page_size = PAGE_SIZE.max(rustix::param::page_size());
        let path = std::env::temp_dir().join(format!("clearpage-{}", std::process::id()));
        fs::write(&path, vec![0xa5; page_size]).unwrap();
        let file = fs::File::options().read(true).write(true).open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let len = 4 * page_size;
        let mut mapping = Mapping::new(len);
        let start = mapping.pages(0, len / PAGE_SIZE).as_mut_ptr().cast();
        let (access, flags) =
            (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
        // SAFETY: a part of the mapping to which nobody refers.
        unsafe { mmap(start, len, access, flags, &file, 0) }.unwrap();
        let page = NonNull::new(start.cast::<Page>()).unwrap();
        for huge in BOTH {
            // SAFETY: this kernel checks the range itself, which is what is tested.
            let error = unsafe { prefault_raw(page, len / PAGE_SIZE, huge) }.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(EFAULT), "{error}");
            // SAFETY: the first page is the file's, and nobody else refers to it.
            unsafe { prefault_raw(page, page_size / PAGE_SIZE, huge) }.unwrap();
        }
        // SAFETY: as above.
        let bytes = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), page_size) };
        assert!(bytes.iter().all(|&byte| byte == 0xa5));
    }
}
