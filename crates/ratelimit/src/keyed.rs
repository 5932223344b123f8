//! One limit for each of many keys, in bounded memory.
//!
//! ```text
//!   hash ── high bits ──▶ shard: a lock around a table (keyed/table.rs), at most 4,095 keys
//!        └─ low bits ───▶ cell of the table's index ──▶ key, mark
//! ```
//!
//! A key's mark is what the limiter keeps in its word, and all keys share one meter and one zero of
//! time. What a table lacks is a full bucket (keyed/shard.rs), so keys whose bucket is full may leave
//! at any time, and nobody is any the wiser.
//!
//! 1. `count` is the number of keys in all tables, or more while somebody is about to add one: it is
//!    raised before a key is added, and lowered after one has left, so there are never more than
//!    `max_keys`.
//! 2. At most one shard's lock is held at a time, after the sweeper's if that is held; no lock is
//!    waited for while one is held. Keys that leave are dropped after the lock.

mod acquire;
mod error;
mod forget;
mod hasher;
mod own;
mod quota;
mod shard;
mod table;
mod take;

use crate::{
    error::Denied,
    meter::Meter,
    rate::Rate,
    sync::{AtomicU64, AtomicUsize, Mutex, lock},
    time::Time,
};
use anabranch_core_cancel::{CancelToken, Clock};
use own::Plans;
use shard::Shard;
use std::{
    borrow::Borrow,
    fmt,
    hash::{BuildHasher, Hash},
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};
use take::{At, Refused, Sweeper};

pub use acquire::AcquireForKey;
pub use error::{KeyAcquireError, KeyDenied, KeyRefused, NoRoom};
pub use hasher::{SeededHasher, SeededState};

/// A [`RateLimiter`](crate::RateLimiter) for each key: for each client, account, host or topic.
///
/// A key needs no registration: one that is new has a full bucket. Memory is bounded:
///
/// - **Idle keys leave.** One whose bucket has been full for [`idle`](Self::idle) is forgotten, a
///   few at a time, by the calls of others: there is no thread for it and no pause. A forgotten key
///   and one with a full bucket are the same, so that gives nobody a permit.
/// - **There are at most [`max_keys`](Self::max_keys).** A newcomer takes the place of a key whose
///   bucket is full. If none of some 32 that are looked at is, the newcomer is refused, and the
///   keys that are in use keep their places and their limits: a flood of new keys does not free
///   anybody from its limit.
///
/// ```
/// use anabranch_ratelimit::{KeyedRateLimiter, Rate};
/// use std::net::IpAddr;
///
/// let per_ip = KeyedRateLimiter::<IpAddr>::new(Rate::per_second(10).burst(20)).max_keys(50_000);
/// let client: IpAddr = "192.0.2.7".parse()?;
/// if !per_ip.allow(&client) {
///     // answer "too many requests"
/// }
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
///
/// # Memory
/// 25 to 30 bytes for a key of 8, by how long ago its table has grown: the key, a word, and an index
/// of four bytes per cell. And some 90 bytes for each thousand of [`max_keys`](Self::max_keys).
///
/// # Keys
/// `K` is what is kept; asked for is whatever it lends, so a limiter of `String` takes a `&str`. The
/// keys' `Eq` runs under a lock and must not come back here. Their hash is seeded, so that whoever
/// chooses the keys cannot choose where they meet: see [`SeededState`]; [`with_hasher`] takes another.
///
/// [`with_hasher`]: Self::with_hasher
pub struct KeyedRateLimiter<K, S = SeededState> {
    rate: Rate,
    meter: Meter,
    max_keys: usize,
    idle: Duration,
    time: Time,
    /// [`idle`](Self::idle) in ticks.
    idle_ticks: u64,
    hasher: S,
    count: AtomicUsize,
    /// No key can be idle before that tick.
    sweeps_from: AtomicU64,
    sweeper: Mutex<Sweeper>,
    plans: Plans,
    shards: Box<[Mutex<Shard<K>>]>,
}

