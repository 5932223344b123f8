//! What was admitted in the last window, and when.

use std::collections::VecDeque;

/// A moment that never comes.
const NEVER: u64 = u64::MAX;

/// Permits taken, by moment, oldest first. Times are in the clock's nanoseconds.
///
/// 1. `used` is the sum over `taken`, and never more than `limit`.
/// 2. A record's moment is not before the moment at which its permits were taken, so that each of
///    them counts for at least one whole window; moments ascend.
#[derive(Debug)]
pub(super) struct Log {
    limit: u64,
    window: u64,
    resolution: u64,
    /// Steps of the resolution are counted from here.
    start: u64,
    used: u64,
    taken: VecDeque<Taken>,
}

#[derive(Debug)]
struct Taken {
    at: u64,
    permits: u64,
}

impl Log {
    pub(super) fn new(limit: u64, window: u64, resolution: u64, start: u64) -> Self {
        Self {
            limit,
            window,
            resolution,
            start,
            used: 0,
            taken: VecDeque::new(),
        }
    }

    /// Takes `permits` if so many are free.
    pub(super) fn take(&mut self, now: u64, permits: u64) -> bool {
        if self.available(now) < permits {
            return false;
        }
        self.used += permits;
        let at = self.remembered_at(now);
        match self.taken.back_mut() {
            // Or later: a clock that goes back must not make permits come back early.
            Some(last) if last.at >= at => last.permits += permits,
            _ => self.taken.push_back(Taken { at, permits }),
        }
        true
    }

    /// Permits that are free.
    pub(super) fn available(&mut self, now: u64) -> u64 {
        while let Some(oldest) = self.taken.front()
            && self.free_at(oldest) <= now
        {
            self.used -= oldest.permits;
            self.taken.pop_front();
        }
        // After a crowd the memory of it goes, too.
        if self.taken.capacity() > 64 && self.taken.len() < self.taken.capacity() / 8 {
            self.taken.shrink_to(self.taken.len() * 2);
        }
        self.limit - self.used
    }

    /// The first moment at which `permits` could have been taken, one after the other as soon as
    /// possible; for a single request of at most the limit it is exact.
    pub(super) fn when(&mut self, now: u64, permits: u64) -> u64 {
        if self.limit == 0 {
            return NEVER;
        }
        let free = self.available(now);
        // What goes round again: after the limit has been taken once, it takes a window each time.
        let rounds = permits.saturating_sub(1) / self.limit;
        let rest = permits - rounds * self.limit;
        let first = if rest <= free {
            now
        } else {
            self.back_at(rest - free)
        };
        first.saturating_add(self.window.saturating_mul(rounds))
    }

    /// When so many of the permits that are taken will have come back.
    fn back_at(&self, permits: u64) -> u64 {
        let mut sum = 0;
        for taken in &self.taken {
            sum += taken.permits;
            if sum >= permits {
                return self.free_at(taken);
            }
        }
        NEVER
    }

    fn free_at(&self, taken: &Taken) -> u64 {
        taken.at.saturating_add(self.window)
    }

    /// The end of the step in which `now` lies.
    fn remembered_at(&self, now: u64) -> u64 {
        let step = now.saturating_sub(self.start).div_ceil(self.resolution);
        self.start
            .saturating_add(step.saturating_mul(self.resolution))
            .max(now)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn with_a_resolution_no_more_moments_are_remembered_than_steps_in_a_window() {
        let mut log = Log::new(1_000_000, 1_000, 100, 7);
        for now in 0..20_000 {
            log.take(now, 30);
            assert!(log.taken.len() <= 12, "{}", log.taken.len());
        }
    }

    #[test]
    fn the_memory_of_a_crowd_goes_with_it() {
        let mut log = Log::new(10_000, 10_000, 1, 0);
        assert!((0..10_000).all(|now| log.take(now, 1)));
        let crowded = log.taken.capacity();
        assert!(log.take(60_000, 1));
        assert_eq!(log.taken.len(), 1);
        assert!(log.taken.capacity() < crowded / 100, "{crowded}");
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_back_early() {
        let mut log = Log::new(2, 100, 1, 0);
        assert!(log.take(50, 1) && log.take(10, 1));
        assert!(!log.take(110, 1), "both count from 50 on");
        assert!(log.take(150, 2));
    }

    #[test]
    fn nothing_overflows_at_the_ends_of_time() {
        for (limit, window, resolution) in [
            (u64::MAX, u64::MAX, 1),
            (u64::MAX, 1, u64::MAX),
            (1, u64::MAX, u64::MAX),
        ] {
            let mut log = Log::new(limit, window, resolution, 3);
            for now in [0, 3, u64::MAX - 1, u64::MAX] {
                let available = log.available(now);
                assert!(available == 0 || log.take(now, available));
                for permits in [1, 2, limit, u64::MAX] {
                    assert!(log.when(now, permits) >= now);
                }
            }
        }
        assert_eq!(Log::new(0, 5, 1, 0).when(0, 1), NEVER);
    }

    proptest! {
        /// The naive one keeps every permit, and looks at all of them each time.
        #[test]
        fn agrees_with_a_list_of_all_that_was_ever_taken(
            limit in 1_u64..12,
            window in 1_u64..200,
            steps in prop::collection::vec((0_u64..60, 1_u64..6), 1..200),
        ) {
            let mut log = Log::new(limit, window, 1, 0);
            let mut all: Vec<u64> = Vec::new();
            let mut now = 0;
            for (later, permits) in steps {
                now += later;
                let free = |all: &[u64], at: u64| {
                    limit - all.iter().filter(|&&t| t + window > at).count() as u64
                };
                prop_assert_eq!(log.available(now), free(&all, now));
                if permits <= limit {
                    let when = log.when(now, permits);
                    prop_assert!(free(&all, when) >= permits);
                    prop_assert!(when == now || free(&all, when - 1) < permits);
                }
                let fits = permits <= free(&all, now);
                prop_assert_eq!(log.take(now, permits), fits);
                if fits {
                    all.extend((0..permits).map(|_| now));
                }
            }
        }
    }
}
