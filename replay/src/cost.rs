//! Estimates how long a replay on a graph takes, from a run on a small graph.

use std::time::Duration;

use clearpage_cli::harness::output::note;
use clearpage_cli::harness::units::cost;

/// The largest scale of the small graph: a run takes a tenth of a second.
const LARGEST: u32 = 14;

/// How many times as long a run takes at the next scale: twice the edges, fewer of them in the cache.
/// Measured on Zen 4 with `--release`, from scale 14 to 21: 2.16 for graph500, 2.20 for pagerank.
const GROWTH: f64 = 2.2;

/// Returns the scale of the small graph, for a replay at `scale`.
pub fn small(scale: u32) -> u32 {
    scale.min(LARGEST)
}

/// Prints what a replay at `scale` takes, if it would take `seconds` on the small graph.
pub fn announce(seconds: f64, scale: u32, bytes: usize) {
    note(&cost(time(seconds, scale), bytes as u64));
}

fn time(seconds: f64, scale: u32) -> Duration {
    let steps = scale - small(scale);
    Duration::try_from_secs_f64(seconds * GROWTH.powi(steps as i32)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_grows_with_the_scale_and_the_seconds() {
        assert_eq!(time(0.5, 4), Duration::from_millis(500));
        assert_eq!(time(0.5, LARGEST), Duration::from_millis(500));
        let [one, two] = [1.0, 2.0].map(|seconds| time(seconds, LARGEST + 5));
        assert!(two > one && two <= 2 * one + Duration::from_nanos(1), "{one:?} {two:?}");
        // No less than the edges do.
        assert!(time(1.0, LARGEST + 5) >= Duration::from_secs(32));
        assert!(time(f64::MAX, 31) == Duration::MAX);
    }
}
