//! The wait for permits.

use crate::{
    error::{AcquireError, ExceedsBurst},
    limiter::RateLimiter,
    line::{Bucket, Joined, Turn},
    sync::lock,
};
use anabranch_core_cancel::{
    Cancelled, Clock, Operation, Ticket, Timer, Wakes, operation, queue::Place,
};
use std::{fmt, pin::Pin, task::Poll};

/// Takes permits when they are there. Made by [`RateLimiter::acquire`].
///
/// An operation: it takes nothing until `.wait()` (blocks the thread) or `.await` (suspends the
/// task). `limiter.acquire(1);` alone limits nothing.
#[must_use = "operations do nothing unless waited for"]
pub struct Acquire<'a> {
    limiter: &'a RateLimiter,
    permits: u64,
    waits: Option<Waits>,
}

/// In line, and until when it means to sleep.
struct Waits {
    place: Place,
    timer: Option<Timer>,
}

impl<'a> Acquire<'a> {
    pub(crate) fn new(limiter: &'a RateLimiter, permits: u64) -> Self {
        Self {
            limiter,
            permits,
            waits: None,
        }
    }

    /// Takes the permits or stands in line, under its lock.
    fn look(&mut self, bucket: Bucket<'_>, cost: u64, ticket: &Ticket<'_>) -> Turn {
        // In this order: the lock goes first, then wakers are woken and dropped.
        let mut spare = None;
        let mut wakes = Wakes::new();
        let mut line = lock(self.limiter.line());
        let Some(Waits { place, .. }) = &self.waits else {
            return match line.join(bucket, cost, ticket, &mut wakes, &mut spare) {
                Joined::Taken => Turn::Come,
                Joined::TooLate => {
                    ticket.give_up();
                    Turn::Held
                }
                Joined::Waits(place, due) => {
                    self.waits = Some(Waits { place, timer: None });
                    Turn::Later(due)
                }
            };
        };
        let turn = line.look(bucket, place, ticket, &mut wakes, &mut spare);
        if matches!(turn, Turn::Come)
            && let Some(Waits { place, timer }) = self.waits.take()
        {
            let waker = line.take(bucket, place, &mut wakes);
            drop(line);
            drop((waker, timer));
        }
        turn
    }

    /// Leaves the line, if it stands in it. Whether it had been served; what it was handed then
    /// goes back, unless it is to be kept.
    fn leave(&mut self, keep: bool) -> bool {
        let (Some(Waits { place, timer }), Some(meter)) =
            (self.waits.take(), self.limiter.meter_for(self.permits))
        else {
            return false;
        };
        drop(timer);
        let bucket = Bucket {
            limiter: self.limiter,
            meter,
        };
        let mut wakes = Wakes::new();
        let (served, waker) = lock(self.limiter.line()).leave(bucket, place, keep, &mut wakes);
        drop(waker);
        served
    }
}

impl Operation for Acquire<'_> {
    type Bounded = Result<(), AcquireError>;

    fn bound(&self, done: Self::Output) -> Self::Bounded {
        Ok(done?)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        if self.leave(true) {
            Ok(())
        } else {
            Err(why.into())
        }
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        let Self {
            limiter, permits, ..
        } = *self;
        limiter.check(permits)?;
        let Some(meter) = limiter.meter_for(permits) else {
            return Poll::Ready(Ok(()));
        };
        let cost = meter.cost(permits);
        if self.waits.is_none() && limiter.take(meter, cost) {
            return Poll::Ready(Ok(()));
        }
        let bucket = Bucket { limiter, meter };
        loop {
            let due = match self.look(bucket, cost, ticket) {
                Turn::Come => return Poll::Ready(Ok(())),
                Turn::Held => return Poll::Pending,
                Turn::Later(due) => due,
            };
            let Some(Waits { timer, .. }) = &mut self.waits else {
                return Poll::Pending;
            };
            let slot = limiter.slot(meter, due);
            let timer = match timer {
                Some(timer) if timer.when() == slot => timer,
                timer => timer.insert(Timer::at(limiter.clock().clone(), slot)),
            };
            if timer.poll(ticket).is_pending() {
                return Poll::Pending;
            }
            // The moment came in between.
        }
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Self::Output> {
        self.leave(true).then_some(Ok(()))
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.limiter.clock().clone())
    }
}

operation! { ['a] Acquire<'a> => Result<(), ExceedsBurst> }

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        self.leave(false);
    }
}

impl fmt::Debug for Acquire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire")
            .field("permits", &self.permits)
            .field("in_line", &self.waits.is_some())
            .finish_non_exhaustive()
    }
}
