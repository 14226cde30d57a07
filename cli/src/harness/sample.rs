//! How one sample is taken, on one thread: the loop around the contender's function, and the clock
//! around the loop.

use std::hint::black_box;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::compiler_fence;
use std::time::Duration;

use clearpage::{PAGE_SIZE, Page};
use clearpage_os::measure::Clock;

use crate::UserError;
use crate::harness::contender::{Each, Kind};
use crate::harness::crew::StartLine;
use crate::harness::measure::Case;
use crate::harness::memory::Arena;
use crate::report::{Backing, Temperature};

/// Approximate length of a time of hot clearing: short, so that a disturbance affects few of them.
pub const HOT_TIME: Duration = Duration::from_micros(300);
/// Bursts in such a time, each at another place: a loop that just exceeds a cache runs at one of
/// two speeds until something disturbs it.
const BURSTS: usize = 10;
/// Times in a sample, unless they take too long.
const HOT_TIMES: usize = 5;
/// Bytes that are cleared in a time of a walk, if one call does not clear more.
const STRETCH: usize = 16 << 20;
/// A page that is touched first takes this many times as long as one that is cleared, or so: on Zen 5,
/// 4.6 times on huge pages, and more on small ones.
const FAULTING: u32 = 8;
/// Unrolled calls, if there are many.
const UNROLLED: usize = 8;

/// Returns about how long a sample takes in a block of `bytes`, if the contender clears `speed` bytes a
/// nanosecond.
pub fn about((size, temperature): Case, bytes: usize, speed: f64) -> Duration {
    let clearing = |bytes: usize| Duration::from_nanos((bytes as f64 / speed) as u64);
    match temperature {
        // A loop that is not timed before each that is; a long call ends the sample.
        Temperature::Hot | Temperature::Reuse => {
            2 * HOT_TIME * HOT_TIMES as u32 + 2 * clearing(size)
        }
        Temperature::Cold => 2 * clearing(bytes),
        // Reading and writing the lines takes about as long as clearing them.
        Temperature::Use => 4 * clearing(bytes),
        Temperature::Fault => FAULTING * clearing(bytes),
    }
}

/// What a contender clears.
pub enum Memory {
    /// A block that has been touched.
    Touched(Arena),
    /// A new mapping of the given length for every sample.
    Fresh(usize, Backing),
}

/// A sample to take.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Who clears.
    pub kind: Kind,
    /// What the memory is like.
    pub temperature: Temperature,
    /// Bytes a call.
    pub size: usize,
    /// Calls that make a time, where the memory is hot.
    pub calls: usize,
    /// Chooses where in the block hot memory is.
    pub seed: u64,
    /// Bytes of the block that a walk goes through, or one call if that is more.
    pub walk: usize,
}

impl Sample {
    /// Takes it, beginning when all are at the `line`. The times of one call, in nanoseconds.
    ///
    /// # Errors
    /// Fresh memory is unavailable.
    pub fn take(&self, memory: &mut Memory, line: &StartLine) -> Result<Vec<f64>, UserError> {
        let (arena, walk) = match memory {
            Memory::Touched(arena) => (arena, self.walk.max(self.size)),
            Memory::Fresh(bytes, backing) => match Arena::fresh(*bytes, *backing) {
                Ok(mut arena) => return Ok(self.walk(arena.pages(), line)),
                Err(error) => {
                    line.wait();
                    return Err(error);
                }
            },
        };
        let pages = arena.pages();
        Ok(match (self.temperature, self.kind) {
            (Temperature::Hot, _) | (Temperature::Reuse, Kind::Empty) => {
                self.again::<false>(pages, line)
            }
            (Temperature::Reuse, _) => self.again::<true>(pages, line),
            _ => {
                let npages = (walk / PAGE_SIZE).min(pages.len());
                let pages = &mut pages[..npages];
                // Off the record: then the caches are full of lines that this contender wrote, or,
                // if its stores go past them, hold none of this memory. A store past the cache is
                // slower for a line that a neighbour left there: on Zen 5, 60 to 80 GB/s, not 97.
                self.walk(pages, line);
                self.walk(pages, line)
            }
        })
    }

