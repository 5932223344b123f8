//! So many in *any* stretch of time, bursts included.
//!
//! A lock around the [`Log`] of what was admitted and the line of those who wait. The first in line
//! takes its permits itself when it looks (`waiters.rs`), so they are counted when their owner goes on
//! and not earlier: that is what makes "any window" hold at the door of this limiter.

mod acquire;
mod log;

use crate::{
    error::{Denied, ExceedsBurst},
    nanos::nanos,
    rate::Rate,
    sync::{Mutex, lock},
    waiters::{Source, Waiters},
};
use anabranch_core_cancel::{CancelToken, Clock};
use log::Log;
use std::{fmt, time::Duration};

pub use acquire::AcquireInWindow;

/// Admits so many in any window of time: never more, whichever window one looks at.
///
/// A bucket of `n` refills while it is emptied, so a [`RateLimiter`](crate::RateLimiter) with that
/// burst may admit nearly `2n` within one period, and a counter that is reset each period may, too,
/// around the reset. This one remembers *when* each permit was taken, and gives it back exactly one
/// window later. For contracts that count: "100 calls in any 60 seconds".
///
/// ```
/// use anabranch_ratelimit::{CancelToken, Rate, SlidingWindow};
/// use std::time::Duration;
///
/// let (token, time) = CancelToken::manual(); // in a program: SlidingWindow::new alone
/// let contract = SlidingWindow::new(Rate::per_minute(100)).on(&token);
/// time.advance(Duration::from_secs(59));
/// assert!(contract.allow_n(100));
/// time.advance(Duration::from_secs(1)); // a new minute on the wall
/// let denied = contract.try_acquire(1).unwrap_err();
/// assert_eq!(denied.retry_after, Duration::from_secs(59));
/// ```
///
/// # Memory
/// Exact costs 16 bytes for each moment at which something was admitted in the last window, so at
/// most 16 bytes times the limit. [`resolution`](Self::resolution) bounds that for large limits.
pub struct SlidingWindow {
    rate: Rate,
    resolution: u64,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    log: Log,
    waiters: Waiters,
}

