//! What a limiter is made with, and what may change while it is in use.

use super::RateLimiter;
use crate::{each::Each, rate::Rate, sync::lock};
use anabranch_core_cancel::{CancelToken, Clock, Wakes};
use std::time::Duration;

impl RateLimiter {
    /// The same limiter, its bucket full, on the clock of `token`: how a test takes the time in
    /// its own hands. Not bound to the token's end: that is [`with_cancel`](crate::ops::Acquire::with_cancel).
    #[must_use]
    pub fn on(self, token: &CancelToken) -> Self {
        let warm_up = self.warm_up_period();
        self.rebuilt(token.clock().clone(), warm_up)
    }

    /// The same limiter, its bucket full, with at most so many operations in line: one more is
    /// refused at once, with [`LineFull`](crate::LineFull). Without this the line has no bound.
    ///
    /// Those who wait already are never thrown out in favour of a newcomer.
    #[must_use]
    pub fn max_waiters(self, most: usize) -> Self {
        lock(&self.line).set_max_waiters(most);
        self
    }

    /// The same limiter, also for requests larger than the burst, which are otherwise errors. Such
    /// a one is admitted when the bucket is full, and takes more than is in it: those who come after
    /// it wait until that has been paid. Over a longer time the rate is kept; at once, it is the
    /// request that says how much comes through.
    #[must_use]
    pub fn allow_debt(self) -> Self {
        Self {
            allows_debt: true,
            ..self
        }
    }

    /// The same limiter, cold: it starts at a third of its rate and becomes faster with use.
    ///
    /// For those who serve badly when they are woken rudely: caches to fill, connections to open.
    /// From cold to warm, under full use, takes `period`, in which half as many permits are admitted
    /// as the rate says; idle for as long, it is cold again. What a request costs is decided when it
    /// is admitted, and paid by the next one, so the first never waits. In between the speed changes
    /// evenly with the number of permits taken: see `src/warm_up.rs` for the exact rule, which is
    /// that of Guava's `RateLimiter`.
    ///
    /// A burst larger than one still goes through at once, and is paid for at the cold price. With
    /// several limits it is the first that warms up. Zero is no warm-up.
    ///
    /// # Cost
    /// Each call takes a lock.
    #[must_use]
    pub fn warm_up(self, period: Duration) -> Self {
        let clock = self.clock().clone();
        self.rebuilt(clock, Some(period))
    }

    fn rebuilt(self, clock: Clock, warm_up: Option<Duration>) -> Self {
        let line = lock(&self.line);
        let (rates, most) = (line.rates.clone(), line.max_waiters());
        drop(line);
        let limiter = Self::with(rates, clock, warm_up).max_waiters(most);
        Self {
            allows_debt: self.allows_debt,
            ..limiter
        }
    }

    /// Another rate from now on, and another burst. What is in the bucket stays in it, up to the new
    /// burst; those in line are due when the new rate says so, earlier or later. Reservations keep
    /// their moments: what that takes too early, those who come after them wait for.
    ///
    /// A limiter of [several](Self::all) rates has only this one then.
    ///
    /// Somebody in line who wants more than the new burst has its turn when the bucket is full, as
    /// under [`allow_debt`](Self::allow_debt).
    ///
    /// ```
    /// use anabranch_ratelimit::{CancelToken, Rate, RateLimiter};
    /// use std::time::Duration;
    ///
    /// let (token, time) = CancelToken::manual();
    /// let limiter = RateLimiter::new(Rate::per_second(0)).on(&token);
    /// assert!(limiter.allow() && !limiter.allow()); // the burst, and then nothing for ever
    /// limiter.set_rate(Rate::per_second(10));
    /// time.advance(Duration::from_millis(100));
    /// assert!(limiter.allow());
    /// ```
    pub fn set_rate(&self, rate: Rate) {
        self.set_rates([rate]);
    }

    /// Like [`set_rate`](Self::set_rate), for a limiter of [several](Self::all) rates: each takes
    /// over what is in the bucket at its place in the list, and one more starts with a full one.
    ///
    /// # Panics
    /// Without any rate.
    #[track_caller]
    pub fn set_rates(&self, rates: impl IntoIterator<Item = Rate>) {
        let rates = Each::collect(rates).expect("a limiter needs at least one rate");
        let mut wakes = Wakes::new();
        lock(&self.line).change(self, rates, &mut wakes);
    }

    /// Another burst, the same rate: see [`set_rate`](Self::set_rate). For each of several.
    ///
    /// # Panics
    /// When it is zero.
    #[track_caller]
    pub fn set_burst(&self, permits: u64) {
        assert!(permits > 0, "a burst of zero would never admit anything");
        let mut wakes = Wakes::new();
        let mut line = lock(&self.line);
        let rates = line.rates.map(|rate| rate.burst(permits));
        line.change(self, rates, &mut wakes);
    }

    /// The rate, or the first of several.
    pub fn rate(&self) -> Rate {
        lock(&self.line).rates.first
    }

    /// All rates.
    pub fn rates(&self) -> Vec<Rate> {
        lock(&self.line).rates.iter().copied().collect()
    }

    fn warm_up_period(&self) -> Option<Duration> {
        let line = lock(&self.line);
        line.limits().warm_up.map(|warm_up| warm_up.period)
    }
}
