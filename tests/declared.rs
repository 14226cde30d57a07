//! Facts that a program declares replace those that are detected. Each test has the process alone.

use clearpage::cpu::{Facts, Feature, Isa, caches};
use clearpage::{FactsError, Intent, PAGE_SIZE, init_with, primitive_for, primitives, reset_plan};
use clearpage_testkit::{Garbage, built_for_one};

/// # Safety
/// This CPU has the features, and no other test runs.
unsafe fn declared(facts: Facts) {
    // SAFETY: the caller's promise.
    unsafe { init_with(&facts) }.unwrap();
    for intent in Intent::ALL {
        for npages in [1, 2, 600] {
            let mut memory = Garbage::new(npages * PAGE_SIZE);
            clearpage::clear_pages_for(memory.pages(npages), intent);
            memory.check(0, npages * PAGE_SIZE, &format!("{facts:?}, {intent:?}"));
        }
    }
}

/// One test, because the facts are those of the process.
#[test]
fn the_plan_is_that_of_the_declared_facts() {
    let detected = Facts::detect();
    let plan = || Intent::ALL.map(|intent| primitive_for(intent, 1 << 20).name());
    let by_detection = plan();

    // SAFETY: these are the facts of this CPU.
    unsafe { declared(detected) };
    assert_eq!(plan(), by_detection);
    assert_eq!(Facts::detect(), detected);

    // Without features, no primitive that needs one is available or in a plan, also not later.
    let mut bare = detected;
    bare.features = Facts::unknown(detected.isa).features;
    bare.caches.l2 = 3 << 20;
    // SAFETY: nothing is claimed.
    unsafe { declared(bare) };
    if !built_for_one() {
        assert!(Intent::ALL.iter().all(|&i| primitive_for(i, 1 << 20).needs().is_none()));
        reset_plan().unwrap();
        assert!(Intent::ALL.iter().all(|&i| primitive_for(i, 1 << 20).needs().is_none()));
    }
    assert_eq!((Facts::detect().features, caches().l2), (bare.features, 3 << 20));
    for row in primitives() {
        let expected =
            row.needs().is_none().then_some(()).ok_or("not a feature that init_with was given");
        let available = row.available().map(drop).map_err(|why| why.reason);
        assert!(available == expected || row.needs().is_none(), "{}", row.name());
    }

    // What cannot be is refused, and changes nothing.
    let foreign = Facts::unknown(if detected.isa == Isa::S390x { Isa::Arm } else { Isa::S390x });
    // SAFETY: they are refused.
    let error = unsafe { init_with(&foreign) }.unwrap_err();
    assert!(error.to_string().contains("the facts are of "), "{error}");
    for block in [0, 96, 2 * PAGE_SIZE] {
        let mut blocks = bare;
        blocks.features = blocks.features.with(Feature::Zicboz);
        blocks.block = block;
        // SAFETY: as above.
        let error = unsafe { init_with(&blocks) }.unwrap_err();
        assert_eq!(error, FactsError::Block(block));
        assert!(error.to_string().contains("powers of two"), "{error}");
    }
    assert_eq!(Facts::detect().features, bare.features);

    // SAFETY: these are the facts of this CPU.
    unsafe { declared(detected) };
    assert_eq!(plan(), by_detection);
}
