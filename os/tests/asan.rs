//! AddressSanitizer, in a build with `-Zsanitizer=address`: each public function that zeroes memory of
//! its caller has it checked, unless the guard is held. The list of those functions is compared with
//! the sources in every build.

use std::fs;
use std::path::Path;

mod entries {
    //! Every way to zero memory of a caller, each over all of some pages.

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
    use clearpage::hooks::{AllocFlags, ClearingAlloc, InitPolicy, PageHooks};
    use clearpage::pool::{Block, BlockSource, ZeroPool};
    use clearpage::reset::{Method, Reuse, reset, reset_anonymous, reset_raw, wipe};
    use clearpage::*;

    const FEW: usize = 6;
    const MIB: usize = (1 << 20) / PAGE_SIZE;
    const NONE: AllocFlags = AllocFlags::NONE;

    #[cfg_attr(not(clearpage_asan), allow(dead_code, reason = "only the names are compared"))]
    pub struct Entry {
        /// File and name; behind a comma, which of its ways.
        pub name: &'static str,
        pub npages: usize,
        pub clear: fn(&mut [Page]),
    }

    const fn few(name: &'static str, clear: fn(&mut [Page])) -> Entry {
        Entry { name, npages: FEW, clear }
    }

    fn bytes(pages: &mut [Page]) -> &mut [u8] {
        // SAFETY: pages are nothing but bytes.
        unsafe { slice::from_raw_parts_mut(pages.as_mut_ptr().cast(), size_of_val(pages)) }
    }

    fn uninit<T>(memory: &mut [T]) -> &mut [std::mem::MaybeUninit<T>] {
        // SAFETY: what is written there is zero, which is a page and a byte.
        unsafe { slice::from_raw_parts_mut(memory.as_mut_ptr().cast(), memory.len()) }
    }

    fn first(pages: &mut [Page]) -> NonNull<Page> {
        NonNull::from(pages).cast()
    }

    fn map(pages: &mut [Page]) -> (LinearMap, FrameRange) {
        let frames = FrameRange::new(Frame::default(), pages.len() as u64).unwrap();
        // SAFETY: the map is used up before the pages are.
        (unsafe { LinearMap::new(frames, first(pages)) }, frames)
    }

    fn hooks(pages: &mut [Page]) -> (PageHooks<LinearMap>, FrameRange, Vec<Frame>) {
        let (map, frames) = map(pages);
        let list = frames.iter().rev().collect();
        (PageHooks::new(map).with_policy(InitPolicy::BOTH), frames, list)
    }

    /// An allocator whose one block is the pages; its shortest blocks are in a page of its own.
    struct OneBlock {
        pages: *mut u8,
        spare: NonNull<Page>,
    }

