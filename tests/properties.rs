//! Properties of any input.

use clearpage::{Intent, PAGE_SIZE};
use clearpage_testkit::Garbage;
use quickcheck::{Arbitrary, Gen, quickcheck};

#[derive(Clone, Copy, Debug)]
struct AnyIntent(Intent);

impl Arbitrary for AnyIntent {
    fn arbitrary(g: &mut Gen) -> Self {
        Self(*g.choose(&Intent::ALL).unwrap())
    }
}

/// A length of up to 64 pages; short ones are as likely as long ones.
#[derive(Clone, Copy, Debug)]
struct AnyLength(usize);

impl Arbitrary for AnyLength {
    fn arbitrary(g: &mut Gen) -> Self {
        let bits = u32::arbitrary(g) % (64 * PAGE_SIZE).ilog2();
        Self(usize::arbitrary(g) % (2 << bits))
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        Box::new(self.0.shrink().map(Self))
    }
}

quickcheck! {
    fn zero_bytes_equals_fill(offset: usize, len: AnyLength, intent: AnyIntent) -> bool {
        let offset = offset % PAGE_SIZE;
        let mut memory = Garbage::new(len.0);
        clearpage::zero_bytes(memory.bytes(offset, len.0), intent.0);
        memory.check(offset, len.0, &"zero_bytes");
        memory.bytes(offset, len.0).fill(0);
        memory.check(offset, len.0, &"fill");
        true
    }

    fn clear_pages_clears_exactly_its_pages(len: AnyLength, intent: AnyIntent) -> bool {
        let npages = len.0 / PAGE_SIZE;
        let mut memory = Garbage::new(npages * PAGE_SIZE);
        clearpage::clear_pages_for(memory.pages(npages), intent.0);
        memory.check(0, npages * PAGE_SIZE, &"clear_pages_for");
        true
    }

    /// The sequence may contain unknown names and resets.
    fn no_force_changes_a_result(steps: Vec<(u8, AnyLength, AnyIntent)>) -> bool {
        let rows = clearpage::primitives();
        for (choice, len, intent) in steps {
            match rows.get(usize::from(choice) % (rows.len() + 2)) {
                Some(row) => drop(clearpage::force(row.name())),
                None if choice % 2 == 0 => assert!(clearpage::force("nonsense").is_err()),
                None => clearpage::reset_plan().unwrap(),
            }
            let mut memory = Garbage::new(len.0);
            clearpage::zero_bytes(memory.bytes(3, len.0), intent.0);
            memory.check(3, len.0, &"zero_bytes");
        }
        true
    }
}
