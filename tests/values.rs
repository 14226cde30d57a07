//! Types that hold no memory: frames, orders, tags, flags, and the facts of a CPU.

use std::ops::BitOr;
use std::ptr::NonNull;

use clearpage::cpu::{self, Facts, Feature, Features, Isa, Vendor, caches};
use clearpage::highmem::tag::Tag;
use clearpage::highmem::{Frame, FrameRange, Highmem, LinearMap};
use clearpage::hooks::AllocFlags;
use clearpage::{
    Intent, Order, PAGE_SHIFT, PAGE_SIZE, Page, RegisterFile, StoreKind, Tuning, candidates,
    primitives,
};
use clearpage_testkit::flags::every_flags;
use quickcheck::quickcheck;

fn frames(start: u64, npages: u64) -> FrameRange {
    FrameRange::new(frame(start), npages).expect("small")
}

fn frame(number: u64) -> Frame {
    Frame::new(number).expect("small")
}

#[test]
fn frames_end_where_addresses_do() {
    let last = Frame::MAX;
    assert_eq!(last.address(), u64::MAX << PAGE_SHIFT);
    assert_eq!(Frame::containing(u64::MAX), last);
    assert_eq!(Frame::new(last.get() + 1), None);
    assert_eq!(FrameRange::new(last, 1).map(FrameRange::end), Ok(last.get() + 1));
    for (start, npages) in [(last, 2), (last, u64::MAX), (frame(1), last.get() + 1)] {
        let error = FrameRange::new(start, npages).unwrap_err();
        assert_eq!((error.start, error.npages), (start, npages));
        assert!(error.to_string().contains(&format!("{npages} pages from {start}")));
    }
    let all = FrameRange::new(Frame::default(), last.get() + 1).expect("all there are");
    assert!(all.contains(last));
    assert_eq!(all.split_at(u64::MAX), (all, frames(0, 0)));
}

#[test]
fn blocks_are_aligned_to_their_order() {
    let order = Order::new(9).expect("small");
    assert!(frame(1024).is_aligned(order) && !frame(1025).is_aligned(order));
    let block = FrameRange::block(frame(1024), order).expect("small");
    assert_eq!((block.npages(), block.order()), (512, Some(order)));
    assert_eq!(FrameRange::block(frame(1025), order).map(FrameRange::order), Ok(None));
    assert_eq!(FrameRange::new(frame(0), 3).map(FrameRange::order), Ok(None));
}

quickcheck! {
    fn blocks_make_up_the_frames(start: u32, npages: u16) -> bool {
        let frames = FrameRange::new(frame(start.into()), npages.into()).expect("small");
        let blocks: Vec<_> = frames.blocks().collect();
        let all: Vec<_> = blocks.iter().flat_map(|block| block.iter()).collect();
        all == frames.iter().collect::<Vec<_>>()
            && blocks.iter().all(|block| block.order().is_some())
            // Two adjacent buddies would have formed one larger block.
            && blocks.windows(2).all(|pair| {
                pair[0].npages() != pair[1].npages()
                    || !pair[0].start().is_aligned(Order::for_pages(2 * pair[0].npages() as usize).expect("small"))
            })
    }

    fn parts_make_up_the_frames(start: u32, npages: u16, at: u16) -> bool {
        let frames = FrameRange::new(frame(start.into()), npages.into()).expect("small");
        let (first, rest) = frames.split_at(at.into());
        first.npages() == u64::from(npages.min(at))
            && first.iter().chain(rest.iter()).eq(frames.iter())
    }

    fn an_intersection_has_the_frames_of_both(a: (u8, u8), b: (u8, u8)) -> bool {
        let frames = |(start, npages): (u8, u8)| {
            FrameRange::new(frame(start.into()), npages.into()).expect("small")
        };
        let (a, b) = (frames(a), frames(b));
        a.intersection(b).iter().eq(a.iter().filter(|&f| b.contains(f)))
    }
}

#[test]
fn a_page_is_its_bytes() {
    assert_eq!(size_of::<Page>(), PAGE_SIZE);
    assert_eq!(align_of::<Page>(), PAGE_SIZE);
    assert!(Page::ZERO.as_bytes().iter().all(|&b| b == 0));
}

#[test]
fn orders_stop_where_allocations_do() {
    assert_eq!(Order::ZERO.bytes(), PAGE_SIZE);
    assert!(Order::MAX.bytes() <= isize::MAX as usize);
    assert!(Order::MAX.bytes() > isize::MAX as usize / 2);
    assert_eq!(Order::new(Order::MAX.get() + 1), None);
    assert_eq!(Order::new(u32::MAX), None);
}

