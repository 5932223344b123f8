//! The limiter: one word for those who do not wait, a line for those who do.
//!
//! ```text
//!   word   [W | mark: 63 bits]     W: the mark alone does not tell; ask the line
//!
//!   allow ── W clear ──▶ one compare-exchange of the mark
//!        └── W set ────▶ denied, unless the first in line is due: then whoever comes by serves it
//! ```
//!
//! Invariants:
//!
//! 1. W is set while somebody waits, while something may come back (a reservation, what was handed
//!    over and not looked at), for good where there are several limits, and while somebody with the
//!    line's lock works. It changes only under that lock.
//! 2. While W is set the mark changes only under the line's lock, and the line has it too.
//! 3. `first_due` repeats, outside the lock, the tick at which the first in line is due; 0 while
//!    nobody waits. It is a hint: whether taking the lock is worth it.
//! 4. A word of one meter is different from all words of the meters before it: see `cell.rs`.
//!
//! ORDERING: what one caller wrote before it was admitted is no business of the next one's, so the
//! word publishes nothing but itself and, where the rate is changed, the meter: for that it is
//! stored with Release and loaded with Acquire. Every decision is a compare-exchange of the word, a
//! second look at it, or made under the lock. `first_due` is Relaxed: stored before the word that
//! sets the flag, so whoever finds the flag sees that one or a later one.

use crate::{
    cell::MeterCell,
    each::Each,
    error::{Denied, ExceedsBurst},
    limits::Limits,
    line::{Line, Reserved},
    meter::MAX_COST,
    ops::Acquire,
    rate::Rate,
    reservation::Reservation,
    sync::{AtomicU64, Mutex, lock},
    time::Time,
};
use anabranch_core_cancel::{Clock, Wakes};
use std::{fmt, sync::atomic::Ordering::Acquire as Acq, time::Duration};

/// The mark alone does not tell.
const FLAG: u64 = 1 << 63;

mod settings;
mod word;

/// Admits so much in so much time: a token bucket for threads and tasks.
///
/// Share it by reference or in an `Arc`. It has no background thread, and with an idle line it is
/// a word and a clock. Four ways to ask, for one permit or several at once:
///
/// | | when there is too little | |
/// | --- | --- | --- |
/// | [`allow`](Self::allow) | `false` | drop the call |
/// | [`try_acquire`](Self::try_acquire) | [`Denied`], with the time to try again | tell the caller |
/// | [`acquire`](Self::acquire) | waits its turn | most callers want this |
/// | [`reserve`](Self::reserve) | a moment of its own, to be given back | the caller does the waiting |
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
    word: AtomicU64,
    meter: MeterCell,
    time: Time,
    first_due: AtomicU64,
    allows_debt: bool,
    line: Mutex<Line>,
}

