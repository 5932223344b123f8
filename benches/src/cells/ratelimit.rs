//! Limiters: a call admitted, a call denied, two threads at one limiter; the pace of one caller who
//! waits, and of a thousand.

use std::time::Duration;

use anabranch_ratelimit::RateLimiter;
use anyhow::ensure;
use governor::DefaultDirectRateLimiter;
use leaky_bucket::RateLimiter as LeakyBucket;
use ratelimit::Ratelimiter;

use super::versions::{GOVERNOR, LEAKY_BUCKET, OURS, QUANTA, RATELIMIT, STD, TOKIO};
use crate::limiters::{ClockAndCount, ClockOnly, HandGcra, Limiter, QuantaOnly};
use crate::workloads::{
    admit, crowd_of_anabranch, crowd_of_governor, crowd_of_leaky_bucket, crowd_of_reservations,
    deny, half_admitted_two_threads, pace_of_anabranch, pace_of_anabranch_task, pace_of_governor,
    pace_of_governor_task, pace_of_interval, pace_of_leaky_bucket, pace_of_ratelimit,
    pace_of_reservations,
};
use crate::{Ask, Cell, Kind, Rep, Shape, Workload};

/// The crate whose figures these are.
const KRATE: &str = "ratelimit";

/// Short, for the table.
type Governor = DefaultDirectRateLimiter;

#[rustfmt::skip] // One cell, one line: this is a table.
pub(super) fn cells() -> Vec<Cell> {
    use Kind::{Limit, Ours, Peer};
    vec![
        Cell::new(&ADMITTED, "anabranch", Ours, OURS, always_admitted::<RateLimiter>),
        Cell::new(&ADMITTED, "quanta-now", Limit, QUANTA, |ask| admit(ask, &QuantaOnly::open(), QuantaOnly::allow)),
        Cell::new(&ADMITTED, "Instant-now", Limit, STD, |ask| admit(ask, &ClockOnly::open(), ClockOnly::allow)),
        Cell::new(&ADMITTED, "governor", Peer, GOVERNOR, always_admitted::<Governor>),
        Cell::new(&ADMITTED, "leaky-bucket", Peer, LEAKY_BUCKET, always_admitted::<LeakyBucket>),
        Cell::new(&ADMITTED, "ratelimit", Peer, RATELIMIT, always_admitted::<Ratelimiter>),
        Cell::new(&ADMITTED, "hand-gcra", Peer, STD, always_admitted::<HandGcra>),
        Cell::new(&DENIED, "anabranch", Ours, OURS, always_denied::<RateLimiter>),
        Cell::new(&DENIED, "quanta-now", Limit, QUANTA, |ask| deny(ask, &QuantaOnly::shut(), QuantaOnly::allow)),
        Cell::new(&DENIED, "Instant-now", Limit, STD, |ask| deny(ask, &ClockOnly::shut(), ClockOnly::allow)),
        Cell::new(&DENIED, "governor", Peer, GOVERNOR, always_denied::<Governor>),
        Cell::new(&DENIED, "leaky-bucket", Peer, LEAKY_BUCKET, always_denied::<LeakyBucket>),
        Cell::new(&DENIED, "ratelimit", Peer, RATELIMIT, always_denied::<Ratelimiter>),
        Cell::new(&DENIED, "hand-gcra", Peer, STD, always_denied::<HandGcra>),
        Cell::new(&TWO_THREADS, "anabranch", Ours, OURS, half_admitted_two_threads::<RateLimiter>),
        Cell::new(&TWO_THREADS, "Instant-now+count", Limit, STD, half_admitted_two_threads::<ClockAndCount>),
        Cell::new(&TWO_THREADS, "governor", Peer, GOVERNOR, half_admitted_two_threads::<Governor>),
        Cell::new(&TWO_THREADS, "leaky-bucket", Peer, LEAKY_BUCKET, half_admitted_two_threads::<LeakyBucket>),
        Cell::new(&TWO_THREADS, "ratelimit", Peer, RATELIMIT, half_admitted_two_threads::<Ratelimiter>),
        Cell::new(&TWO_THREADS, "hand-gcra", Peer, STD, half_admitted_two_threads::<HandGcra>),
        Cell::new(&PACE, "anabranch", Ours, OURS, |ask| pace_of_anabranch(ask, 1)),
        Cell::new(&PACE, "anabranch+task", Ours, OURS, |ask| pace_of_anabranch_task(ask, 1)),
        Cell::new(&PACE, "governor+sleep", Peer, GOVERNOR, |ask| pace_of_governor(ask, 1)),
        Cell::new(&PACE, "governor+until_ready", Peer, GOVERNOR, |ask| pace_of_governor_task(ask, 1)),
        Cell::new(&PACE, "ratelimit+sleep", Peer, RATELIMIT, |ask| pace_of_ratelimit(ask, 1)),
        Cell::new(&PACE, "leaky-bucket", Peer, LEAKY_BUCKET, |ask| pace_of_leaky_bucket(ask, 1)),
        Cell::new(&PACE, "tokio-interval", Peer, TOKIO, pace_of_interval),
        Cell::new(&PACE, "hand-reserve", Peer, STD, pace_of_reservations),
        Cell::new(&PACE_TEN, "anabranch", Ours, OURS, |ask| pace_of_anabranch(ask, 10)),
        Cell::new(&PACE_TEN, "anabranch+task", Ours, OURS, |ask| pace_of_anabranch_task(ask, 10)),
        Cell::new(&PACE_TEN, "governor+sleep", Peer, GOVERNOR, |ask| pace_of_governor(ask, 10)),
        Cell::new(&PACE_TEN, "governor+until_ready", Peer, GOVERNOR, |ask| pace_of_governor_task(ask, 10)),
        Cell::new(&PACE_TEN, "ratelimit+sleep", Peer, RATELIMIT, |ask| pace_of_ratelimit(ask, 10)),
        Cell::new(&PACE_TEN, "leaky-bucket", Peer, LEAKY_BUCKET, |ask| pace_of_leaky_bucket(ask, 10)),
        Cell::new(&CROWD, "anabranch", Ours, OURS, crowd_of_anabranch),
        Cell::new(&CROWD, "governor+until_ready", Peer, GOVERNOR, crowd_of_governor),
        Cell::new(&CROWD, "leaky-bucket", Peer, LEAKY_BUCKET, crowd_of_leaky_bucket),
        Cell::new(&CROWD, "hand-reserve+sleep_until", Peer, TOKIO, crowd_of_reservations),
    ]
}

