//! TCP Vegas: looks at how many wait.
//!
//! After L. Brakmo and L. Peterson, *TCP Vegas: end to end congestion avoidance on a global
//! internet*, 1995, as in `VegasLimit` of Netflix's concurrency-limits, with its steps that grow
//! with the logarithm of the limit. What differs is the time a call takes without load. There the
//! sample that happens to come when a probe is due is taken for it, which under constant load has
//! the queue in it, so that the limit drifts up; here the limit is lowered for the probe (see
//! `baseline.rs`), and there can be a ceiling.

use super::{
    algorithm::{Algorithm, Sample},
    baseline::{Baseline, Heard},
};
use std::{fmt, time::Duration};

type OfLimit = Box<dyn Fn(f64) -> f64 + Send>;

/// Estimates how many of those inside wait for others, and keeps them between *alpha* and *beta*.
///
/// The estimate is `limit × (1 − rtt without load / rtt)`. Up to a threshold the limit rises by
/// beta, up to alpha by a step, above beta it falls by a step; a drop lets it fall by a step too.
///
/// Keeps the queue short and the answers quick. Every 15 to 30 windows of full load it probes, for
/// a window or two at half of what would be useful.
///
/// ```
/// use anabranch_semaphore::adaptive::{Algorithm, Sample, Vegas};
/// use std::time::Duration;
///
/// let mut vegas = Vegas::default();
/// let quick = Sample { rtt: Duration::from_millis(10), in_flight: 10, dropped: false };
/// assert_eq!(vegas.update(10.0, quick), 10.0); // learns what a call takes
/// assert_eq!(vegas.update(10.0, quick), 16.0);
/// let slow = Sample { rtt: Duration::from_millis(50), ..quick };
/// assert_eq!(vegas.update(10.0, slow), 9.0); // eight of ten wait
/// ```
pub struct Vegas {
    alpha: OfLimit,
    beta: OfLimit,
    threshold: OfLimit,
    increase: OfLimit,
    decrease: OfLimit,
    smoothing: f64,
    baseline: Baseline,
}

/// The whole part of the logarithm to base 10, at least 1.
fn log10(limit: f64) -> f64 {
    limit.log10().floor().max(1.0)
}

impl Default for Vegas {
    /// Alpha, beta, threshold and step are 3, 6, 1 and 1 times the logarithm of the limit to base
    /// 10, in whole numbers.
    fn default() -> Self {
        Self {
            alpha: Box::new(|limit| 3.0 * log10(limit)),
            beta: Box::new(|limit| 6.0 * log10(limit)),
            threshold: Box::new(log10),
            increase: Box::new(|limit| limit + log10(limit)),
            decrease: Box::new(|limit| limit - log10(limit)),
            smoothing: 1.0,
            baseline: Baseline::new(1.0, 1.0),
        }
    }
}

impl Vegas {
    /// The limit rises while fewer wait than this, a function of the limit.
    #[must_use]
    pub fn alpha(mut self, alpha: impl Fn(f64) -> f64 + Send + 'static) -> Self {
        self.alpha = Box::new(alpha);
        self
    }

    /// The limit falls while more wait than this, a function of the limit.
    #[must_use]
    pub fn beta(mut self, beta: impl Fn(f64) -> f64 + Send + 'static) -> Self {
        self.beta = Box::new(beta);
        self
    }

    /// The limit rises by beta at once while no more wait than this, a function of the limit.
    #[must_use]
    pub fn threshold(mut self, threshold: impl Fn(f64) -> f64 + Send + 'static) -> Self {
        self.threshold = Box::new(threshold);
        self
    }

    /// The limit after a step up.
    #[must_use]
    pub fn increase(mut self, increase: impl Fn(f64) -> f64 + Send + 'static) -> Self {
        self.increase = Box::new(increase);
        self
    }

    /// The limit after a step down.
    #[must_use]
    pub fn decrease(mut self, decrease: impl Fn(f64) -> f64 + Send + 'static) -> Self {
        self.decrease = Box::new(decrease);
        self
    }

    /// How much of the way to a new limit is gone at once, 1 all of it, as it is unless said
    /// otherwise.
    ///
    /// # Panics
    /// When it is not in 0 .. 1, or is 0.
    #[must_use]
    #[track_caller]
    pub fn smoothing(mut self, smoothing: f64) -> Self {
        assert!(smoothing > 0.0 && smoothing <= 1.0, "more than 0, up to 1");
        self.smoothing = smoothing;
        self
    }

    /// Never believes that a call takes longer than this without load.
    #[must_use]
    pub fn baseline_at_most(mut self, rtt: Duration) -> Self {
        self.baseline.set_at_most(rtt);
        self
    }

