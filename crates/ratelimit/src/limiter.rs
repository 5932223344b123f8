//! The limiter: one word for those who do not wait, a line for those who do.
//!
//! ```text
//!   word   [W | mark: 63 bits]     W: somebody waits
//!
//!   allow ── W clear ──▶ one compare-exchange of the mark
//!        └── W set ────▶ denied, unless the first in line is due: then whoever comes by serves it
//! ```
//!
//! Invariants:
//!
//! 1. W is set exactly while the line is not empty; it changes only under the line's lock.
//! 2. While W is set the mark changes only under the line's lock. So what a waiter computed from
//!    the mark and from what is wanted before it in line, its slot, can only come earlier.
//! 3. `first_due` and `wanted` repeat, outside the lock, what the line says: the units at which its
//!    first is due, and the sum of the units wanted in it. They are hints: `first_due` says whether
//!    taking the lock is worth it, `wanted` goes into an estimate.
//!
//! ORDERING: the limiter publishes nothing but the word itself, and every decision is a
//! compare-exchange of that word or made under the lock: all orderings are Relaxed. What one
//! caller wrote before it was admitted is no business of the next one's.

#[cfg(loom)]
use crate::control;
use crate::{
    error::{Denied, ExceedsBurst},
    line::{Bucket, Line},
    meter::{Meter, NEVER},
    ops::Acquire,
    rate::Rate,
    sync::{AtomicU64, Mutex, lock},
};
use anabranch_core_cancel::{CancelToken, Clock, Wakes};
use std::{fmt, sync::atomic::Ordering::Relaxed, time::Duration};

/// Somebody waits.
const WAITING: u64 = 1 << 63;

/// Admits so much in so much time: a token bucket for threads and tasks.
///
/// Share it by reference or in an `Arc`. It has no background thread, and with an idle line it is
/// a word and a clock. Three ways to ask, for one permit or several at once:
///
/// | | when there is too little | |
/// | --- | --- | --- |
/// | [`allow`](Self::allow) | `false` | drop the call |
/// | [`try_acquire`](Self::try_acquire) | [`Denied`], with the time to try again | tell the caller |
/// | [`acquire`](Self::acquire) | waits its turn | most callers want this |
///
/// Nobody overtakes: while somebody waits, `allow` and `try_acquire` are denied.
///
/// ```
/// use anabranch_ratelimit::{CancelToken, Rate, RateLimiter};
/// use std::time::Duration;
///
/// let (token, time) = CancelToken::manual(); // in a program: RateLimiter::new alone
/// let limiter = RateLimiter::new(Rate::per_second(10).burst(5)).on(&token);
/// let admitted = (0..20).filter(|_| limiter.allow()).count();
/// assert_eq!(admitted, 5);
/// time.advance(Duration::from_millis(200));
/// assert_eq!(limiter.available_permits(), 2);
/// ```
pub struct RateLimiter {
    rate: Rate,
    /// `None`: no limit.
    meter: Option<Meter>,
    clock: Clock,
    /// The moment from which the meter counts.
    start: u64,
    word: AtomicU64,
    first_due: AtomicU64,
    wanted: AtomicU64,
    line: Mutex<Line>,
}

