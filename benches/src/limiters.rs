//! What the limiter workloads ask of an implementation, and who answers.

use std::num::NonZeroU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
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

/// Tokens flow in every so often: a millisecond at least, several at a time if need be.
impl Limiter for leaky_bucket::RateLimiter {
    fn with(period: Duration, burst: u32) -> Result<Self> {
        let burst = usize::try_from(burst)?;
        let interval = period.max(Duration::from_millis(1));
        let refill = interval.div_duration_f64(period).round() as usize;
        let builder = &mut leaky_bucket::RateLimiter::builder();
        let builder = builder.max(burst).initial(burst);
        Ok(builder.interval(interval).refill(refill).build())
    }

    fn allow(&self) -> bool {
        self.try_acquire(1)
    }
}

impl Limiter for ratelimit::Ratelimiter {
    fn with(period: Duration, burst: u32) -> Result<Self> {
        let whole = period.max(Duration::from_secs(1));
        let rate = whole.div_duration_f64(period).round() as u64;
        let builder = ratelimit::Ratelimiter::builder(rate).period(whole);
        let builder = builder.max_tokens(burst.into());
        Ok(builder.initial_available(burst.into()).build()?)
    }

    fn allow(&self) -> bool {
        self.try_wait().is_ok()
    }
}

/// What one writes by hand: GCRA in whole nanoseconds, one compare-exchange.
#[derive(Debug)]
pub struct HandGcra {
    start: Instant,
    period: u64,
    /// What a full bucket is ahead.
    tolerance: u64,
    /// When the bucket would have been empty.
    arrival: AtomicU64,
}

impl Limiter for HandGcra {
    fn with(period: Duration, burst: u32) -> Result<Self> {
        let period = u64::try_from(period.as_nanos())?;
        Ok(HandGcra {
            start: Instant::now(),
            period,
            tolerance: period * u64::from(burst),
            arrival: AtomicU64::new(0),
        })
    }

    fn allow(&self) -> bool {
        let now = self.start.elapsed().as_nanos() as u64;
        // ORDERING: as one writes it who does not want to think about it.
        let mut arrival = self.arrival.load(Acquire);
        loop {
            let next = arrival.max(now) + self.period;
            if next > now + self.tolerance {
                return false;
            }
            match self
                .arrival
                .compare_exchange_weak(arrival, next, AcqRel, Acquire)
            {
                Ok(_) => return true,
                Err(actual) => arrival = actual,
            }
        }
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

/// The floor of any limiter: a look at the fastest sound clock there is.
#[derive(Debug)]
pub struct QuantaOnly {
    clock: quanta::Clock,
    from: quanta::Instant,
}

impl QuantaOnly {
    /// Always admits.
    pub fn open() -> Self {
        let clock = quanta::Clock::new();
        let from = clock.now();
        QuantaOnly { clock, from }
    }

    /// Denies for the next hour.
    pub fn shut() -> Self {
        let QuantaOnly { clock, from } = Self::open();
        let from = from + Duration::from_secs(3_600);
        QuantaOnly { clock, from }
    }

    /// A look at the clock.
    pub fn allow(&self) -> bool {
        self.clock.now() >= self.from
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