#[test]
fn holding_rounds_up() {
    for (npages, order) in [(0, 0), (1, 0), (2, 1), (3, 2), (512, 9), (513, 10)] {
        assert_eq!(Order::for_pages(npages), Order::new(order), "{npages} pages");
    }
    assert_eq!(Order::for_pages(usize::MAX), None);
    assert_eq!(Order::for_pages(1 << (usize::BITS - 1)), None);
}

/// Returns the linear map of 5 pages from frame 10 on, at `base`.
fn map_of_five(base: NonNull<Page>) -> LinearMap {
    // SAFETY: these tests access no memory.
    unsafe { LinearMap::new(frames(10, 5), base) }
}

#[test]
fn a_linear_map_returns_the_mapped_prefix() {
    let base = NonNull::<Page>::dangling();
    let map = map_of_five(base);
    let at = |start, npages| {
        let pages = map.page_address(frames(start, npages))?;
        Some((pages.cast().as_ptr(), pages.len()))
    };
    for (start, npages, offset, mapped) in
        [(10, 5, 0, 5), (14, 1, 4, 1), (10, 6, 0, 5), (14, 2, 4, 1), (12, 2, 2, 2)]
    {
        let expected = (base.as_ptr().wrapping_add(offset), mapped);
        assert_eq!(at(start, npages), Some(expected), "{start}, {npages}");
    }
    for (start, npages) in [(9, 1), (9, 6), (15, 0), (15, 1), (0, 100)] {
        assert_eq!(at(start, npages), None, "{start}, {npages}");
    }
}

#[test]
fn a_linear_map_by_offset_adds_the_offset_to_the_address_of_the_frame() {
    let offset = 0x4000_0000 - 10 * PAGE_SIZE;
    // SAFETY: the test accesses no memory.
    let map = unsafe { LinearMap::with_offset(frames(10, 5), offset) };
    let address = map.page_address(frames(11, 1)).unwrap().cast::<Page>().addr().get();
    assert_eq!(address, 0x4000_0000 + PAGE_SIZE);
}

#[test]
fn a_linear_map_converts_between_frames_and_addresses() {
    let base = NonNull::<Page>::dangling();
    let map = map_of_five(base);
    let bytes = map.bytes(frames(11, 2)).expect("mapped");
    assert_eq!(bytes.len(), 2 * PAGE_SIZE);
    assert_eq!(bytes.cast::<Page>().as_ptr(), base.as_ptr().wrapping_add(1));
    assert_eq!(map.bytes(frames(14, 2)), None);
    assert_eq!(map.bytes(frames(9, 2)), None);
    let first = base.as_ptr().cast::<u8>();
    for (offset, number) in [(0, 10), (PAGE_SIZE - 1, 10), (PAGE_SIZE, 11), (5 * PAGE_SIZE - 1, 14)]
    {
        let address = first.wrapping_add(offset);
        assert_eq!(map.frame_at(address), Frame::new(number), "{offset}");
        let tagged = clearpage::highmem::tag::set(address, Tag::new(5).unwrap());
        assert_eq!(map.frame_at(tagged), Frame::new(number), "{offset}");
    }
    assert_eq!(map.frame_at(first.wrapping_add(5 * PAGE_SIZE)), None);
    assert_eq!(map.frame_at(first.wrapping_sub(1)), None);
}

#[test]
fn the_frames_of_a_byte_range_contain_its_ends() {
    let page = PAGE_SIZE as u64;
    for (address, len, start, npages) in [
        (0, 0, 0, 0),
        (3 * page, 0, 3, 0),
        (0, 1, 0, 1),
        (page - 1, 1, 0, 1),
        (page - 1, 2, 0, 2),
        (2 * page, page, 2, 1),
        (2 * page + 1, page, 2, 2),
    ] {
        assert_eq!(FrameRange::containing(address, len), frames(start, npages), "{address}, {len}");
    }
    let all = FrameRange::containing(0, u64::MAX);
    assert_eq!(FrameRange::containing(1, u64::MAX), all);
    assert_eq!(all.end(), Frame::MAX.get() + 1);
}

#[test]
fn the_error_names_the_unmapped_frame() {
    // SAFETY: the test accesses no memory.
    let map = unsafe { LinearMap::new(frames(0x10, 5), NonNull::dangling()) };
    let error = map.kmap_local(frames(3, 4)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "frame 0x3 is none of the 5 pages from frame 0x10 that are mapped"
    );
}

#[test]
fn flags_are_a_set() {
    let two = AllocFlags::ZERO | AllocFlags::KNOWN_ZERO;
    assert!(two.contains(AllocFlags::ZERO) && two.contains(two));
    assert!(!two.contains(AllocFlags::ZERO | AllocFlags::ZERO_TAGS));
    assert!(AllocFlags::NONE.contains(AllocFlags::NONE));
    assert_eq!(two.without(AllocFlags::ZERO), AllocFlags::KNOWN_ZERO);
    assert_eq!(two.without(AllocFlags::SKIP_ZERO), two);
    let mut flags = AllocFlags::default();
    flags |= two;
    assert_eq!(flags, two);
}

