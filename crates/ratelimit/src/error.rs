//! Why nothing was taken.

use anabranch_core_cancel::Cancelled;
use std::time::Duration;
use thiserror::Error;

/// More was asked for at once than the limiter ever admits at once: waiting never helps. Ask for
/// less, or give the rate a larger [`burst`](crate::Rate::burst). Nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{requested} permits at once exceed the burst of {burst}")]
pub struct ExceedsBurst {
    /// How many were asked for.
    pub requested: u64,
    /// How many the limiter admits at once.
    pub burst: u64,
}

/// As many wait as may: come again later. Nothing was taken, and no place in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{max_waiters} already wait, as many as may")]
pub struct LineFull {
    /// How many may wait: [`RateLimiter::max_waiters`](crate::RateLimiter::max_waiters).
    pub max_waiters: usize,
}

/// Why an [`acquire`](crate::RateLimiter::acquire) without a bound took nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// More than the limiter ever admits at once.
    #[error(transparent)]
    ExceedsBurst(#[from] ExceedsBurst),
    /// As many wait as may.
    #[error(transparent)]
    LineFull(#[from] LineFull),
}

/// Why a bounded [`acquire`](crate::RateLimiter::acquire) took nothing.
#[derive(Clone, Debug, Error)]
pub enum AcquireError {
    /// The token was cancelled, time ran out, or the permits would have come too late: then this
    /// is the deadline's or the timeout's error, ahead of its time.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// More than the limiter ever admits at once.
    #[error(transparent)]
    ExceedsBurst(#[from] ExceedsBurst),
    /// As many wait as may.
    #[error(transparent)]
    LineFull(#[from] LineFull),
}

impl From<Refused> for AcquireError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::ExceedsBurst(why) => why.into(),
            Refused::LineFull(why) => why.into(),
        }
    }
}

/// Why [`try_acquire`](crate::RateLimiter::try_acquire) or
/// [`reserve`](crate::RateLimiter::reserve) took nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{}", Why(self))]
#[non_exhaustive]
pub struct Denied {
    /// In how long the same request would be admitted if nobody else came. Behind everybody who
    /// waits now. [`Duration::MAX`] is never: see [`is_final`](Self::is_final).
    pub retry_after: Duration,
    /// Set when more was asked for than the limiter ever admits at once.
    pub exceeds_burst: Option<ExceedsBurst>,
}

impl Denied {
    /// Whether trying again never helps: more than the burst, or a rate of zero and too little
    /// left.
    pub fn is_final(&self) -> bool {
        self.retry_after == Duration::MAX
    }
}

impl From<ExceedsBurst> for Denied {
    fn from(exceeds: ExceedsBurst) -> Self {
        Self {
            retry_after: Duration::MAX,
            exceeds_burst: Some(exceeds),
        }
    }
}

struct Why<'a>(&'a Denied);

impl std::fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Denied {
                exceeds_burst: Some(exceeds),
                ..
            } => exceeds.fmt(f),
            denied if denied.is_final() => f.write_str("rate limited for ever"),
            denied => write!(f, "rate limited, retry after {:?}", denied.retry_after),
        }
    }
}
