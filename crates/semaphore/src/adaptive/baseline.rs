//! How long a call takes when nothing waits on the other side, and how that is kept honest.
//!
//! Whoever measures only under load takes the queue that the load makes for the call's own time:
//! the baseline drifts up, the queue seems to be gone, the limit rises, the queue grows. So under
//! load the baseline only falls. It rises by what a *probe* says: from time to time the limit is
//! lowered for one window to half of what is useful, so that the queue drains, and what a call takes
//! then is the baseline. If it took markedly less than before, the limit was not low enough yet, and
//! is halved again. So BBR does it (N. Cardwell and others, *BBR: congestion-based congestion
//! control*, 2016, there called ProbeRTT).
//!
//! After the probe Little's law says what the limit should have been: so many a second as came
//! through before it, times what one takes by itself. That much is `useful`.
//!
//! The moment of a probe is drawn, so that many clients of one server do not probe at once.

use super::algorithm::Sample;
use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Samples under load between two probes, at the most; at least half as many.
pub(super) const PROBE_EVERY: u32 = 30;
/// Samples under load before the first one: what the limit began with may be far too high.
const FIRST_PROBE: u32 = 5;
/// Shorter than this much of the baseline: markedly shorter.
const MARKED: f64 = 0.9;

#[derive(Clone, Debug)]
pub(super) struct Baseline {
    /// In seconds; none before the first sample.
    rtt: Option<f64>,
    at_most: f64,
    /// How much of the way down a shorter round trip takes it, 1 all of it.
    falling: f64,
    probed: f64,
    every: u32,
    until_probe: u32,
    probe: Option<Probe>,
    random: u64,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    /// The limit meanwhile.
    at: f64,
    /// The limit before, and the round trip then.
    limit: f64,
    rtt: f64,
}

/// What a sample means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Heard {
    /// It is the first one, or the shortest: there is nothing to compare it with.
    Learned,
    /// Try this limit for one window.
    Probing(f64),
    /// The probe is over: before it, so much of the limit was useful.
    Probed { limit: f64, useful: f64 },
    /// It took so much of the baseline longer: 1 is not at all, 0.5 twice as long.
    Compared(f64),
}

impl Baseline {
    pub(super) fn new(falling: f64, probed: f64) -> Self {
        Self {
            rtt: None,
            at_most: f64::INFINITY,
            falling,
            probed,
            every: PROBE_EVERY,
            until_probe: FIRST_PROBE,
            probe: None,
            random: RandomState::new().hash_one(0),
        }
    }

    pub(super) fn set_at_most(&mut self, at_most: Duration) {
        self.at_most = at_most.as_secs_f64();
    }

    /// `0` never probes.
    pub(super) fn set_probe_every(&mut self, samples: u32) {
        self.every = samples;
        self.until_probe = samples.min(FIRST_PROBE);
    }

    pub(super) fn set_seed(&mut self, seed: u64) {
        self.random = seed;
    }

    pub(super) fn get(&self) -> Option<Duration> {
        let rtt = self.rtt?;
        Some(Duration::try_from_secs_f64(rtt).unwrap_or(Duration::MAX))
    }

    /// Ends a probe, if there is one, without having learned anything: the limit before it.
    pub(super) fn abandon_probe(&mut self, limit: f64) -> f64 {
        self.probe.take().map_or(limit, |probe| probe.limit)
    }

    /// A sample that was not dropped.
    pub(super) fn hear(&mut self, limit: f64, sample: Sample) -> Heard {
        let rtt = sample.rtt.as_secs_f64().max(1e-9);
        let Some(base) = self.rtt else {
            self.rtt = Some(rtt.min(self.at_most));
            return Heard::Learned;
        };
        if let Some(probe) = self.probe.take() {
            return self.probed(probe, base, rtt);
        }
        if rtt < base {
            self.learn(base, rtt, self.falling);
        }
        if sample.uses(limit) && self.every > 0 {
            self.until_probe = self.until_probe.saturating_sub(1);
            if self.until_probe == 0 {
                self.until_probe = self.draw();
                let useful = limit * (base / rtt).min(1.0);
                let at = (useful / 2.0).max(1.0);
                self.probe = Some(Probe { at, limit, rtt });
                return Heard::Probing(at);
            }
        }
        if rtt < base {
            return Heard::Learned;
        }
        Heard::Compared(base / rtt)
    }

