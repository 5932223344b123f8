//! Those who wait: first come, first served.
//!
//! Everybody in line knows the units at which it is *due*: the mark, what is wanted before it, and
//! its own. It sleeps until then, once, and whoever wakes serves all that are due, itself and those
//! before it: so one that does not come (a task that is not polled) holds up nobody, and nobody
//! needs to be woken in turn.
//!
//! Whoever leaves the line makes those behind it due earlier. Only the first in line is told
//! ([`WaitQueue::nudge`]); the others hear of it when they get there, and still sleep no longer than
//! they first meant to.
//!
//! Being served moves the mark by the cost and no further: the permits are counted at the moment at
//! which they were due, however late the waiter wakes. The bucket cannot be full meanwhile, for it
//! lacked something for the first in line.

use crate::{limiter::RateLimiter, meter::Meter};
use anabranch_core_cancel::{
    Ticket, Wakes,
    queue::{Place, WaitQueue},
};
use std::task::Waker;

#[derive(Default)]
pub(crate) struct Line {
    queue: WaitQueue<Request>,
    /// Units wanted by all in line.
    wanted: u128,
}

/// What somebody waits for.
#[derive(Default)]
struct Request {
    cost: u64,
    /// The units at which it means to wake.
    due: u64,
    /// The mark before it was served.
    from: u64,
}

/// What came of joining the line.
pub(crate) enum Joined {
    /// There was enough, and nobody before it.
    Taken,
    /// Its turn would come after the ticket's deadline: not in line.
    TooLate,
    Waits(Place, u64),
}

/// What came of looking again.
pub(crate) enum Turn {
    /// It was served: to be left.
    Come,
    /// Not before that many units.
    Later(u64),
    /// Due, but behind a select that is looking right now and will serve it.
    Held,
}

/// The limiter, as the line sees it.
#[derive(Clone, Copy)]
pub(crate) struct Bucket<'a> {
    pub(crate) limiter: &'a RateLimiter,
    pub(crate) meter: &'a Meter,
}

impl Bucket<'_> {
    fn is_too_late(&self, due: u64, ticket: &Ticket<'_>) -> bool {
        let deadline = ticket.deadline(self.limiter.clock().nanos());
        deadline != u64::MAX && self.limiter.slot(self.meter, due) > deadline
    }
}

impl Line {
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Takes `cost` or joins the line. A waker left in `spare` is to be dropped after the lock.
    pub(crate) fn join(
        &mut self,
        bucket: Bucket<'_>,
        cost: u64,
        ticket: &Ticket<'_>,
        wakes: &mut Wakes,
        spare: &mut Option<Waker>,
    ) -> Joined {
        let Bucket { limiter, meter } = bucket;
        self.serve(bucket, wakes);
        // Before the flag is set: a waker whose clone panics leaves everything as it was.
        let request = Request {
            cost,
            ..Request::default()
        };
        let place = self.queue.join(request, ticket);
        let outcome = loop {
            let (mark, waiting) = limiter.state();
            if !waiting && let Some(next) = meter.take(limiter.now(meter), mark, cost) {
                if limiter.replace(mark, next).is_ok() {
                    break Err(Joined::Taken);
                }
                continue;
            }
            let before = if waiting { self.wanted } else { 0 };
            let due = u128::from(mark) + before + u128::from(cost);
            let due = u64::try_from(due).unwrap_or(u64::MAX);
            if bucket.is_too_late(due, ticket) {
                break Err(Joined::TooLate);
            }
            if waiting || limiter.start_line(mark) {
                break Ok((mark, due));
            }
        };
        match outcome {
            Ok((mark, due)) => {
                self.queue.get_mut(&place).due = due;
                self.wanted += u128::from(cost);
                self.publish(bucket, mark, wakes);
                Joined::Waits(place, due)
            }
            Err(joined) => {
                *spare = self.queue.leave(place).waker;
                joined
            }
        }
    }

