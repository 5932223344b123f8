//! The arithmetic of the bucket: from ticks of a clock and permits to one 64-bit mark and back.
//!
//! GCRA (ITU-T I.371, ATM Forum TM 4.0) keeps one number, the theoretical arrival time. Ours is the
//! same number in units that suit the rate, turned round so that it counts what was taken:
//!
//! ```text
//!   units                          now(t) = base + capacity + inflow(t)
//!     │                      ....▪▪▪▪                         available = now(t) - mark
//!     │              ....▪▪▪▪        │ available              admitted: mark += cost
//!     │      ....▪▪▪▪   ┌────────────┴── mark                 full: the mark is pulled up to
//!     │▪▪▪▪        ┌────┘                                            now(t) - capacity first
//!     └────────────┴────────────────────────────────▶ t
//! ```
//!
//! A *tick* is what the clock counts in: a nanosecond, or a cycle of the processor's counter, which
//! is some fraction of one ([`Scale`]). A *unit* is 2^-e permits, which is the same as 2^k ticks
//! times a factor below two: both a permit and the time of one should be many units, and both the
//! whole clock and the whole bucket must fit one word. With `q` units per tick (`q = rate × 2^e`)
//! the constructor takes the largest `e` for which
//!
//! - `capacity = burst × 2^e ≤ 2^60`, and
//! - `q ≤ 1/8`, so that 2^64 ticks, all that a clock can say, are at most 2^61 units.
//!
//! A meter that takes over from another one starts at a `base`, at most 2^60. So `now` stays below
//! 2^62 at any time and a mark, with whatever debt is allowed, below 2^63: the top bit is free for
//! the limiter's flag and no sum overflows. For the usual bursts a unit is 8 to 16 ticks; a burst of
//! 2^b permits costs at most 2^(b-60) permits of resolution.
//!
//! At the highest rates `e` would be negative and a permit less than a unit. Up to 4 permits
//! a tick (`q ≤ 4`) it is kept at 0 instead, and what becomes smaller is the reach: the time
//! stands still, the bucket no longer refills, 18 years or more after the limiter was made. Above
//! that `e` is negative: each request is rounded up to whole units, by less than what flows in in
//! half a tick, which no caller can tell.
//!
//! `inflow(t) = t × q` is one multiplication and one shift, `t × m / 2^s`, where `m` is `q × 2^s`
//! rounded up to 64 significant bits. Rounding, all of it:
//!
//! 1. `m` is too large by less than 2^-63 of itself: this is the error of the rate. While
//!    `t × permits < 2^63` the sum still lies on the right side of every whole unit, so what is
//!    due at a whole tick is there at that tick and not one earlier.
//! 2. The inflow is rounded down to whole units, always in the same direction and never stored: a
//!    mark is a sum of whole costs from the moment on at which the bucket was last full. So hot
//!    polling does not change the rate, and no error adds up.
//! 3. That moment itself is rounded down, too: after an idle time the bucket may be ahead of the
//!    exact one by less than a unit (8 ns of inflow). Rounding it up instead was tried: the exact
//!    bucket gives its whole burst at one instant, and that one would keep the last permit back.
//!
//! The time: `t` counts from the limiter's making and saturates at the reach. A jump ahead of any
//! size is at most a full bucket. A clock that goes back (ours do not) makes `now < mark`: nothing
//! is available until it has caught up, and nothing is admitted twice.

use crate::rate::Rate;

/// A moment that never comes.
pub(crate) const NEVER: u64 = u64::MAX;

/// Requests that cost less than this may leave a debt behind.
pub(crate) const MAX_COST: u64 = 1 << 62;

/// How long a tick is: so many nanoseconds are `1 << log_ticks` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    pub(crate) nanos: u64,
    pub(crate) log_ticks: u32,
}

impl Scale {
    /// A tick is a nanosecond.
    pub(crate) const NANOS: Self = Self {
        nanos: 1,
        log_ticks: 0,
    };

    /// Nanoseconds in `ticks`, rounded up; [`NEVER`] stays what it is.
    pub(crate) fn nanos(self, ticks: u64) -> u64 {
        if ticks == NEVER {
            return NEVER;
        }
        let product = u128::from(ticks) * u128::from(self.nanos);
        let nanos = product.div_ceil(1 << self.log_ticks);
        u64::try_from(nanos).unwrap_or(NEVER)
    }

