//! Zeroes ranges of frames of a file, by several methods.

use std::io::IoSlice;

use rustix::fs::{FallocateFlags, SeekFrom, fallocate, seek};
use rustix::io::{Errno, pwrite, pwritev, retry_on_intr};

use super::error::{Partial, after};
use super::{FileError, FileFrames};
use clearpage::highmem::{ClearError, FrameRange, clear_highpages};
use clearpage::{Intent, PAGE_SHIFT, PAGE_SIZE, Page};

/// Selects how frames of a file are zeroed. See the [speed of each](super#the-fastest-method).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ZeroMethod {
    /// Clears through windows, with the primitive for the intent. Holes are filled with memory.
    Map(Intent),
    /// Writes zeroes (`pwritev`) without a mapping. Holes are filled with memory. Not available on
    /// hugetlbfs, which does not support writes: `EINVAL`.
    Write,
    /// Makes a hole (`FALLOC_FL_PUNCH_HOLE`). Memory or disk blocks are released, and allocated
    /// again when the frames are next written. On hugetlbfs, partial huge pages at the ends are
    /// cleared through a window.
    PunchHole,
}

/// Source of the zeroes that are written: one page, which stays in the cache.
static ZEROES: Page = Page::ZERO;

/// Pages per write: 1 MiB. Longer writes are not faster.
const WRITE: usize = (1 << 20) >> PAGE_SHIFT;

impl FileFrames {
    /// Zeroes frames by the given method. No frames are a no-op.
    ///
    /// # Errors
    /// The file ends before the frames do, or the system refused. The error contains the number of
    /// leading frames that are zeroed. The others are unchanged, unless the disk failed during a
    /// request; and [`ZeroMethod::Write`] may have zeroed a part of the next frame.
    pub fn zero(
        &self,
        frames: FrameRange,
        method: ZeroMethod,
    ) -> Result<(), ClearError<FileError>> {
        locate(frames, self.zero_part(frames, method))
    }

    pub(super) fn zero_part(&self, frames: FrameRange, method: ZeroMethod) -> Partial {
        match method {
            ZeroMethod::Map(intent) => {
                // SAFETY: only a file is overwritten. Code that maps it as memory has promised that
                // it may change.
                let cleared = unsafe { clear_highpages(self, frames, intent) };
                cleared.map_err(|error| (error.cleared, error.source))
            }
            ZeroMethod::Write => self.by_parts(frames, WRITE as u64, |part| self.write(part)),
            ZeroMethod::PunchHole if self.hugetlb => self.punch_blocks(frames),
            ZeroMethod::PunchHole => self.punch(frames),
        }
    }

    /// Zeroes only data: holes stay holes, and cost no time.
    ///
    /// The file system reports the holes (`SEEK_DATA`, `SEEK_HOLE`). Some, such as hugetlbfs,
    /// report that everything is data. The descriptor's cursor moves.
    ///
    /// # Errors
    /// As [`zero`](Self::zero). Frames in holes count as zeroed.
    pub fn zero_data(
        &self,
        frames: FrameRange,
        method: ZeroMethod,
    ) -> Result<(), ClearError<FileError>> {
        locate(frames, self.zero_data_parts(frames, method))
    }

    fn zero_data_parts(&self, frames: FrameRange, method: ZeroMethod) -> Partial {
        let mut done = 0;
        while done < frames.npages() {
            let part = self.inside(frames.split_at(done).1);
            let (hole, data) = part.and_then(|part| self.data(part)).map_err(|e| (done, e))?;
            self.zero_part(data, method).map_err(after(done + hole))?;
            done += hole + data.npages();
        }
        Ok(())
    }