impl<K> KeyedRateLimiter<K> {
    /// What [`max_keys`](Self::max_keys) is unless said otherwise: about a million.
    pub const DEFAULT_MAX_KEYS: usize = 1 << 20;

    /// The largest [`max_keys`](Self::max_keys), 2^27; more than that counts as that.
    pub const MOST_KEYS: usize = 1 << 27;

    /// The same rate for each key, on the system's clock; a million keys, idle after a minute.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self::with_hasher(rate, SeededState::default())
    }
}

impl<K, S> KeyedRateLimiter<K, S> {
    /// As [`new`](KeyedRateLimiter::new), with a hasher that has to spread over all 64 bits.
    #[must_use]
    pub fn with_hasher(rate: Rate, hasher: S) -> Self {
        let idle = Duration::from_secs(60);
        let max_keys = KeyedRateLimiter::<K>::DEFAULT_MAX_KEYS;
        Self::build(rate, max_keys, idle, Clock::system(), hasher)
    }

    /// The same, as if new, for at most so many keys.
    ///
    /// # Panics
    /// When it is zero.
    #[must_use]
    #[track_caller]
    pub fn max_keys(self, keys: usize) -> Self {
        assert!(keys > 0, "a limiter without room for a key admits nobody");
        let keys = keys.min(KeyedRateLimiter::<K>::MOST_KEYS);
        let clock = self.time.clock().clone();
        Self::build(self.rate, keys, self.idle, clock, self.hasher)
    }

    /// The same, as if new, which forgets keys whose bucket has been full for so long.
    ///
    /// Shorter saves memory, longer saves the work of forgetting those that come back.
    /// [`Duration::ZERO`] forgets them as soon as they are found; [`Duration::MAX`] only to make room
    /// for others.
    #[must_use]
    pub fn idle(self, idle: Duration) -> Self {
        let clock = self.time.clock().clone();
        Self::build(self.rate, self.max_keys, idle, clock, self.hasher)
    }

    /// The same, as if new, on the clock of `token`: how a test takes the time in its own hands.
    #[must_use]
    pub fn on(self, token: &CancelToken) -> Self {
        let clock = token.clock().clone();
        Self::build(self.rate, self.max_keys, self.idle, clock, self.hasher)
    }

    fn build(rate: Rate, max_keys: usize, idle: Duration, clock: Clock, hasher: S) -> Self {
        // About a thousand keys in each when all are there; a few more for those with few keys, so
        // that threads do not meet.
        let least = (max_keys / 16).clamp(1, 64);
        let shards = (max_keys / 1_024).next_power_of_two().clamp(least, 1 << 16);
        let time = Time::new(clock);
        let idle_ticks = time.after(0, idle);
        Self {
            rate,
            meter: Meter::new(rate, time.scale()),
            max_keys,
            idle,
            time,
            idle_ticks,
            hasher,
            count: AtomicUsize::new(0),
            sweeps_from: AtomicU64::new(idle_ticks),
            sweeper: Mutex::new(Sweeper::default()),
            plans: Plans::default(),
            shards: (0..shards).map(|_| Mutex::new(Shard::new())).collect(),
        }
    }

    /// The rate it was made with.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Keys that are kept. A snapshot: may be stale on return.
    pub fn len(&self) -> usize {
        // ORDERING: Relaxed, as all of `count`: it is compared with the limit and publishes nothing.
        self.count.load(Relaxed)
    }

