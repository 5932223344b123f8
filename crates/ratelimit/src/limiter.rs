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

#[cfg(loom)]
use crate::control;
use crate::{
    cell::MeterCell,
    each::Each,
    error::{Denied, ExceedsBurst},
    limits::Limits,
    line::{Line, Reserved},
    meter::{MAX_COST, Meter},
    ops::Acquire,
    rate::Rate,
    reservation::Reservation,
    sync::{AtomicU64, Mutex, lock},
    time::Time,
};
use anabranch_core_cancel::{CancelToken, Clock, Wakes};
use std::{
    fmt,
    sync::atomic::Ordering::{Acquire as Acq, Relaxed, Release},
    time::Duration,
};

/// So long one that lost a race for the word stays away from it: the one who won it gets on.
const SPINS: u32 = 16;

/// The mark alone does not tell.
const FLAG: u64 = 1 << 63;

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

    /// The same limiter, its bucket full, on the clock of `token`: how a test takes the time in
    /// its own hands. Not bound to the token's end: that is [`with_cancel`](Acquire::with_cancel).
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

    /// A limiter with a full bucket, on that clock.
    pub(crate) fn with_clock(rate: Rate, clock: Clock) -> Self {
        let rates = Each {
            first: rate,
            rest: Vec::new(),
        };
        Self::with(rates, clock, None)
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

    /// [`allow`](Self::allow), after somebody else was faster.
    #[cold]
    fn take_contended(&self) -> bool {
        for _ in 0..SPINS {
            std::hint::spin_loop();
        }
        self.take_slowly(1)
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

    fn warm_up_period(&self) -> Option<Duration> {
        let line = lock(&self.line);
        line.limits().warm_up.map(|warm_up| warm_up.period)
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

    /// [`allow_n`](Self::allow_n), where one look at the word does not tell.
    #[cold]
    fn take_slowly(&self, permits: u64) -> bool {
        if permits == 0 {
            return true;
        }
        let mut has_caught_up = false;
        loop {
            let word = self.word.load(Acq);
            let meter = self.meter.load();
            if word & FLAG != 0 {
                let due = self.first_due.load(Relaxed);
                if due != 0 && self.time.ticks() < due {
                    return false;
                }
                if self.check(permits).is_err() {
                    return false;
                }
                let mut wakes = Wakes::new();
                return lock(&self.line).try_take(self, permits, &mut wakes);
            }
            if permits > meter.burst() && self.check(permits).is_err() {
                return false;
            }
            let now = meter.now(self.time.ticks());
            match meter.take(now, word, meter.cost(permits)) {
                Some(next) if self.replace(word, next).is_ok() => return true,
                // The clock went back, or something is owed.
                None if now < word && !has_caught_up => {
                    self.time.catch_up();
                    has_caught_up = true;
                }
                None if self.word.load(Acq) == word => return false,
                _ => {}
            }
        }
    }

    /// Takes without waiting, for an operation that would rather wait than lose the race.
    pub(crate) fn take_at_once(&self, permits: u64) -> bool {
        let word = self.word.load(Acq);
        let meter = self.meter.load();
        if permits > meter.burst() {
            return false;
        }
        let now = meter.now(self.time.ticks());
        let next = meter.take(now, word, meter.cost(permits));
        next.is_some_and(|next| self.replace(word, next).is_ok())
    }

    /// Sets the flag, for a caller with the line's lock: the mark, unless it was set before.
    pub(crate) fn raise_flag(&self) -> Option<u64> {
        let mut word = self.word.load(Relaxed);
        #[cfg(loom)]
        if control::is_planted(control::Mistake::SplitFlag) && word & FLAG == 0 {
            self.word.store(word | FLAG, Relaxed);
            return Some(word);
        }
        while word & FLAG == 0 {
            match self.replace(word, word | FLAG) {
                Ok(()) => return Some(word),
                Err(actual) => word = actual,
            }
        }
        None
    }

    /// Sets the mark and says what the line is like now, for a caller with its lock, after
    /// [`raise_flag`](Self::raise_flag).
    pub(crate) fn publish(&self, mark: u64, first_due: Option<u64>, is_flag_needed: bool) {
        let flag = if is_flag_needed { FLAG } else { 0 };
        self.first_due.store(first_due.unwrap_or(0), Relaxed);
        self.word.store(mark | flag, Release);
    }

    /// For a caller with the line's lock, while the flag is set.
    pub(crate) fn set_meter(&self, meter: &Meter) {
        self.meter.store(meter);
    }

    /// The one place where the word changes hands.
    #[inline]
    fn replace(&self, current: u64, next: u64) -> Result<(), u64> {
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
            .field("rates", &self.rates())
            .field("available_permits", &self.available_permits())
            .finish_non_exhaustive()
    }
}