    fn probed(&mut self, probe: Probe, base: f64, rtt: f64) -> Heard {
        let base_now = if rtt < base * MARKED {
            // A queue was in the baseline: all of what it was is wrong.
            self.learn(base, rtt, 1.0)
        } else {
            self.learn(base, rtt, self.probed)
        };
        if rtt < base * MARKED && probe.at > 1.0 {
            let at = (probe.at / 2.0).max(1.0);
            self.probe = Some(Probe { at, ..probe });
            return Heard::Probing(at);
        }
        Heard::Probed {
            limit: probe.limit,
            useful: probe.limit * (base_now / probe.rtt).min(1.0),
        }
    }

    fn learn(&mut self, base: f64, rtt: f64, weight: f64) -> f64 {
        let learned = (base + (rtt - base) * weight).min(self.at_most);
        self.rtt = Some(learned);
        learned
    }

    /// Half to all of `every`, by SplitMix64 (G. Steele and others, 2014).
    fn draw(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let spread = u64::from(self.every / 2 + 1);
        (self.every - (z % spread) as u32).max(1)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn full(ms: u64, limit: f64) -> Sample {
        Sample {
            rtt: Duration::from_millis(ms),
            in_flight: limit as usize,
            dropped: false,
        }
    }

    /// A baseline that knows 10 ms and probes at the second sample from now.
    fn about_to_probe() -> Baseline {
        let mut baseline = Baseline::new(1.0, 1.0);
        baseline.set_probe_every(1);
        assert_eq!(baseline.hear(100.0, full(10, 100.0)), Heard::Learned);
        baseline
    }

    #[test]
    fn under_load_it_only_falls() {
        let mut baseline = Baseline::new(1.0, 1.0);
        baseline.set_probe_every(0);
        for ms in [40, 80, 20, 80, 80, 80] {
            baseline.hear(100.0, full(ms, 100.0));
        }
        assert_eq!(baseline.get(), Some(Duration::from_millis(20)));
    }

    #[test]
    fn a_probe_lowers_the_limit_to_half_of_what_is_useful_and_ends_with_littles_law() {
        let mut baseline = about_to_probe();
        assert_eq!(
            baseline.hear(100.0, full(20, 100.0)),
            Heard::Probing(25.0),
            "fifty are useful"
        );
        let probed = baseline.hear(25.0, full(10, 25.0));
        let (limit, useful) = (100.0, 50.0);
        assert_eq!(probed, Heard::Probed { limit, useful });
    }

    #[test]
    fn a_baseline_with_a_queue_in_it_is_probed_down_until_it_is_gone() {
        let mut baseline = Baseline::new(1.0, 1.0);
        baseline.set_probe_every(1);
        // Twenty-five are useful, a hundred are inside from the beginning.
        assert_eq!(baseline.hear(100.0, full(40, 100.0)), Heard::Learned);
        assert_eq!(baseline.hear(100.0, full(40, 100.0)), Heard::Probing(50.0));
        assert_eq!(baseline.hear(50.0, full(20, 50.0)), Heard::Probing(25.0));
        assert_eq!(baseline.hear(25.0, full(10, 25.0)), Heard::Probing(12.5));
        let (limit, useful) = (100.0, 25.0);
        assert_eq!(
            baseline.hear(12.5, full(10, 12.0)),
            Heard::Probed { limit, useful }
        );
    }

    #[test]
    fn a_probe_lets_it_rise_when_calls_take_longer_by_themselves() {
        let mut baseline = about_to_probe();
        baseline.hear(100.0, full(30, 100.0));
        let probed = baseline.hear(16.0, full(30, 16.0));
        let (limit, useful) = (100.0, 100.0);
        assert_eq!(probed, Heard::Probed { limit, useful });
        assert_eq!(baseline.get(), Some(Duration::from_millis(30)));
    }

    #[test]
    fn it_rises_no_higher_than_it_may() {
        let mut baseline = about_to_probe();
        baseline.set_at_most(Duration::from_millis(15));
        baseline.hear(100.0, full(30, 100.0));
        baseline.hear(16.0, full(30, 16.0));
        assert_eq!(baseline.get(), Some(Duration::from_millis(15)));
    }

    #[test]
    fn a_limit_that_is_not_used_is_not_probed() {
        let mut baseline = about_to_probe();
        for _ in 0..100 {
            let heard = baseline.hear(100.0, full(20, 49.0));
            assert_eq!(heard, Heard::Compared(0.5));
        }
    }

    #[test]
    fn probes_come_at_random_between_half_and_all_of_the_interval() {
        let mut baseline = Baseline::new(1.0, 1.0);
        let draws: Vec<_> = (0..1_000).map(|_| baseline.draw()).collect();
        assert!(draws.iter().all(|draw| (15..=30).contains(draw)));
        assert!((15..=30).all(|interval| draws.contains(&interval)));
    }
}