    /// Looks whether it is this waiter's turn. A waker left in `spare` is to be dropped after the
    /// lock.
    pub(crate) fn look(
        &mut self,
        bucket: Bucket<'_>,
        place: &Place,
        ticket: &Ticket<'_>,
        wakes: &mut Wakes,
        spare: &mut Option<Waker>,
    ) -> Turn {
        self.tell_first(bucket, place);
        self.serve_until(bucket, Some(place), wakes);
        self.tell_first(bucket, place);
        let due = self.queue.get_mut(place).due;
        let is_due = due <= bucket.limiter.now(bucket.meter);
        if self.queue.is_granted(place) || is_due && self.queue.is_first(place) {
            return Turn::Come;
        }
        *spare = self.queue.stay(place, ticket);
        if bucket.is_too_late(due, ticket) {
            ticket.give_up();
        }
        if is_due { Turn::Held } else { Turn::Later(due) }
    }

    /// Leaves the line after [`Turn::Come`] with what it came for. The waker is to be dropped after
    /// the lock.
    pub(crate) fn take(
        &mut self,
        bucket: Bucket<'_>,
        place: Place,
        wakes: &mut Wakes,
    ) -> Option<Waker> {
        let (mark, _) = bucket.limiter.state();
        let left = self.queue.leave(place);
        let cost = left.value.cost;
        if !left.granted {
            // It stood in line until now, so the flag is set and the mark is the line's.
            self.wanted -= u128::from(cost);
            self.publish(bucket, mark + cost, wakes);
        }
        self.serve(bucket, wakes);
        left.waker
    }

    /// Leaves the line without looking. What it was handed meanwhile is kept or goes back. Whether
    /// it had been handed anything, and the waker, to be dropped after the lock.
    pub(crate) fn leave(
        &mut self,
        bucket: Bucket<'_>,
        place: Place,
        keep: bool,
        wakes: &mut Wakes,
    ) -> (bool, Option<Waker>) {
        let left = self.queue.leave(place);
        let Request { cost, from, .. } = left.value;
        if !left.granted {
            self.wanted -= u128::from(cost);
        } else if !keep {
            bucket.limiter.give_back(bucket.meter, cost, from);
        }
        self.serve(bucket, wakes);
        (left.granted, left.waker)
    }

    /// Serves all who are due, and says what the line is like then.
    pub(crate) fn serve(&mut self, bucket: Bucket<'_>, wakes: &mut Wakes) {
        self.serve_until(bucket, None, wakes);
    }

    /// Serves those who are due and stand before `me`.
    fn serve_until(&mut self, bucket: Bucket<'_>, me: Option<&Place>, wakes: &mut Wakes) {
        let Bucket { limiter, meter } = bucket;
        let (mut mark, waiting) = limiter.state();
        if !waiting {
            return;
        }
        let now = limiter.now(meter);
        while !me.is_some_and(|me| self.queue.is_first(me)) {
            let mut cost = 0;
            let served = self.queue.hand_over_if(
                wakes,
                |request| mark + request.cost <= now,
                |request| {
                    request.from = mark;
                    cost = request.cost;
                },
            );
            if !served {
                break;
            }
            self.wanted -= u128::from(cost);
            mark += cost;
        }
        self.publish(bucket, mark, wakes);
    }

    /// The first in line who looks for itself need not be told.
    fn tell_first(&mut self, bucket: Bucket<'_>, place: &Place) {
        if self.queue.is_first(place) {
            let (mark, _) = bucket.limiter.state();
            let request = self.queue.get_mut(place);
            request.due = mark + request.cost;
        }
    }

    /// Sets the mark and says what the line is like; the first in it is told if it is due earlier
    /// than it knows. The flag is set.
    fn publish(&mut self, bucket: Bucket<'_>, mark: u64, wakes: &mut Wakes) {
        let mut tell = false;
        let first_due = self.queue.front().map(|first| {
            let due = mark + first.cost;
            tell = due < first.due;
            first.due = first.due.min(due);
            due
        });
        if tell {
            self.queue.nudge(wakes);
        }
        let wanted = u64::try_from(self.wanted).unwrap_or(u64::MAX);
        bucket.limiter.publish(mark, first_due, wanted);
    }
}
