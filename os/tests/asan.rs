//! In a build with `-Zsanitizer=address`, each public function of `clearpage` and `clearpage-os` that
//! zeroes memory of its caller has AddressSanitizer check it, unless its guard is held. In every
//! build the list of these functions is compared with the sources.

use std::fs;
use std::path::Path;

mod entries {
    //! The public functions that zero memory of their caller, each applied to all of some pages.

    use std::alloc::{GlobalAlloc, Layout};
    use std::num::NonZeroUsize;
    use std::ops::ControlFlow;
    use std::ptr::NonNull;
    use std::slice;
    use std::sync::Mutex;
    use std::thread::{self, ThreadId};

    use clearpage::highmem::tag::Tag;
    use clearpage::highmem::{
        Frame, FrameRange, LinearMap, clear_highpage, clear_highpages, clear_scattered_highpages,
        tag_clear_highpages,
    };
    use clearpage::hooks::{
        AllocFlags, ClearingAlloc, InitPolicy, PageHooks, free_prepare, post_alloc, set_policy,
    };
    use clearpage::*;
    use clearpage_os::parallel;
    use clearpage_os::pool::{Block, BlockSource, ZeroPool};
    use clearpage_os::raw as os_raw;
    use clearpage_os::reset::{Method, Reuse, reset, reset_with};

    const FEW: usize = 6;
    const MIB: usize = (1 << 20) / PAGE_SIZE;
    const NONE: AllocFlags = AllocFlags::NONE;

    pub struct Entry {
        /// File and name; after a comma, which of its cases.
        pub name: &'static str,
        pub npages: usize,
        pub clear: fn(&mut [Page]),
    }

    const fn few(name: &'static str, clear: fn(&mut [Page])) -> Entry {
        Entry { name, npages: FEW, clear }
    }

    fn bytes(pages: &mut [Page]) -> &mut [u8] {
        // SAFETY: pages consist of bytes.
        unsafe { slice::from_raw_parts_mut(pages.as_mut_ptr().cast(), size_of_val(pages)) }
    }

    fn uninit<T>(memory: &mut [T]) -> &mut [std::mem::MaybeUninit<T>] {
        // SAFETY: only zeroes are written, which are valid pages and bytes.
        unsafe { slice::from_raw_parts_mut(memory.as_mut_ptr().cast(), memory.len()) }
    }

    fn first(pages: &mut [Page]) -> NonNull<Page> {
        NonNull::from(pages).cast()
    }

    fn map(pages: &mut [Page]) -> (LinearMap, FrameRange) {
        let frames = FrameRange::new(Frame::default(), pages.len() as u64).unwrap();
        // SAFETY: the map is dropped before the pages.
        (unsafe { LinearMap::new(frames, first(pages)) }, frames)
    }

    fn hooks(pages: &mut [Page]) -> (PageHooks<LinearMap>, FrameRange, Vec<Frame>) {
        let (map, frames) = map(pages);
        let list = frames.iter().rev().collect();
        (PageHooks::new(map).with_policy(InitPolicy::BOTH), frames, list)
    }

    /// Allocates the pages as one block; blocks with the layout [`SHORT`] are in a page of its own.
    struct OneBlock {
        pages: *mut u8,
        spare: NonNull<Page>,
    }

    /// The layout of a block outside of the pages.
    const SHORT: Layout = Layout::new::<u8>();

    // SAFETY: each block is used once.
    unsafe impl GlobalAlloc for OneBlock {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            if layout.size() == SHORT.size() { self.spare.as_ptr().cast() } else { self.pages }
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}