    fn again<const USE: bool>(&self, pages: &mut [Page], line: &StartLine) -> Vec<f64> {
        let npages = self.size / PAGE_SIZE;
        let bursts = self.calls.clamp(1, BURSTS);
        let calls = (self.calls / bursts).max(1);
        // A neighbour may have left it cold. What the caches do not hold is as it was.
        let fetch = self.size < self.walk;
        let (intent, seed) = (self.temperature.intent(), self.seed);
        if calls >= 4 * UNROLLED {
            let loops = calls / UNROLLED;
            let again = Again::<UNROLLED, USE> { pages, npages, loops, bursts, fetch, seed, line };
            self.kind.with(intent, again)
        } else {
            let again = Again::<1, USE> { pages, npages, loops: calls, bursts, fetch, seed, line };
            self.kind.with(intent, again)
        }
    }

    /// Once through all of `pages`.
    fn walk(&self, pages: &mut [Page], line: &StartLine) -> Vec<f64> {
        let npages = self.size / PAGE_SIZE;
        let calls = (STRETCH / self.size).min(pages.len() / npages).max(1);
        let intent = self.temperature.intent();
        // The empty contender has the tool's part of the work, and using the memory is none.
        match (self.temperature, self.kind) {
            (Temperature::Use, Kind::Empty) | (Temperature::Cold | Temperature::Fault, _) => {
                self.kind.with(intent, Walk::<false> { pages, npages, calls, line })
            }
            _ => self.kind.with(intent, Walk::<true> { pages, npages, calls, line }),
        }
    }
}

/// Clears the same pages again and again, `npages` at each of several places; `N` calls a loop.
struct Again<'a, const N: usize, const USE: bool> {
    pages: &'a mut [Page],
    npages: usize,
    loops: usize,
    bursts: usize,
    /// Whether a loop before each burst is not timed.
    fetch: bool,
    seed: u64,
    line: &'a StartLine,
}

impl<const N: usize, const USE: bool> Each<Vec<f64>> for Again<'_, N, USE> {
    fn call(self, mut clear: impl FnMut(&mut [Page])) -> Vec<f64> {
        // From here on the compiler does not know whose pages they are, so that any fence might
        // read them: no call can be left out because the next one overwrites what it wrote.
        let pages = black_box(self.pages);
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut times = Vec::with_capacity(HOT_TIMES);
        self.line.wait();
        let all = Clock::start();
        while times.len() < HOT_TIMES && all.elapsed() <= 2 * HOT_TIME * HOT_TIMES as u32 {
            let mut time = Duration::ZERO;
            for _ in 0..self.bursts {
                let at = random.usize(..pages.len() / self.npages) * self.npages;
                let pages = &mut pages[at..at + self.npages];
                let mut burst = Duration::ZERO;
                for loops in [usize::from(self.fetch), self.loops] {
                    let clock = Clock::start();
                    for _ in 0..loops {
                        for _ in 0..N {
                            clear(pages);
                            compiler_fence(SeqCst);
                            if USE {
                                touch(pages);
                            }
                        }
                    }
                    burst = clock.elapsed();
                }
                time += burst;
            }
            times.push(time.as_nanos() as f64 / (N * self.loops * self.bursts) as f64);
        }
        times
    }
}

/// Clears all pages once, `npages` a call and `calls` a time; `USE`: reads and writes every line
/// of what a call has cleared before the next one.
struct Walk<'a, const USE: bool> {
    pages: &'a mut [Page],
    npages: usize,
    calls: usize,
    line: &'a StartLine,
}

