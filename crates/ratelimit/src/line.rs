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
    book::{Book, Id},
    each::Each,
    limiter::RateLimiter,
    limits::{Limits, State},
    meter::NEVER,
    plan::Plan,
    rate::Rate,
};
use anabranch_core_cancel::{
    Wakes,
    queue::{Place, WaitQueue},
};

mod change;
mod others;
mod waiting;

pub(crate) use others::Reserved;
pub(crate) use waiting::{Joined, Turn};

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