impl RateLimiter {
    /// A limiter with a full bucket, on the system's clock.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self::with_clock(rate, Clock::system())
    }

    /// The same limiter, its bucket full, on the clock of `token`: how a test takes the time in
    /// its own hands. Not bound to the token's end: that is [`with_cancel`](Acquire::with_cancel).
    #[must_use]
    pub fn on(self, token: &CancelToken) -> Self {
        Self::with_clock(self.rate, token.clock().clone())
    }

    pub(crate) fn with_clock(rate: Rate, clock: Clock) -> Self {
        Self {
            rate,
            meter: Meter::new(rate),
            start: clock.nanos(),
            clock,
            word: AtomicU64::new(0),
            first_due: AtomicU64::new(NEVER),
            wanted: AtomicU64::new(0),
            line: Mutex::new(Line::default()),
        }
    }

    /// Takes a permit if one is there: `false` if not, or if somebody waits. Never waits.
    ///
    /// # Cost
    /// A look at the clock and one compare-exchange; denied, it writes nothing.
    #[must_use = "a call that is not allowed should not go on"]
    pub fn allow(&self) -> bool {
        self.allow_n(1)
    }

    /// Takes `permits` at once if they are there, else none. Never waits.
    ///
    /// None at all are always there, even while somebody waits. More than the burst never are.
    #[must_use = "a call that is not allowed should not go on"]
    pub fn allow_n(&self, permits: u64) -> bool {
        let Some(meter) = self.meter_for(permits) else {
            return true;
        };
        permits <= meter.burst() && self.take(meter, meter.cost(permits))
    }

    /// Takes `permits` at once if they are there, else says when they will be. Never waits.
    ///
    /// # Errors
    /// [`Denied`], with nothing taken: too little is there, or somebody waits, or it is more than
    /// the burst.
    ///
    /// ```
    /// use anabranch_ratelimit::{Rate, RateLimiter};
    ///
    /// let limiter = RateLimiter::new(Rate::per_minute(1));
    /// assert!(limiter.try_acquire(1).is_ok());
    /// let denied = limiter.try_acquire(1).unwrap_err();
    /// let header = format!("Retry-After: {}", denied.retry_after.as_secs() + 1);
    /// assert_eq!(header, "Retry-After: 60");
    /// ```
    pub fn try_acquire(&self, permits: u64) -> Result<(), Denied> {
        let Some(meter) = self.meter_for(permits) else {
            return Ok(());
        };
        if let Err(exceeds) = self.check(permits) {
            return Err(Denied {
                retry_after: Duration::MAX,
                exceeds_burst: Some(exceeds),
            });
        }
        let cost = meter.cost(permits);
        if self.take(meter, cost) {
            return Ok(());
        }
        let (mark, waiting) = self.state();
        let wanted = if waiting {
            self.wanted.load(Relaxed)
        } else {
            0
        };
        let slot = self.slot(meter, mark.saturating_add(wanted).saturating_add(cost));
        let retry_after = match slot {
            NEVER => Duration::MAX,
            slot => Duration::from_nanos(slot.saturating_sub(self.clock.nanos())),
        };
        Err(Denied {
            retry_after,
            exceeds_burst: None,
        })
    }

    /// Waits until `permits` are there, then takes all of them at once.
    ///
    /// An operation: nothing is taken until `.wait()` (blocks the thread) or `.await` (suspends the
    /// task). Under a token with a deadline or with a timeout it fails at once when its turn would
    /// come too late.
    ///
    /// # Fairness
    /// First come, first served, threads and tasks in one line: a large request holds back the small
    /// ones behind it, and so cannot starve. What each waits for is one moment, fixed when it joins
    /// the line; it comes sooner when somebody before it gives up, and never later. The permits of a
    /// waiter who comes late to its moment are counted at that moment, so lateness does not add up.
    ///
    /// # Cancel safety
    /// Dropped, cancelled or timed out before it finishes, it has taken nothing, and those behind it
    /// move up.
    ///
    /// # Errors
    /// [`ExceedsBurst`] at once if `permits` is more than the burst. Bounded, an
    /// [`AcquireError`](crate::AcquireError). One that comes because the moment lies past a deadline
    /// comes *before* that deadline: the token is not cancelled yet, so a loop that only asks the
    /// token whether to go on would spin until it is. Leave the loop with the error.
    ///
    /// # Cost
    /// As [`allow`](Self::allow) while permits are there; else the line's lock, and one sleep.
    ///
    /// ```
    /// use anabranch_ratelimit::{AcquireError, CancelToken, Rate, RateLimiter};
    ///
    /// fn crawl(pages: &[&str], limiter: &RateLimiter, token: &CancelToken) -> Result<(), AcquireError> {
    ///     for _page in pages {
    ///         limiter.acquire(1).with_cancel(token).wait()?; // in a task: .await?
    ///         // fetch it
    ///     }
    ///     Ok(())
    /// }
    /// let limiter = RateLimiter::new(Rate::per_second(1_000));
    /// assert!(crawl(&["/", "/about"], &limiter, &CancelToken::new()).is_ok());
    /// ```
    pub fn acquire(&self, permits: u64) -> Acquire<'_> {
        Acquire::new(self, permits)
    }

    /// The rate it was made with.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Permits that [`allow_n`](Self::allow_n) would take: none while somebody waits, `u64::MAX`
    /// without a limit. A snapshot: may be stale on return.
    pub fn available_permits(&self) -> u64 {
        let Some(meter) = &self.meter else {
            return u64::MAX;
        };
        match self.state() {
            (_, true) => 0,
            (mark, false) => meter.available(self.now(meter), mark),
        }
    }

    /// Operations in line. A snapshot: may be stale on return.
    pub fn waiting(&self) -> usize {
        lock(&self.line).len()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn line(&self) -> &Mutex<Line> {
        &self.line
    }

    /// `None`: a request that is admitted without a look.
    pub(crate) fn meter_for(&self, permits: u64) -> Option<&Meter> {
        self.meter.as_ref().filter(|_| permits > 0)
    }

    pub(crate) fn check(&self, requested: u64) -> Result<(), ExceedsBurst> {
        match &self.meter {
            Some(meter) if requested > meter.burst() => Err(ExceedsBurst {
                requested,
                burst: meter.burst(),
            }),
            _ => Ok(()),
        }
    }

    /// The time, in units.
    pub(crate) fn now(&self, meter: &Meter) -> u64 {
        meter.now(self.clock.nanos().saturating_sub(self.start))
    }

    /// When the time will be `units`, in the clock's nanoseconds.
    pub(crate) fn slot(&self, meter: &Meter, units: u64) -> u64 {
        self.start.saturating_add(meter.when(units))
    }

    /// Takes `cost` if it is there and nobody waits.
    pub(crate) fn take(&self, meter: &Meter, cost: u64) -> bool {
        // The word first: its mark is then not newer than the time, and a denial not for want of a
        // few nanoseconds that have long passed.
        let mut word = self.word.load(Relaxed);
        let mut now = self.now(meter);
        let mut is_fresh = true;
        loop {
            if word & WAITING != 0 {
                if now < self.first_due.load(Relaxed) || !self.serve(meter) {
                    return false;
                }
                word = self.word.load(Relaxed);
            }
            // A flag set again meanwhile puts the word above any time: denied.
            match meter.take(now, word, cost) {
                Some(next) => match self.replace(word, next) {
                    Ok(()) => return true,
                    Err(actual) => (word, is_fresh) = (actual, false),
                },
                None if is_fresh => return false,
                None => (now, is_fresh) = (self.now(meter), true),
            }
        }
    }

    /// Serves those in line who are due. Whether the line is empty then.
    #[cold]
    fn serve(&self, meter: &Meter) -> bool {
        let mut wakes = Wakes::new();
        let mut line = lock(&self.line);
        let bucket = Bucket {
            limiter: self,
            meter,
        };
        line.serve(bucket, &mut wakes);
        line.len() == 0
    }

    /// The mark, and whether somebody waits.
    pub(crate) fn state(&self) -> (u64, bool) {
        let word = self.word.load(Relaxed);
        (word & !WAITING, word & WAITING != 0)
    }

    /// Sets the flag, for a caller with the line's lock, if the mark is still that.
    pub(crate) fn start_line(&self, mark: u64) -> bool {
        self.replace(mark, mark | WAITING).is_ok()
    }

    /// Sets the mark and says what the line is like now, for a caller with its lock who found the
    /// flag set: only then does nobody else change the mark.
    pub(crate) fn publish(&self, mark: u64, first_due: Option<u64>, wanted: u64) {
        let flag = if first_due.is_some() { WAITING } else { 0 };
        // The hints first: whoever finds the flag set may rely on them a little.
        self.first_due.store(first_due.unwrap_or(NEVER), Relaxed);
        self.wanted.store(wanted, Relaxed);
        self.word.store(mark | flag, Relaxed);
    }

    /// Gives back what a waiter was handed and never looked at.
    pub(crate) fn give_back(&self, meter: &Meter, cost: u64, from: u64) {
        let mut word = self.word.load(Relaxed);
        loop {
            let mark = meter.give_back(self.now(meter), word & !WAITING, cost, from);
            match self.replace(word, mark | word & WAITING) {
                Ok(()) => return,
                Err(actual) => word = actual,
            }
        }
    }

    /// The one place where the word changes hands.
    pub(crate) fn replace(&self, current: u64, next: u64) -> Result<(), u64> {
        #[cfg(loom)]
        if control::is_planted(control::Mistake::SplitExchange) {
            let actual = self.word.load(Relaxed);
            if actual != current {
                return Err(actual);
            }
            self.word.store(next, Relaxed);
            return Ok(());
        }
        self.word
            .compare_exchange_weak(current, next, Relaxed, Relaxed)
            .map(drop)
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("rate", &format_args!("{}", self.rate))
            .field("available_permits", &self.available_permits())
            .finish_non_exhaustive()
    }
}
