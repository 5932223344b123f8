//! One caller waits for permit after permit: at what pace does it get on?

use std::thread;
use std::time::{Duration, Instant};

use anabranch_ratelimit::RateLimiter;
use anyhow::{Result, ensure};
use governor::DefaultDirectRateLimiter;
use governor::clock::{Clock as _, DefaultClock};
use ratelimit::{Ratelimiter, TryWaitError};

use crate::limiters::Limiter;
use crate::{Ask, Rep, Stopwatch};

const PER_SECOND: f64 = 2_000.0;
const PERIOD: Duration = Duration::from_micros(500);

/// A runtime for one task, with tokio's timers.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?)
}

/// Empties the bucket first, so that each call of the measured part has to wait for its permit.
fn emptied<L: Limiter>(burst: u32) -> Result<L> {
    let limiter = L::with(PERIOD, burst)?;
    // What flows in meanwhile is little against what is measured.
    for _ in 0..burst {
        limiter.allow();
    }
    Ok(limiter)
}

/// Adds the rate that was achieved, as a share of the one that was asked for.
///
/// # Errors
/// It was more than that.
fn judged(rep: Rep, per_second: f64, burst: u32) -> Result<Rep> {
    let achieved = rep.ops as f64 / (rep.wall.as_secs_f64() * per_second);
    // What was left in the bucket, should the thread have been put to sleep before the watch was
    // started, and two per thousand for the difference of two clocks.
    let most = 1.002 + f64::from(burst) / rep.ops as f64;
    ensure!(achieved <= most, "{achieved} times the rate was admitted");
    let cpu = rep.cpu.as_secs_f64();
    Ok(rep
        .with_metric("achieved", achieved)
        .with_metric("cpu_s_of_all", cpu))
}

fn pace(ask: Ask, burst: u32, mut wait: impl FnMut()) -> Result<Rep> {
    let watch = Stopwatch::start();
    for _ in 0..ask.ops {
        wait();
    }
    judged(watch.stop(ask.ops), PER_SECOND, burst)
}

/// `acquire(1).wait()`.
///
/// # Errors
/// More was admitted than the rate says.
pub fn pace_of_anabranch(ask: Ask, burst: u32) -> Result<Rep> {
    let limiter: RateLimiter = emptied(burst)?;
    pace(ask, burst, || {
        limiter.acquire(1).wait().expect("one is never too many");
    })
}

/// `acquire(1).await`.
///
/// # Errors
/// More was admitted than the rate says.
pub fn pace_of_anabranch_task(ask: Ask, burst: u32) -> Result<Rep> {
    let limiter: RateLimiter = emptied(burst)?;
    runtime()?.block_on(async {
        let watch = Stopwatch::start();
        for _ in 0..ask.ops {
            limiter.acquire(1).await?;
        }
        judged(watch.stop(ask.ops), PER_SECOND, burst)
    })
}

/// Asks, sleeps as long as it is told, asks again.
///
/// # Errors
/// More was admitted than the rate says.
pub fn pace_of_governor(ask: Ask, burst: u32) -> Result<Rep> {
    let limiter: DefaultDirectRateLimiter = emptied(burst)?;
    let clock = DefaultClock::default();
    pace(ask, burst, || {
        while let Err(not_until) = limiter.check() {
            thread::sleep(not_until.wait_time_from(clock.now()));
        }
    })
}

/// `until_ready().await`.
///
/// # Errors
/// More was admitted than the rate says.
pub fn pace_of_governor_task(ask: Ask, burst: u32) -> Result<Rep> {
    let limiter: DefaultDirectRateLimiter = emptied(burst)?;
    runtime()?.block_on(async {
        let watch = Stopwatch::start();
        for _ in 0..ask.ops {
            limiter.until_ready().await;
        }
        judged(watch.stop(ask.ops), PER_SECOND, burst)
    })
}

/// Asks, sleeps as long as it is told, asks again.
///
/// # Errors
/// More was admitted than the rate says.
pub fn pace_of_ratelimit(ask: Ask, burst: u32) -> Result<Rep> {
    let limiter: Ratelimiter = emptied(burst)?;
    pace(ask, burst, || {
        while let Err(TryWaitError::Insufficient(wait)) = limiter.try_wait() {
            thread::sleep(wait);
        }
    })
}

/// `acquire_one().await`, with tokens every millisecond: tokio's timers know no less.
///
/// # Errors
/// More was admitted than the rate says.
pub fn pace_of_leaky_bucket(ask: Ask, burst: u32) -> Result<Rep> {
    runtime()?.block_on(async {
        let limiter: leaky_bucket::RateLimiter = emptied(burst)?;
        let watch = Stopwatch::start();
        for _ in 0..ask.ops {
            limiter.acquire_one().await;
        }
        // Two at a time, whatever the burst.
        judged(watch.stop(ask.ops), PER_SECOND, burst + 2)
    })
}

/// No limiter, but a ticker that makes good for every tick it missed.
///
/// # Errors
/// It ticked faster than it should.
pub fn pace_of_interval(ask: Ask) -> Result<Rep> {
    runtime()?.block_on(async {
        let mut interval = tokio::time::interval(PERIOD);
        interval.tick().await;
        let watch = Stopwatch::start();
        for _ in 0..ask.ops {
            interval.tick().await;
        }
        // A millisecond ahead, which is all that its timers know.
        judged(watch.stop(ask.ops), PER_SECOND, 2)
    })
}

/// What one writes by hand: the next free moment, and a sleep until then.
///
/// # Errors
/// More was admitted than the rate says.
pub fn pace_of_reservations(ask: Ask) -> Result<Rep> {
    let mut next = Instant::now();
    pace(ask, 1, || {
        let now = Instant::now();
        next = next.max(now) + PERIOD;
        thread::sleep(next - now);
    })
}

pub(super) fn judge_crowd(rep: Rep, per_second: f64) -> Result<Rep> {
    judged(rep, per_second, 1)
}
