//! A semaphore with settings.

use crate::{gate::Gate, semaphore::Semaphore, word::Order};
use std::marker::PhantomData;

/// Any number may wait: what [`Semaphore`] means by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlimited {}

/// So many may wait and no more, so an acquire may be refused and yields a `Result`: a
/// `Semaphore<Limited>`, made by [`Builder::max_waiters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {}

/// Settings of a [`Semaphore`]. Made by [`Semaphore::builder`].
///
/// ```
/// use anabranch_semaphore::{Limited, Semaphore};
///
/// let busy: Semaphore<Limited> = Semaphore::builder(8).max_waiters(100).build();
/// let permit = busy.acquire().wait()?; // an error at once if a hundred wait already
/// let fast = Semaphore::builder(8).barging().build();
/// let permit = fast.acquire().wait();
/// # Ok::<(), anabranch_semaphore::TooManyWaiters>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct Builder<W = Unlimited> {
    permits: usize,
    order: Order,
    max_waiters: usize,
    line: PhantomData<fn() -> W>,
}

impl Builder {
    pub(crate) fn new(permits: usize) -> Self {
        Self {
            permits,
            order: Order::Fair,
            max_waiters: usize::MAX,
            line: PhantomData,
        }
    }

    /// Refuses whoever would have to wait while `waiters` wait already: at once, and without any
    /// effect on those. `0`: nobody waits.
    ///
    /// The line of the semaphore is [`Limited`] then, and its acquire yields a `Result`: a limit on
    /// those who wait has to be heard of by everybody who might be refused, and nobody else should
    /// have to handle an error that cannot happen.
    pub fn max_waiters(self, waiters: usize) -> Builder<Limited> {
        Builder {
            permits: self.permits,
            order: self.order,
            max_waiters: waiters,
            line: PhantomData,
        }
    }
}

impl<W> Builder<W> {
    /// Prefers throughput to order: what is free is taken by whoever asks first, also while
    /// somebody waits.
    ///
    /// A permit is not handed over then but put down, and the first in line is woken to try for
    /// it. Until it runs, which takes microseconds, somebody who is running can make use of the
    /// permit; so nothing stands idle, many more pass (bench `S2`), and there is no promise how
    /// long anybody waits: a request for many permits may starve. The line itself stays in order,
    /// and the first in it is the one that is woken.
    pub fn barging(self) -> Self {
        Self {
            order: Order::Barging,
            ..self
        }
    }

    /// Makes the semaphore.
    ///
    /// # Panics
    /// When the permits are more than [`Semaphore::MAX_PERMITS`].
    #[must_use]
    #[track_caller]
    pub fn build(self) -> Semaphore<W> {
        Semaphore::with_gate(Gate::new(self.permits, self.order, self.max_waiters))
    }
}