    /// Probes after at most so many samples under load, at least half as many; 30 unless said
    /// otherwise. 0 never probes: then a call that has come to take longer by itself is taken for a
    /// queue, for ever.
    #[must_use]
    pub fn probe_every(mut self, samples: u32) -> Self {
        self.baseline.set_probe_every(samples);
        self
    }

    /// Where the moments of the probes come from: for tests. Drawn otherwise.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.baseline.set_seed(seed);
        self
    }

    fn smooth(&self, limit: f64, next: f64) -> f64 {
        (1.0 - self.smoothing) * limit + self.smoothing * next
    }
}

impl Algorithm for Vegas {
    fn update(&mut self, limit: f64, sample: Sample) -> f64 {
        if sample.dropped {
            let limit = self.baseline.abandon_probe(limit);
            return self.smooth(limit, (self.decrease)(limit));
        }
        let ratio = match self.baseline.hear(limit, sample) {
            Heard::Learned => return limit,
            Heard::Probing(at) => return at,
            Heard::Probed { limit, useful } => return limit.min(useful + (self.alpha)(limit)),
            Heard::Compared(ratio) => ratio,
        };
        if !sample.uses(limit) {
            return limit;
        }
        let queue = (limit * (1.0 - ratio)).ceil();
        let next = if queue <= (self.threshold)(limit) {
            limit + (self.beta)(limit)
        } else if queue < (self.alpha)(limit) {
            (self.increase)(limit)
        } else if queue > (self.beta)(limit) {
            (self.decrease)(limit)
        } else {
            return limit;
        };
        self.smooth(limit, next)
    }
}

impl fmt::Debug for Vegas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vegas")
            .field("baseline", &self.baseline.get())
            .field("smoothing", &self.smoothing)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn took(ms: u64, in_flight: usize) -> Sample {
        Sample {
            rtt: Duration::from_millis(ms),
            in_flight,
            dropped: false,
        }
    }

    /// One that knows that a call takes 10 ms.
    fn vegas() -> Vegas {
        knows(Vegas::default().alpha(|_| 3.0).beta(|_| 6.0))
    }

    fn knows(mut vegas: Vegas) -> Vegas {
        assert_eq!(vegas.update(10.0, took(10, 10)), 10.0);
        vegas
    }

    #[test]
    fn ten_become_sixteen_when_nobody_waits() {
        assert_eq!(vegas().update(10.0, took(10, 11)), 16.0);
        assert_eq!(knows(Vegas::default()).update(10.0, took(10, 11)), 16.0);
    }

    #[test]
    fn ten_become_nine_when_a_call_takes_fifty_instead_of_ten() {
        assert_eq!(vegas().update(10.0, took(50, 11)), 9.0);
    }

    #[test]
    fn nothing_changes_while_those_who_wait_are_between_alpha_and_beta() {
        assert_eq!(vegas().update(10.0, took(14, 14)), 10.0);
    }

    #[test]
    fn a_large_limit_takes_larger_steps() {
        let mut vegas = knows(Vegas::default());
        assert_eq!(vegas.update(10_000.0, took(10, 6_000)), 10_024.0);
    }

    #[test]
    fn drops_and_long_round_trips_halve_it_when_so_it_is_told() {
        for worse in [
            took(20, 100),
            Sample {
                dropped: true,
                ..took(10, 100)
            },
        ] {
            let mut vegas = knows(Vegas::default().decrease(|limit| limit / 2.0));
            assert_eq!(vegas.update(100.0, worse), 50.0);
            assert_eq!(vegas.update(50.0, worse), 25.0);
        }
    }

    #[test]
    fn smoothing_by_half_goes_half_the_way() {
        let halves = Vegas::default().decrease(|limit| limit / 2.0);
        let mut vegas = knows(halves.smoothing(0.5));
        assert_eq!(vegas.update(100.0, took(20, 100)), 75.0);
        assert_eq!(vegas.update(75.0, took(20, 100)), 56.25);
    }

    #[test]
    fn a_limit_that_is_not_used_is_neither_raised_nor_lowered() {
        let mut vegas = vegas();
        assert_eq!(vegas.update(20.0, took(10, 9)), 20.0);
        assert_eq!(vegas.update(20.0, took(90, 9)), 20.0);
    }

    #[test]
    fn a_drop_ends_a_probe_and_counts_from_the_limit_before_it() {
        let mut vegas = knows(Vegas::default().probe_every(1));
        assert_eq!(vegas.update(100.0, took(20, 100)), 25.0);
        let dropped = Sample {
            dropped: true,
            ..took(10, 25)
        };
        assert_eq!(vegas.update(25.0, dropped), 98.0);
    }
}
