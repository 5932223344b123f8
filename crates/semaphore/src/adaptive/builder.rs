//! An adaptive limit with its settings.

use super::{
    algorithm::Algorithm, gradient2::Gradient2, limit::AdaptiveLimit, regulator::Regulator,
};
use crate::{
    builder::{Limited, Unlimited},
    semaphore::Semaphore,
};
use anabranch_core_cancel::{CancelToken, Clock};
use std::fmt;

/// Settings of an [`AdaptiveLimit`]. Made by [`AdaptiveLimit::builder`].
///
/// ```
/// use anabranch_semaphore::{AdaptiveLimit, CancelToken, adaptive::Vegas};
///
/// let token = CancelToken::new();
/// let limit = AdaptiveLimit::builder()
///     .algorithm(Vegas::default())
///     .initial(10)
///     .min(2)
///     .max(200)
///     .max_waiters(50)
///     .on(&token)
///     .build();
/// assert_eq!(limit.limit(), 10);
/// ```
#[must_use = "a builder does nothing until it builds"]
pub struct Builder<W = Unlimited> {
    algorithm: Box<dyn Algorithm>,
    initial: Option<usize>,
    min: usize,
    max: usize,
    clock: Clock,
    semaphore: crate::Builder<W>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            algorithm: Box::new(Gradient2::default()),
            initial: None,
            min: 1,
            max: 1_000,
            clock: Clock::system(),
            semaphore: Semaphore::builder(0),
        }
    }

    /// Refuses whoever would have to wait while so many wait already: at once. Then the acquire
    /// yields a `Result`: see [`Limited`].
    ///
    /// A line in front of a limit is a place where load can hide: this is how to shed it.
    pub fn max_waiters(self, waiters: usize) -> Builder<Limited> {
        Builder {
            algorithm: self.algorithm,
            initial: self.initial,
            min: self.min,
            max: self.max,
            clock: self.clock,
            semaphore: self.semaphore.max_waiters(waiters),
        }
    }
}

impl<W> Builder<W> {
    /// Who says what the limit should be. [`Gradient2`] unless said otherwise.
    pub fn algorithm(mut self, algorithm: impl Algorithm + 'static) -> Self {
        self.algorithm = Box::new(algorithm);
        self
    }

    /// The limit to begin with. 20 unless said otherwise, or as near to that as it may be.
    pub fn initial(mut self, limit: usize) -> Self {
        self.initial = Some(limit);
        self
    }

    /// The least that it may be. 1 unless said otherwise.
    pub fn min(mut self, limit: usize) -> Self {
        self.min = limit;
        self
    }

    /// The most that it may be. 1000 unless said otherwise.
    pub fn max(mut self, limit: usize) -> Self {
        self.max = limit;
        self
    }

    /// Measures on the clock of `token`: how a test takes the time in its own hands. Not bound to
    /// the token's end: that is `with_cancel`.
    pub fn on(mut self, token: &CancelToken) -> Self {
        self.clock = token.clock().clone();
        self
    }

    /// Makes the limit.
    ///
    /// # Panics
    /// When the least is 0 (nobody would get in, so nobody would say how it went), more than the
    /// most, or more than the initial limit; when the most is less than the initial limit, or more
    /// than [`Semaphore::MAX_PERMITS`].
    #[must_use]
    #[track_caller]
    pub fn build(self) -> AdaptiveLimit<W> {
        let Self { min, max, .. } = self;
        assert!(min > 0, "with a limit of 0 nobody gets in to raise it");
        assert!(min <= max, "the least is more than the most");
        assert!(
            max <= Semaphore::MAX_PERMITS,
            "more than Semaphore::MAX_PERMITS"
        );
        let initial = self.initial.unwrap_or(20.clamp(min, max));
        assert!(
            (min..=max).contains(&initial),
            "the initial limit is not within the bounds"
        );
        let semaphore = self.semaphore.build();
        semaphore.resize(initial);
        let regulator = Regulator::new(self.algorithm, initial, min, max);
        AdaptiveLimit::with(semaphore, regulator, self.clock)
    }
}

impl<W> fmt::Debug for Builder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("initial", &self.initial)
            .field("min", &self.min)
            .field("max", &self.max)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
