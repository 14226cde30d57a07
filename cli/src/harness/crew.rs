//! The threads that take a sample, each on its own CPU and with its own memory.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread;

use crate::UserError;
use crate::harness::memory::Arena;
use crate::harness::pin;
use crate::harness::sample::{Memory, Sample};

/// Threads that clear at once.
pub struct Crew {
    members: Vec<Member>,
}

struct Member {
    /// The CPU that it is pinned to.
    cpu: Option<usize>,
    memory: Memory,
}

impl Crew {
    /// Returns a crew of the calling thread, which is not pinned.
    pub fn alone(arena: Arena) -> Self {
        Self { members: vec![Member { cpu: None, memory: Memory::Touched(arena) }] }
    }

    /// Returns a crew of one thread for each of `cpus`, which maps its memory there, so that it is
    /// near. A single thread is the calling one.
    ///
    /// # Errors
    /// A thread cannot be pinned, or memory is unavailable.
    pub fn gather(
        cpus: &[Option<usize>],
        memory: impl Fn() -> Result<Memory, UserError> + Sync,
    ) -> Result<Self, UserError> {
        let mut cpus = cpus.to_vec();
        let made = together(&mut cpus, |cpu, _| {
            cpu.map(pin::to).transpose()?;
            Ok(Member { cpu: *cpu, memory: memory()? })
        });
        Ok(Self { members: made.into_iter().collect::<Result<_, _>>()? })
    }

    /// Returns the number of threads.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns the block of the first member that has touched memory.
    pub fn arena(&mut self) -> Option<&mut Arena> {
        self.members.iter_mut().find_map(|member| match &mut member.memory {
            Memory::Touched(arena) => Some(arena),
            Memory::Fresh(..) => None,
        })
    }

    /// Takes a sample on all threads at once. Returns the times of one call in nanoseconds; of
    /// several threads, the harmonic mean.
    ///
    /// # Errors
    /// A thread cannot be pinned, or memory is unavailable.
    pub fn take(&mut self, sample: &Sample) -> Result<Vec<f64>, UserError> {
        // Alone, it is where it was gathered.
        let moves = self.members.len() > 1;
        let times = together(&mut self.members, |member, line| {
            let pinned = member.cpu.filter(|_| moves).map_or(Ok(()), pin::to);
            match pinned {
                Ok(()) => sample.take(&mut member.memory, line),
                Err(error) => {
                    line.wait();
                    Err(error)
                }
            }
        });
        Ok(harmonic(&times.into_iter().collect::<Result<Vec<_>, _>>()?))
    }
}

/// A barrier that spins: to be woken takes as long as a short sample.
pub struct StartLine {
    there: AtomicUsize,
    members: usize,
}

impl StartLine {
    /// Returns a line for the given number of threads.
    pub fn new(members: usize) -> Self {
        Self { there: AtomicUsize::new(0), members }
    }

    /// Waits until all threads wait.
    pub fn wait(&self) {
        self.there.fetch_add(1, Release);
        let mut spins = 0_u32;
        while self.there.load(Acquire) < self.members {
            std::hint::spin_loop();
            spins = spins.wrapping_add(1);
            if spins % 4096 == 0 {
                // Another thread may need this CPU to arrive.
                thread::yield_now();
            }
        }
    }
}

/// Does the work of all at once: of several, each on its own thread.
fn together<T: Send, R: Send>(
    all: &mut [T],
    work: impl Fn(&mut T, &StartLine) -> R + Sync,
) -> Vec<R> {
    let line = StartLine::new(all.len());
    let (work, line) = (&work, &line);
    if let [alone] = all {
        return vec![work(alone, line)];
    }
    thread::scope(|scope| {
        let threads: Vec<_> =
            all.iter_mut().map(|one| scope.spawn(move || work(one, line))).collect();
        threads.into_iter().map(|t| t.join().expect("a sample does not panic")).collect()
    })
}

/// Returns the harmonic mean of the threads, time by time, because speeds add up.
fn harmonic(times: &[Vec<f64>]) -> Vec<f64> {
    let common = times.iter().map(Vec::len).min().unwrap_or(0);
    let mean = |i: usize| {
        let speed: f64 = times.iter().map(|times| 1.0 / times[i]).sum();
        times.len() as f64 / speed
    };
    (0..common).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::contender::Kind;
    use crate::report::{Backing, Temperature};
    use clearpage::PAGE_SIZE;

    #[test]
    fn speeds_add_up() {
        // A time of 2 and one of 6 are 1/2 + 1/6 = 2/3 calls: as fast as two of 3.
        let times = harmonic(&[vec![2.0, 5.0, 9.0], vec![6.0, 5.0]]);
        assert!((times[0] - 3.0).abs() < 1e-9 && (times[1] - 5.0).abs() < 1e-9, "{times:?}");
        assert_eq!(times.len(), 2);
    }

    #[test]
    fn several_threads_take_a_sample_together() {
        let mut crew = Crew::gather(&[None, None, None], || {
            Ok(Memory::Touched(Arena::touched(2 << 20, Backing::Thp)?))
        })
        .unwrap();
        assert_eq!(crew.len(), 3);
        for temperature in [Temperature::Hot, Temperature::Cold, Temperature::Use] {
            let (kind, size, walk) = (Kind::Auto, PAGE_SIZE, 2 << 20);
            let sample = Sample { kind, temperature, size, calls: 40, seed: 0, walk };
            let times = crew.take(&sample).unwrap();
            assert!(!times.is_empty() && times.iter().all(|&time| time > 0.0), "{times:?}");
        }
    }

    #[test]
    fn failing_member_does_not_block_the_others() {
        let size = isize::MAX as usize / 2;
        let fresh = || Ok(Memory::Fresh(size, Backing::Base));
        let mut crew = Crew::gather(&[None, None], fresh).unwrap();
        let (kind, temperature) = (Kind::Plan, Temperature::Fault);
        let sample =
            Sample { kind, temperature, size: PAGE_SIZE, calls: 1, seed: 0, walk: PAGE_SIZE };
        let error = crew.take(&sample).unwrap_err();
        assert!(error.to_string().contains("is unavailable"), "{error}");
    }
}
