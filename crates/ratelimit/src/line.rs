//! Those who wait: first come, first served. And all else that one word cannot say.
//!
//! Everybody in line knows the tick at which it is *due*: when all before it and itself will have
//! had theirs. It sleeps until then, once, and whoever wakes serves all that are due, itself and
//! those before it: so one that does not come (a task that is not polled) holds up nobody, and
//! nobody needs to be woken in turn.
//!
//! Whoever leaves the line makes those behind it due earlier. Only the first in line is told
//! ([`WaitQueue::nudge`]); the others hear of it when they get there, and still sleep no longer than
//! they first meant to.
//!
//! Being served takes the permits as of the moment at which they were due, however late the waiter
//! wakes: lateness does not add up.
//!
//! Under the limiter's lock; between [`Line::enter`] and [`Line::publish`] its word does not change.

#[cfg(loom)]
use crate::control;
use crate::{
    book::{Book, Id, Promise},
    each::Each,
    limiter::RateLimiter,
    limits::{Limits, State},
    meter::NEVER,
    plan::Plan,
    rate::Rate,
};
use anabranch_core_cancel::{
    Ticket, Wakes,
    queue::{Place, WaitQueue},
};
use std::task::Waker;

mod change;

#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) rates: Each<Rate>,
    limits: Limits,
    /// Right while the flag is set.
    state: State,
    queue: WaitQueue<Request>,
    book: Book,
    max_waiters: usize,
    /// The state after all in line, if it is known.
    tail: Option<State>,
    /// What all in line cost, in units of the first limit.
    wanted: u128,
    /// The highest mark that ever was, before it was lowered.
    highest: u64,
}

/// What somebody waits for.
#[derive(Debug, Default)]
struct Request {
    permits: u64,
    /// The tick at which it means to wake.
    due: u64,
    /// Under which it was handed over.
    id: Id,
}

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

/// What came of reserving.
pub(crate) enum Reserved {
    /// The name, and when.
    At(Id, u64),
    /// Only at that tick, which is too late.
    TooLate(u64),
}

impl Line {
    pub(crate) fn new(rates: Each<Rate>, limits: Limits) -> Self {
        Self {
            rates,
            state: limits.fresh(),
            limits,
            queue: WaitQueue::new(),
            book: Book::default(),
            max_waiters: usize::MAX,
            tail: None,
            wanted: 0,
            highest: 0,
        }
    }

    pub(crate) fn set_max_waiters(&mut self, most: usize) {
        self.max_waiters = most;
    }

