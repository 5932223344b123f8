//! The wait for permits of a key.

use super::{
    KeyAcquireError, KeyRefused, KeyedRateLimiter,
    own::Bucket,
    take::{At, Refused, exceeds},
};
use crate::{sync::lock, waiters::Turn};
use anabranch_core_cancel::{
    Cancelled, Clock, Operation, Ticket, Timer, Wakes, operation, queue::Place,
};
use std::{
    fmt,
    hash::{BuildHasher, Hash},
    pin::Pin,
    task::Poll,
};

/// Takes permits of a key when they are there. Made by [`KeyedRateLimiter::acquire`].
///
/// An operation: it takes nothing until `.wait()` (blocks the thread) or `.await` (suspends the
/// task). `limiter.acquire(&key, 1);` alone limits nothing.
#[must_use = "operations do nothing unless waited for"]
pub struct AcquireForKey<'a, K: Hash + Eq, S: BuildHasher> {
    limiter: &'a KeyedRateLimiter<K, S>,
    key: K,
    permits: u64,
    place: Option<Place>,
    timer: Option<Timer>,
}

// The key is never pinned.
impl<K: Hash + Eq, S: BuildHasher> Unpin for AcquireForKey<'_, K, S> {}

impl<'a, K: Hash + Eq, S: BuildHasher> AcquireForKey<'a, K, S> {
    pub(super) fn new(limiter: &'a KeyedRateLimiter<K, S>, key: K, permits: u64) -> Self {
        Self {
            limiter,
            key,
            permits,
            place: None,
            timer: None,
        }
    }

    /// Takes the permits, or stands in line, under the lock of the key's shard.
    fn look(&mut self, ticket: &Ticket<'_>) -> Result<Turn, Refused>
    where
        K: Clone,
    {
        let Self {
            limiter,
            key,
            permits,
            place,
            ..
        } = self;
        let (limiter, permits) = (*limiter, *permits);
        // In this order: the lock goes first, then wakers are woken and all else is dropped.
        let (mut gone, mut spare, mut wakes) = (None, None, Wakes::new());
        let at = limiter.place(key);
        let tick = limiter.time.ticks();
        let mut shard = lock(&limiter.shards[at.home]);
        let slot = match shard.table.find(at.tag, key) {
            Some(slot) => slot,
            None if permits > limiter.meter.burst() => {
                return Err(exceeds(&limiter.meter, permits));
            }
            None if limiter.meter.is_unlimited() => return Ok(Turn::Come),
            None => {
                let (added, slot) = limiter.add(shard, at, key, tick, &mut gone)?;
                shard = added;
                slot
            }
        };
        if place.is_none() {
            match limiter.take_known(&mut shard, slot, permits, tick) {
                Ok(()) => return Ok(Turn::Come),
                Err(Refused::Later(_)) => {}
                Err(refused) => return Err(refused),
            }
        }
        let own = shard.make_own(slot);
        let meter = *own.meter(&limiter.meter);
        let mut bucket = Bucket {
            meter: &meter,
            mark: &mut own.mark,
            time: &limiter.time,
        };
        let waiters = own.waiters.get_or_insert_default();
        let turn = if permits > meter.burst() {
            // The quota was changed while it waited.
            spare = place.take().and_then(|place| waiters.leave(place));
            Err(exceeds(&meter, permits))
        } else {
            let now = limiter.time.clock().nanos();
            Ok(waiters.look(&mut bucket, now, permits, place, ticket, &mut spare))
        };
        waiters.tell_first(&mut wakes);
        shard.settle(slot);
        drop(shard);
        drop((gone, spare));
        turn
    }

    fn leave(&mut self) {
        self.timer = None;
        let Some(place) = self.place.take() else {
            return;
        };
        let At { home, tag } = self.limiter.place(&self.key);
        let (mut spare, mut wakes) = (None, Wakes::new());
        let mut shard = lock(&self.limiter.shards[home]);
        // It is kept as long as somebody waits for it.
        if let Some(slot) = shard.table.find(tag, &self.key) {
            if let Some(waiters) = shard.own(slot).and_then(|own| own.waiters.as_mut()) {
                spare = waiters.leave(place);
                waiters.tell_first(&mut wakes);
            }
            shard.settle(slot);
        }
        drop(shard);
        drop(spare);
    }
}

impl<K: Hash + Eq + Clone, S: BuildHasher> Operation for AcquireForKey<'_, K, S> {
    type Bounded = Result<(), KeyAcquireError>;

    fn bound(&self, done: Self::Output) -> Self::Bounded {
        Ok(done?)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        self.leave();
        Err(why.into())
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        if self.permits == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            let due = match self.look(ticket) {
                Ok(Turn::Later(due)) => due,
                Ok(Turn::Told) => {
                    self.timer = None;
                    return Poll::Pending;
                }
                Ok(Turn::Come) => {
                    self.timer = None;
                    return Poll::Ready(Ok(()));
                }
                Err(refused) => {
                    self.timer = None;
                    return Poll::Ready(Err(self.limiter.refusal(refused)));
                }
            };
            let clock = self.limiter.time.clock();
            let timer = match &mut self.timer {
                Some(timer) if timer.when() == due => timer,
                timer => timer.insert(Timer::at(clock.clone(), due)),
            };
            if timer.poll(ticket).is_pending() {
                return Poll::Pending;
            }
            // The moment came in between; or came by the clock, and not yet by the limiter's time.
            self.timer = None;
        }
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Self::Output> {
        self.leave();
        None
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.limiter.time.clock().clone())
    }
}

operation! {
    ['a, K: Hash + Eq + Clone, S: BuildHasher] AcquireForKey<'a, K, S> => Result<(), KeyRefused>
}

impl<K: Hash + Eq, S: BuildHasher> Drop for AcquireForKey<'_, K, S> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<K: Hash + Eq, S: BuildHasher> fmt::Debug for AcquireForKey<'_, K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireForKey")
            .field("permits", &self.permits)
            .field("in_line", &self.place.is_some())
            .finish_non_exhaustive()
    }
}
