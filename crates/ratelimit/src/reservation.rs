//! A moment of one's own.

use crate::{book::Id, limiter::RateLimiter, sync::lock};
use anabranch_core_cancel::Wakes;
use std::{cell::Cell, fmt, time::Duration};

/// Permits that will be the holder's at one moment. Made by [`RateLimiter::reserve`].
///
/// It waits for nothing: whoever holds it does what it is for when [`delay`](Self::delay) has
/// passed. Until then it may be given back, by dropping it or with [`cancel`](Self::cancel).
///
/// # What it promises
/// The moment never comes later. It may come earlier when somebody before it gives up: not by
/// itself, for the holder may be asleep and would act at the moment it was told, but when `delay`
/// is asked again.
///
/// Giving back is exact, whatever was reserved and taken since: the bucket is as if this
/// reservation had never been made. Those who wait in line move up; reservations behind it keep
/// their moments, and the room before them is for whoever comes next. In no stretch of time is
/// more admitted than the rate and the burst say, however many come and go.
///
/// # Dropping it
/// Before its moment: it is given back. From then on: it counts as used, for the usual thing is to
/// wait for the moment, do the work, and let the reservation go at the end of the block. If it was
/// not used after all, say so with [`cancel`](Self::cancel), which gives back at any time.
///
/// # Cost
/// A lock to make it and one to let it go; a walk along all that is reserved and all who wait.
/// While a reservation lives, [`allow`](RateLimiter::allow) takes that lock too.
///
/// ```
/// use anabranch_ratelimit::{CancelToken, Rate, RateLimiter};
/// use std::time::Duration;
///
/// let (token, time) = CancelToken::manual(); // in a program: RateLimiter::new alone
/// let limiter = RateLimiter::new(Rate::per_second(10)).on(&token);
/// let now = limiter.reserve(1)?;
/// let soon = limiter.reserve(1)?;
/// let later = limiter.reserve(1)?;
/// let ms = Duration::from_millis;
/// assert_eq!([now.delay(), soon.delay(), later.delay()], [ms(0), ms(100), ms(200)]);
/// soon.cancel();
/// assert_eq!(later.delay(), ms(100)); // asked again, it moves up
/// # Ok::<(), anabranch_ratelimit::Denied>(())
/// ```
#[must_use = "dropped before its moment, it is given back"]
pub struct Reservation<'a> {
    limiter: &'a RateLimiter,
    permits: u64,
    /// `None`: nothing to give back.
    slot: Option<Slot>,
}

struct Slot {
    id: Id,
    /// The tick.
    due: Cell<u64>,
}

impl<'a> Reservation<'a> {
    pub(crate) fn new(limiter: &'a RateLimiter, slot: Option<(Id, u64)>, permits: u64) -> Self {
        let slot = slot.map(|(id, due)| Slot {
            id,
            due: Cell::new(due),
        });
        Self {
            limiter,
            permits,
            slot,
        }
    }

    /// How long until its moment: zero when it has come. Shorter than the time before suggests if
    /// there is room before it by now; never longer.
    pub fn delay(&self) -> Duration {
        let Some(Slot { id, due }) = &self.slot else {
            return Duration::ZERO;
        };
        if due.get() > self.limiter.time().ticks() {
            let mut wakes = Wakes::new();
            let sooner = lock(self.limiter.line()).hasten(self.limiter, *id, &mut wakes);
            if let Some(sooner) = sooner {
                due.set(sooner);
            }
        }
        self.limiter.time().until(due.get())
    }

    /// How many permits it is for.
    pub fn permits(&self) -> u64 {
        self.permits
    }

    /// Gives it back: it was not used. As if it had never been made, before its moment or after.
    pub fn cancel(mut self) {
        self.let_go(false);
    }

    fn let_go(&mut self, keep: bool) {
        if let Some(Slot { id, .. }) = self.slot.take() {
            let mut wakes = Wakes::new();
            lock(self.limiter.line()).unreserve(self.limiter, id, keep, &mut wakes);
        }
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.let_go(true);
    }
}

impl fmt::Debug for Reservation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let due = self.slot.as_ref().map_or(0, |slot| slot.due.get());
        f.debug_struct("Reservation")
            .field("permits", &self.permits)
            .field("delay", &self.limiter.time().until(due))
            .finish()
    }
}