impl SlidingWindow {
    /// As many permits in any window as the rate has in its period; its burst does not count here.
    /// On the system's clock.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self::with(rate, 1, Clock::system())
    }

    /// The same, as if new, on the clock of `token`: how a test takes the time in its own hands.
    #[must_use]
    pub fn on(self, token: &CancelToken) -> Self {
        Self::with(self.rate, self.resolution, token.clock().clone())
    }

    /// The same, as if new, but what is admitted within one `step` is remembered as one: at the
    /// step's end.
    ///
    /// Permits then come back up to a step late and never early, so "never more in any window" still
    /// holds; and at most `window / step + 2` moments are remembered, however large the limit is.
    ///
    /// # Panics
    /// When the step is zero.
    #[must_use]
    #[track_caller]
    pub fn resolution(self, step: Duration) -> Self {
        assert!(!step.is_zero(), "a step of zero remembers nothing");
        Self::with(self.rate, nanos(step), self.clock)
    }

    fn with(rate: Rate, resolution: u64, clock: Clock) -> Self {
        let window = u64::try_from(rate.per_ns()).unwrap_or(u64::MAX);
        Self {
            rate,
            resolution,
            state: Mutex::new(State {
                log: Log::new(rate.permits(), window, resolution, clock.nanos()),
                waiters: Waiters::default(),
            }),
            clock,
        }
    }

    /// Takes a permit if one is there: `false` if not, or if somebody waits. Never waits.
    ///
    /// # Cost
    /// A look at the clock, a lock, and a step for each moment that has left the window since.
    #[must_use = "a call that is not allowed should not go on"]
    pub fn allow(&self) -> bool {
        self.allow_n(1)
    }

    /// Takes `permits` at once if they are there, else none. Never waits.
    ///
    /// None at all are always there, even while somebody waits. More than the limit never are.
    #[must_use = "a call that is not allowed should not go on"]
    pub fn allow_n(&self, permits: u64) -> bool {
        if self.is_free(permits) {
            return true;
        }
        let mut state = lock(&self.state);
        state.waiters.is_empty() && state.log.take(self.clock.nanos(), permits)
    }

    /// Takes `permits` at once if they are there, else says when they will be. Never waits.
    ///
    /// # Errors
    /// [`Denied`], with nothing taken: too few are there, or somebody waits, or it is more than the
    /// limit, which then stands as the burst in it.
    pub fn try_acquire(&self, permits: u64) -> Result<(), Denied> {
        if self.is_free(permits) {
            return Ok(());
        }
        if let Err(exceeds) = self.check(permits) {
            return Err(Denied {
                retry_after: Duration::MAX,
                exceeds_burst: Some(exceeds),
            });
        }
        let State { log, waiters } = &mut *lock(&self.state);
        let now = self.clock.nanos();
        if waiters.is_empty() && log.take(now, permits) {
            return Ok(());
        }
        let retry_after = match log.when(now, waiters.and(permits)) {
            u64::MAX => Duration::MAX,
            at => Duration::from_nanos(at.saturating_sub(now)),
        };
        Err(Denied {
            retry_after,
            exceeds_burst: None,
        })
    }

    /// Waits until `permits` are there, then takes all of them at once.
    ///
    /// An operation: nothing is taken until `.wait()` (blocks the thread) or `.await` (suspends the
    /// task). Under a token with a deadline or with a timeout it fails at once when its turn cannot
    /// come in time.
    ///
    /// # Fairness
    /// First come, first served, threads and tasks in one line; a large request holds back the small
    /// ones behind it. The first in line takes its permits when it runs: a task that is woken and not
    /// polled holds up those behind it.
    ///
    /// # Cancel safety
    /// Dropped, cancelled or timed out before it finishes, it has taken nothing, and those behind it
    /// move up.
    ///
    /// # Errors
    /// [`ExceedsBurst`] at once if `permits` is more than the limit, which stands as the burst in it.
    /// Bounded, an [`AcquireError`](crate::AcquireError); one that comes because the turn lies behind
    /// a deadline comes before that deadline.
    pub fn acquire(&self, permits: u64) -> AcquireInWindow<'_> {
        AcquireInWindow::new(self, permits)
    }

    /// Permits that [`allow_n`](Self::allow_n) would take: none while somebody waits, `u64::MAX`
    /// without a limit. A snapshot: may be stale on return.
    pub fn available_permits(&self) -> u64 {
        if self.rate.is_unlimited() {
            return u64::MAX;
        }
        let mut state = lock(&self.state);
        if state.waiters.is_empty() {
            state.log.available(self.clock.nanos())
        } else {
            0
        }
    }

    /// Operations in line. A snapshot: may be stale on return.
    pub fn waiting(&self) -> usize {
        lock(&self.state).waiters.len()
    }

    fn is_free(&self, permits: u64) -> bool {
        permits == 0 || self.rate.is_unlimited()
    }

    fn check(&self, requested: u64) -> Result<(), ExceedsBurst> {
        let burst = self.rate.permits();
        if requested > burst && !self.is_free(requested) {
            return Err(ExceedsBurst { requested, burst });
        }
        Ok(())
    }
}

/// The log at a moment.
struct Now<'a> {
    log: &'a mut Log,
    now: u64,
}

impl Source for Now<'_> {
    fn take(&mut self, permits: u64, _waits: bool) -> bool {
        self.log.take(self.now, permits)
    }

    fn when(&mut self, permits: u64) -> u64 {
        self.log.when(self.now, permits)
    }
}

impl fmt::Debug for SlidingWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlidingWindow")
            .field("permits", &self.rate.permits())
            .field("window", &Duration::from_nanos(self.rate.per_ns() as u64))
            .field("available_permits", &self.available_permits())
            .finish_non_exhaustive()
    }
}
