//! Measures scattered pages, pages around a touch, short lengths, and the cost of a call.

use std::hint::black_box;
use std::ptr::NonNull;

use clearpage::{Intent, PAGE_SIZE, Page, raw};
use clearpage_benches::{Promises, Race, nanoseconds, string_stores};
use clearpage_cli::harness::table::ruled;
use clearpage_cli::harness::units::format_size;

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
    // SAFETY: pages consist of bytes, and these are exclusively borrowed.
    unsafe { libc::memset(pages.as_mut_ptr().cast(), 0, size_of_val(pages)) };
}

/// Clears all pages in random order, in lists of 512, as a bulk allocation of 2 MiB does.
fn scattered(promises: &mut Promises, pages: &mut [Page]) {
    let base = NonNull::from(&mut *pages).cast::<Page>();
    // SAFETY: `i` is less than the number of pages.
    let mut list: Vec<NonNull<Page>> = (0..pages.len()).map(|i| unsafe { base.add(i) }).collect();
    fastrand::Rng::with_seed(2).shuffle(&mut list);
    let list = &list;
    let samples = Race::default()
        .with("scattered", |_| {
            nanoseconds(|| {
                for bulk in list.chunks(512) {
                    // SAFETY: nothing else uses pages of the arena meanwhile.
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

/// Reads and writes every line.
fn touch(pages: &mut [Page]) {
    for page in pages {
        for line in page.as_bytes_mut().chunks_exact_mut(64) {
            line[0] = black_box(line[0]).wrapping_add(1);
        }
    }
}

/// Clears cold memory, `npages` per call, and calls `then` on each stretch before the next.
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

/// Clears and then uses cold memory, one stretch after the other.
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

/// Prints what a wrong intent costs: cold memory is cleared, then left alone or used at once. Each
/// intent is compared with the best one for that.
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

/// Clears huge pages of cold memory around a touch, and then uses the 64 KiB around it.
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

/// Compares `clear_page` with a direct call of the leaf that it chooses.
fn call(promises: &mut Promises, pages: &mut [Page]) {
    const CALLS: usize = 50_000;
    let leaf = clearpage::primitive_for(Intent::Auto, PAGE_SIZE);
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

/// Compares `zero_bytes` with `fill` and `memset`, for lengths that the compiler does not know.
pub fn short(promises: &mut Promises, pages: &mut [Page]) {
    const CALLS: usize = 20_000;
    const OFFSETS: [usize; 3] = [0, 1, 60];
    let fixed = |len: usize| (len.to_string(), vec![len; CALLS]);
    let mixed = |longest: usize| {
        let mut random = fastrand::Rng::with_seed(4);
        let lengths = (0..CALLS).map(|_| random.usize(1..=longest)).collect();
        (format!("1 to {longest}"), lengths)
    };
    let fixed = [
        1, 2, 3, 5, 8, 15, 16, 31, 32, 48, 64, 65, 100, 127, 128, 129, 200, 256, 257, 400, 512,
        777, 1024, 1500, 2048, 3000, 4095, 4096,
    ]
    .map(fixed);
    // The compiler replaces a call whose target it knows.
    let memset: unsafe extern "C" fn(_, _, _) -> _ = black_box(libc::memset);
    let memset = |bytes: &mut [u8]| {
        // SAFETY: the bytes of a slice are valid for writes.
        unsafe { memset(bytes.as_mut_ptr().cast(), 0, bytes.len()) };
    };
    let mut worst = (f64::INFINITY, String::new());
    let mut table = ruled();
    table.set_header(["bytes", "at offset 0", "1", "60"]);
    for (what, lengths) in fixed.into_iter().chain([256, 4096].map(mixed)) {
        let mut row = vec![what.clone()];
        for offset in OFFSETS {
            let samples = Race::default()
                .with(
                    "zero_bytes",
                    each(offset, &lengths, |b| clearpage::zero_bytes(b, Intent::Auto)),
                )
                .with("fill", each(offset, &lengths, |bytes| bytes.fill(0)))
                .with("memset", each(offset, &lengths, memset))
                .run(ROUNDS, pages);
            let ratio = samples.ratio("zero_bytes", samples.best(["fill", "memset"].into_iter()));
            row.push(format!("{ratio:.2}"));
            if ratio < worst.0 {
                worst = (ratio, format!("{what} bytes at offset {offset}"));
            }
        }
        table.add_row(row);
    }
    println!("zero_bytes, times as fast as the better of fill and memset:\n{table}");
    let what = format!("zero_bytes to the better of fill and memset, worst ({})", worst.1);
    promises.at_least(&what, worst.0, 0.97);
}

/// Zeroes bytes from `offset` on by one call for each of `lengths`.
fn each(
    offset: usize,
    lengths: &[usize],
    zero: impl Fn(&mut [u8]),
) -> impl FnMut(&mut [Page]) -> f64 {
    move |pages| {
        // SAFETY: a page consists of bytes, and every value of a byte is valid.
        let (_, bytes, _) = unsafe { pages.align_to_mut() };
        nanoseconds(|| {
            for &len in lengths {
                zero(black_box(&mut bytes[offset..offset + len]));
            }
        })
    }
}