/// A billion at once and a billion a second: a repetition asks for less than the burst alone.
fn always_admitted<L: Limiter>(ask: Ask) -> anyhow::Result<Rep> {
    const BURST: u32 = 1_000_000_000;
    ensure!(ask.ops <= BURST.into(), "more calls than the burst has");
    let limiter = L::with(Duration::from_nanos(1), BURST)?;
    admit(ask, &limiter, L::allow)
}

/// One an hour, and that one is taken before the watch is started.
fn always_denied<L: Limiter>(ask: Ask) -> anyhow::Result<Rep> {
    let limiter = L::with(Duration::from_secs(3_600), 1)?;
    ensure!(limiter.allow(), "a full bucket was empty");
    deny(ask, &limiter, L::allow)
}

static ADMITTED: Workload = Workload {
    id: "R1",
    krate: KRATE,
    name: "allow_admitted",
    about: "ask a limiter with permits to spare (1e9 a second, burst 1e9); per call, all admitted",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};

static DENIED: Workload = Workload {
    id: "R1d",
    krate: KRATE,
    name: "allow_denied",
    about: "ask an empty limiter (1 an hour, burst 1); per call, all denied",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};

static TWO_THREADS: Workload = Workload {
    id: "R2",
    krate: KRATE,
    name: "allow_two_threads",
    about: "two threads ask one limiter, the first half admitted; wall time per call of either",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};

static PACE: Workload = Workload {
    id: "R4",
    krate: KRATE,
    name: "pace_of_one_caller",
    about: "one caller waits for a permit again and again, at 2,000 a second one at a time; \
            `achieved` is the rate it gets of that",
    shape: Shape::Samples(6_000),
    smoke_ops: 20,
};

static PACE_TEN: Workload = Workload {
    id: "R4-10",
    krate: KRATE,
    name: "pace_of_one_caller_burst_10",
    about: "as R4, with a burst of ten, so that a late wake-up can be made good",
    shape: Shape::Samples(6_000),
    smoke_ops: 20,
};

static CROWD: Workload = Workload {
    id: "R5",
    krate: KRATE,
    name: "pace_of_a_thousand_callers",
    about: "a thousand tasks wait at one limiter, at 20,000 a second one at a time; `achieved` is the \
            rate they get of that, `out_of_place` how far from its turn anybody was served, at most",
    shape: Shape::Samples(40_000),
    smoke_ops: 1_200,
};
