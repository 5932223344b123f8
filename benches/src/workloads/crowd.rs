//! A thousand tasks wait at one limiter: at what pace do they get on, and in their order?

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anabranch_ratelimit::{Rate, RateLimiter};
use anyhow::{Context, Result, ensure};
use governor::{DefaultDirectRateLimiter, Quota};
use tokio::time::Instant;

use super::pace::judge_crowd;
use crate::{Ask, Rep, Stopwatch};

const TASKS: u64 = 1_000;
const PER_SECOND: u32 = 20_000;
const PERIOD: Duration = Duration::from_micros(50);

/// `ops` permits for a thousand tasks, on two threads: who asks and who is served is counted, and
/// the figure is how far the one is from the other at most.
///
/// The places are taken when the task is about to ask and when it runs again, on whichever thread:
/// two that run at the same instant may be counted either way round.
fn crowd<F>(ask: Ask, wait: impl Fn() -> F) -> Result<Rep>
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    let asked = Arc::new(AtomicU64::new(0));
    let served = Arc::new(Mutex::new((0_u64, 0_u64)));
    let watch = Stopwatch::start();
    let each = ask.ops.div_ceil(TASKS);
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (asked, served) = (asked.clone(), served.clone());
            let waits: Vec<_> = (0..each).map(|_| wait()).collect();
            runtime.spawn(async move {
                for wait in waits {
                    let place = asked.fetch_add(1, Relaxed);
                    wait.await;
                    let mut served = served.lock().expect("nobody panics here");
                    served.1 = served.1.max(served.0.abs_diff(place));
                    served.0 += 1;
                }
            })
        })
        .collect();
    runtime.block_on(async {
        for task in tasks {
            task.await?;
        }
        anyhow::Ok(())
    })?;
    let rep = watch.stop(each * TASKS);
    let (count, farthest) = *served.lock().expect("nobody panics here");
    ensure!(count == each * TASKS, "{count} were served");
    Ok(judge_crowd(rep, PER_SECOND.into())?.with_metric("out_of_place", farthest as f64))
}

/// `acquire(1).await`.
///
/// # Errors
/// More was admitted than the rate says.
pub fn crowd_of_anabranch(ask: Ask) -> Result<Rep> {
    let limiter = Arc::new(RateLimiter::new(Rate::per_second(PER_SECOND.into())));
    crowd(ask, || {
        let limiter = limiter.clone();
        async move { limiter.acquire(1).await.expect("one is never too many") }
    })
}

/// `until_ready().await`.
///
/// # Errors
/// More was admitted than the rate says.
pub fn crowd_of_governor(ask: Ask) -> Result<Rep> {
    let rate = NonZeroU32::new(PER_SECOND).context("a rate")?;
    let quota = Quota::per_second(rate).allow_burst(NonZeroU32::MIN);
    let limiter: Arc<DefaultDirectRateLimiter> = Arc::new(governor::RateLimiter::direct(quota));
    crowd(ask, || {
        let limiter = limiter.clone();
        async move { limiter.until_ready().await }
    })
}

/// `acquire_one().await`, in its fair mode, with twenty tokens every millisecond: tokio's timers
/// know no less.
///
/// # Errors
/// More was admitted than the rate says.
pub fn crowd_of_leaky_bucket(ask: Ask) -> Result<Rep> {
    let mut builder = leaky_bucket::RateLimiter::builder();
    let builder = builder.max(20).initial(0).refill(20);
    let limiter = Arc::new(builder.interval(Duration::from_millis(1)).build());
    crowd(ask, || {
        let limiter = limiter.clone();
        async move { limiter.acquire_one().await }
    })
}

/// What one writes by hand: the next free moment, and a sleep until then.
///
/// # Errors
/// More was admitted than the rate says.
pub fn crowd_of_reservations(ask: Ask) -> Result<Rep> {
    let next = Arc::new(Mutex::new(Instant::now()));
    crowd(ask, || {
        let next = next.clone();
        async move {
            let mine = {
                let mut next = next.lock().expect("nobody panics here");
                *next = (*next + PERIOD).max(Instant::now());
                *next
            };
            tokio::time::sleep_until(mine).await;
        }
    })
}
