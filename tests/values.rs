//! Types that hold no memory: frames, orders, tags, flags, facts of a CPU, and the text of a tuning.

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

fn error(text: &str) -> (usize, &'static str) {
    let error = text.parse::<Tuning>().unwrap_err();
    (error.line, error.reason)
}

fn text() -> String {
    Tuning::detect().to_string()
}

#[test]
fn a_written_tuning_is_read_back() {
    assert_eq!(text().parse::<Tuning>(), Ok(Tuning::detect()));
    let generic = primitives().last().unwrap();
    let other = Tuning::detect().with_step(Intent::Hot, 1 << 20, generic).with_step(
        Intent::Cold,
        1,
        generic,
    );
    assert_eq!(other.to_string().parse::<Tuning>(), Ok(other));
    // A build with no primitive but `generic` has only one tuning.
    let detected = Tuning::detect();
    assert_eq!(other == detected, detected == Tuning::uniform(generic));
}

#[test]
fn the_text_has_the_facts_of_this_cpu() {
    let (text, facts) = (text(), Facts::detect());
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no line {key}: {text}"))
    };
    let microcode = cpu::microcode().map_or("unknown".to_owned(), |rev| format!("{rev:#x}"));
    assert_eq!(value("microcode"), microcode);
    let names = |names: &mut dyn Iterator<Item = &'static str>| names.collect::<Vec<_>>().join(" ");
    assert_eq!(value("features").trim_end(), names(&mut facts.features.iter().map(Feature::name)));
    let rows = names(&mut primitives().iter().map(|row| row.name()));
    assert_eq!(value("primitives").split(' ').collect::<Vec<_>>().join(" "), rows);
}

#[test]
fn steps_are_in_order() {
    let text = text();
    let facts = &text[..text.find("auto 0").unwrap()];
    for steps in [
        "auto 0, auto 0",
        "auto 0, auto 8192, auto 4096",
        "auto 0, hot 4096",
        "auto 0, cold 0",
        "auto 0, hot 0, auto 4096",
        "auto 0, hot 0, hot 4096, cold 8192",
    ] {
        let lines: String = steps.split(", ").map(|step| format!("{step} generic\n")).collect();
        let (line, reason) = error(&format!("{facts}{lines}end\n"));
        assert!(reason.contains("out of order"), "{steps}: {reason}");
        assert_eq!(line, (facts.to_owned() + &lines).lines().count(), "{steps}");
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

/// A truncated text must be an error, not a tuning of another CPU. Only a truncated version
/// number looks like another version.
#[test]
fn a_text_that_was_cut_off_is_an_error() {
    let text = text();
    for len in 0..text.trim_end().len() {
        let error = text[..len].parse::<Tuning>().unwrap_err();
        assert!(!error.is_foreign() || error.line == 1, "{}: {error}", &text[..len]);
    }
}

#[test]
fn a_tuning_of_another_cpu_names_the_fact_that_differs() {
    let text = text();
    for (fact, value, reason) in [
        ("isa", "pdp11", "instruction set"),
        ("vendor", "Nobody", "vendor"),
        ("family", "999", "another model"),
        ("model", "99999", "another model"),
        ("stepping", "999", "stepping"),
        ("microcode", "0xdeadbeef", "microcode"),
        ("hypervisor", "perhaps", "hypervisor"),
        ("caches", "1 2 3", "caches"),
        ("block", "3", "blocks"),
        ("features", "erms x", "feature bits"),
        ("primitives", "stosb", "other primitives"),
    ] {
        let own = text.lines().find(|line| line.starts_with(fact)).unwrap();
        let error = text.replacen(own, &format!("{fact} {value}"), 1);
        let error = error.parse::<Tuning>().unwrap_err();
        assert!(error.is_foreign() && error.reason.contains(reason), "{fact}: {error}");
        let line = text.lines().position(|line| line == own).unwrap() + 1;
        assert_eq!(error.line, line, "{fact}");
    }
    let error = "clearpage-tuning 1\nend\n".parse::<Tuning>().unwrap_err();
    assert!(error.is_foreign() && error.reason.contains("version"), "{error}");
}

#[test]
fn a_primitive_that_sets_memory_tags_is_refused() {
    for row in primitives().iter().filter(|row| row.sets_tags()) {
        let tagging = Tuning::detect().with_step(Intent::Hot, 1 << 20, row).to_string();
        let (line, why) = error(&tagging);
        let step = format!("hot 1048576 {}", row.name());
        assert_eq!(tagging.lines().nth(line - 1), Some(&*step));
        assert!(why.starts_with("this primitive sets memory tags: allowed are "), "{why}");
    }
}

#[test]
fn errors_have_the_line_and_the_reason() {
    let text = text();
    let first_step = text.lines().position(|line| line.starts_with("auto 0")).unwrap() + 1;
    assert_eq!(error("").0, 1);
    assert_eq!(error("# a comment\n").0, 1);
    let (line, why) = error(&text.replacen("family", "familiar", 1));
    assert!(line == 4 && why.contains("fact"), "line {line}: {why}");
    let first = "auto 0 ";
    for (with, reason) in [
        ("tepid 0 ", "no such intent"),
        ("auto x ", "no number"),
        ("auto 3000 ", "power of two"),
        ("auto 4096 ", "out of order"),
        ("hot 0 ", "out of order"),
        ("auto 0 x", "no primitive"),
        ("auto  0 ", "a step is"),
    ] {
        let (line, why) = error(&text.replacen(first, with, 1));
        assert!(line == first_step && why.contains(reason), "{with}: line {line}: {why}");
    }
    let lines: usize = text.lines().count();
    assert_eq!(error(&(text.clone() + "end\n")), (lines, "\"end\" is not the end"));
    let end = text.find("cold 0").unwrap();
    assert!(error(&(text[..end].to_string() + "end\n")).1.contains("missing"));
}
