//! What the limiter workloads ask of an implementation, and who answers.

use std::num::NonZeroU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use anabranch_ratelimit::{Rate, RateLimiter};
use anyhow::{Context, Result};
use governor::{DefaultDirectRateLimiter, Quota};

/// Something that says yes so often in so much time.
pub trait Limiter: Sized + Sync {
    /// One that admits a call every `period` and `burst` at once, its bucket full.
    ///
    /// # Errors
    /// It cannot be set up like that.
    fn with(period: Duration, burst: u32) -> Result<Self>;
    /// Takes a permit if one is there, and never waits.
    fn allow(&self) -> bool;
}

impl Limiter for RateLimiter {
    fn with(period: Duration, burst: u32) -> Result<Self> {
        Ok(RateLimiter::new(Rate::every(period).burst(burst.into())))
    }

    fn allow(&self) -> bool {
        RateLimiter::allow(self)
    }
}

impl Limiter for DefaultDirectRateLimiter {
    fn with(period: Duration, burst: u32) -> Result<Self> {
        let burst = NonZeroU32::new(burst).context("governor has no burst of 0")?;
        let quota = Quota::with_period(period).context("governor has no period of 0")?;
        Ok(governor::RateLimiter::direct(quota.allow_burst(burst)))
    }

    fn allow(&self) -> bool {
        self.check().is_ok()
    }
}

/// The floor: a look at the clock and a count that is never filled up again.
///
/// Right as long as nothing flows in during the repetition, which is how it is used.
#[derive(Debug)]
pub struct ClockAndCount {
    start: Instant,
    left: AtomicU64,
}

impl Limiter for ClockAndCount {
    fn with(_: Duration, burst: u32) -> Result<Self> {
        Ok(ClockAndCount {
            start: Instant::now(),
            left: AtomicU64::new(burst.into()),
        })
    }

    fn allow(&self) -> bool {
        // ORDERING: Relaxed, the count is all there is and publishes nothing else.
        let take = || {
            self.left
                .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
        };
        Instant::now() >= self.start && take().is_ok()
    }
}

/// The floor of a limiter that reads std's clock: open from a moment on, whoever asks how often.
#[derive(Debug)]
pub struct ClockOnly {
    from: Instant,
}

impl ClockOnly {
    /// Always admits.
    pub fn open() -> Self {
        ClockOnly {
            from: Instant::now(),
        }
    }

    /// Denies for the next hour.
    pub fn shut() -> Self {
        ClockOnly {
            from: Instant::now() + Duration::from_secs(3_600),
        }
    }

    /// A look at the clock.
    pub fn allow(&self) -> bool {
        Instant::now() >= self.from
    }
}