        unsafe fn realloc(&self, _: *mut u8, _: Layout, _: usize) -> *mut u8 {
            self.pages
        }
    }

    /// Calls `f` with an allocator around [`OneBlock`], the block and its layout.
    fn allocator(
        pages: &mut [Page],
        policy: InitPolicy,
        f: fn(&ClearingAlloc<OneBlock>, *mut u8, Layout),
    ) {
        let (block, layout) = (pages.as_mut_ptr().cast(), Layout::for_value(pages));
        let mut spare = Page::ZERO;
        let inner = OneBlock { pages: block, spare: NonNull::from(&mut spare) };
        let alloc =
            ClearingAlloc::new(inner).with_policy(policy).alloc_zeroed_threshold(usize::MAX);
        f(&alloc, block, layout);
    }

    /// Supplies each page once, to the thread that created the list; the thread of the pool gets none.
    struct Pages(ThreadId, Mutex<Vec<NonNull<Page>>>);

    // SAFETY: the pages belong to the caller, which waits for the pool.
    unsafe impl Send for Pages {}
    // SAFETY: as above.
    unsafe impl Sync for Pages {}

    // SAFETY: the pages belong to the caller, and each is in the list once.
    unsafe impl BlockSource for Pages {
        fn allocate(&self, _: Order) -> Option<Block> {
            let here = thread::current().id() == self.0;
            here.then(|| self.1.lock().unwrap().pop())?.map(Block::Dirty)
        }

        unsafe fn release(&self, _: NonNull<Page>, _: Order) {}
    }

    fn pool(pages: &mut [Page]) -> ZeroPool {
        let list = Mutex::new(pages.iter_mut().map(NonNull::from).collect());
        let source = Pages(thread::current().id(), list);
        // The pool holds no blocks, so its thread clears none that are freed.
        ZeroPool::builder(0).source(source).build().unwrap()
    }

    fn planned(pages: &[Page]) -> AvailablePrimitive {
        primitive_for(Intent::Cold, size_of_val(pages))
    }

    pub const ENTRIES: &[Entry] = &[
        few("clear.rs clear_pages_around", |pages| clear_pages_around(pages, 3)),
        few("clear.rs clear_pages_chunked", |pages| {
            let two = NonZeroUsize::new(2).unwrap();
            clear_pages_chunked(pages, two, Intent::Cold, |_| ControlFlow::Continue(()));
        }),
        few("clear.rs clear_page", |pages| pages.iter_mut().for_each(clear_page)),
        few("clear.rs clear_page_uninit", |pages| {
            for page in uninit(pages) {
                clear_page_uninit(page);
            }
        }),
        few("clear.rs clear_pages", clear_pages),
        few("clear.rs clear_pages_for", |pages| clear_pages_for(pages, Intent::Cold)),
        few("clear.rs clear_pages_uninit", |pages| {
            clear_pages_uninit(uninit(pages));
        }),
        few("clear.rs clear_pages_uninit_for", |pages| {
            clear_pages_uninit_for(uninit(pages), Intent::Hot);
        }),
        few("clear.rs zero_bytes", |pages| zero_bytes(bytes(pages), Intent::Hot)),
        few("clear.rs zero_bytes, up to 256", |pages| {
            for page in pages {
                for (i, len) in (1..=256).rev().enumerate().chain((1..=256).enumerate()) {
                    let at = (i * 61) % (PAGE_SIZE - 256);
                    zero_bytes(&mut page.as_bytes_mut()[at..at + len], Intent::Hot);
                }
                page.as_bytes_mut().chunks_mut(200).for_each(|part| zero_bytes(part, Intent::Hot));
            }
        }),
        few("clear.rs zero_bytes, up to a page", |pages| {
            bytes(pages).chunks_mut(1000).for_each(|part| zero_bytes(part, Intent::Hot));
        }),
        few("clear.rs zero_bytes_uninit", |pages| {
            zero_bytes_uninit(uninit(bytes(pages)), Intent::Hot);
        }),
        few("highmem/clear.rs clear_highpage", |pages| {
            let (map, frames) = map(pages);
            // SAFETY: only the caller uses the pages.
            frames.iter().for_each(|frame| unsafe { clear_highpage(&map, frame) }.unwrap());
        }),
        few("highmem/clear.rs clear_highpages", |pages| {
            let (map, frames) = map(pages);
            // SAFETY: only the caller uses the pages.
            unsafe { clear_highpages(&map, frames, Intent::Auto) }.unwrap();
        }),
        few("highmem/clear.rs clear_scattered_highpages", |pages| {
            let (map, frames) = map(pages);
            let list: Vec<Frame> = frames.iter().rev().collect();
            // SAFETY: only the caller uses the pages.
            unsafe { clear_scattered_highpages(&map, &list, Intent::Cold) }.unwrap();
        }),
        few("highmem/clear.rs tag_clear_highpages", |pages| {
            let (map, frames) = map(pages);
            // SAFETY: only the caller uses the pages.
            let _ = unsafe { tag_clear_highpages(&map, frames, Tag::ZERO) }.unwrap();
        }),
        few("hooks/blocks.rs free_prepare", |pages| {
            set_policy(InitPolicy::BOTH);
            // SAFETY: the pages are the caller's.
            let _ = unsafe { free_prepare(first(pages).as_ptr().cast(), size_of_val(pages), NONE) };
        }),
        few("hooks/blocks.rs post_alloc", |pages| {
            set_policy(InitPolicy::BOTH);
            // SAFETY: the pages are the caller's.
            let _ = unsafe { post_alloc(first(pages).as_ptr().cast(), size_of_val(pages), NONE) };
        }),
        few("hooks/clearing_alloc.rs alloc", |pages| {
            allocator(pages, InitPolicy::ON_ALLOC, |alloc, _, layout| {
                // SAFETY: the block is not used.
                unsafe { alloc.alloc(layout) };
            });
        }),
        few("hooks/clearing_alloc.rs alloc_zeroed", |pages| {
            allocator(pages, InitPolicy::OFF, |alloc, _, layout| {
                // SAFETY: the block is not used.
                unsafe { alloc.alloc_zeroed(layout) };
            });
        }),
        few("hooks/clearing_alloc.rs dealloc", |pages| {
            allocator(pages, InitPolicy::ON_FREE, |alloc, block, layout| {
                // SAFETY: the block is freed once.
                unsafe { alloc.dealloc(block, layout) };
            });
        }),
        few("hooks/clearing_alloc.rs realloc, the added bytes", |pages| {
            bytes(pages)[0] = 0;
            allocator(pages, InitPolicy::ON_ALLOC, |alloc, block, layout| {
                // SAFETY: the pages hold a short block, and are all of the longer one.
                unsafe { alloc.realloc(block, SHORT, layout.size()) };
            });
        }),
        few("hooks/clearing_alloc.rs realloc, the old block", |pages| {
            allocator(pages, InitPolicy::ON_FREE, |alloc, block, layout| {
                // SAFETY: the block is freed once. Its alignment is that of a page.
                unsafe { alloc.realloc(block, layout, SHORT.size()) };
            });
        }),
        few("hooks/pages.rs free_prepare", |pages| {
            let (hooks, frames, _) = hooks(pages);
            // SAFETY: only the caller uses the pages.
            let _ = unsafe { hooks.free_prepare(frames, NONE) }.unwrap();
        }),
        few("hooks/pages.rs free_prepare_scattered", |pages| {
            let (hooks, _, list) = hooks(pages);
            // SAFETY: only the caller uses the pages.
            let _ = unsafe { hooks.free_prepare_scattered(&list, NONE) }.unwrap();
        }),
        few("hooks/pages.rs init_pages", |pages| {
            let (hooks, frames, _) = hooks(pages);
            // SAFETY: only the caller uses the pages.
            unsafe { hooks.init_pages(frames) }.unwrap();
        }),
        few("hooks/pages.rs post_alloc", |pages| {
            let (hooks, frames, _) = hooks(pages);
            // SAFETY: only the caller uses the pages.
            let _ = unsafe { hooks.post_alloc(frames, NONE) }.unwrap();
        }),
        few("hooks/pages.rs post_alloc_scattered", |pages| {
            let (hooks, _, list) = hooks(pages);
            // SAFETY: only the caller uses the pages.
            let _ = unsafe { hooks.post_alloc_scattered(&list, NONE) }.unwrap();
        }),
        few("os/pool/mod.rs take", |pages| {
            let (pool, npages) = (pool(pages), pages.len());
            (0..npages).for_each(|_| drop(pool.take().unwrap()));
        }),
        few("os/pool/mod.rs take_raw", |pages| {
            let (pool, npages) = (pool(pages), pages.len());
            (0..npages).for_each(|_| _ = pool.take_raw().unwrap());
        }),
        Entry {
            name: "os/parallel/mod.rs clear_pages_for",
            npages: 64 * MIB,
            clear: |pages| parallel::clear_pages_for(pages, Intent::Cold),
        },
        Entry {
            name: "os/parallel/mod.rs clear_pages_on",
            npages: 8 * MIB,
            clear: |pages| {
                parallel::clear_pages_on(pages, Intent::Hot, NonZeroUsize::new(3).unwrap());
            },
        },
        few("os/raw.rs reset", |pages| {
            // SAFETY: only the caller uses the pages.
            unsafe { os_raw::reset(first(pages), pages.len(), Method::Clear) }.unwrap();
        }),
        few("os/raw.rs reset_anonymous", |pages| {
            let method = Method::Auto(Reuse::Likely);
            // SAFETY: only the caller uses the pages.
            unsafe { os_raw::reset_anonymous(first(pages), pages.len(), method) }.unwrap();
        }),
        // SAFETY: only the caller uses the pages.
        few("os/raw.rs wipe", |pages| unsafe {
            os_raw::wipe(pages.as_mut_ptr().cast(), size_of_val(pages));
        }),
        few("os/reset/mod.rs reset", |pages| {
            reset(pages, Reuse::Likely);
        }),
        few("os/reset/mod.rs reset_with, cleared", |pages| {
            reset_with(pages, Method::Clear).unwrap();
        }),
        #[cfg(target_os = "linux")]
        few("os/reset/mod.rs reset_with, dropped", |pages| {
            reset_with(pages, Method::Discard).unwrap();
        }),
        few("door.rs clear_pages", |pages| planned(pages).clear_pages(pages)),
        few("door.rs zero_bytes", |pages| planned(pages).zero_bytes(bytes(pages))),
        few("raw.rs clear_page", |pages| {
            // SAFETY: only the caller uses the pages.
            pages.iter_mut().for_each(|page| unsafe { raw::clear_page(page.into()) });
        }),
        // SAFETY: only the caller uses the pages.
        few("raw.rs clear_pages", |pages| unsafe { raw::clear_pages(first(pages), pages.len()) }),
        // SAFETY: only the caller uses the pages.
        few("raw.rs clear_pages_for", |pages| unsafe {
            raw::clear_pages_for(first(pages), pages.len(), Intent::Cold);
        }),
        // SAFETY: only the caller uses the pages.
        few("raw.rs clear_pages_around", |pages| unsafe {
            raw::clear_pages_around(first(pages), pages.len(), 3);
        }),
        // SAFETY: as above.
        few("raw.rs clear_pages_chunked", |pages| unsafe {
            let (two, go_on) = (NonZeroUsize::new(2).unwrap(), |_| ControlFlow::Continue(()));
            raw::clear_pages_chunked(first(pages), pages.len(), two, Intent::Cold, go_on);
        }),
        few("raw.rs clear_scattered", |pages| {
            let list: Vec<NonNull<Page>> = pages.iter_mut().rev().map(NonNull::from).collect();
            // SAFETY: only the caller uses the pages.
            unsafe { raw::clear_scattered(&list, Intent::Hot) }
        }),
        // SAFETY: only the caller uses the pages.
        few("raw.rs zero_bytes", |pages| unsafe {
            raw::zero_bytes(pages.as_mut_ptr().cast(), size_of_val(pages), Intent::Hot);
        }),
        few("clear.rs clear_scattered", |pages| {
            clear_scattered(&mut pages.iter_mut().collect::<Vec<_>>(), Intent::Cold);
        }),
    ];
}