    /// The layout of a block that is not the pages.
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
        let supply = Pages(thread::current().id(), list);
        // It holds no blocks, so its thread clears none that come back.
        ZeroPool::builder(0).supply(supply).build().unwrap()
    }

    fn planned(pages: &[Page]) -> AvailablePrimitive {
        primitive_for(Intent::Cold, size_of_val(pages)).available().unwrap()
    }

    pub const ENTRIES: &[Entry] = &[
        few("around.rs clear_pages_around", |pages| clear_pages_around(pages, 3)),
        few("chunked.rs clear_pages_chunked", |pages| {
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
            // SAFETY: the pages are the caller's alone.
            frames.iter().for_each(|frame| unsafe { clear_highpage(&map, frame) }.unwrap());
        }),
        few("highmem/clear.rs clear_highpages", |pages| {
            let (map, frames) = map(pages);
            // SAFETY: the pages are the caller's alone.
            unsafe { clear_highpages(&map, frames, Intent::Auto) }.unwrap();
        }),
        few("highmem/clear.rs clear_scattered_highpages", |pages| {
            let (map, frames) = map(pages);
            let list: Vec<Frame> = frames.iter().rev().collect();
            // SAFETY: the pages are the caller's alone.
            unsafe { clear_scattered_highpages(&map, &list, Intent::Cold) }.unwrap();
        }),
        few("highmem/tag.rs tag_clear_highpages", |pages| {
            let (map, frames) = map(pages);
            // SAFETY: the pages are the caller's alone.
            let _ = unsafe { tag_clear_highpages(&map, frames, Tag::ZERO) }.unwrap();
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
        few("hooks/clearing_alloc.rs realloc, the bytes that are added", |pages| {
            bytes(pages)[0] = 0;
            allocator(pages, InitPolicy::ON_ALLOC, |alloc, block, layout| {
                // SAFETY: the pages hold a short block, and are all of the longer one.
                unsafe { alloc.realloc(block, SHORT, layout.size()) };
            });
        }),
        few("hooks/clearing_alloc.rs realloc, the block that is left", |pages| {
            allocator(pages, InitPolicy::ON_FREE, |alloc, block, layout| {
                // SAFETY: the block is freed once. Its alignment is that of a page.
                unsafe { alloc.realloc(block, layout, SHORT.size()) };
            });
        }),
        few("hooks/pages.rs free_prepare", |pages| {
            let (hooks, frames, _) = hooks(pages);
            // SAFETY: the pages are the caller's alone.
            let _ = unsafe { hooks.free_prepare(frames, NONE) }.unwrap();
        }),
        few("hooks/pages.rs free_prepare_scattered", |pages| {
            let (hooks, _, list) = hooks(pages);
            // SAFETY: the pages are the caller's alone.
            let _ = unsafe { hooks.free_prepare_scattered(&list, NONE) }.unwrap();
        }),
        few("hooks/pages.rs init_pages", |pages| {
            let (hooks, frames, _) = hooks(pages);
            // SAFETY: the pages are the caller's alone.
            unsafe { hooks.init_pages(frames) }.unwrap();
        }),
        few("hooks/pages.rs init_scattered", |pages| {
            let (hooks, _, list) = hooks(pages);
            // SAFETY: the pages are the caller's alone.
            unsafe { hooks.init_scattered(&list) }.unwrap();
        }),
        few("hooks/pages.rs post_alloc", |pages| {
            let (hooks, frames, _) = hooks(pages);
            // SAFETY: the pages are the caller's alone.
            let _ = unsafe { hooks.post_alloc(frames, NONE) }.unwrap();
        }),
        few("hooks/pages.rs post_alloc_scattered", |pages| {
            let (hooks, _, list) = hooks(pages);
            // SAFETY: the pages are the caller's alone.
            let _ = unsafe { hooks.post_alloc_scattered(&list, NONE) }.unwrap();
        }),
        few("os/pool.rs take", |pages| {
            let (pool, npages) = (pool(pages), pages.len());
            (0..npages).for_each(|_| drop(pool.take().unwrap()));
        }),
        few("os/pool.rs take_raw", |pages| {
            let (pool, npages) = (pool(pages), pages.len());
            (0..npages).for_each(|_| _ = pool.take_raw().unwrap());
        }),
        Entry {
            name: "os/parallel.rs clear_pages",
            npages: 64 * MIB,
            clear: |pages| parallel::clear_pages(pages, Intent::Cold),
        },
        Entry {
            name: "os/parallel.rs clear_pages_on",
            npages: 8 * MIB,
            clear: |pages| {
                parallel::clear_pages_on(pages, Intent::Hot, NonZeroUsize::new(3).unwrap());
            },
        },
        few("os/reset.rs reset", |pages| {
            reset(pages, Method::Auto(Reuse::Likely)).unwrap();
        }),
        #[cfg(target_os = "linux")]
        few("os/reset.rs reset, pages that are dropped", |pages| {
            reset(pages, Method::Discard).unwrap();
        }),
        few("os/reset.rs reset_raw", |pages| {
            // SAFETY: the pages are the caller's alone.
            unsafe { reset_raw(first(pages), pages.len(), Method::Clear) }.unwrap();
        }),
        few("os/reset.rs reset_anonymous", |pages| {
            // SAFETY: the pages are the caller's alone.
            unsafe { reset_anonymous(first(pages), pages.len(), Method::Auto(Reuse::Likely)) }
                .unwrap();
        }),
        // SAFETY: the pages are the caller's alone.
        few("os/reset.rs wipe", |pages| unsafe {
            wipe(pages.as_mut_ptr().cast(), size_of_val(pages));
        }),
        few("primitive.rs clear_pages", |pages| planned(pages).clear_pages(pages)),
        few("primitive.rs zero_bytes", |pages| planned(pages).zero_bytes(bytes(pages))),
        few("raw.rs clear_page", |pages| {
            // SAFETY: the pages are the caller's alone.
            pages.iter_mut().for_each(|page| unsafe { raw::clear_page(page.into()) });
        }),
        // SAFETY: the pages are the caller's alone.
        few("raw.rs clear_pages", |pages| unsafe { raw::clear_pages(first(pages), pages.len()) }),
        // SAFETY: the pages are the caller's alone.
        few("raw.rs clear_pages_for", |pages| unsafe {
            raw::clear_pages_for(first(pages), pages.len(), Intent::Cold);
        }),
        few("raw.rs clear_scattered", |pages| {
            let list: Vec<NonNull<Page>> = pages.iter_mut().rev().map(NonNull::from).collect();
            // SAFETY: the pages are the caller's alone.
            unsafe { raw::clear_scattered(&list, Intent::Hot) }
        }),
        // SAFETY: the pages are the caller's alone.
        few("raw.rs zero_bytes", |pages| unsafe {
            raw::zero_bytes(pages.as_mut_ptr().cast(), size_of_val(pages), Intent::Hot);
        }),
        few("scattered.rs clear_scattered", |pages| {
            clear_scattered(&mut pages.iter_mut().collect::<Vec<_>>(), Intent::Cold);
        }),
    ];
}

/// Files and folders whose public functions zero no memory of their caller, and why.
const NO_MEMORY: &[(&str, &str)] = &[
    ("cpu/", "facts of the CPU"),
    ("environment/", "what was read"),
    ("highmem/frames.rs", "numbers"),
    ("highmem/linear.rs", "a map"),
    ("hooks/flags.rs", "a set"),
    ("hooks/policy.rs", "the policy"),
    ("hooks/stats.rs", "counters"),
    ("intent.rs", "a name"),
    ("os/file_frames.rs", "a file, through mappings of its own"),
    ("os/file_frames/", "as above"),
    ("os/measure.rs", "memory of its own"),
    ("os/measure/", "as above"),
    ("os/pool/block.rs", "the bytes of a block"),
    ("os/prefault.rs", "keeps what is there"),
    ("os/reset/linux/", "reads texts of the system"),
    ("page.rs", "the bytes of a page; orders"),
    ("tuning.rs", "a tuning"),
    ("tuning_text.rs", "a text"),
];

/// Public functions of other files that zero no memory of their caller.
const OTHERS: &[&str] = &[
    "dispatch.rs force",
    "dispatch.rs init",
    "dispatch.rs plan",
    "dispatch.rs reset_plan",
    "highmem/instrumentation.rs new",
    "highmem/tag.rs get",
    "highmem/tag.rs new",
    "highmem/tag.rs reset",
    "highmem/tag.rs supported",
    "highmem/tag.rs with",
    "hooks/clearing_alloc.rs inner",
    "hooks/clearing_alloc.rs unmap_threshold",
    "hooks/clearing_alloc.rs alloc_zeroed_threshold",
    "hooks/clearing_alloc.rs new",
    "hooks/clearing_alloc.rs stats",
    "hooks/clearing_alloc.rs wipe_touched_from",
    "hooks/clearing_alloc.rs with_policy",
    "hooks/clearing_alloc.rs with_stats",
    "hooks/environment.rs init",
    "hooks/environment.rs variable",
    "hooks/pages.rs mem",
    "hooks/pages.rs new",
    "hooks/pages.rs with_checker",
    "hooks/pages.rs with_policy",
    "os/parallel.rs prefault",
    "os/pool.rs build",
    "os/pool.rs builder",
    // The thread of the pool clears the block.
    "os/pool.rs give_back",
    "os/pool.rs idle",
    "os/pool.rs min",
    "os/pool.rs new",
    "os/pool.rs order",
    "os/pool.rs pressure",
    "os/pool.rs statistics",
    "os/pool.rs supply",
    "os/pool.rs trim",
    "primitive.rs available",
    "primitive.rs block",
    "primitive.rs name",
    "primitive.rs needs",
    "primitive.rs primitive",
    "primitive.rs primitives",
    "primitive.rs registers",
    "primitive.rs sets_tags",
    "primitive.rs store",
];

/// The public functions of the files below `folder`, and those of `GlobalAlloc`, as `file name`.
fn public_functions(folder: &Path, root: &Path, found: &mut Vec<String>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            public_functions(&path, root, found);
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
                found.push(format!("{file} {name}"));
            }
        }
    }
}

