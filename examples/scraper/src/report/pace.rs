//! How well the rate limit was kept, judged by when the requests started.

use std::time::Duration;

use serde::Serialize;

/// What the limit promised and what happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pace {
    /// Requests per second that were allowed in the long run.
    pub rate: u32,
    /// Requests that were allowed at once after a pause.
    pub burst: u32,
    /// Requests made, redirects included.
    pub requests: usize,
    /// Requests per second that were made, from the first to the last. `None` below two requests.
    pub achieved: Option<f64>,
    /// How much of what the limit allowed was used, 1.0 being all of it: less means that the
    /// workers, not the limit, were the brake. `None` while the burst covers everything.
    pub used: Option<f64>,
    /// The most requests that started within one second.
    pub busiest_second: usize,
    /// By how many requests the limit was exceeded at the worst moment. Between the limiter's leave
    /// and the stamp of the start a worker may be put to sleep, and its requests then stand closer
    /// together than they were let through: up to one per worker means nothing.
    pub over: f64,
}

impl Pace {
    /// Judges the requests that started at these moments, counted from any common one, in any
    /// order.
    pub fn of(starts: &[Duration], rate: u32, burst: u32) -> Pace {
        let mut starts: Vec<f64> = starts.iter().map(Duration::as_secs_f64).collect();
        starts.sort_by(f64::total_cmp);
        let requests = starts.len();
        let span = match (starts.first(), starts.last()) {
            (Some(first), Some(last)) => last - first,
            _ => 0.0,
        };
        let paced = requests.saturating_sub(burst as usize) as f64;
        Pace {
            rate,
            burst,
            requests,
            achieved: (span > 0.0).then(|| (requests - 1) as f64 / span),
            used: (span > 0.0 && paced > 0.0).then(|| paced / f64::from(rate) / span),
            busiest_second: busiest(&starts, 1.0),
            over: overshoot(&starts, f64::from(rate), f64::from(burst)),
        }
    }
}

/// The most starts in a window of `width` seconds. `starts` is sorted.
fn busiest(starts: &[f64], width: f64) -> usize {
    let mut oldest = 0;
    let mut most = 0;
    for (at, start) in starts.iter().enumerate() {
        while start - starts[oldest] >= width {
            oldest += 1;
        }
        most = most.max(at + 1 - oldest);
    }
    most
}

/// By how many requests a bucket of `burst`, refilled at `rate`, would have been overdrawn.
fn overshoot(starts: &[f64], rate: f64, burst: f64) -> f64 {
    let mut level = burst;
    let mut before = starts.first().copied().unwrap_or(0.0);
    let mut worst = 0.0_f64;
    for start in starts {
        level = (level + (start - before) * rate).min(burst) - 1.0;
        before = *start;
        worst = worst.max(-level);
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: &[u64]) -> Vec<Duration> {
        millis.iter().copied().map(Duration::from_millis).collect()
    }

    #[test]
    fn a_burst_then_even_steps_is_exactly_the_limit() {
        // Three at once, then one every 100 ms: ten a second with a burst of three.
        let pace = Pace::of(&at(&[0, 0, 0, 100, 200, 300, 400]), 10, 3);
        assert!(pace.over < 1e-9, "{pace:?}");
        assert!((pace.used.unwrap() - 1.0).abs() < 1e-9, "{pace:?}");
        assert_eq!((pace.requests, pace.busiest_second), (7, 7));
        assert!((pace.achieved.unwrap() - 15.0).abs() < 1e-9, "{pace:?}");
    }

    #[test]
    fn one_request_too_early_shows_as_what_it_took_too_much() {
        let pace = Pace::of(&at(&[0, 50]), 10, 1);
        assert!((pace.over - 0.5).abs() < 1e-9, "{pace:?}");
    }

    #[test]
    fn slow_workers_use_less_than_the_limit_allows() {
        let pace = Pace::of(&at(&[0, 1000, 2000, 3000]), 10, 1);
        assert!((pace.used.unwrap() - 0.1).abs() < 1e-9, "{pace:?}");
        assert_eq!((pace.busiest_second, pace.over), (1, 0.0));
    }

    #[test]
    fn the_order_of_the_stamps_does_not_matter() {
        let sorted = Pace::of(&at(&[0, 100, 200]), 10, 1);
        assert_eq!(Pace::of(&at(&[200, 0, 100]), 10, 1), sorted);
    }

    #[test]
    fn none_and_one_have_no_pace() {
        for starts in [vec![], at(&[70])] {
            let pace = Pace::of(&starts, 10, 1);
            assert_eq!((pace.achieved, pace.used, pace.over), (None, None, 0.0));
        }
    }
}