    /// Ticks in `nanos`, rounded down.
    #[cfg_attr(
        any(loom, not(feature = "quanta")),
        allow(dead_code, reason = "for a counter")
    )]
    pub(crate) fn ticks(self, nanos: u64) -> u64 {
        let ticks = (u128::from(nanos) << self.log_ticks) / u128::from(self.nanos);
        u64::try_from(ticks).unwrap_or(NEVER - 1)
    }
}

/// A rate and a burst in units: see the head of the file. Plain data; the mark is the caller's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    pub(crate) flow: Flow,
    /// A permit is `1 << e` units, or `1 << -e` permits are a unit; [`FREE`](Self::FREE): nothing.
    pub(crate) e: i32,
    /// What one permit costs.
    pub(crate) one: u64,
    /// The burst, in permits and in units.
    pub(crate) burst: u64,
    pub(crate) capacity: u64,
    /// The mark of a full bucket when the meter took over.
    pub(crate) base: u64,
}

/// What flows in, in units, from tick `since` on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    /// `t * m >> s`, rounded down; `m` is zero or has its top bit set.
    pub(crate) m: u64,
    pub(crate) s: u32,
    /// Longer than this is as long as this.
    pub(crate) reach: u64,
    pub(crate) since: u64,
}

impl Flow {
    #[inline]
    pub(crate) fn until(self, tick: u64) -> u64 {
        let ticks = tick.saturating_sub(self.since);
        if self.s > Self::SHORT {
            // The usual case, and shorter: the upper half alone, and no time is too long.
            let product = u128::from(ticks) * u128::from(self.m);
            (product >> 64) as u64 >> (self.s & 63)
        } else {
            self.fast(ticks)
        }
    }

    /// Up to this shift `q` is 1/8 or more, and the reach a limit.
    const SHORT: u32 = 66;

    #[cold]
    fn fast(self, ticks: u64) -> u64 {
        let product = u128::from(ticks.min(self.reach)) * u128::from(self.m);
        (product >> self.s) as u64
    }
}

impl Meter {
    /// The `e` of a meter without a limit: whatever is asked for costs nothing.
    const FREE: i32 = i32::MIN;

    /// For a clock that counts ticks of that length from 0 on.
    pub(crate) fn new(rate: Rate, scale: Scale) -> Self {
        if rate.is_unlimited() {
            let flow = Flow {
                m: 0,
                s: Flow::SHORT + 1,
                reach: NEVER,
                since: 0,
            };
            return Self {
                flow,
                e: Self::FREE,
                one: 0,
                burst: u64::MAX,
                capacity: 0,
                base: 0,
            };
        }
        let n = u128::from(rate.permits()) * u128::from(scale.nanos);
        // At most 94 + 32 bits.
        let p = rate.per_ns() << scale.log_ticks;
        let burst = rate.capacity();
        let room = 60 - burst.next_power_of_two().ilog2() as i32;
        let e = match p / (8 * n.max(1)) {
            _ if n == 0 => room,
            0 => -(n.div_ceil(4 * p).next_power_of_two().ilog2() as i32),
            quotient => (quotient.ilog2() as i32).min(room),
        };
        let (m, s) = mantissa(n, p, e);
        let reach = match (1_u128 << (61 + s.min(Flow::SHORT))).checked_div(u128::from(m)) {
            Some(reach) if s <= Flow::SHORT => u64::try_from(reach).unwrap_or(NEVER),
            _ => NEVER,
        };
        let mut meter = Self {
            flow: Flow {
                m,
                s,
                reach,
                since: 0,
            },
            e,
            one: 0,
            burst,
            capacity: 0,
            base: 0,
        };
        meter.one = meter.cost(1);
        meter.capacity = meter.cost(burst);
        meter
    }

    /// The same, taking over at tick `since` with marks from `base` on.
    pub(crate) fn taking_over(self, since: u64, base: u64) -> Self {
        let flow = Flow { since, ..self.flow };
        Self { flow, base, ..self }
    }

    /// The largest request without a debt, in permits.
    #[inline]
    pub(crate) fn burst(&self) -> u64 {
        self.burst
    }

    /// Whether there is no limit.
    #[inline]
    pub(crate) fn is_unlimited(&self) -> bool {
        self.e == Self::FREE
    }

