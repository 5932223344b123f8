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
}

/// Why [`try_acquire`](crate::RateLimiter::try_acquire) took nothing.
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