#[test]
fn every_public_function_that_zeroes_memory_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    public_functions(&root, &root, &mut found);
    let files: Vec<&str> = NO_MEMORY.iter().map(|entry| entry.0).collect();
    for file in &files {
        assert!(found.iter().any(|name| name.starts_with(*file)), "{file} has no function");
    }
    found.retain(|name| !files.iter().any(|file| name.starts_with(*file)));
    found.sort();
    let entries = entries::ENTRIES.iter().map(|entry| entry.name.split(',').next().unwrap());
    let mut listed: Vec<String> = entries.chain(OTHERS.iter().copied()).map(String::from).collect();
    listed.sort();
    listed.dedup();
    let missing = |from: &[String], of: &[String]| -> Vec<String> {
        from.iter().filter(|name| !of.contains(name)).cloned().collect()
    };
    assert_eq!(missing(&found, &listed), [""; 0], "neither in ENTRIES nor in OTHERS");
    assert_eq!(missing(&listed, &found), [""; 0], "listed, but not in the sources");
}

#[cfg(clearpage_asan)]

/// Built with `-Zsanitizer=address`.
#[cfg(clearpage_asan)]
mod asan {
    use std::ops::Range;
    use std::thread;

    use clearpage::highmem::{AddressSanitizer, ChecksDisabled};
    use clearpage::{Intent, PAGE_SIZE, Page, raw, zero_bytes};