/// Files and folders whose public functions zero no memory of their caller, and why.
const NO_MEMORY: &[(&str, &str)] = &[
    ("checks.rs", "checks memory"),
    ("cpu/", "reports facts of the CPU"),
    ("env/", "reports variables"),
    ("highmem/frames.rs", "computes numbers"),
    ("highmem/linear.rs", "describes memory"),
    ("highmem/tag.rs", "computes pointers"),
    ("hooks/environment.rs", "reports variables"),
    ("hooks/flags.rs", "is a set"),
    ("hooks/policy.rs", "reads and sets the policy"),
    ("hooks/stats.rs", "counts"),
    ("intent.rs", "has names"),
    ("os/file_frames/", "zeroes a file, through mappings of its own"),
    ("os/measure/", "zeroes memory of its own"),
    ("os/pool/block.rs", "returns the bytes of a block"),
    ("os/prefault.rs", "changes no contents"),
    ("os/reset/linux/", "parses text of the system"),
    ("page.rs", "returns the bytes of a page, and computes orders"),
    ("plan/", "selects primitives"),
    ("tuning/", "selects primitives"),
];

/// Public functions of other files that zero no memory of their caller.
const OTHERS: &[&str] = &[
    "hooks/clearing_alloc.rs alloc_zeroed_threshold",
    "hooks/clearing_alloc.rs inner",
    "hooks/clearing_alloc.rs new",
    "hooks/clearing_alloc.rs stats",
    "hooks/clearing_alloc.rs unmap_threshold",
    "hooks/clearing_alloc.rs wipe_with",
    "hooks/clearing_alloc.rs with_policy",
    "hooks/clearing_alloc.rs with_stats",
    "hooks/pages.rs mem",
    "hooks/pages.rs new",
    "hooks/pages.rs with_checker",
    "hooks/pages.rs with_policy",
    "os/parallel/mod.rs prefault",
    "os/pool/mod.rs build",
    "os/pool/mod.rs builder",
    "os/pool/mod.rs idle",
    "os/pool/mod.rs min",
    "os/pool/mod.rs new",
    "os/pool/mod.rs order",
    "os/pool/mod.rs pressure",
    // The pool owns the block when it clears it.
    "os/pool/mod.rs release",
    "os/pool/mod.rs source",
    "os/pool/mod.rs stats",
    "os/pool/mod.rs trim",
    "os/raw.rs prefault",
    "primitive.rs available",
    "primitive.rs block",
    "primitive.rs c_name",
    "primitive.rs name",
    "primitive.rs needs",
    "primitive.rs primitive",
    "primitive.rs primitives",
    "primitive.rs registers",
    "primitive.rs sets_tags",
    "primitive.rs store",
];

