//! Whether two figures differ, or only their noise does.

use crate::report::Cell;

/// Median absolute deviations in a standard deviation, of samples that scatter normally.
const NORMAL: f64 = 1.4826;
/// Standard deviations that one figure must be away from the other: normal scatter goes further
/// once in 370 times.
const SURE: f64 = 3.0;

/// A median and how its samples scatter, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Median of the samples.
    pub ns: f64,
    /// Median absolute deviation of the samples from it.
    pub mad: f64,
}

impl From<&Cell> for Figure {
    fn from(cell: &Cell) -> Self {
        Self { ns: cell.ns, mad: cell.ns_mad }
    }
}

/// The difference in nanoseconds below which two figures may be one.
///
/// Each errs by the scatter of its samples. That is not divided by the square root of their
/// number: the samples of a run share its memory and its minute, so another run is as far away as
/// a single sample may be, however many there are.
pub fn noise(a: Figure, b: Figure) -> f64 {
    SURE * NORMAL * a.mad.hypot(b.mad)
}

/// How many times as fast the faster one is, where that is by more than `lead` (0.05: 5 %) and by
/// more than noise; else `None`.
pub fn ratio(a: Figure, b: Figure, lead: f64) -> Option<f64> {
    let ratio = a.ns.max(b.ns) / a.ns.min(b.ns);
    (ratio > 1.0 + lead && (a.ns - b.ns).abs() > noise(a, b)).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_more_than_the_lead_and_more_than_noise() {
        let figure = |ns, mad| Figure { ns, mad };
        assert_eq!(ratio(figure(100.0, 0.0), figure(150.0, 0.0), 0.05), Some(1.5));
        assert_eq!(ratio(figure(150.0, 0.0), figure(100.0, 0.0), 0.05), Some(1.5));
        assert_eq!(ratio(figure(100.0, 0.0), figure(104.0, 0.0), 0.05), None);
        // 3 x 1.4826 x 10 = 44.5; both noisy: 62.9.
        assert_eq!(ratio(figure(100.0, 10.0), figure(144.0, 0.0), 0.05), None);
        assert_eq!(ratio(figure(100.0, 10.0), figure(150.0, 0.0), 0.05), Some(1.5));
        assert_eq!(ratio(figure(100.0, 10.0), figure(150.0, 10.0), 0.05), None);
    }
}
