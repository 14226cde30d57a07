//! Logarithmic axes.

/// Maps values to coordinates on a logarithmic axis.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

/// Smallest value on an axis.
pub const LEAST: f64 = 1e-9;

/// Returns whether a value can be on an axis: positive, and in the range of what can be measured.
pub fn drawable(value: f64) -> bool {
    (LEAST..=1e18).contains(&value)
}

impl Log {
    /// Creates an axis with `low` at `from` and `high` at `to`, both [`drawable`]. If they are equal, the
    /// value is in the middle.
    pub fn new((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let widen = if low < high { 1.0 } else { 2.0 };
        Self { low: (low / widen).ln(), high: (high * widen).ln(), from, to }
    }

    /// Returns the coordinate of `value`.
    pub fn at(&self, value: f64) -> f64 {
        self.from + (value.ln() - self.low) / (self.high - self.low) * (self.to - self.from)
    }
}

/// Returns the round values (1, 2, 5, 10, ...) from the last one below `low` to the first above `high`;
/// only powers of ten, or some of them, if that would be too many.
pub fn ticks(low: f64, high: f64) -> Vec<f64> {
    const MOST: usize = 9;
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let mut ticks: Vec<f64> = decades
        .clone()
        .flat_map(|decade| {
            [1, 2, 5].map(|step| format!("{step}e{decade}").parse().expect("a number"))
        })
        .collect();
    let last = ticks.iter().position(|&tick| tick >= high).unwrap_or(ticks.len() - 1);
    ticks.truncate(last + 1);
    let first = ticks.iter().rposition(|&tick| tick <= low).unwrap_or(0);
    ticks.drain(..first);
    if ticks.len() > MOST {
        let length = (decades.end() - decades.start()) as usize;
        ticks = decades
            .step_by(length.div_ceil(MOST))
            .map(|decade| format!("1e{decade}").parse().expect("a number"))
            .collect();
        if ticks.last().is_some_and(|&last| last < high) {
            ticks.push(high);
        }
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_enclose() {
        assert_eq!(ticks(3.0, 40.0), [2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!(ticks(2.0, 2.0), [2.0]);
        assert_eq!(ticks(0.3, 0.4), [0.2, 0.5]);
        assert_eq!(ticks(0.5, 900.0), [0.1, 1.0, 10.0, 100.0, 1000.0]);
        for (low, high) in [(1e-9, 1e18), (1.0, 1.0), (9.99, 10.0), (7.0, 5e9)] {
            let ticks = ticks(low, high);
            assert!(ticks.len() <= 11 && ticks[0] <= low, "{low} {high}: {ticks:?}");
            assert!(ticks.last().is_some_and(|&last| last >= high), "{low} {high}: {ticks:?}");
        }
    }

    #[test]
    fn one_value_is_in_the_middle() {
        assert!((Log::new((7.0, 7.0), (10.0, 30.0)).at(7.0) - 20.0).abs() < 1e-9);
        let axis = Log::new((1.0, 100.0), (0.0, 10.0));
        assert!((axis.at(10.0) - 5.0).abs() < 1e-9);
    }
}
