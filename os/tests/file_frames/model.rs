//! Compares any sequence of operations with the same operations on a vector of bytes.

use std::os::unix::fs::FileExt;

use clearpage::{Intent, PAGE_SIZE};
use clearpage_os::file_frames::{FileFrames, ZeroMethod};
use quickcheck::{Arbitrary, Gen, quickcheck};
use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use crate::files::{METHODS, fill, frame, frames, garbage, has_small_holes, memfd};

const PAGES: u64 = 12;

#[derive(Clone, Debug)]
enum Operation {
    Fill(u64),
    Zero(u64, u64, ZeroMethod),
    ZeroData(u64, u64, ZeroMethod),
    ZeroList(Vec<u64>, ZeroMethod),
    Clear(u64, u64, Intent),
    /// The length is in bytes.
    SetLen(u64),
}

impl Arbitrary for Operation {
    fn arbitrary(g: &mut Gen) -> Self {
        let page = u64::arbitrary(g) % PAGES;
        let npages = u64::arbitrary(g) % (PAGES + 1);
        let method = *g.choose(&METHODS).unwrap();
        match u8::arbitrary(g) % 7 {
            0 => Self::Zero(page, npages, method),
            1 => Self::ZeroData(page, npages, method),
            2 => Self::ZeroList(
                Vec::<u8>::arbitrary(g).iter().take(9).map(|n| u64::from(*n) % PAGES).collect(),
                method,
            ),
            3 => Self::Clear(page, npages, *g.choose(&Intent::ALL).unwrap()),
            4 => Self::SetLen(
                npages * PAGE_SIZE as u64 - u64::from(bool::arbitrary(g) && npages > 0),
            ),
            _ => Self::Fill(page),
        }
    }
}

/// The bytes of the file, and for each frame whether it must be a hole.
#[derive(Default)]
struct Model {
    bytes: Vec<u8>,
    holes: [bool; PAGES as usize],
}

impl Model {
    fn whole(&self) -> u64 {
        (self.bytes.len() / PAGE_SIZE) as u64
    }

    fn set_len(&mut self, len: u64) {
        self.bytes.resize(len as usize, 0);
        for n in len.div_ceil(PAGE_SIZE as u64)..PAGES {
            self.holes[n as usize] = true;
        }
    }

    /// Zeroes the frames before the first one that is not in the file; returns their number.
    fn zero(
        &mut self,
        list: impl Iterator<Item = u64>,
        becomes_hole: impl Fn(bool) -> bool,
    ) -> u64 {
        let whole = self.whole();
        let inside = list.take_while(|&n| n < whole);
        inside
            .map(|n| {
                self.bytes[n as usize * PAGE_SIZE..][..PAGE_SIZE].fill(0);
                let hole = &mut self.holes[n as usize];
                *hole = becomes_hole(*hole);
            })
            .count() as u64
    }
}

fn agree(window: u8, operations: Vec<Operation>) -> bool {
    let file = memfd("model", 0);
    let open = || FileFrames::new(file.try_clone().unwrap()).unwrap();
    let memory = open().with_window(usize::from(window % 6) + 1);
    let mut model = Model { bytes: vec![], holes: [true; PAGES as usize] };
    for operation in &operations {
        let filled_or_punched = |method| move |_| method == ZeroMethod::PunchHole;
        let (expected, result, requested) = match operation {
            Operation::Fill(n) => {
                if *n < model.whole() {
                    fill(&file, [*n]);
                    model.bytes[*n as usize * PAGE_SIZE..][..PAGE_SIZE]
                        .copy_from_slice(garbage(*n));
                    model.holes[*n as usize] = false;
                }
                continue;
            }
            Operation::SetLen(len) => {
                file.set_len(*len).unwrap();
                model.set_len(*len);
                continue;
            }
            Operation::Zero(start, npages, method) => (
                model.zero(*start..start + npages, filled_or_punched(*method)),
                memory.zero(frames(*start, *npages), *method),
                *npages,
            ),
            Operation::ZeroData(start, npages, method) => (
                model.zero(*start..start + npages, |hole| hole || *method == ZeroMethod::PunchHole),
                memory.zero_data(frames(*start, *npages), *method),
                *npages,
            ),
            Operation::ZeroList(list, method) => {
                let listed: Vec<_> = list.iter().map(|&n| frame(n)).collect();
                (
                    model.zero(list.iter().copied(), filled_or_punched(*method)),
                    memory.zero_scattered(&listed, *method),
                    list.len() as u64,
                )
            }
            Operation::Clear(start, npages, intent) => (
                model.zero(*start..start + npages, |_| false),
                memory.clear(frames(*start, *npages), *intent),
                *npages,
            ),
        };
        let cleared = result.map_or_else(|error| error.cleared, |()| requested);
        assert_eq!((cleared, result.is_ok()), (expected, expected == requested), "{operation:?}");
    }
    let mut found = vec![0; model.bytes.len() + 1];
    let len = file.read_at(&mut found, 0).unwrap();
    assert!(found[..len] == model.bytes, "content");
    for n in 0..if has_small_holes(&file) { model.whole() } else { 0 } {
        let start = n * PAGE_SIZE as u64;
        let data = match seek(&file, SeekFrom::Data(start)) {
            Ok(data) => data < start + PAGE_SIZE as u64,
            Err(errno) => {
                assert_eq!(errno, Errno::NXIO);
                false
            }
        };
        assert!(!(model.holes[n as usize] && data), "frame {n} should be a hole");
    }
    true
}

quickcheck! {
    fn a_file_behaves_as_a_vector(window: u8, npages: u8, operations: Vec<Operation>) -> bool {
        let len = Operation::SetLen(u64::from(npages) % (PAGES + 1) * PAGE_SIZE as u64);
        agree(window, [vec![len], operations].concat())
    }
}
