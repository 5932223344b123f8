//! Now and then: which of many calls to let through, by number and by time.
//!
//! After `Sometimes` of Go's `golang.org/x/time/rate`. There a lock is held while the function runs;
//! here two atomics decide, and the function runs outside, so that a slow one delays nobody.
//!
//! ORDERING: `calls` numbers the calls and `last` is the time of the last run; each is decided on by
//! a single read-modify-write of itself and publishes nothing else, so all orderings are Relaxed.

#[cfg(loom)]
use crate::control;
use crate::{meter::NEVER, nanos::nanos, sync::AtomicU64};
use anabranch_core_cancel::{CancelToken, Clock};
use std::{fmt, sync::atomic::Ordering::Relaxed, time::Duration};

/// Lets some of many calls through: the first few, every so many-th, and one each so often.
///
/// For what is worth doing now and then: a log line in a hot loop, a sample, a health check. The
/// first call always passes; of the others those for which *any* of the rules that were set says
/// so. Without any rule it is the first call alone.
///
/// | rule | lets through |
/// | --- | --- |
/// | [`first(n)`](Self::first) | the first `n` calls |
/// | [`every(n)`](Self::every) | calls 1, n + 1, 2n + 1, ... |
/// | [`interval(d)`](Self::interval) | a call when the last one let through is `d` or longer ago |
///
/// ```
/// use anabranch_ratelimit::Sometimes;
/// use std::time::Duration;
///
/// fn handle(request: u32) {
///     static NOTE: Sometimes = Sometimes::new().first(3).interval(Duration::from_secs(10));
///     NOTE.run(|| eprintln!("request {request}, and many like it"));
/// }
/// (0..10_000).for_each(handle); // three lines
/// ```
pub struct Sometimes {
    first: u64,
    every: u64,
    /// Nanoseconds; `None`: no such rule.
    interval: Option<u64>,
    clock: Clock,
    calls: AtomicU64,
    /// When a call was last let through, or `NEVER`; kept only with an interval.
    last: AtomicU64,
}

impl Sometimes {
    /// Without any rule yet: only the first call. On the system's clock; may stand in a `static`.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first: 0,
            every: 0,
            interval: None,
            clock: Clock::system(),
            calls: AtomicU64::new(0),
            last: AtomicU64::new(NEVER),
        }
    }

    /// Without any rule yet. The atomics of a model cannot be made at compile time.
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        Self {
            first: 0,
            every: 0,
            interval: None,
            clock: Clock::system(),
            calls: AtomicU64::new(0),
            last: AtomicU64::new(NEVER),
        }
    }

    /// The first `calls`; zero is no rule.
    #[must_use]
    pub const fn first(mut self, calls: u64) -> Self {
        self.first = calls;
        self
    }

    /// The first of every `calls` calls; one is each call, zero is no rule.
    #[must_use]
    pub const fn every(mut self, calls: u64) -> Self {
        self.every = calls;
        self
    }

    /// Any call when the last one let through, by whatever rule, is this long ago or longer. Zero
    /// is each call; what is longer than 584 years never comes.
    #[must_use]
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(nanos(interval));
        self
    }

    /// The same rules, nothing counted yet, on the clock of `token`.
    #[must_use]
    pub fn on(self, token: &CancelToken) -> Self {
        let Self {
            first,
            every,
            interval,
            ..
        } = self;
        Self {
            first,
            every,
            interval,
            clock: token.clock().clone(),
            ..Self::new()
        }
    }

    /// Whether this call is one of those. Each call counts, whatever the answer.
    ///
    /// Among threads the calls are numbered in the order in which they come here, and of those that
    /// find the interval passed at the same time one is let through.
    ///
    /// # Cost
    /// One atomic addition; with an interval also a look at the clock.
    #[must_use = "a call that is not let through should not go on"]
    pub fn allow(&self) -> bool {
        let number = self.calls.fetch_add(1, Relaxed);
        let by_number = number == 0
            || number < self.first
            || number.checked_rem(self.every) == Some(0)
            || self.interval == Some(0);
        match self.interval {
            Some(interval) if interval > 0 => self.by_time(interval, by_number),
            _ => by_number,
        }
    }

    /// Runs `f` if this call is one of those ([`allow`](Self::allow)), and says what it returned.
    ///
    /// Nothing is locked meanwhile: with rules by number, runs of several threads may overlap. What
    /// panics has been let through and counts.
    pub fn run<T>(&self, f: impl FnOnce() -> T) -> Option<T> {
        self.allow().then(f)
    }

    /// Calls so far. A snapshot: may be stale on return.
    pub fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    fn by_time(&self, interval: u64, by_number: bool) -> bool {
        let now = self.clock.nanos();
        if by_number {
            // Never back: a thread that was held up here must not undo a later run.
            let later = |last| (last == NEVER || last < now).then_some(now);
            // An error is a later run: nothing to do.
            let _ = self.last.fetch_update(Relaxed, Relaxed, later);
            return true;
        }
        #[cfg(loom)]
        if control::is_planted(control::Mistake::SplitInterval) {
            let last = self.last.load(Relaxed);
            let has_passed = last != NEVER && now.saturating_sub(last) >= interval;
            self.last
                .store(if has_passed { now } else { last }, Relaxed);
            return has_passed;
        }
        // Until the first call has left its time here, it is that one's interval.
        let last = self.last.load(Relaxed);
        last != NEVER
            && now.saturating_sub(last) >= interval
            && self
                .last
                .compare_exchange(last, now, Relaxed, Relaxed)
                .is_ok()
    }
}

impl Default for Sometimes {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sometimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sometimes")
            .field("first", &self.first)
            .field("every", &self.every)
            .field("interval", &self.interval.map(Duration::from_nanos))
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}