/// Lists the public functions of the files in `folder`, and those of `GlobalAlloc`, as `file name`,
/// where `prefix` replaces the path of `root`.
fn public_functions(folder: &Path, root: &Path, prefix: &str, found: &mut Vec<String>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            public_functions(&path, root, prefix, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let file = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        let mut of_allocator = false;
        for line in text.lines() {
            of_allocator = (of_allocator && line != "}") || line.contains("> GlobalAlloc for ");
            let line = line.trim_start();
            let Some((before, declared)) = line.split_once("fn ") else { continue };
            if before.starts_with("pub ") || (of_allocator && before == "unsafe ") {
                let name = declared.split(['(', '<']).next().unwrap();
                found.push(format!("{prefix}{file} {name}"));
            }
        }
    }
}

#[test]
fn every_public_function_that_zeroes_memory_is_listed() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for (folder, prefix) in [("../src", ""), ("src", "os/")] {
        let root = package.join(folder);
        public_functions(&root, &root, prefix, &mut found);
    }
    for (file, _) in NO_MEMORY {
        assert!(found.iter().any(|name| name.starts_with(file)), "{file} has no function");
    }
    found.retain(|name| !NO_MEMORY.iter().any(|(file, _)| name.starts_with(file)));
    let entries = entries::ENTRIES.iter().map(|entry| entry.name.split(',').next().unwrap());
    let listed: Vec<String> = entries.chain(OTHERS.iter().copied()).map(String::from).collect();
    let missing = |from: &[String], of: &[String]| -> Vec<String> {
        from.iter().filter(|name| !of.contains(name)).cloned().collect()
    };
    assert_eq!(missing(&found, &listed), [""; 0], "neither in ENTRIES nor in OTHERS");
    assert_eq!(missing(&listed, &found), [""; 0], "listed, but not in the sources");
}

