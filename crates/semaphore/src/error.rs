//! Why no permit was taken.

use anabranch_core_cancel::Cancelled;
use thiserror::Error;

/// Too few permits were free, or somebody waits for them. Nothing was taken; trying again later
/// may help, and waiting does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too few permits are free: {available}")]
#[non_exhaustive]
pub struct NoPermits {
    /// How many could have been taken instead: none while somebody waits.
    pub available: usize,
}

/// More was asked for at once than the semaphore's capacity is now. Nothing was taken; ask for
/// less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{requested} permits at once exceed the capacity of {capacity}")]
#[non_exhaustive]
pub struct ExceedsCapacity {
    /// How many were asked for.
    pub requested: usize,
    /// How many there were in all, when that was decided.
    pub capacity: usize,
}

/// As many wait as may: see [`Builder::max_waiters`](crate::Builder::max_waiters). Nothing was
/// taken, and nobody's place changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no more than {max_waiters} may wait for permits")]
#[non_exhaustive]
pub struct TooManyWaiters {
    /// How many may wait.
    pub max_waiters: usize,
}

/// Why [`try_acquire_many`](crate::Semaphore::try_acquire_many) took nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TryAcquireError {
    /// Too few are free at the moment: trying again may help.
    #[error(transparent)]
    NoPermits(#[from] NoPermits),
    /// More than the capacity: trying again does not help.
    #[error(transparent)]
    ExceedsCapacity(#[from] ExceedsCapacity),
}

/// Why [`acquire_many`](crate::Semaphore::acquire_many) was refused by a semaphore whose line is
/// [limited](crate::Limited).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// More than the capacity: ask for less.
    #[error(transparent)]
    ExceedsCapacity(#[from] ExceedsCapacity),
    /// The line is full: shed this piece of work, or come again.
    #[error(transparent)]
    TooManyWaiters(#[from] TooManyWaiters),
}

/// Why an acquire that was bounded by a token or a timeout took nothing.
#[derive(Clone, Debug, Error)]
pub enum AcquireError {
    /// The token was cancelled or time ran out.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// More than the capacity: ask for less. Only where several permits are asked for.
    #[error(transparent)]
    ExceedsCapacity(#[from] ExceedsCapacity),
    /// The line is full. Only where it is [limited](crate::Limited).
    #[error(transparent)]
    TooManyWaiters(#[from] TooManyWaiters),
}

impl From<Refused> for AcquireError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::ExceedsCapacity(exceeds) => exceeds.into(),
            Refused::TooManyWaiters(too_many) => too_many.into(),
        }
    }
}