    /// Returns how many of `frames` are in a hole at the start, and the frames after it up to the
    /// next hole. All `frames` must be in the file.
    fn data(&self, frames: FrameRange) -> Result<(u64, FrameRange), FileError> {
        let start = match seek(&self.file, SeekFrom::Data(frames.start().address())) {
            Ok(start) => start,
            // A hole up to the end of the file.
            Err(Errno::NXIO) => u64::MAX,
            Err(errno) => return Err(FileError::system("lseek(SEEK_DATA)")(errno)),
        };
        let before = (start >> PAGE_SHIFT) - frames.start().get();
        if before >= frames.npages() {
            return Ok((frames.npages(), frames.split_at(0).0));
        }
        let end = seek(&self.file, SeekFrom::Hole(start));
        let end = end.map_err(FileError::system("lseek(SEEK_HOLE)"))?;
        let (_, rest) = frames.split_at(before);
        let npages = end.div_ceil(PAGE_SIZE as u64) - rest.start().get();
        Ok((before, rest.split_at(npages).0))
    }

    /// Calls `zero` for parts of at most `most` frames, each after a check that it is in the file.
    fn by_parts(
        &self,
        frames: FrameRange,
        most: u64,
        zero: impl Fn(FrameRange) -> Partial,
    ) -> Partial {
        let mut done = 0;
        while done < frames.npages() {
            let part = frames.split_at(done).1.split_at(most).0;
            let part = self.inside(part).map_err(|error| (done, error))?;
            zero(part).map_err(after(done))?;
            done += part.npages();
        }
        Ok(())
    }

    /// Writes zeroes to at most [`WRITE`] frames.
    fn write(&self, frames: FrameRange) -> Partial {
        let (start, end) = (frames.start().address(), frames.end() << PAGE_SHIFT);
        let mut at = start;
        while at < end {
            let within = at as usize % PAGE_SIZE;
            let npages = ((end - at) >> PAGE_SHIFT) as usize;
            let written = retry_on_intr(|| {
                // One page, or its rest if the last write ended within it.
                if within > 0 || npages == 1 {
                    return pwrite(&self.file, &ZEROES.as_bytes()[within..], at);
                }
                let pages = [IoSlice::new(ZEROES.as_bytes()); WRITE];
                pwritev(&self.file, &pages[..npages], at)
            });
            at += match written {
                Ok(written @ 1..) => written as u64,
                _ => {
                    let errno = written.err().unwrap_or(Errno::IO);
                    let zeroed = (at - start) >> PAGE_SHIFT;
                    return Err((zeroed, FileError::system("pwritev")(errno)));
                }
            };
        }
        Ok(())
    }

    /// Punches holes. The file does not grow, even if it was truncated meanwhile.
    fn punch(&self, frames: FrameRange) -> Partial {
        let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        self.by_parts(frames, u64::MAX, |part| {
            let (start, len) = (part.start().address(), part.npages() << PAGE_SHIFT);
            let punched = retry_on_intr(|| fallocate(&self.file, mode, start, len));
            punched.map_err(|errno| (0, FileError::system("fallocate")(errno)))
        })
    }

    /// Punches whole huge pages of hugetlbfs, and clears partial ones, which punching does not
    /// change before Linux 5.19.
    fn punch_blocks(&self, frames: FrameRange) -> Partial {
        let block = (self.unit as u64 >> PAGE_SHIFT).max(1);
        let start = frames.start().get();
        let (head, rest) = frames.split_at(start.next_multiple_of(block) - start);
        let (blocks, tail) = rest.split_at(rest.npages() / block * block);
        let edge = ZeroMethod::Map(Intent::Auto);
        self.zero_part(head, edge)?;
        self.punch(blocks).map_err(after(head.npages()))?;
        self.zero_part(tail, edge).map_err(after(head.npages() + blocks.npages()))
    }
}

/// Adds the frame that failed to an error.
fn locate(frames: FrameRange, result: Partial) -> Result<(), ClearError<FileError>> {
    result.map_err(|(cleared, source)| {
        let frame = frames.split_at(cleared).1.start();
        ClearError { cleared, frame, source }
    })
}
