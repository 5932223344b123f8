//! Limiters: a call admitted, a call denied, and two threads at one limiter.

use std::time::Duration;

use anabranch_ratelimit::RateLimiter;
use anyhow::ensure;
use governor::DefaultDirectRateLimiter;

use super::versions::{GOVERNOR, OURS, STD};
use crate::limiters::{ClockAndCount, ClockOnly, Limiter};
use crate::workloads::{admit, deny, half_admitted_two_threads};
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
        Cell::new(&ADMITTED, "Instant-now", Limit, STD, |ask| admit(ask, &ClockOnly::open(), ClockOnly::allow)),
        Cell::new(&ADMITTED, "governor", Peer, GOVERNOR, always_admitted::<Governor>),
        Cell::new(&DENIED, "anabranch", Ours, OURS, always_denied::<RateLimiter>),
        Cell::new(&DENIED, "Instant-now", Limit, STD, |ask| deny(ask, &ClockOnly::shut(), ClockOnly::allow)),
        Cell::new(&DENIED, "governor", Peer, GOVERNOR, always_denied::<Governor>),
        Cell::new(&TWO_THREADS, "anabranch", Ours, OURS, half_admitted_two_threads::<RateLimiter>),
        Cell::new(&TWO_THREADS, "Instant-now+count", Limit, STD, half_admitted_two_threads::<ClockAndCount>),
        Cell::new(&TWO_THREADS, "governor", Peer, GOVERNOR, half_admitted_two_threads::<Governor>),
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