    use crate::entries::{ENTRIES, Entry};
    use clearpage_testkit::{available, built_for_one, child};

    unsafe extern "C" {
        safe fn __asan_poison_memory_region(address: usize, len: usize);
        safe fn __asan_unpoison_memory_region(address: usize, len: usize);
        safe fn __asan_address_is_poisoned(address: usize) -> i32;
    }

    /// Of each page.
    const REDZONE: Range<usize> = 512..640;

    /// Pages with a redzone in each, which whoever owns them must not write.
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

        /// Panics unless the redzones are still such; then unless all is zero.
        fn check(&self, what: &str) {
            for zone in self.redzones() {
                let poisoned = |at| __asan_address_is_poisoned(zone + at) == 1;
                assert!((0..REDZONE.len()).all(poisoned), "{what}: the poison is gone");
            }
            self.redzones().for_each(|zone| __asan_unpoison_memory_region(zone, REDZONE.len()));
            let zero = |page: &Page| page.as_bytes() == &[0; PAGE_SIZE];
            assert!(self.0.iter().all(zero), "{what}: not all is zero");
        }
    }

    impl Drop for Pages {
        fn drop(&mut self) {
            self.redzones().for_each(|zone| __asan_unpoison_memory_region(zone, REDZONE.len()));
        }
    }

    #[test]
    fn redzones_are_cleared_and_stay() {
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

    /// Children of the test below.
    #[test]
    #[ignore = "run by another test, in a process of its own"]
    fn clear_without_a_guard() {
        let entry: usize = std::env::var("ENTRY").unwrap().parse().unwrap();
        drop(ChecksDisabled::new(&AddressSanitizer));
        // That of another thread is no help.
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
    #[ignore = "run by another test, in a process of its own"]
    fn overflow() {
        let len: usize = std::env::var("LEN").unwrap().parse().unwrap();
        {
            let _unchecked = ChecksDisabled::new(&AddressSanitizer);
            zero_bytes(&mut vec![1; len], Intent::Hot);
        }
        let mut bytes = vec![1_u8; len];
        // SAFETY: none: a byte more than there are, which is what is to be caught.
        unsafe { raw::zero_bytes(bytes.as_mut_ptr(), len + 1, Intent::Hot) }
    }

    /// What is wrong with the report of a child; nothing if it is as it should be.
    fn unreported(test: &str, variable: (&str, &str), what: &str) -> Option<String> {
        let child = child(&format!("asan::{test}"), variable);
        let stderr = String::from_utf8_lossy(&child.stderr);
        let reported = stderr.contains(&format!("AddressSanitizer: {what}"));
        (!reported || child.status.success()).then(|| format!("{variable:?}: {stderr}"))
    }

    #[test]
    fn without_a_guard_a_redzone_is_reported() {
        let silent = |entry: usize| {
            unreported("clear_without_a_guard", ("ENTRY", &entry.to_string()), "use-after-poison")
        };
        let silent: Vec<&str> = (0..ENTRIES.len())
            .filter(|&entry| silent(entry).is_some())
            .map(|entry| ENTRIES[entry].name)
            .collect();
        assert_eq!(silent, [""; 0], "not checked");
    }

    #[test]
    fn an_overflow_is_reported() {
        for len in [1, 100, 256, 1000, 40 * PAGE_SIZE] {
            let variable = ("LEN", &*len.to_string());
            assert_eq!(unreported("overflow", variable, "heap-buffer-overflow"), None);
        }
    }
}
