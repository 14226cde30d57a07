//! Clears of scattered pages, around a hot page, and in chunks, with the plan and with every forced
//! primitive. The plan is global, so a single test forces.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::ptr::NonNull;

use clearpage::{Intent, PAGE_SIZE, Page, primitives, raw};
use clearpage_testkit::{Garbage, built_for_one};
use quickcheck::quickcheck;

/// Pages of garbage, and which of them should be zero.
struct Model {
    memory: Garbage,
    zero: Vec<bool>,
}

impl Model {
    fn new(npages: usize) -> Self {
        Self { memory: Garbage::new(npages * PAGE_SIZE), zero: vec![false; npages] }
    }

    fn pages(&mut self) -> &mut [Page] {
        self.memory.pages(self.zero.len())
    }

    /// Checks all pages and the redzones, then fills them with garbage.
    fn check(&mut self, what: &str) {
        self.memory.check_pages(&self.zero, &what);
        self.zero.fill(false);
    }

    /// Clears the pages numbered `list`, in that order.
    fn clear_scattered(&mut self, list: &[usize], intent: Intent) {
        for &page in list {
            self.zero[page] = true;
        }
        let mut pages: Vec<Option<&mut Page>> = self.pages().iter_mut().map(Some).collect();
        let mut picked: Vec<&mut Page> = list.iter().map(|&i| pages[i].take().unwrap()).collect();
        clearpage::clear_scattered(&mut picked, intent);
    }
}

fn scattered(what: &str) {
    // No page, single pages, runs forwards and backwards, groups of four with a remainder, all.
    let lists: [&[usize]; 8] = [
        &[],
        &[7],
        &[3, 4, 5, 6],
        &[6, 5, 4, 3],
        &[0, 2, 4, 6, 8, 10, 12, 14, 16],
        &[16, 1, 2, 3, 15, 0, 9, 10, 8, 7],
        &[5, 13, 2],
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ];
    let mut model = Model::new(17);
    for intent in Intent::ALL {
        for list in lists {
            model.clear_scattered(list, intent);
            model.check(&format!("{what}, scattered {list:?} {intent:?}"));
        }
    }
}

fn around(what: &str) {
    // Smaller than the neighbourhood, equal, and larger on one side or both.
    for npages in [1, 2, 3, 1 + (32 << 10) / PAGE_SIZE, 100] {
        let mut model = Model::new(npages);
        for hot in (0..npages).filter(|hot| hot % 7 == 0 || hot + 2 > npages) {
            clearpage::clear_pages_around(model.pages(), hot);
            model.zero.fill(true);
            model.check(&format!("{what}, around {hot} of {npages}"));
        }
    }
}

fn chunked(what: &str) {
    let mut model = Model::new(10);
    for npages in [1, 3, 5, 10, 11, usize::MAX] {
        let chunk = NonZeroUsize::new(npages).unwrap();
        let chunks = 10_usize.div_ceil(npages);
        for stop in 1..=chunks {
            let mut calls = Vec::new();
            let between = |cleared| {
                calls.push(cleared);
                if calls.len() == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let cleared =
                clearpage::clear_pages_chunked(model.pages(), chunk, Intent::Cold, between);
            // No call follows the last chunk.
            assert_eq!(cleared, if stop == chunks { 10 } else { stop * npages });
            assert_eq!(calls, (1..=stop.min(chunks - 1)).map(|n| n * npages).collect::<Vec<_>>());
            model.zero[..cleared].fill(true);
            model.check(&format!("{what}, {npages} at a time, stopped at {stop}"));
        }
    }
}

#[test]
fn every_shape_is_cleared_exactly_by_every_primitive() {
    let shapes: [fn(&str); 3] = [scattered, around, chunked];
    shapes.iter().for_each(|shape| shape("plan"));
    for primitive in primitives() {
        if !built_for_one() && clearpage::force(primitive.name()).is_ok() {
            shapes.iter().for_each(|shape| shape(primitive.name()));
        }
    }
    clearpage::reset_plan().unwrap();
}

#[test]
fn a_raw_list_may_name_a_page_twice() {
    for intent in Intent::ALL {
        let mut model = Model::new(6);
        let list: Vec<NonNull<Page>> = {
            let pages = NonNull::from(model.pages()).cast::<Page>();
            // SAFETY: the index is below six.
            [1, 4, 1, 4, 4].map(|i| unsafe { pages.add(i) }).to_vec()
        };
        // SAFETY: the pages are those of the model, which is not used otherwise.
        unsafe { raw::clear_scattered(&list, intent) };
        model.zero[1] = true;
        model.zero[4] = true;
        model.check("a page twice");
        // SAFETY: an empty list.
        unsafe { raw::clear_scattered(&[], intent) };
        model.check("an empty list");
    }
}

#[test]
fn an_empty_range_has_no_chunks() {
    let chunk = NonZeroUsize::MIN;
    let never = |_| -> ControlFlow<()> { unreachable!("there are no chunks") };
    assert_eq!(clearpage::clear_pages_chunked(&mut [], chunk, Intent::Auto, never), 0);
}

#[test]
#[should_panic(expected = "the hot page is not one of the pages")]
fn a_hot_page_past_the_end_is_refused() {
    clearpage::clear_pages_around(Model::new(3).pages(), 3);
}

quickcheck! {
    fn any_list_clears_exactly_its_pages(order: Vec<u8>, hot: bool) -> bool {
        let mut list: Vec<usize> = order.into_iter().map(|n| usize::from(n) % 40).collect();
        let mut seen = [false; 40];
        list.retain(|&page| !std::mem::replace(&mut seen[page], true));
        let mut model = Model::new(40);
        model.clear_scattered(&list, if hot { Intent::Hot } else { Intent::Cold });
        model.check("any list");
        true
    }
}
