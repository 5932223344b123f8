//! Joining the line, looking, leaving.

use super::{Line, Request};
#[cfg(loom)]
use crate::control;
use crate::{limiter::RateLimiter, meter::NEVER, plan::Plan};
use anabranch_core_cancel::{Ticket, Wakes, queue::Place};
use std::task::Waker;

/// What came of joining the line.
pub(crate) enum Joined {
    /// There was enough, and nobody before it.
    Taken,
    /// Its turn would come after the ticket's deadline: not in line.
    TooLate,
    /// As many wait as may.
    Full,
    Waits(Place, u64),
}

/// What came of looking again.
pub(crate) enum Turn {
    /// It was served: to be left.
    Come,
    /// Not before that tick.
    Later(u64),
    /// Due, but behind a select that is looking right now and will serve it.
    Held,
}

impl Line {
    /// Takes permits or joins the line. A waker left in `spare` is to be dropped after the lock.
    pub(crate) fn join(
        &mut self,
        limiter: &RateLimiter,
        permits: u64,
        ticket: &Ticket<'_>,
        wakes: &mut Wakes,
    ) -> Joined {
        self.enter(limiter);
        let now = limiter.time().ticks();
        self.serve(now, None, wakes);
        let joined = self.take_or_join(limiter, now, permits, ticket);
        self.publish(limiter, wakes);
        joined
    }

    fn take_or_join(
        &mut self,
        limiter: &RateLimiter,
        now: u64,
        permits: u64,
        ticket: &Ticket<'_>,
    ) -> Joined {
        if self.queue.is_empty() && self.take_now(now, permits) {
            return Joined::Taken;
        }
        if self.queue.len() >= self.max_waiters {
            return Joined::Full;
        }
        let (due, tail) = self.plan_newcomer(now, permits);
        if is_too_late(limiter, due, ticket) {
            return Joined::TooLate;
        }
        // May panic in a waker's clone, before anything is changed.
        let request = Request {
            permits,
            due,
            id: 0,
        };
        let is_first = self.queue.is_empty();
        let place = self.queue.join(request, ticket);
        if is_first {
            // Whoever waits is not served as of a moment before it came.
            self.state.floor = self.state.floor.max(now);
        }
        self.wanted += self.first_cost(permits);
        self.tail = tail;
        Joined::Waits(place, due)
    }

    /// Looks whether it is this waiter's turn. A waker left in `spare` is to be dropped after the
    /// lock.
    pub(crate) fn look(
        &mut self,
        limiter: &RateLimiter,
        place: &Place,
        ticket: &Ticket<'_>,
        wakes: &mut Wakes,
        spare: &mut Option<Waker>,
    ) -> Turn {
        // It stands in line or was handed something, so the flag is set.
        let now = limiter.time().ticks();
        let turn = self.serve(now, Some(place), wakes);
        if turn.is_some() || self.queue.is_granted(place) {
            return Turn::Come;
        }
        *spare = self.queue.stay(place, ticket);
        let due = if self.queue.is_first(place) {
            // The first in line who looks for itself need not be told.
            let due = self.first_due().unwrap_or(NEVER);
            self.queue.get_mut(place).due = due;
            due
        } else {
            self.queue.get_mut(place).due
        };
        if due <= now && !self.queue.is_first(place) {
            // Perhaps the plan has changed; else somebody before it is looking right now.
            let due = self.planned(place);
            self.queue.get_mut(place).due = due;
            if due <= now {
                self.publish(limiter, wakes);
                return Turn::Held;
            }
        }
        let due = self.queue.get_mut(place).due;
        if is_too_late(limiter, due, ticket) {
            ticket.give_up();
        }
        self.publish(limiter, wakes);
        Turn::Later(due)
    }

    /// Leaves the line after [`Turn::Come`] with what it came for. The waker is to be dropped after
    /// the lock.
    pub(crate) fn take(
        &mut self,
        limiter: &RateLimiter,
        place: Place,
        wakes: &mut Wakes,
    ) -> Option<Waker> {
        let left = self.queue.leave(place);
        let Request { permits, id, .. } = left.value;
        if left.granted {
            self.book.settle(id);
        } else {
            let due = self.limits.due(&self.state, permits);
            let steps = self.limits.take(&mut self.state, permits, due);
            self.book.note(&steps);
            self.wanted -= self.first_cost(permits);
        }
        self.serve(limiter.time().ticks(), None, wakes);
        self.publish(limiter, wakes);
        left.waker
    }

    /// Leaves the line without looking. What it was handed meanwhile is kept or goes back. Whether
    /// it had been handed anything, and the waker, to be dropped after the lock.
    pub(crate) fn leave(
        &mut self,
        limiter: &RateLimiter,
        place: Place,
        keep: bool,
        wakes: &mut Wakes,
    ) -> (bool, Option<Waker>) {
        let now = limiter.time().ticks();
        let left = self.queue.leave(place);
        let Request { permits, id, .. } = left.value;
        if !left.granted {
            self.wanted -= self.first_cost(permits);
            self.disturb(now);
        } else if keep {
            self.book.settle(id);
        } else {
            self.take_back(id, now);
        }
        #[cfg(loom)]
        if control::is_planted(control::Mistake::ForgetNext) {
            return (left.granted, left.waker);
        }
        self.serve(now, None, wakes);
        self.publish(limiter, wakes);
        (left.granted, left.waker)
    }

    /// When somebody in line is due by what is known now.
    fn planned(&mut self, place: &Place) -> u64 {
        let mut plan = Plan::new(&self.limits, self.book.promises(), self.state.clone());
        let me: *const Request = self.queue.get_mut(place);
        let mut due = NEVER;
        for request in self.queue.iter() {
            due = plan.place(request.permits);
            if std::ptr::eq(me, request) {
                break;
            }
        }
        due
    }
}

fn is_too_late(limiter: &RateLimiter, due: u64, ticket: &Ticket<'_>) -> bool {
    let time = limiter.time();
    let deadline = ticket.deadline(time.clock().nanos());
    deadline != u64::MAX && time.moment(due) > deadline
}
