//! The shapes that no other library has, and what a call costs.

use std::hint::black_box;
use std::ptr::NonNull;

use clearpage::{Intent, PAGE_SIZE, Page, raw};
use clearpage_benches::{Promises, Race, nanoseconds, string_stores};
use clearpage_cli::table::ruled;
use clearpage_cli::units::format_size;

use crate::{KIB, MIB, ROUNDS};

pub fn promise(promises: &mut Promises, pages: &mut [Page]) {
    scattered(promises, pages);
    used(promises, pages);
    guesses(pages);
    around(promises, pages);
    call(promises, pages);
    short(promises, pages);
}

/// One `rep stosb` call.
fn stosb(pages: &mut [Page]) {
    string_stores().clear_pages(pages);
}

fn memset(pages: &mut [Page]) {
    // SAFETY: pages are nothing but bytes, and these are ours to write.
    unsafe { libc::memset(pages.as_mut_ptr().cast(), 0, size_of_val(pages)) };
}

/// All pages in random order, 512 a list, as a bulk allocation of 2 MiB would name them.
fn scattered(promises: &mut Promises, pages: &mut [Page]) {
    let base = NonNull::from(&mut *pages).cast::<Page>();
    // SAFETY: below the number of pages.
    let mut list: Vec<NonNull<Page>> = (0..pages.len()).map(|i| unsafe { base.add(i) }).collect();
    fastrand::Rng::with_seed(2).shuffle(&mut list);
    let list = &list;
    let samples = Race::default()
        .with("scattered", |_| {
            nanoseconds(|| {
                for bulk in list.chunks(512) {
                    // SAFETY: pages of the arena, which nobody else uses meanwhile.
                    unsafe { raw::clear_scattered(bulk, Intent::Cold) };
                }
            })
        })
        .with("stosb a page", |_| {
            nanoseconds(|| {
                for &page in list {
                    // SAFETY: as above.
                    stosb(std::slice::from_mut(unsafe { &mut *page.as_ptr() }));
                }
            })
        })
        .run(ROUNDS, pages);
    let gb_per_s = (list.len() * PAGE_SIZE) as f64 / samples.median("scattered");
    println!("scattered: {gb_per_s:.0} GB/s");
    promises.at_least(
        "scattered pages, cold: to stosb a page",
        samples.ratio("scattered", "stosb a page"),
        2.5,
    );
}

/// Every line read and written.
fn touch(pages: &mut [Page]) {
    for page in pages {
        for line in page.as_bytes_mut().chunks_exact_mut(64) {
            line[0] = black_box(line[0]).wrapping_add(1);
        }
    }
}

/// Clears cold memory, `npages` a call, and does `then` with each stretch before the next.
fn walk(
    npages: usize,
    clear: fn(&mut [Page]),
    then: fn(&mut [Page]),
) -> impl FnMut(&mut [Page]) -> f64 {
    move |pages| {
        nanoseconds(|| {
            for stretch in pages.chunks_exact_mut(npages) {
                clear(black_box(stretch));
                then(stretch);
            }
        })
    }
}

/// Cold memory cleared and then used, a stretch after the other.
fn used(promises: &mut Promises, pages: &mut [Page]) {
    for (size, least) in [(4 * KIB, 0.97), (16 * KIB, 0.97)] {
        let npages = size / PAGE_SIZE;
        let walk = |clear| walk(npages, clear, touch);
        let samples = Race::default()
            .with("hot", walk(|pages| clearpage::clear_pages_for(pages, Intent::Hot)))
            .with("memset", walk(memset))
            .run(ROUNDS, pages);
        let what = format!("Hot {} KiB, then used: to memset", size / KIB);
        promises.at_least(&what, samples.ratio("hot", "memset"), least);
    }
}

/// What each intent costs when it was the wrong guess: memory that was cold, left alone or used
/// right after it was cleared, against the best intent for that.
fn guesses(pages: &mut [Page]) {
    let mut table = ruled();
    table.set_header(["cold memory, then", "size", "Auto", "Hot", "Cold"]);
    for (what, then) in [("left alone", (|_| {}) as fn(&mut [Page])), ("used", touch)] {
        for size in [4 * KIB, 64 * KIB, MIB, 8 * MIB, 64 * MIB] {
            let npages = size / PAGE_SIZE;
            let walk = |clear| walk(npages, clear, then);
            let samples = Race::default()
                .with("auto", walk(clearpage::clear_pages))
                .with("hot", walk(|pages| clearpage::clear_pages_for(pages, Intent::Hot)))
                .with("cold", walk(|pages| clearpage::clear_pages_for(pages, Intent::Cold)))
                .run(ROUNDS / 3, pages);
            let best = samples.best(["auto", "hot", "cold"].into_iter());
            let row =
                ["auto", "hot", "cold"].map(|name| format!("{:.2}", samples.ratio(name, best)));
            table.add_row([&[what.to_owned(), format_size(size as u64)][..], &row].concat());
        }
    }
    println!("what a wrong guess costs, as a share of the best intent's throughput:\n{table}");
}

