//! Calls summed up to windows, an algorithm that is asked after each, and its answer within bounds:
//! plain data, all that an adaptive limit keeps besides its semaphore.
//!
//! A window hears only of calls that were let in after it began, so under the limit that the
//! window before led to: those from before would speak of that limit once more, and an algorithm
//! would go two or ten steps for one. It ends after as many calls as the limit, within bounds, or
//! with the first drop: so there is at most one step a round trip, and a step down comes at once.
//! As with TCP, the calls themselves are the clock.

use super::algorithm::{Algorithm, Sample};
use std::time::Duration;

/// The fewest and the most calls in a window that ends without a drop.
const FEWEST: usize = 5;
const MOST: usize = 100;

/// A call that is over, in nanoseconds.
pub(super) struct Call {
    pub(super) granted: u64,
    pub(super) over: u64,
    pub(super) in_flight: usize,
    pub(super) dropped: bool,
}

pub(super) struct Regulator {
    /// With whoever decides, while somebody does.
    decision: Option<Decision>,
    window: Window,
}

/// The next limit is about to be found: the algorithm, and what it is to hear. Whoever has it
/// is alone with it, holds no lock, and brings it [back](Regulator::settle).
pub(super) struct Decision {
    algorithm: Box<dyn Algorithm>,
    /// With its fraction.
    limit: f64,
    min: usize,
    max: usize,
    sample: Sample,
}

#[derive(Default)]
struct Window {
    began: u64,
    calls: usize,
    nanos: u128,
    in_flight: usize,
}

impl Regulator {
    pub(super) fn new(
        algorithm: Box<dyn Algorithm>,
        initial: usize,
        min: usize,
        max: usize,
    ) -> Self {
        Self {
            decision: Some(Decision {
                algorithm,
                limit: initial as f64,
                min,
                max,
                sample: Sample {
                    rtt: Duration::ZERO,
                    in_flight: 0,
                    dropped: false,
                },
            }),
            window: Window::default(),
        }
    }

    /// A call is over; with it, perhaps, the window. What comes while somebody decides was let in
    /// before the next window, and is none of its business.
    pub(super) fn hear(&mut self, call: &Call) -> Option<Decision> {
        let limit = self.decision.as_ref()?.limit as usize;
        if call.granted < self.window.began {
            return None;
        }
        let sample = self.window.hear(call, limit.clamp(FEWEST, MOST))?;
        let decision = self.decision.take()?;
        Some(Decision { sample, ..decision })
    }

    /// The limit is in force now: the next window begins.
    pub(super) fn settle(&mut self, decision: Decision, now: u64) {
        self.decision = Some(decision);
        self.window = Window {
            began: now,
            ..Window::default()
        };
    }
}

impl Decision {
    /// Asks the algorithm: the new limit, if it is another one.
    pub(super) fn decide(&mut self) -> Option<usize> {
        let before = self.limit as usize;
        let next = self.algorithm.update(self.limit, self.sample);
        if next.is_finite() {
            self.limit = next.clamp(self.min as f64, self.max as f64);
        }
        let now = self.limit as usize;
        (now != before).then_some(now)
    }
}

impl Window {
    fn hear(&mut self, call: &Call, enough: usize) -> Option<Sample> {
        self.in_flight = self.in_flight.max(call.in_flight);
        let took = call.over.saturating_sub(call.granted);
        if !call.dropped {
            self.calls += 1;
            self.nanos += u128::from(took);
            if self.calls < enough {
                return None;
            }
        }
        let sample = Sample {
            rtt: match self.calls {
                0 => Duration::from_nanos(took),
                calls => Duration::from_nanos((self.nanos / calls as u128) as u64),
            },
            in_flight: self.in_flight,
            dropped: call.dropped,
        };
        Some(sample)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// Notes what it hears, and says what it was told to say.
    struct Says(Arc<Mutex<Vec<Sample>>>, f64);

    impl Algorithm for Says {
        fn update(&mut self, _limit: f64, sample: Sample) -> f64 {
            self.0.lock().unwrap().push(sample);
            self.1
        }
    }

    fn says(next: f64) -> (Regulator, Arc<Mutex<Vec<Sample>>>) {
        let heard = Arc::default();
        let algorithm = Box::new(Says(Arc::clone(&heard), next));
        (Regulator::new(algorithm, 10, 2, 50), heard)
    }

    fn call(granted: u64, over: u64, in_flight: usize) -> Call {
        Call {
            granted,
            over,
            in_flight,
            dropped: false,
        }
    }

    fn dropped(granted: u64, over: u64) -> Call {
        Call {
            dropped: true,
            ..call(granted, over, 1)
        }
    }

    #[test]
    fn a_window_is_as_many_calls_as_the_limit_and_gives_their_mean_and_the_most_inside() {
        let (mut regulator, heard) = says(11.0);
        for n in 0..9 {
            assert!(regulator.hear(&call(n, n + 100 + n, n as usize)).is_none());
        }
        let mut decision = regulator.hear(&call(9, 118, 3)).unwrap();
        assert_eq!(decision.decide(), Some(11));
        let sample = heard.lock().unwrap()[0];
        assert_eq!(sample.rtt, Duration::from_nanos(104), "the half is cut off");
        assert_eq!((sample.in_flight, sample.dropped), (8, false));
    }

    #[test]
    fn a_drop_ends_the_window_and_its_own_time_is_not_in_the_mean() {
        let (mut regulator, heard) = says(5.0);
        assert!(regulator.hear(&call(0, 100, 3)).is_none());
        let mut decision = regulator.hear(&dropped(0, 5_000)).unwrap();
        assert_eq!(decision.decide(), Some(5));
        let expected = Sample {
            rtt: Duration::from_nanos(100),
            in_flight: 3,
            dropped: true,
        };
        assert_eq!(*heard.lock().unwrap(), [expected]);
    }

    #[test]
    fn a_burst_of_drops_of_calls_that_were_inside_together_is_one_step() {
        let (mut regulator, _) = says(5.0);
        let decision = regulator.hear(&dropped(0, 1_000)).unwrap();
        assert!(regulator.hear(&dropped(0, 1_001)).is_none(), "it is out");
        regulator.settle(decision, 1_002);
        for n in 3..10 {
            assert!(regulator.hear(&dropped(n, 1_000 + n)).is_none());
        }
        assert!(regulator.hear(&dropped(1_002, 2_000)).is_some());
    }

    #[test]
    fn the_answer_is_kept_within_bounds_and_what_is_no_number_is_not_heard() {
        let answers = [
            (0.0, Some(2)),
            (-7.0, Some(2)),
            (1e30, Some(50)),
            (10.9, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ];
        for (answer, limit) in answers {
            let (mut regulator, _) = says(answer);
            let mut decision = regulator.hear(&dropped(0, 1)).unwrap();
            assert_eq!(decision.decide(), limit);
        }
    }
}
