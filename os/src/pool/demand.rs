//! Computes how many blocks to keep ready: as many as were taken recently.

use std::time::Duration;

/// Interval between two checks of demand and of the system's memory: too short for
/// a person to notice, and long enough for the checks to cost nothing.
pub(super) const PERIOD: Duration = Duration::from_millis(100);

/// Limits of the target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) min: usize,
    pub(super) max: usize,
}

impl Bounds {
    /// Returns the target when `taken` blocks were taken in a period that is still running.
    pub(super) fn raised(self, target: usize, taken: usize) -> usize {
        match taken {
            0 => target,
            _ => target.max(taken).clamp(self.min, self.max),
        }
    }

    /// Returns the target after `periods` full periods in which `taken` blocks were taken. Without
    /// demand the target shrinks by an eighth per period, which halves it in half a second.
    ///
    /// Without demand it never rises to `min`: a trimmed pool must not obtain the memory again.
    pub(super) fn settled(self, target: usize, taken: usize, periods: usize) -> usize {
        let floor = target.min(self.min);
        // 400 periods reduce any `usize` to 0.
        let decayed = (0..periods.min(400)).fold(target, |left, _| left - left.div_ceil(8));
        self.raised(decayed.max(floor), taken.div_ceil(periods.max(1)))
    }

    /// Returns the number of ready blocks below which the pool is refilled: half of the target, so
    /// that not every taken block causes a refill.
    pub(super) fn low(target: usize) -> usize {
        target.div_ceil(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    const BOUNDS: Bounds = Bounds { min: 8, max: 100 };

    #[test]
    fn demand_raises_the_target_at_once() {
        for (target, taken, expected) in [(8, 50, 50), (60, 50, 60), (8, 1000, 100), (0, 1, 8)] {
            assert_eq!(BOUNDS.raised(target, taken), expected);
        }
        assert_eq!(BOUNDS.raised(0, 0), 0);
    }

    #[test]
    fn without_demand_the_target_decays_and_a_trimmed_pool_stays_trimmed() {
        for (target, periods, expected) in [(80, 1, 70), (80, 5, 40), (9, 1, 8), (8, 1000, 8)] {
            assert_eq!(BOUNDS.settled(target, 0, periods), expected);
        }
        assert_eq!(BOUNDS.settled(3, 0, 1), 3, "trimmed");
        assert_eq!(BOUNDS.settled(3, 1, 1), 8);
    }

    #[test]
    fn blocks_taken_in_a_long_sleep_count_for_all_its_periods() {
        assert_eq!(BOUNDS.settled(100, 100, 100), 8);
        assert_eq!(BOUNDS.settled(8, 100, 5), 20);
    }

    #[test]
    fn a_refill_begins_before_the_last_block_is_taken() {
        assert_eq!([0, 1, 2, 3, 8].map(Bounds::low), [0, 1, 1, 2, 4]);
    }

    quickcheck! {
        fn the_target_is_within_its_bounds(target: usize, taken: usize, periods: usize) -> bool {
            let settled = BOUNDS.settled(target.min(100), taken, periods);
            settled <= 100 && (taken == 0 || settled >= 8)
        }

        fn any_target_decays_to_the_minimum(target: usize) -> bool {
            BOUNDS.settled(target, 0, usize::MAX) == target.min(8)
        }
    }
}
