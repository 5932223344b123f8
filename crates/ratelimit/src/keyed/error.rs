//! Why nothing was taken for a key.

use crate::error::{Denied, ExceedsBurst};
use anabranch_core_cancel::Cancelled;
use std::time::Duration;
use thiserror::Error;

/// Why [`KeyedRateLimiter::try_acquire`](crate::KeyedRateLimiter::try_acquire) took nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyDenied {
    /// The key has used up what it may: see [`Denied`].
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The key is new, and there is no room for another one.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

impl KeyDenied {
    /// In how long it is worth trying again; [`Duration::MAX`] is never.
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Denied(denied) => denied.retry_after,
            Self::NoRoom(full) => full.retry_after,
        }
    }
}

/// As many keys as there may be are in use, and none of those looked at could be forgotten without
/// giving it permits that it should not have. Nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no room for another key, {max_keys} are in use")]
#[non_exhaustive]
pub struct NoRoom {
    /// How many keys there may be.
    pub max_keys: usize,
    /// When the first of the keys looked at can be forgotten, if it is not used until then.
    /// [`Duration::MAX`] if none of them ever can.
    pub retry_after: Duration,
}

/// Why [`KeyedRateLimiter::acquire`](crate::KeyedRateLimiter::acquire) without a bound took nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyRefused {
    /// More than the key ever gets at once.
    #[error(transparent)]
    ExceedsBurst(#[from] ExceedsBurst),
    /// The key is new, and there is no room for another one.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

/// Why a bounded [`KeyedRateLimiter::acquire`](crate::KeyedRateLimiter::acquire) took nothing.
#[derive(Clone, Debug, Error)]
pub enum KeyAcquireError {
    /// The token was cancelled, time ran out, or the permits would have come too late: then this
    /// is the deadline's or the timeout's error, ahead of its time.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// More than the key ever gets at once.
    #[error(transparent)]
    ExceedsBurst(#[from] ExceedsBurst),
    /// The key is new, and there is no room for another one.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

impl From<KeyRefused> for KeyAcquireError {
    fn from(refused: KeyRefused) -> Self {
        match refused {
            KeyRefused::ExceedsBurst(why) => why.into(),
            KeyRefused::NoRoom(why) => why.into(),
        }
    }
}