mod asan {
    //! Tests of builds with `-Zsanitizer=address`. In other builds they return at once.

    use std::ops::Range;
    use std::thread;

    use clearpage::checks::{ADDRESS_SANITIZER, AddressSanitizer, ChecksDisabled};
    use clearpage::{Intent, PAGE_SIZE, Page, raw, zero_bytes};

    use crate::entries::{ENTRIES, Entry};
    use clearpage_testkit::{available, built_for_one, child};

    // Only code that other builds do not reach calls these functions of the compiler's runtime, so
    // no other build links them.
    unsafe extern "C" {
        safe fn __asan_poison_memory_region(address: usize, len: usize);
        safe fn __asan_unpoison_memory_region(address: usize, len: usize);
        safe fn __asan_address_is_poisoned(address: usize) -> i32;
    }

    /// The poisoned bytes of each page.
    const REDZONE: Range<usize> = 512..640;

    /// Pages with a poisoned redzone in each.
    struct Pages(Vec<Page>);

    impl Pages {
        fn new(npages: usize) -> Self {
            let mut pages = vec![Page::ZERO; npages];
            pages.iter_mut().for_each(|page| page.as_bytes_mut().fill(0xa5));
            let pages = Self(pages);
            pages.redzones().for_each(|zone| __asan_poison_memory_region(zone, REDZONE.len()));
            pages
        }

        fn redzones(&self) -> impl Iterator<Item = usize> {
            self.0.iter().map(|page| page.as_bytes().as_ptr().addr() + REDZONE.start)
        }

