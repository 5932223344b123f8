//! Those who do not wait: they take what is there, reserve, ask, give.

use super::Line;
use crate::{
    book::{Id, Promise},
    limiter::RateLimiter,
    meter::NEVER,
};
use anabranch_core_cancel::Wakes;

/// What came of reserving.
pub(crate) enum Reserved {
    /// The name, and when.
    At(Id, u64),
    /// Only at that tick, which is too late.
    TooLate(u64),
}

impl Line {
    /// Takes permits if they are there, and nobody waits.
    pub(crate) fn try_take(
        &mut self,
        limiter: &RateLimiter,
        permits: u64,
        wakes: &mut Wakes,
    ) -> bool {
        self.enter(limiter);
        let now = limiter.time().ticks();
        self.serve(now, None, wakes);
        let taken = self.queue.is_empty() && self.take_now(now, permits);
        if !taken && self.limits.is_ahead(&self.state, now) {
            limiter.time().catch_up();
        }
        self.publish(limiter, wakes);
        taken
    }

    /// When a newcomer who wants that much would be due.
    pub(crate) fn estimate(
        &mut self,
        limiter: &RateLimiter,
        permits: u64,
        wakes: &mut Wakes,
    ) -> u64 {
        self.enter(limiter);
        let now = limiter.time().ticks();
        self.serve(now, None, wakes);
        let due = self.plan_newcomer(now, permits).0;
        self.publish(limiter, wakes);
        due
    }

    /// Permits that could be taken at once.
    pub(crate) fn available(&mut self, limiter: &RateLimiter, wakes: &mut Wakes) -> u64 {
        self.enter(limiter);
        let now = limiter.time().ticks();
        self.serve(now, None, wakes);
        let mut available = 0;
        if self.queue.is_empty() {
            available = self.limits.available(&self.state, now);
            if !self.book.promises().is_empty() {
                // What is promised is not to be had: the most that still fits, by halving.
                let (mut fits, mut too_many) = (0, available.saturating_add(1));
                while too_many - fits > 1 {
                    let half = fits + (too_many - fits) / 2;
                    if self.plan_newcomer(now, half).0 <= now {
                        fits = half;
                    } else {
                        too_many = half;
                    }
                }
                available = fits;
            }
        }
        self.publish(limiter, wakes);
        available
    }

    /// Promises permits at the first tick at which they fit behind all who wait, unless that is
    /// after `latest`.
    pub(crate) fn reserve(
        &mut self,
        limiter: &RateLimiter,
        permits: u64,
        latest: impl FnOnce(u64) -> u64,
        wakes: &mut Wakes,
    ) -> Reserved {
        self.enter(limiter);
        let now = limiter.time().ticks();
        self.serve(now, None, wakes);
        let (due, _) = self.plan_newcomer(now, permits);
        if due == NEVER || due > latest(now) {
            self.publish(limiter, wakes);
            return Reserved::TooLate(due);
        }
        let id = self.book.next_id();
        self.promise(id, due, permits, now);
        self.serve(now, None, wakes);
        self.publish(limiter, wakes);
        Reserved::At(id, due)
    }

    fn promise(&mut self, id: Id, due: u64, permits: u64, now: u64) {
        // What it will cost, as the plan has it.
        let mut state = self.tail_state(now);
        state.floor = state.floor.max(now);
        let costs = self
            .limits
            .take(&mut state, permits, due)
            .map(|step| step.cost);
        self.book.promise(Promise {
            id,
            due,
            permits,
            costs,
        });
        self.tail = None;
        if self.queue.is_empty() {
            self.state.floor = self.state.floor.max(now);
        }
    }

    /// When what was promised is due: perhaps earlier than it was, if there is room by now.
    pub(crate) fn hasten(
        &mut self,
        limiter: &RateLimiter,
        id: Id,
        wakes: &mut Wakes,
    ) -> Option<u64> {
        self.enter(limiter);
        let now = limiter.time().ticks();
        self.serve(now, None, wakes);
        let due = self.book.withdraw(id).map(|promise| {
            let was = promise.due;
            let (due, _) = self.plan_newcomer(now, promise.permits);
            if due < was {
                self.promise(id, due, promise.permits, now);
            } else {
                self.book.promise(promise);
            }
            due.min(was)
        });
        self.serve(now, None, wakes);
        self.publish(limiter, wakes);
        due
    }

    /// Takes a reservation back, or, if it is to be kept, does so only before its moment.
    pub(crate) fn unreserve(
        &mut self,
        limiter: &RateLimiter,
        id: Id,
        keep: bool,
        wakes: &mut Wakes,
    ) {
        self.enter(limiter);
        let now = limiter.time().ticks();
        self.serve(now, None, wakes);
        if self.book.withdraw(id).is_some() {
            self.disturb(now);
        } else if keep {
            self.book.settle(id);
        } else {
            self.take_back(id, now);
        }
        self.serve(now, None, wakes);
        self.publish(limiter, wakes);
    }

    /// Gives permits to the bucket, and to those who wait for them.
    pub(crate) fn credit(&mut self, limiter: &RateLimiter, permits: u64, wakes: &mut Wakes) {
        self.enter(limiter);
        let now = limiter.time().ticks();
        self.serve(now, None, wakes);
        self.highest = self.highest.max(self.state.marks.first);
        let steps = self.limits.give(&mut self.state, permits);
        self.book.note(&steps);
        self.disturb(now);
        self.serve(now, None, wakes);
        self.publish(limiter, wakes);
    }
}