    /// Units that `permits` cost: at most the capacity up to the burst, and saturating above.
    #[inline]
    pub(crate) fn cost(&self, permits: u64) -> u64 {
        if permits > self.burst {
            return self.cost_of_many(permits);
        }
        if self.e >= 0 {
            permits << self.e
        } else if self.is_unlimited() {
            0
        } else {
            permits.div_ceil(1 << -self.e)
        }
    }

    #[cold]
    fn cost_of_many(&self, permits: u64) -> u64 {
        if self.e >= 0 {
            permits.saturating_mul(1 << self.e)
        } else {
            permits.div_ceil(1 << -self.e)
        }
    }

    /// Base, capacity and inflow until tick `t`.
    #[inline]
    pub(crate) fn now(&self, t: u64) -> u64 {
        self.base + self.capacity + self.flow.until(t)
    }

    /// The mark after taking `cost`, if that much is available, or if the bucket is full: what is
    /// more than the capacity is owed then, and the mark ahead of the time.
    ///
    /// Nothing is available at a mark with the top bit set.
    #[inline]
    pub(crate) fn take(&self, now: u64, mark: u64, cost: u64) -> Option<u64> {
        // Pulled up to the mark of a full bucket.
        let mark = mark.max(now - self.capacity);
        (mark + self.need(cost) <= now).then(|| mark + cost)
    }

    /// What a request of that cost waits for to be available.
    #[inline]
    pub(crate) fn need(&self, cost: u64) -> u64 {
        cost.min(self.capacity)
    }

    /// Whole permits available.
    pub(crate) fn available(&self, now: u64, mark: u64) -> u64 {
        self.permits(now.saturating_sub(mark))
    }

    /// Whole permits in so many units, and at most the burst.
    pub(crate) fn permits(&self, units: u64) -> u64 {
        let units = units.min(self.capacity);
        let permits = if self.e >= 0 {
            units >> self.e
        } else if self.is_unlimited() {
            u64::MAX
        } else {
            units << -self.e
        };
        permits.min(self.burst)
    }

    /// The first tick at which [`now`](Self::now) gives at least `units`, if ever.
    pub(crate) fn when(&self, units: u64) -> u64 {
        let inflow = units.saturating_sub(self.base + self.capacity);
        if inflow == 0 {
            return self.flow.since;
        }
        if inflow > self.flow.until(NEVER) {
            return NEVER;
        }
        // At most `reach * m`, so the shift loses nothing.
        let product = u128::from(inflow) << self.flow.s;
        let ticks = u64::try_from(product.div_ceil(u128::from(self.flow.m))).unwrap_or(NEVER);
        self.flow.since.saturating_add(ticks)
    }

    /// How many units of this meter hold as many permits as `units` of `other`, rounded down.
    pub(crate) fn convert(&self, units: i128, other: &Self) -> i128 {
        match self.e.saturating_sub(other.e) {
            // More is more than any bucket holds, too.
            by @ 0.. => units << by.min(63),
            by => units >> by.unsigned_abs().min(127),
        }
    }
}

/// `n / p × 2^e` as `m / 2^s`, with 64 significant bits, rounded up. By long division, since the
/// numbers have up to 64 and 94 bits.
fn mantissa(n: u128, p: u128, e: i32) -> (u64, u32) {
    if n == 0 {
        return (0, Flow::SHORT + 1);
    }
    // Scaled so that p <= n < 2p, with n / p having been n / p * 2^x.
    let mut x = n.ilog2() as i32 - p.ilog2() as i32;
    if scaled(n, -x) < scaled(p, x) {
        x -= 1;
    }
    let (mut n, p) = (scaled(n, -x), scaled(p, x));
    let mut m = 0_u64;
    for _ in 0..64 {
        let bit = n >= p;
        n = (n - if bit { p } else { 0 }) << 1;
        m = m << 1 | u64::from(bit);
    }
    let mut s = 63 - x - e;
    if n != 0 {
        m = m.checked_add(1).unwrap_or_else(|| {
            s -= 1;
            1 << 63
        });
    }
    match u32::try_from(s) {
        Ok(s) if s < 128 => (m, s),
        // Not one unit in 584 years.
        _ => (0, Flow::SHORT + 1),
    }
}

/// Shifts left, and only left.
fn scaled(value: u128, by: i32) -> u128 {
    value << by.max(0)
}

#[cfg(all(test, not(loom)))]
mod tests;