        /// Panics unless the redzones are still poisoned and all bytes are zero.
        fn check(&self, what: &str) {
            for zone in self.redzones() {
                let poisoned = |at| __asan_address_is_poisoned(zone + at) == 1;
                assert!((0..REDZONE.len()).all(poisoned), "{what}: the poison is gone");
            }
            self.redzones().for_each(|zone| __asan_unpoison_memory_region(zone, REDZONE.len()));
            let zero = |page: &Page| page.as_bytes() == &[0; PAGE_SIZE];
            assert!(self.0.iter().all(zero), "{what}: not all bytes are zero");
        }
    }

    impl Drop for Pages {
        fn drop(&mut self) {
            self.redzones().for_each(|zone| __asan_unpoison_memory_region(zone, REDZONE.len()));
        }
    }

    #[test]
    fn with_a_guard_redzones_are_cleared_and_stay_poisoned() {
        if !ADDRESS_SANITIZER {
            return;
        }
        let rows = available().into_iter().filter(|row| !row.sets_tags());
        for name in rows.map(|row| row.name()) {
            if !built_for_one() {
                clearpage::force(name).unwrap();
            }
            for Entry { name: entry, npages, clear } in ENTRIES {
                let mut pages = Pages::new(*npages);
                {
                    let _unchecked = ChecksDisabled::new(&AddressSanitizer);
                    clear(&mut pages.0);
                }
                pages.check(&format!("{entry} by {name}"));
            }
        }
        clearpage::reset_plan().unwrap();
    }

    #[test]
    #[ignore = "run by without_a_guard_a_write_to_a_redzone_is_reported"]
    fn clear_without_a_guard() {
        if !ADDRESS_SANITIZER {
            return;
        }
        let entry: usize = std::env::var("ENTRY").unwrap().parse().unwrap();
        drop(ChecksDisabled::new(&AddressSanitizer));
        // The guard of another thread has no effect on this one.
        thread::scope(|scope| {
            let (held, holds) = std::sync::mpsc::channel();
            let (done, waits) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || {
                let _unchecked = ChecksDisabled::new(&AddressSanitizer);
                held.send(()).unwrap();
                let _ = waits.recv();
            });
            holds.recv().unwrap();
            (ENTRIES[entry].clear)(&mut Pages::new(ENTRIES[entry].npages).0);
            drop(done);
        });
    }

    #[test]
    #[ignore = "run by an_overflow_is_reported"]
    fn overflow() {
        if !ADDRESS_SANITIZER {
            return;
        }
        let len: usize = std::env::var("LEN").unwrap().parse().unwrap();
        {
            let _unchecked = ChecksDisabled::new(&AddressSanitizer);
            zero_bytes(&mut vec![1; len], Intent::Hot);
        }
        let mut bytes = vec![1_u8; len];
        // SAFETY: none: the length is one byte too long, which AddressSanitizer must report.
        unsafe { raw::zero_bytes(bytes.as_mut_ptr(), len + 1, Intent::Hot) }
    }

    /// Runs a test in a child; returns what it printed unless it ended with the given report.
    fn unreported(test: &str, variable: (&str, &str), what: &str) -> Option<String> {
        let child = child(&format!("asan::{test}"), variable);
        let stderr = String::from_utf8_lossy(&child.stderr);
        let reported = stderr.contains(&format!("AddressSanitizer: {what}"));
        (!reported || child.status.success()).then(|| format!("{variable:?}: {stderr}"))
    }

    #[test]
    fn without_a_guard_a_write_to_a_redzone_is_reported() {
        if !ADDRESS_SANITIZER {
            return;
        }
        let silent = |entry: &usize| {
            let entry = ("ENTRY", &*entry.to_string());
            unreported("clear_without_a_guard", entry, "use-after-poison").is_some()
        };
        let silent = (0..ENTRIES.len()).filter(silent).map(|entry| ENTRIES[entry].name);
        assert_eq!(silent.collect::<Vec<_>>(), [""; 0], "not checked");
    }

    #[test]
    fn an_overflow_is_reported() {
        if !ADDRESS_SANITIZER {
            return;
        }
        for len in [1, 100, 256, 1000, 40 * PAGE_SIZE] {
            let variable = ("LEN", &*len.to_string());
            assert_eq!(unreported("overflow", variable, "heap-buffer-overflow"), None);
        }
    }
}
