//! The processor's counter, through quanta.

use crate::meter::Scale;
use quanta::Clock;
use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// So far behind the clock the counter may be, in nanoseconds, before it is moved: reading the two
/// one after the other takes some of it.
const TOLERANCE: u64 = 1_000;

/// Counts from when it was started.
pub(crate) struct Counter {
    clock: Clock,
    scale: Scale,
    start: AtomicU64,
}

impl Counter {
    /// Reads zero now. The first one in a process measures the counter, which takes about a
    /// millisecond and at most 200.
    pub(crate) fn start() -> Option<Self> {
        static MEASURED: OnceLock<(Clock, Scale)> = OnceLock::new();
        let (clock, scale) = MEASURED.get_or_init(|| {
            let clock = Clock::new();
            let log_ticks = 32;
            let nanos = clock.delta_as_nanos(0, 1 << log_ticks);
            (clock, Scale { nanos, log_ticks })
        });
        // A counter of more than 2^32 ticks a nanosecond, or of none: not one to rely on.
        (scale.nanos > 0).then(|| Self {
            start: AtomicU64::new(clock.raw()),
            clock: clock.clone(),
            scale: *scale,
        })
    }

    pub(crate) fn scale(&self) -> Scale {
        self.scale
    }

    #[inline]
    pub(crate) fn ticks(&self) -> u64 {
        since(self.clock.raw(), self.start.load(Relaxed))
    }

    /// Moves the start back if fewer than `nanos` seem to have passed.
    pub(crate) fn catch_up(&self, nanos: u64) {
        let start = self.start.load(Relaxed);
        let raw = self.clock.raw();
        if let Some(earlier) = caught_up(raw, start, self.scale, nanos) {
            // Somebody else's will do as well.
            let _ = self
                .start
                .compare_exchange(start, earlier, Relaxed, Relaxed);
        }
    }
}

/// Ticks from `start` to `raw`: none if that lies ahead. Wraps, since a start may lie before zero.
#[inline]
fn since(raw: u64, start: u64) -> u64 {
    raw.wrapping_sub(start).cast_signed().max(0).cast_unsigned()
}

/// The start from which `nanos` have passed, if from `start` fewer have.
fn caught_up(raw: u64, start: u64, scale: Scale, nanos: u64) -> Option<u64> {
    let seems = scale.nanos(since(raw, start));
    let is_behind = seems.saturating_add(TOLERANCE) < nanos;
    is_behind.then(|| raw.wrapping_sub(scale.ticks(nanos)))
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter")
            .field("ticks", &self.ticks())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = Scale {
        nanos: 1_654_374_400,
        log_ticks: 32,
    };
    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_counter_that_starts_again_from_zero_is_moved_until_it_agrees_with_the_clock() {
        let start = 1 << 50;
        let raw = 5_000_000; // it was restarted a moment ago
        assert_eq!(since(raw, start), 0, "the time stands still");
        let earlier = caught_up(raw, start, SCALE, 10 * SECOND).unwrap();
        let nanos = SCALE.nanos(since(raw, earlier));
        assert!(nanos.abs_diff(10 * SECOND) <= 1, "{nanos}");
        let later = raw + SCALE.ticks(SECOND);
        let nanos = SCALE.nanos(since(later, earlier));
        assert!(
            nanos.abs_diff(11 * SECOND) <= 2,
            "{nanos}: and goes on from there"
        );
    }

    #[test]
    fn a_counter_that_is_ahead_of_the_clock_or_hardly_behind_it_is_left_alone() {
        let (start, raw) = (7, 7 + SCALE.ticks(10 * SECOND));
        for nanos in [0, 9 * SECOND, 10 * SECOND, 10 * SECOND + TOLERANCE - 1] {
            assert_eq!(caught_up(raw, start, SCALE, nanos), None);
        }
        assert!(caught_up(raw, start, SCALE, 10 * SECOND + TOLERANCE + 2).is_some());
    }

    #[test]
    fn it_counts_as_the_system_does() {
        let counter = Counter::start().unwrap();
        let nanos = |from: u64, to: u64| counter.scale().nanos(to - from);
        // Read twice on either side: a test may be put to sleep between any two looks.
        let outer = counter.ticks();
        let start = std::time::Instant::now();
        let inner = counter.ticks();
        while start.elapsed().as_millis() < 20 {
            std::hint::spin_loop();
        }
        let inside = nanos(inner, counter.ticks());
        let elapsed = u64::try_from(start.elapsed().as_nanos()).unwrap();
        let outside = nanos(outer, counter.ticks());
        let thousandth = elapsed / 1_000;
        assert!(inside <= elapsed + thousandth, "{inside} in {elapsed}");
        assert!(outside + thousandth >= elapsed, "{outside} in {elapsed}");
    }
}
