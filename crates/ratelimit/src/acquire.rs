//! The wait for permits.

use crate::{
    error::{AcquireError, LineFull, Refused},
    limiter::RateLimiter,
    line::{Joined, Turn},
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

/// In line, and until when it means to sleep: the tick, and the same on the clock.
struct Waits {
    place: Place,
    sleep: Option<(u64, Timer)>,
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
    fn look(&mut self, ticket: &Ticket<'_>) -> Result<Turn, Refused> {
        let limiter = self.limiter;
        // In this order: the lock goes first, then wakers are woken and dropped.
        let mut spare = None;
        let mut wakes = Wakes::new();
        let mut line = lock(limiter.line());
        let Some(Waits { place, .. }) = &self.waits else {
            return match line.join(limiter, self.permits, ticket, &mut wakes) {
                Joined::Taken => Ok(Turn::Come),
                Joined::TooLate => {
                    ticket.give_up();
                    Ok(Turn::Held)
                }
                Joined::Full => {
                    let max_waiters = line.max_waiters();
                    Err(LineFull { max_waiters }.into())
                }
                Joined::Waits(place, due) => {
                    self.waits = Some(Waits { place, sleep: None });
                    Ok(Turn::Later(due))
                }
            };
        };
        let turn = line.look(limiter, place, ticket, &mut wakes, &mut spare);
        if matches!(turn, Turn::Come)
            && let Some(Waits { place, sleep }) = self.waits.take()
        {
            let waker = line.take(limiter, place, &mut wakes);
            drop(line);
            drop((waker, sleep));
        }
        Ok(turn)
    }

    /// Leaves the line, if it stands in it. Whether it had been served; what it was handed then
    /// goes back, unless it is to be kept.
    fn leave(&mut self, keep: bool) -> bool {
        let Some(Waits { place, sleep }) = self.waits.take() else {
            return false;
        };
        drop(sleep);
        let mut wakes = Wakes::new();
        let (served, waker) =
            lock(self.limiter.line()).leave(self.limiter, place, keep, &mut wakes);
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
        let limiter = self.limiter;
        if self.waits.is_none() {
            if self.permits == 0 || limiter.take_at_once(self.permits) {
                return Poll::Ready(Ok(()));
            }
            limiter.check(self.permits)?;
        }
        loop {
            let due = match self.look(ticket)? {
                Turn::Come => return Poll::Ready(Ok(())),
                Turn::Held => return Poll::Pending,
                Turn::Later(due) => due,
            };
            let Some(Waits { sleep, .. }) = &mut self.waits else {
                return Poll::Pending;
            };
            if sleep.as_ref().is_none_or(|(until, _)| *until != due) {
                let moment = limiter.time().moment(due);
                *sleep = Some((due, Timer::at(limiter.clock().clone(), moment)));
            }
            let Some((_, timer)) = sleep else {
                unreachable!("set just now");
            };
            if timer.poll(ticket).is_pending() {
                return Poll::Pending;
            }
            // The moment came in between; or came by the clock, and not yet by the limiter's time.
            *sleep = None;
            if limiter.time().ticks() < due {
                limiter.time().catch_up();
            }
        }
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Self::Output> {
        self.leave(true).then_some(Ok(()))
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.limiter.clock().clone())
    }
}

operation! { ['a] Acquire<'a> => Result<(), Refused> }

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