impl<const USE: bool> Each<Vec<f64>> for Walk<'_, USE> {
    fn call(self, mut clear: impl FnMut(&mut [Page])) -> Vec<f64> {
        let pages = black_box(self.pages);
        let stretch = self.npages * self.calls;
        let mut times = Vec::with_capacity(pages.len() / stretch);
        self.line.wait();
        for stretch in pages.chunks_exact_mut(stretch) {
            let clock = Clock::start();
            for pages in stretch.chunks_exact_mut(self.npages) {
                clear(pages);
                compiler_fence(SeqCst);
                if USE {
                    touch(pages);
                }
            }
            times.push(clock.elapsed().as_nanos() as f64 / self.calls as f64);
        }
        times
    }
}

/// Reads and writes a word of every line. Never inlined: the same code after every contender.
#[inline(never)]
fn touch(pages: &mut [Page]) {
    const LINE: usize = 64;
    for page in pages {
        for line in page.as_bytes_mut().chunks_exact_mut(LINE) {
            let word: *mut u64 = line.as_mut_ptr().cast();
            // SAFETY: a line's first word lies in the page, which is ours to write, and is aligned
            // since pages are. Volatile: every line is read and written, whatever is known of it.
            unsafe { word.write_volatile(word.read_volatile().wrapping_add(1)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(temperature: Temperature, size: usize, calls: usize) -> Sample {
        let kind = Kind::Plan;
        Sample { kind, temperature, size, calls, seed: 1, walk: 8 << 20 }
    }

    #[test]
    fn every_page_of_a_walk_is_cleared_and_then_used() {
        let mut memory = Memory::Touched(Arena::new(8 << 20));
        let line = StartLine::new(1);
        for (temperature, word) in [(Temperature::Cold, 0), (Temperature::Use, 1)] {
            let Memory::Touched(arena) = &mut memory else { unreachable!() };
            arena.pages().iter_mut().for_each(|page| page.as_bytes_mut().fill(0xA5));
            let times = sample(temperature, 4 * PAGE_SIZE, 1).take(&mut memory, &line).unwrap();
            assert_eq!(times.len(), 1);
            let Memory::Touched(arena) = &mut memory else { unreachable!() };
            for page in arena.pages() {
                for line in page.as_bytes().chunks_exact(64) {
                    let expected = [&u64::to_ne_bytes(word)[..], &[0; 56]].concat();
                    assert_eq!(line, expected);
                }
            }
        }
    }

    #[test]
    fn hot_samples_clear_whole_places_only() {
        let size = 2 * PAGE_SIZE;
        for (calls, places) in [(1, HOT_TIMES), (1000, HOT_TIMES * BURSTS)] {
            let mut memory = Memory::Touched(Arena::new(8 << 20));
            let Memory::Touched(arena) = &mut memory else { unreachable!() };
            arena.pages().iter_mut().for_each(|page| page.as_bytes_mut().fill(0xA5));
            let times = sample(Temperature::Hot, size, calls).take(&mut memory, &StartLine::new(1));
            assert!((1..=HOT_TIMES).contains(&times.unwrap().len()));
            let Memory::Touched(arena) = &mut memory else { unreachable!() };
            let is = |page: &Page, byte| page.as_bytes().iter().all(|&found| found == byte);
            let cleared = arena.pages().chunks_exact(2).filter(|place| is(&place[0], 0));
            assert!((1..=places).contains(&cleared.count()));
            for place in arena.pages().chunks_exact(2) {
                let byte = place[0].as_bytes()[0];
                assert!(place.iter().all(|page| is(page, byte)));
            }
        }
    }

    #[test]
    fn a_walk_is_timed_by_stretches() {
        let mut memory = Memory::Touched(Arena::new(8 * STRETCH));
        let sample = Sample { walk: 8 * STRETCH, ..sample(Temperature::Cold, PAGE_SIZE, 1) };
        assert_eq!(sample.take(&mut memory, &StartLine::new(1)).unwrap().len(), 8);
        let mut fresh = Memory::Fresh(2 * STRETCH, Backing::Base);
        let sample = Sample { temperature: Temperature::Fault, ..sample };
        assert_eq!(sample.take(&mut fresh, &StartLine::new(1)).unwrap().len(), 2);
    }
}
