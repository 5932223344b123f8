//! Jobs of next to nothing, so that what is measured is the handing over: one submitter outside the
//! pool, who forgets them, keeps their handles, or waits for each.

use std::hint::black_box;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::{Result, ensure};

use crate::pools::{Spawn, Submit};
use crate::{Ask, Rep, Stopwatch};

/// Submits `ops` closures that each add a number to a shared sum, and waits for all.
///
/// # Errors
/// The sum is not what all jobs, each run once, add up to.
pub fn tiny_jobs<P: Spawn>(ask: Ask) -> Result<Rep> {
    let mut pool = P::start()?;
    // Leaked, 8 bytes a repetition: counting references would cost as much as the job.
    let sum: &'static AtomicU64 = Box::leak(Box::default());
    let job = |i| {
        move || {
            // ORDERING: Relaxed, the end of the last job publishes the sum.
            sum.fetch_add(mix(i), Relaxed);
        }
    };
    let watch = Stopwatch::start();
    pool.run_all(ask.ops, job)?;
    let rep = watch.stop(ask.ops);
    // ORDERING: Relaxed, every job has ended and was waited for.
    check(ask, sum.load(Relaxed))?;
    Ok(rep)
}

/// Submits `ops` closures that each return a number, keeping the handles, then takes every result.
///
/// # Errors
/// As [`tiny_jobs`].
pub fn take_results<P: Submit>(ask: Ask) -> Result<Rep> {
    let pool = P::start()?;
    let mut handles = Vec::with_capacity(ask.ops.try_into()?);
    let mut sum = 0_u64;
    let watch = Stopwatch::start();
    for i in 0..ask.ops {
        handles.push(pool.submit(move || mix(i))?);
    }
    for handle in handles {
        sum = sum.wrapping_add(P::take(handle)?);
    }
    let rep = watch.stop(ask.ops);
    check(ask, sum)?;
    Ok(rep)
}

/// Submits one closure and waits for its result, `ops` times: both the submitter and a worker go to
/// sleep, or spin, once for each.
///
/// # Errors
/// As [`tiny_jobs`].
pub fn round_trip<P: Submit>(ask: Ask) -> Result<Rep> {
    let pool = P::start()?;
    let mut sum = 0_u64;
    let watch = Stopwatch::start();
    for i in 0..ask.ops {
        sum = sum.wrapping_add(P::take(pool.submit(move || mix(i))?)?);
    }
    let rep = watch.stop(ask.ops);
    check(ask, sum)?;
    Ok(rep)
}

fn check(ask: Ask, sum: u64) -> Result<()> {
    let right = (0..ask.ops).map(mix).fold(0, u64::wrapping_add);
    ensure!(
        sum == right,
        "the results add up to {sum:#x} and not to {right:#x}"
    );
    Ok(())
}

/// The finaliser of splitmix64: cheap, and no two jobs make up for a third that was lost.
fn mix(x: u64) -> u64 {
    let mut x = black_box(x);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pools::Workers;

    const ASK: Ask = Ask { ops: 10, seed: 1 };

    /// Runs a job where it is submitted, if it is one of those it does not lose.
    struct Inline<const LOSES: bool>;

    impl<const LOSES: bool> Workers for Inline<LOSES> {
        fn start() -> Result<Self> {
            Ok(Inline)
        }
    }

    impl<const LOSES: bool> Spawn for Inline<LOSES> {
        fn run_all<F: FnOnce() + Send + 'static>(
            &mut self,
            jobs: u64,
            job: impl Fn(u64) -> F,
        ) -> Result<()> {
            (u64::from(LOSES) * 3..jobs).for_each(|i| job(i)());
            Ok(())
        }
    }

    impl<const LOSES: bool> Submit for Inline<LOSES> {
        type Handle = u64;
        fn submit(&self, job: impl FnOnce() -> u64 + Send + 'static) -> Result<u64> {
            Ok(if LOSES { 0 } else { job() })
        }
        fn take(handle: u64) -> Result<u64> {
            Ok(handle)
        }
    }

    #[test]
    fn a_pool_that_runs_every_job_passes() {
        tiny_jobs::<Inline<false>>(ASK).unwrap();
        take_results::<Inline<false>>(ASK).unwrap();
        round_trip::<Inline<false>>(ASK).unwrap();
    }

    #[test]
    fn a_pool_that_loses_jobs_fails_every_check() {
        assert!(tiny_jobs::<Inline<true>>(ASK).is_err());
        assert!(take_results::<Inline<true>>(ASK).is_err());
        assert!(round_trip::<Inline<true>>(ASK).is_err());
    }
}