    pub(crate) fn max_waiters(&self) -> usize {
        self.max_waiters
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Takes the word over from those who do without the lock. [`publish`](Self::publish) gives it
    /// back.
    pub(crate) fn enter(&mut self, limiter: &RateLimiter) {
        if let Some(mark) = limiter.raise_flag() {
            self.state.marks.first = mark;
            self.state.floor = 0;
        }
    }

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

    /// What was handed over comes back: it was not used.
    fn take_back(&mut self, id: Id, now: u64) {
        self.highest = self.highest.max(self.state.marks.first);
        self.book.give_back(id, &mut self.state.marks);
        self.disturb(now);
    }

    /// Something became free: whoever is served with it is not served as of an earlier moment.
    fn disturb(&mut self, now: u64) {
        self.state.floor = self.state.floor.max(now);
        self.tail = None;
    }

    /// Takes permits if they are there, around what is promised. Nobody waits.
    fn take_now(&mut self, now: u64, permits: u64) -> bool {
        let (due, _) = self.plan_newcomer(now, permits);
        if due > now {
            return false;
        }
        let steps = self.limits.take(&mut self.state, permits, now);
        self.book.note(&steps);
        true
    }

    /// When one who comes now would be due, and the state after it where nothing was promised.
    fn plan_newcomer(&mut self, now: u64, permits: u64) -> (u64, Option<State>) {
        let mut state = self.tail_state(now);
        state.floor = state.floor.max(now);
        let promises = self.book.promises();
        let mut plan = if promises.is_empty() {
            Plan::new(&self.limits, promises, state)
        } else {
            // Those in line first, each around the promises.
            let mut state = self.state.clone();
            state.floor = state.floor.max(if self.queue.is_empty() { now } else { 0 });
            let mut plan = Plan::new(&self.limits, promises, state);
            for request in self.queue.iter() {
                plan.place(request.permits);
            }
            plan.not_before(now);
            plan
        };
        let due = plan.place(permits);
        let tail = promises.is_empty().then(|| plan.into_state());
        (due, tail)
    }

    /// The state after all in line, as if nothing were promised.
    fn tail_state(&mut self, now: u64) -> State {
        if let Some(tail) = &self.tail
            && !self.queue.is_empty()
        {
            return tail.clone();
        }
        let mut state = self.state.clone();
        if self.queue.is_empty() {
            state.floor = state.floor.max(now);
        } else if self.limits.are_several() {
            let mut plan = Plan::new(&self.limits, &[], state);
            for request in self.queue.iter() {
                plan.place(request.permits);
            }
            state = plan.into_state();
        } else {
            // One limit only ever adds up while somebody waits for it.
            let wanted = u64::try_from(self.wanted).unwrap_or(NEVER);
            state.marks.first = state.marks.first.saturating_add(wanted);
        }
        state
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

    /// When the first in line is due.
    fn first_due(&mut self) -> Option<u64> {
        let permits = self.queue.front()?.permits;
        let mut plan = Plan::new(&self.limits, self.book.promises(), self.state.clone());
        Some(plan.place(permits))
    }

    /// Serves those who are due, in the order of their moments, promises included; stops before
    /// `me`. `Some` if `me` is the first in line then, and due.
    fn serve(&mut self, now: u64, me: Option<&Place>, wakes: &mut Wakes) -> Option<()> {
        loop {
            let id = self.book.next_id();
            let Self {
                limits,
                state,
                queue,
                book,
                ..
            } = self;
            // The first in line and the first promise: whichever comes first.
            let place = |permits| {
                let mut plan = Plan::new(limits, book.promises(), state.clone());
                let due = plan.place(permits);
                (due <= now && plan.passed() == 0).then_some(due)
            };
            if let Some(me) = me
                && queue.is_first(me)
            {
                if place(queue.get_mut(me).permits).is_some() {
                    return Some(());
                }
            } else {
                let (mut due, mut permits) = (None, 0);
                let served = queue.hand_over_if(
                    wakes,
                    |request| {
                        due = place(request.permits);
                        due.is_some()
                    },
                    |request| {
                        request.id = id;
                        permits = request.permits;
                    },
                );
                if let (Some(due), true) = (due, served) {
                    let before = state.marks.clone();
                    let steps = limits.take(state, permits, due);
                    book.hold(id, &before, steps);
                    self.wanted -= self.first_cost(permits);
                    continue;
                }
                if due.is_some() {
                    // A select that is looking right now: it takes what is there, or leaves.
                    return None;
                }
            }
            let promise = book.take_due(now)?;
            let before = state.marks.clone();
            let steps = limits.take_promised(state, promise.permits, &promise.costs, promise.due);
            book.hold(promise.id, &before, steps);
        }
    }

    /// Gives the word back: sets the mark and says what the line is like. The first in it is told
    /// if it is due earlier than it knows.
    pub(crate) fn publish(&mut self, limiter: &RateLimiter, wakes: &mut Wakes) {
        let first_due = self.first_due();
        let mut is_sooner = false;
        if let Some((due, first)) = first_due.zip(self.queue.front()) {
            is_sooner = due < first.due;
            first.due = due.min(first.due);
        }
        if is_sooner {
            self.queue.nudge(wakes);
        }
        let may_come_back = !self.book.is_empty();
        #[cfg(loom)]
        let may_come_back = may_come_back && !control::is_planted(control::Mistake::ForgetHeld);
        let is_flag_needed = first_due.is_some() || may_come_back || self.limits.are_several();
        limiter.publish(self.state.marks.first, first_due, is_flag_needed);
        if first_due.is_none() {
            self.tail = None;
        }
    }

    fn first_cost(&self, permits: u64) -> u128 {
        self.limits.meters.first.cost(permits).into()
    }
}

fn is_too_late(limiter: &RateLimiter, due: u64, ticket: &Ticket<'_>) -> bool {
    let time = limiter.time();
    let deadline = ticket.deadline(time.clock().nanos());
    deadline != u64::MAX && time.moment(due) > deadline
}