impl RateLimiter {
    /// A limiter with a full bucket, on the system's clock.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self::with_clock(rate, Clock::system())
    }

    /// A limiter that admits what fits *all* of these rates, and otherwise takes nothing from any:
    /// ten a second, and at most a hundred a minute.
    ///
    /// It has one line, one time to try again (the longest), and as many permits as the least of
    /// its buckets.
    ///
    /// # Cost
    /// Each call takes a lock; waiting, each limit is a division more.
    ///
    /// # Panics
    /// Without any rate.
    ///
    /// ```
    /// use anabranch_ratelimit::{CancelToken, Rate, RateLimiter};
    /// use std::time::Duration;
    ///
    /// let (token, time) = CancelToken::manual();
    /// let rates = [Rate::per_second(10).burst(10), Rate::per_minute(15).burst(15)];
    /// let limiter = RateLimiter::all(rates).on(&token);
    /// assert!(limiter.allow_n(10));
    /// time.advance(Duration::from_secs(1));
    /// assert_eq!(limiter.available_permits(), 5); // ten of the one, five of the other
    /// assert!(limiter.allow_n(5));
    /// let denied = limiter.try_acquire(1).unwrap_err();
    /// assert_eq!(denied.retry_after, Duration::from_secs(3));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn all(rates: impl IntoIterator<Item = Rate>) -> Self {
        let rates = Each::collect(rates).expect("a limiter needs at least one rate");
        Self::with(rates, Clock::system(), None)
    }

    /// A limiter with a full bucket, on that clock.
    pub(crate) fn with_clock(rate: Rate, clock: Clock) -> Self {
        let rates = Each {
            first: rate,
            rest: Vec::new(),
        };
        Self::with(rates, clock, None)
    }

    fn with(rates: Each<Rate>, clock: Clock, warm_up: Option<Duration>) -> Self {
        let time = Time::new(clock);
        let warm_up = warm_up.filter(|period| !period.is_zero());
        let limits = Limits::new(&rates, time.scale(), warm_up);
        let flag = if limits.are_several() { FLAG } else { 0 };
        Self {
            word: AtomicU64::new(flag),
            meter: MeterCell::new(limits.meters.first),
            time,
            first_due: AtomicU64::new(0),
            allows_debt: false,
            line: Mutex::new(Line::new(rates, limits)),
        }
    }

    /// Takes a permit if one is there: `false` if not, or if somebody waits. Never waits.
    ///
    /// # Cost
    /// A look at the clock and one compare-exchange (bench `R1`); denied, it writes nothing.
    #[must_use = "a call that is not allowed should not go on"]
    pub fn allow(&self) -> bool {
        // The word first: its mark is then not newer than the time, and a denial not for want of a
        // few nanoseconds that have long passed. The meter last: nothing to keep while the clock is
        // read.
        let word = self.word.load(Acq);
        let ticks = self.time.ticks();
        let meter = self.meter.load_for_one();
        let now = meter.now(ticks);
        // `meter.take`, for a cost that is never more than the capacity.
        let next = word.max(now - meter.capacity) + meter.one;
        if next <= now {
            return match self.replace(word, next) {
                Ok(()) => true,
                Err(_) => self.take_contended(),
            };
        }
        // A word with the flag is above any time.
        let is_denied = word <= now && self.word.load(Acq) == word;
        !is_denied && self.take_slowly(1)
    }

    /// Takes `permits` at once if they are there, else none. Never waits.
    ///
    /// None at all are always there, even while somebody waits. More than the burst never are,
    /// unless [debt is allowed](Self::allow_debt).
    #[must_use = "a call that is not allowed should not go on"]
    pub fn allow_n(&self, permits: u64) -> bool {
        let word = self.word.load(Acq);
        let ticks = self.time.ticks();
        let meter = self.meter.load();
        if permits > meter.burst() {
            return self.take_slowly(permits);
        }
        let now = meter.now(ticks);
        match meter.take(now, word, meter.cost(permits)) {
            Some(next) if self.replace(word, next).is_ok() => true,
            None if word <= now && self.word.load(Acq) == word => false,
            _ => self.take_slowly(permits),
        }
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
        if self.allow_n(permits) {
            return Ok(());
        }
        self.check(permits)?;
        Err(Denied {
            retry_after: self.time.until(self.due(permits)),
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
    /// the line; it comes sooner when somebody before it gives up, and later only when the rate is
    /// changed. The permits of a waiter who comes late to its moment are counted at that moment, so
    /// lateness does not add up.
    ///
    /// # Cancel safety
    /// Dropped, cancelled or timed out before it finishes, it has taken nothing, and those behind it
    /// move up. This is exact: the bucket is as if it had never come.
    ///
    /// # Errors
    /// [`Refused`](crate::Refused) at once if `permits` is more than the burst, or as many wait as
    /// [may](Self::max_waiters). Bounded, an [`AcquireError`](crate::AcquireError). One that comes
    /// because the moment lies past a deadline comes *before* that deadline: the token is not
    /// cancelled yet, so a loop that only asks the token whether to go on would spin until it is.
    /// Leave the loop with the error.
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

    /// Takes `permits` at the first moment at which they are there, behind everybody who waits, and
    /// says when that is. Never waits: the caller does, or changes its mind.
    ///
    /// See [`Reservation`] for what it promises and how it is given back.
    ///
    /// # Errors
    /// [`Denied`] if that moment never comes: more than the burst, or a rate of zero. Nothing is
    /// taken.
    pub fn reserve(&self, permits: u64) -> Result<Reservation<'_>, Denied> {
        self.reserve_within(permits, Duration::MAX)
    }

    /// Like [`reserve`](Self::reserve), unless the moment is more than `wait` away.
    ///
    /// # Errors
    /// [`Denied`], with the time until the moment; nothing is taken.
    pub fn reserve_within(&self, permits: u64, wait: Duration) -> Result<Reservation<'_>, Denied> {
        self.check(permits)?;
        if permits == 0 {
            return Ok(Reservation::new(self, None, permits));
        }
        let mut wakes = Wakes::new();
        let mut line = lock(&self.line);
        let latest = |now| self.time.after(now, wait);
        let reserved = line.reserve(self, permits, latest, &mut wakes);
        drop(line);
        match reserved {
            Reserved::At(id, due) => Ok(Reservation::new(self, Some((id, due)), permits)),
            Reserved::TooLate(due) => Err(Denied {
                retry_after: self.time.until(due),
                exceeds_burst: None,
            }),
        }
    }

    /// Puts permits into the bucket, or to those who wait for them: what turned out not to be
    /// needed, or a refund agreed upon. What does not fit is lost.
    ///
    /// A request that may cost more or less than one thinks takes the estimate first and settles
    /// the difference when it is known, with this or with another [`acquire`](Self::acquire).
    pub fn credit(&self, permits: u64) {
        if permits == 0 {
            return;
        }
        let mut wakes = Wakes::new();
        lock(&self.line).credit(self, permits, &mut wakes);
    }

    /// Permits that [`allow_n`](Self::allow_n) would take: none while somebody waits, `u64::MAX`
    /// without a limit. A snapshot: may be stale on return.
    pub fn available_permits(&self) -> u64 {
        let word = self.word.load(Acq);
        if word & FLAG == 0 {
            let meter = self.meter.load();
            let available = meter.available(meter.now(self.time.ticks()), word);
            if self.word.load(Acq) == word {
                return available;
            }
        }
        let mut wakes = Wakes::new();
        lock(&self.line).available(self, &mut wakes)
    }

    /// In how long `permits` would be admitted if nobody else came: behind everybody who waits now.
    /// [`Duration::MAX`] is never. A snapshot, and nothing is taken.
    pub fn estimate(&self, permits: u64) -> Duration {
        match self.check(permits) {
            Ok(()) if permits == 0 => Duration::ZERO,
            Ok(()) => self.time.until(self.due(permits)),
            Err(_) => Duration::MAX,
        }
    }

    /// Operations in line. A snapshot: may be stale on return.
    pub fn waiting(&self) -> usize {
        lock(&self.line).len()
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.time.clock()
    }

    pub(crate) fn time(&self) -> &Time {
        &self.time
    }

    pub(crate) fn line(&self) -> &Mutex<Line> {
        &self.line
    }

    /// Whether a request of that size can ever be admitted.
    pub(crate) fn check(&self, requested: u64) -> Result<(), ExceedsBurst> {
        let meter = self.meter.load();
        // The burst of the first, of several, is looked at without a lock, but not enough.
        let is_large = requested > meter.burst();
        if !is_large && self.word.load(Acq) & FLAG == 0 {
            return Ok(());
        }
        let line = lock(&self.line);
        let burst = line.limits().burst();
        let most = line
            .limits()
            .meters
            .iter()
            .map(|meter| meter.cost(requested));
        let is_payable = self.allows_debt && most.max().unwrap_or(0) < MAX_COST;
        if requested <= burst || is_payable {
            return Ok(());
        }
        Err(ExceedsBurst { requested, burst })
    }

    /// When a newcomer who wants that much would be due, as a tick.
    fn due(&self, permits: u64) -> u64 {
        let word = self.word.load(Acq);
        let meter = self.meter.load();
        if word & FLAG == 0 {
            let due = meter.when(word.saturating_add(meter.need(meter.cost(permits))));
            if self.word.load(Acq) == word {
                return due;
            }
        }
        let mut wakes = Wakes::new();
        lock(&self.line).estimate(self, permits, &mut wakes)
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("rates", &self.rates())
            .field("available_permits", &self.available_permits())
            .finish_non_exhaustive()
    }
}
