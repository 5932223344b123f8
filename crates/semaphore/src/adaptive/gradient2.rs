//! The gradient: looks at how much longer calls take than they use to.
//!
//! After `Gradient2Limit` of Netflix's concurrency-limits (E. Landau, W. Thurston and T. Bozarth,
//! *Performance under load*, 2018). What differs:
//!
//! - Room for a queue is added only while no queue is seen. Added always, it outweighs a gradient of
//!   0.8 at any limit below twenty, and as the long average follows the load the limit grows without
//!   end.
//! - The long average does not follow the load up: under load it falls only, and a probe (see
//!   `baseline.rs`) lets it rise. So it needs no remedy for coming down.
//! - The queue is the root of the limit, at least four, and rising is not smoothed.

use super::{
    algorithm::{Algorithm, Sample},
    baseline::{Baseline, Heard},
};
use std::{fmt, time::Duration};

/// How much of the way the long average goes down to a shorter window.
const FALLING: f64 = 0.1;
/// How much of the way it goes to what a probe says: one window, but without a queue.
const PROBED: f64 = 0.5;

/// Compares what calls take now, a window, with what they take in the long run, without load.
///
/// The limit is multiplied by `long × tolerance / short`, within 0.5 and 1: where calls take twice
/// as long as they may, to half of it, but only a part of the way at once. While it is 1 the limit
/// rises by the room for a queue.
///
/// Averages instead of the shortest time make it calm where calls differ; the tolerance is the
/// queue that it allows: with 1.5 there are half as many in line as are served. Every 15 to 30
/// windows of full load it probes, for a window or two at half of what would be useful.
///
/// ```
/// use anabranch_semaphore::adaptive::{Algorithm, Gradient2, Sample};
/// use std::time::Duration;
///
/// let mut gradient = Gradient2::default();
/// let quick = Sample { rtt: Duration::from_millis(10), in_flight: 20, dropped: false };
/// assert_eq!(gradient.update(20.0, quick), 20.0); // learns what a call takes
/// assert_eq!(gradient.update(100.0, Sample { in_flight: 100, ..quick }), 110.0);
/// let slow = Sample { rtt: Duration::from_millis(30), ..quick };
/// assert_eq!(gradient.update(20.0, slow), 18.0); // a fifth of the way to half
/// ```
pub struct Gradient2 {
    tolerance: f64,
    smoothing: f64,
    queue: Box<dyn Fn(f64) -> f64 + Send>,
    long: Baseline,
}

impl Default for Gradient2 {
    /// Tolerance 1.5, smoothing 0.2, the root of the limit as queue.
    fn default() -> Self {
        Self {
            tolerance: 1.5,
            smoothing: 0.2,
            queue: Box::new(|limit| limit.sqrt().max(4.0)),
            long: Baseline::new(FALLING, PROBED),
        }
    }
}

impl Gradient2 {
    /// So many times as long a call may take before the limit falls. 1.5 unless said otherwise.
    ///
    /// # Panics
    /// When it is less than 1 or not finite.
    #[must_use]
    #[track_caller]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        assert!(tolerance.is_finite() && tolerance >= 1.0, "at least 1");
        self.tolerance = tolerance;
        self
    }

    /// How much of the way down is gone at once, 1 all of it. 0.2 unless said otherwise.
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

    /// What is added while no queue is seen, a function of the limit.
    #[must_use]
    pub fn queue(mut self, queue: impl Fn(f64) -> f64 + Send + 'static) -> Self {
        self.queue = Box::new(queue);
        self
    }

    /// Never believes that a call takes longer than this without load.
    #[must_use]
    pub fn baseline_at_most(mut self, rtt: Duration) -> Self {
        self.long.set_at_most(rtt);
        self
    }

    /// Probes after at most so many samples under load, at least half as many; 30 unless said
    /// otherwise. 0 never probes: then a call that has come to take longer by itself is taken for a
    /// queue, for ever.
    #[must_use]
    pub fn probe_every(mut self, samples: u32) -> Self {
        self.long.set_probe_every(samples);
        self
    }

    /// Where the moments of the probes come from: for tests. Drawn otherwise.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.long.set_seed(seed);
        self
    }

    fn shrink(&self, limit: f64, gradient: f64) -> f64 {
        limit * (1.0 - self.smoothing * (1.0 - gradient))
    }
}

impl Algorithm for Gradient2 {
    fn update(&mut self, limit: f64, sample: Sample) -> f64 {
        if sample.dropped {
            // As bad as it gets.
            let limit = self.long.abandon_probe(limit);
            return self.shrink(limit, 0.5);
        }
        let first = self.long.get().is_none();
        let ratio = match self.long.hear(limit, sample) {
            Heard::Learned if first => return limit,
            Heard::Learned => 1.0,
            Heard::Probing(at) => return at,
            Heard::Probed { limit, useful } => return limit.min(useful * self.tolerance),
            Heard::Compared(ratio) => ratio,
        };
        if !sample.uses(limit) {
            return limit;
        }
        let gradient = (ratio * self.tolerance).clamp(0.5, 1.0);
        if gradient < 1.0 {
            self.shrink(limit, gradient)
        } else {
            limit + (self.queue)(limit)
        }
    }
}

impl fmt::Debug for Gradient2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gradient2")
            .field("long", &self.long.get())
            .field("tolerance", &self.tolerance)
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
    fn gradient() -> Gradient2 {
        let mut gradient = Gradient2::default().probe_every(0);
        assert_eq!(gradient.update(20.0, took(10, 20)), 20.0);
        gradient
    }

    #[test]
    fn it_rises_by_the_queue_while_calls_take_no_longer_than_they_may() {
        assert_eq!(gradient().update(100.0, took(15, 100)), 110.0);
        assert_eq!(gradient().update(9.0, took(15, 9)), 13.0);
    }

    #[test]
    fn it_falls_by_the_gradient_and_no_room_for_a_queue_is_added_then() {
        // 15 / 18.75 is 0.8: a fifth of the way, and nothing on top, however small the limit.
        let sample = |limit| Sample {
            rtt: Duration::from_micros(18_750),
            ..took(0, limit)
        };
        assert_eq!(gradient().update(100.0, sample(100)), 96.0);
        assert_eq!(gradient().update(10.0, sample(10)), 9.6);
    }

    #[test]
    fn it_falls_by_no_more_than_half_whatever_a_call_took() {
        let mut gradient = gradient().smoothing(1.0);
        assert_eq!(gradient.update(100.0, took(10_000, 100)), 50.0);
    }

    #[test]
    fn a_drop_is_as_bad_as_it_gets() {
        let dropped = Sample {
            dropped: true,
            ..took(1, 100)
        };
        assert_eq!(gradient().update(100.0, dropped), 90.0);
    }

    #[test]
    fn a_limit_that_is_not_used_is_neither_raised_nor_lowered() {
        let mut gradient = gradient();
        assert_eq!(gradient.update(20.0, took(10, 9)), 20.0);
        assert_eq!(gradient.update(20.0, took(90, 9)), 20.0);
    }

    #[test]
    fn the_long_average_follows_no_load_up_and_what_is_shorter_down() {
        let mut gradient = gradient();
        for _ in 0..10_000 {
            gradient.update(100.0, took(14, 100));
        }
        assert_eq!(gradient.long.get(), Some(Duration::from_millis(10)));
        for _ in 0..100 {
            gradient.update(100.0, took(5, 100));
        }
        let long = gradient.long.get().unwrap();
        assert!(long < Duration::from_micros(5_100), "{long:?}");
    }
}
