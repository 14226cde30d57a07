//! Zeroes scattered frames of a file.

use std::os::fd::AsFd;
use std::ptr::NonNull;

use super::error::{Partial, after, inside};
use super::window::map;
use super::{FileError, FileFrames, ZeroMethod};
use clearpage::highmem::{ClearError, Frame, FrameRange, Mapping};
use clearpage::{Intent, PAGE_SHIFT, Page, raw};

/// Pages that are cleared with one fence.
const BATCH: usize = 64;

impl FileFrames {
    /// Zeroes scattered frames, in any order, by the [fastest](Self::fastest) method for one frame.
    ///
    /// # Errors
    /// As [`zero_scattered`](Self::zero_scattered).
    pub fn clear_scattered(
        &self,
        frames: &[Frame],
        intent: Intent,
    ) -> Result<(), ClearError<FileError>> {
        self.zero_scattered(frames, self.fastest(1, intent))
    }

    /// Zeroes scattered frames, in any order. A frame that is listed twice is zeroed twice.
    ///
    /// With [`ZeroMethod::Map`], list entries that follow one another and lie in one window share it,
    /// where [`clear_scattered_highpages`](clearpage::highmem::clear_scattered_highpages) maps each
    /// run. The frames between them are not touched, and their holes are not filled, except in the
    /// same huge page. With the other methods each run takes one call.
    ///
    /// # Errors
    /// As [`zero`](Self::zero). The error contains how many leading list entries are zeroed.
    pub fn zero_scattered(
        &self,
        frames: &[Frame],
        method: ZeroMethod,
    ) -> Result<(), ClearError<FileError>> {
        let mut done = 0;
        while done < frames.len() {
            let list = &frames[done..];
            let zeroed = match method {
                ZeroMethod::Map(intent) => self.by_shared_window(list, intent),
                _ => self.zero_part(run(list), method).map(|()| run(list).npages() as usize),
            };
            done += zeroed.map_err(after(done as u64)).map_err(|(cleared, source)| ClearError {
                cleared,
                frame: frames[cleared as usize],
                source,
            })?;
        }
        Ok(())
    }

    /// Clears the leading frames of the list that lie in one window, and returns their number.
    fn by_shared_window(&self, list: &[Frame], intent: Intent) -> Partial<usize> {
        let first = list[0];
        let none = |error| (0, error);
        let len = self.len().map_err(none)?;
        inside(first.into(), len).map_err(none)?;
        let in_window = |frame: &&Frame| {
            frame.get() / self.window == first.get() / self.window
                && frame.get() < len >> PAGE_SHIFT
        };
        let list = &list[..list.iter().take_while(in_window).count()];
        let (low, high) = list
            .iter()
            .fold((first, first), |(low, high), &frame| (low.min(frame), high.max(frame)));
        let span = FrameRange::new(low, high.get() - low.get() + 1).expect("between two frames");
        let window = map(self.file.as_fd(), span, self.unit).map_err(none)?;

        // Populating a page populates its whole unit.
        let unit = (self.unit as u64 >> PAGE_SHIFT).max(1);
        let mut present = 0..0;
        for (batch, chunk) in list.chunks(BATCH).enumerate() {
            let mut pages = [NonNull::<Page>::dangling(); BATCH];
            let (mut ready, mut populated) = (0, Ok(()));
            while ready < chunk.len() {
                let run = run(&chunk[ready..]);
                let at = (run.start().get() - low.get()) as usize;
                let npages = run.npages() as usize;
                if run.start().get() < present.start || present.end < run.end() {
                    populated = window.populate(at, npages, self.populate);
                    if populated.is_err() {
                        break;
                    }
                    present = run.start().get() / unit * unit..run.end().next_multiple_of(unit);
                }
                for (i, page) in pages[ready..][..npages].iter_mut().enumerate() {
                    // SAFETY: `at + i` is in the window, which maps the whole span.
                    *page = unsafe { window.pages().cast::<Page>().add(at + i) };
                }
                ready += npages;
            }
            // SAFETY: the pages are in the window, which no other code uses.
            unsafe { raw::clear_scattered(&pages[..ready], intent) };
            if let Err(error) = populated {
                let error = self.inside(chunk[ready].into()).err().unwrap_or(error);
                return Err(((batch * BATCH + ready) as u64, error));
            }
        }
        Ok(list.len())
    }
}

/// Returns the leading run of consecutive frames in the list.
fn run(list: &[Frame]) -> FrameRange {
    let follows = |pair: &&[Frame]| pair[0].get() + 1 == pair[1].get();
    let npages = 1 + list.windows(2).take_while(follows).count();
    FrameRange::new(list[0], npages as u64).expect("each of them is a frame")
}