/// Huge pages of cold memory cleared because of one touch, and then the 64 KiB around it used.
fn around(promises: &mut Promises, pages: &mut [Page]) {
    const NPAGES: usize = 2 * MIB / PAGE_SIZE;
    const REACH: usize = 32 * KIB / PAGE_SIZE;
    let walk = |clear: fn(&mut [Page], usize), touch_only: bool| {
        move |pages: &mut [Page]| {
            let mut random = fastrand::Rng::with_seed(3);
            let mut time = 0.0;
            for huge in pages.chunks_exact_mut(NPAGES) {
                let hot = random.usize(REACH..NPAGES - REACH);
                let clearing = nanoseconds(|| clear(black_box(huge), hot));
                let touching = nanoseconds(|| touch(&mut huge[hot - REACH..hot + REACH]));
                time += if touch_only { touching } else { clearing + touching };
            }
            time
        }
    };
    let around: fn(&mut [Page], usize) = clearpage::clear_pages_around;
    let cold: fn(&mut [Page], usize) = |pages, _| clearpage::clear_pages_for(pages, Intent::Cold);
    let string: fn(&mut [Page], usize) = |pages, _| stosb(pages);
    let samples = Race::default()
        .with("around", walk(around, false))
        .with("cold", walk(cold, false))
        .with("stosb", walk(string, false))
        .with("around, touch", walk(around, true))
        .with("cold, touch", walk(cold, true))
        .run(ROUNDS, pages);
    promises.at_least(
        "2 MiB around a touch, in all: to Cold",
        samples.ratio("around", "cold"),
        0.97,
    );
    promises.at_least(
        "2 MiB around a touch, the touch: to Cold",
        samples.ratio("around, touch", "cold, touch"),
        2.0,
    );
    promises.at_least(
        "2 MiB around a touch, in all: to one stosb",
        samples.ratio("around", "stosb"),
        1.5,
    );
}

/// `clear_page` against the leaf that it chooses.
fn call(promises: &mut Promises, pages: &mut [Page]) {
    const CALLS: usize = 50_000;
    let leaf = clearpage::plan(Intent::Auto, PAGE_SIZE).available().expect("planned");
    let samples = Race::default()
        .with("face", |pages| {
            nanoseconds(|| (0..CALLS).for_each(|_| clearpage::clear_page(black_box(&mut pages[0]))))
        })
        .with("leaf", |pages| {
            nanoseconds(|| (0..CALLS).for_each(|_| leaf.clear_pages(black_box(&mut pages[..1]))))
        })
        .run(ROUNDS, pages);
    promises.at_least(
        "hot: clear_page to its leaf called directly",
        samples.ratio("face", "leaf"),
        0.97,
    );
}

/// `zero_bytes` against `fill` on lengths that the compiler does not know.
fn short(promises: &mut Promises, pages: &mut [Page]) {
    const CALLS: usize = 20_000;
    let fixed = |len: usize| (format!("of {len} bytes"), vec![len; CALLS]);
    let mut random = fastrand::Rng::with_seed(4);
    let mixed =
        ("of 1 to 256 bytes".to_owned(), (0..CALLS).map(|_| random.usize(1..=256)).collect());
    let lengths = [1, 3, 8, 15, 16, 31, 32, 48, 64, 100, 128, 200, 256].map(fixed);
    let mut worst = (f64::INFINITY, String::new());
    for (what, lengths) in lengths.into_iter().chain([mixed]) {
        let (zeroed, filled) = (&lengths, &lengths);
        let samples = Race::default()
            .with("zero_bytes", |pages| {
                let bytes = pages[0].as_bytes_mut();
                nanoseconds(|| {
                    for &len in zeroed {
                        clearpage::zero_bytes(black_box(&mut bytes[1..=len]), Intent::Auto);
                    }
                })
            })
            .with("fill", |pages| {
                let bytes = pages[0].as_bytes_mut();
                nanoseconds(|| {
                    filled.iter().for_each(|&len| black_box(&mut bytes[1..=len]).fill(0))
                })
            })
            .run(ROUNDS, pages);
        let ratio = samples.ratio("zero_bytes", "fill");
        println!("zero_bytes {what}: {ratio:.2} times as fast as fill");
        if ratio < worst.0 {
            worst = (ratio, what);
        }
    }
    promises.at_least(&format!("zero_bytes to fill, worst: {}", worst.1), worst.0, 0.9);
}