    /// Whether no key is kept: each has a full bucket. A snapshot: may be stale on return.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Hash + Eq, S: BuildHasher> KeyedRateLimiter<K, S> {
    /// Takes a permit of the key if one is there. Never waits.
    ///
    /// # Cost
    /// A look at the clock, a hash, and a lock that those with one of about a thousand keys share.
    #[must_use = "a call that is not allowed should not go on"]
    pub fn allow<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.allow_n(key, 1)
    }

    /// Takes `permits` of the key at once if they are there, else none. Never waits.
    ///
    /// None at all are always there. More than the burst never are.
    #[must_use = "a call that is not allowed should not go on"]
    pub fn allow_n<Q>(&self, key: &Q, permits: u64) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.take(key, permits).is_ok()
    }

    /// Takes `permits` of the key at once if they are there, else says when they will be. Never
    /// waits.
    ///
    /// # Errors
    /// [`KeyDenied`], with nothing taken: the key has too little, or it is new and there is no room.
    pub fn try_acquire<Q>(&self, key: &Q, permits: u64) -> Result<(), KeyDenied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.take(key, permits).map_err(|refused| match refused {
            Refused::Later(tick) => KeyDenied::Denied(Denied {
                retry_after: self.time.until(tick),
                exceeds_burst: None,
            }),
            Refused::Exceeds(exceeds) => KeyDenied::Denied(exceeds.into()),
            Refused::NoRoom(tick) => self.no_room(tick).into(),
        })
    }

    /// Waits until `permits` of the key are there, then takes all of them at once.
    ///
    /// An operation: nothing is taken until `.wait()` (blocks the thread) or `.await` (suspends the
    /// task). Under a token with a deadline or with a timeout it fails at once when its turn cannot
    /// come in time.
    ///
    /// # Fairness
    /// First come, first served for each key, threads and tasks in one line; while somebody waits for
    /// a key, [`allow`](Self::allow) and [`try_acquire`](Self::try_acquire) of it are denied. The first
    /// in line takes its permits when it runs: a task that is woken and not polled holds up those
    /// behind it. They are counted at the moment at which they were due, so lateness does not add up.
    ///
    /// # Cancel safety
    /// Dropped, cancelled or timed out before it finishes, it has taken nothing, and those behind it
    /// move up.
    ///
    /// # Errors
    /// [`KeyRefused`] at once if `permits` is more than the burst, or the key is new and there is no
    /// room. Bounded, a [`KeyAcquireError`]; one that comes because the turn lies behind a deadline
    /// comes before that deadline.
    ///
    /// # Cost
    /// As [`allow`](Self::allow) while permits are there. A key for which somebody waits costs some
    /// hundred bytes more, and each who waits as many again; they go with the last who waits.
    pub fn acquire<Q>(&self, key: &Q, permits: u64) -> AcquireForKey<'_, K, S>
    where
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + ?Sized,
    {
        AcquireForKey::new(self, key.to_owned(), permits)
    }

    /// Operations in line for the key. A snapshot: may be stale on return.
    pub fn waiting<Q>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let At { home, tag } = self.place(key);
        let mut shard = lock(&self.shards[home]);
        let slot = shard.table.find(tag, key);
        let own = slot.and_then(|slot| shard.own(slot));
        let waiters = own.and_then(|own| own.waiters.as_ref());
        waiters.map_or(0, |waiters| waiters.len())
    }

    /// Permits of the key that [`allow_n`](Self::allow_n) would take: the burst for one that is not
    /// kept, `u64::MAX` without a limit. A snapshot: may be stale on return.
    pub fn available_permits<Q>(&self, key: &Q) -> u64
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let At { home, tag } = self.place(key);
        let mut shard = lock(&self.shards[home]);
        let Some(slot) = shard.table.find(tag, key) else {
            return self.meter.burst();
        };
        let tick = self.time.ticks();
        let Some(own) = shard.own(slot) else {
            let mark = shard.table.get(slot).1;
            return self.meter.available(self.meter.now(tick), mark);
        };
        if own.waiters.as_ref().is_some_and(|line| !line.is_empty()) {
            return 0;
        }
        let meter = own.meter(&self.meter);
        meter.available(meter.now(tick), own.mark)
    }
}

impl<K, S> fmt::Debug for KeyedRateLimiter<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRateLimiter")
            .field("rate", &format_args!("{}", self.rate))
            .field("max_keys", &self.max_keys)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
