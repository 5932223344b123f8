//! Additive increase, multiplicative decrease: looks at failures only.
//!
//! After D.-M. Chiu and R. Jain, *Analysis of the increase and decrease algorithms for congestion
//! avoidance in computer networks*, 1989, as in `AIMDLimit` of Netflix's concurrency-limits. What
//! differs: the limit is a fraction in between, and how much is added can be set.

use super::algorithm::{Algorithm, Sample};
use std::time::Duration;

/// Raises the limit by one while it is used and all goes well; takes a tenth off it when a call was
/// dropped or took too long.
///
/// Knows nothing but what fails: right where the other side says no, or where there is a time
/// after which an answer is worthless. It finds out by going over the edge, again and again, by
/// one step. Where waiting alone shows the load, [`Gradient2`](super::Gradient2) stays clear of it.
///
/// ```
/// use anabranch_semaphore::adaptive::{Aimd, Algorithm, Sample};
/// use std::time::Duration;
///
/// let mut aimd = Aimd::default();
/// let fine = Sample { rtt: Duration::from_millis(5), in_flight: 20, dropped: false };
/// assert_eq!(aimd.update(20.0, fine), 21.0);
/// assert_eq!(aimd.update(30.0, Sample { dropped: true, ..fine }), 27.0);
/// ```
#[derive(Clone, Debug)]
pub struct Aimd {
    increase: f64,
    backoff: f64,
    timeout: Duration,
}

impl Default for Aimd {
    /// One up, a tenth down, five seconds.
    fn default() -> Self {
        Self {
            increase: 1.0,
            backoff: 0.9,
            timeout: Duration::from_secs(5),
        }
    }
}

impl Aimd {
    /// What is added at a time. 1 unless said otherwise.
    ///
    /// # Panics
    /// When it is not a positive number.
    #[must_use]
    #[track_caller]
    pub fn increase(mut self, by: f64) -> Self {
        assert!(by.is_finite() && by > 0.0, "increase by a positive number");
        self.increase = by;
        self
    }

    /// What is left of the limit after a drop: 0.9 unless said otherwise. At least one is taken off.
    ///
    /// # Panics
    /// When it is not in 0.5 .. 1.
    #[must_use]
    #[track_caller]
    pub fn backoff(mut self, ratio: f64) -> Self {
        assert!((0.5..1.0).contains(&ratio), "a ratio in 0.5 .. 1");
        self.backoff = ratio;
        self
    }

    /// A round trip longer than this counts as a drop. Five seconds unless said otherwise.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Algorithm for Aimd {
    fn update(&mut self, limit: f64, sample: Sample) -> f64 {
        if sample.dropped || sample.rtt > self.timeout {
            (limit * self.backoff).min(limit - 1.0)
        } else if sample.uses(limit) {
            limit + self.increase
        } else {
            limit
        }
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

    fn dropped(in_flight: usize) -> Sample {
        Sample {
            dropped: true,
            ..took(1, in_flight)
        }
    }

    #[test]
    fn a_success_at_twenty_makes_it_twenty_one() {
        assert_eq!(Aimd::default().update(20.0, took(1, 10)), 21.0);
    }

    #[test]
    fn a_drop_at_thirty_makes_it_twenty_seven() {
        assert_eq!(Aimd::default().update(30.0, dropped(0)), 27.0);
    }

    #[test]
    fn a_drop_takes_one_off_at_least() {
        assert_eq!(Aimd::default().update(5.0, dropped(5)), 4.0);
    }

    #[test]
    fn a_round_trip_over_the_timeout_is_a_drop() {
        let mut aimd = Aimd::default().timeout(Duration::from_millis(100));
        assert_eq!(aimd.update(30.0, took(100, 30)), 31.0);
        assert_eq!(aimd.update(30.0, took(101, 30)), 27.0);
    }

    #[test]
    fn a_limit_that_is_not_used_is_not_raised() {
        assert_eq!(Aimd::default().update(20.0, took(1, 9)), 20.0);
    }
}