#[test]
fn they_print_as_they_are_written() {
    assert_eq!(format!("{:?}", AllocFlags::NONE), "NONE");
    let all = every_flags().fold(AllocFlags::NONE, BitOr::bitor);
    assert_eq!(format!("{all:?}"), "ZERO | SKIP_ZERO | ZERO_TAGS | KNOWN_ZERO | WILL_OVERWRITE");
}

#[test]
fn vendors_are_short_printable_names() {
    for name in ["", "0x41", "AuthenticAMD", "  Shanghai  "] {
        assert_eq!(Vendor::named(name).unwrap().name(), name);
    }
    assert_eq!(Vendor::named("AuthenticAMD"), Some(Vendor::AMD));
    for name in ["AuthenticAMD2", "a\0", "\u{e9}", "\n"] {
        assert_eq!(Vendor::named(name), None, "{name:?}");
    }
}

#[test]
fn the_detected_facts_are_those_of_the_build() {
    let facts = Facts::detect();
    assert_eq!(facts.isa, Isa::BUILT_FOR);
    assert_eq!(facts, Facts::detect());
    assert_eq!(facts.caches, caches());
    let set = cpu::flags().filter(|flag| flag.set).map(|flag| flag.feature);
    assert!(set.eq(facts.features.iter()), "in the order of Feature::ALL");
}

#[test]
fn every_feature_has_its_own_name_and_bit() {
    assert!(Feature::ALL.len() <= 32);
    for &feature in Feature::ALL {
        assert_eq!(Feature::named(feature.name()), Some(feature));
        let alone = Features::NONE.with(feature);
        assert!(alone.iter().eq([feature]));
    }
    assert_eq!(Feature::named("avx"), None);
}

#[test]
fn isas_are_named_as_targets_are() {
    let arch = std::env::consts::ARCH;
    let known = Isa::ALL.into_iter().find(|isa| isa.name() == arch);
    assert_eq!(Isa::BUILT_FOR, known.unwrap_or(Isa::Other));
    for isa in Isa::ALL {
        assert_eq!(Isa::of_target(isa.name()), isa);
    }
    assert_eq!(Isa::of_target("pdp11"), Isa::Other);
}

#[test]
fn a_tag_has_four_bits() {
    for number in 0..16 {
        assert_eq!(Tag::new(number).map(Tag::get), Some(number));
    }
    assert_eq!(Tag::new(16), None);
}

#[test]
#[cfg(not(all(target_arch = "aarch64", target_pointer_width = "64", not(miri))))]
fn pointers_have_no_tags_elsewhere() {
    use clearpage::highmem::tag::{set, strip};

    let ptr = core::ptr::dangling_mut::<u64>();
    assert_eq!(set(ptr, Tag::new(5).unwrap()), ptr);
    for bit in 0..usize::BITS {
        let ptr = core::ptr::without_provenance_mut::<u64>(1 << bit);
        assert_eq!(strip(ptr), ptr);
    }
}

#[test]
fn a_tuning_has_a_primitive_for_every_length() {
    let generic = primitives().last().unwrap();
    let tuning =
        Tuning::uniform(&primitives()[0]).with_step(Intent::Cold, 1 << (usize::BITS - 1), generic);
    for intent in Intent::ALL {
        let last = if intent == Intent::Cold { generic } else { &primitives()[0] };
        assert_eq!(tuning.choose(intent, usize::MAX), last);
        assert_eq!(tuning.choose(intent, usize::MAX >> 1), &primitives()[0]);
        assert_eq!(tuning.choose(intent, 0), &primitives()[0]);
    }
}

#[test]
fn candidates_are_available_and_differ() {
    let names: Vec<_> = candidates().map(|row| row.name()).collect();
    assert!(candidates().all(|row| row.primitive().available().is_ok()), "{names:?}");
    let distinct: std::collections::HashSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
    // Every ISA with a table has at least its word or vector stores to compare.
    assert_eq!(names.is_empty(), primitives().len() == 1, "{names:?}");
}

#[test]
fn properties_of_primitives_print_as_words() {
    assert_eq!(
        [StoreKind::Temporal, StoreKind::NonTemporal].map(StoreKind::name),
        ["temporal", "non-temporal"]
    );
    assert_eq!(
        [RegisterFile::General, RegisterFile::Vector].map(RegisterFile::name),
        ["general", "vector"]
    );
    for row in primitives() {
        if let Err(why) = row.available() {
            assert_eq!(why.to_string(), why.reason);
            assert!(!why.reason.is_empty(), "{}", row.name());
        }
    }
}

#[test]
fn a_feature_added_twice_is_in_the_set() {
    let feature = Feature::ALL[1];
    assert!(Features::NONE.with(feature).with(feature).contains(feature));
}
