//! Those who wait, and how many there may be: plain data under the gate's lock.

#[cfg(loom)]
use crate::control::{Mistake, is_planted};
use crate::{
    error::{ExceedsCapacity, Refused, TooManyWaiters},
    grants::Grants,
    word::{Order, Word},
};
use anabranch_core_cancel::{
    Ticket, Wakes,
    queue::{Left, Newcomer, Place, WaitQueue},
};
use std::task::Waker;

pub(crate) struct Line {
    queue: WaitQueue<Wanted>,
    /// Turns given out.
    turns: u64,
    /// Places for which there is a word among the grants.
    reserved: usize,
    max_waiters: usize,
    order: Order,
}

/// What the line shares with those who do not hold its lock.
pub(crate) struct Shared {
    pub(crate) word: Word,
    pub(crate) grants: Grants,
}

/// What somebody in line wants, and what became of it.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) permits: usize,
    /// Whether it is an error to want more than there is in all. A plain acquire of one permit has
    /// no error: it waits until the capacity grows again.
    pub(crate) fallible: bool,
    refused: bool,
    /// Its turn; once it is refused, the capacity that it exceeded.
    number: u64,
}

/// A place in line, to be given back with [`Line::leave`] unless it was served.
pub(crate) struct Spot {
    place: Place,
    turn: u64,
}

impl Spot {
    /// Whether the permits have been handed over. Without the lock a `false` may be stale; with it
    /// it stands. Once `true` the place is void.
    pub(crate) fn is_served(&self, grants: &Grants) -> bool {
        grants.is_served(self.place.index(), self.turn)
    }
}

impl Wanted {
    #[inline]
    pub(crate) fn new(permits: usize, fallible: bool) -> Self {
        Self {
            permits,
            fallible,
            refused: false,
            number: 0,
        }
    }

    /// Whether it may hope to fit one day.
    pub(crate) fn check(&self, capacity: usize) -> Result<(), ExceedsCapacity> {
        if self.fallible && self.permits > capacity {
            return Err(self.exceeds(capacity));
        }
        Ok(())
    }

    /// The capacity that it exceeded in line, if it was refused there.
    fn refusal(&self) -> Option<ExceedsCapacity> {
        self.refused.then(|| self.exceeds(self.number as usize))
    }

    fn exceeds(&self, capacity: usize) -> ExceedsCapacity {
        ExceedsCapacity {
            requested: self.permits,
            capacity,
        }
    }
}

/// What came of a look.
pub(crate) enum Turn {
    /// Served, and out of line.
    Served,
    /// To be left with [`Line::leave`]: with the permits, or refused.
    Over(Result<(), ExceedsCapacity>),
    Wait,
}

/// What came of leaving.
pub(crate) struct Gone {
    /// Why it was refused, if it was.
    pub(crate) refused: Option<ExceedsCapacity>,
    /// To be dropped after the lock.
    pub(crate) waker: Option<Waker>,
}

impl Line {
    pub(crate) const fn new(order: Order, max_waiters: usize) -> Self {
        Self {
            queue: WaitQueue::new(),
            turns: 0,
            reserved: 0,
            max_waiters,
            order,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn max_waiters(&self) -> usize {
        self.max_waiters
    }

    /// Takes so many, or says that somebody waits: then `false`, and [`enter`](Self::enter) follows
    /// under the same lock.
    #[inline]
    pub(crate) fn take_or_wait(&self, shared: &Shared, permits: usize) -> Result<bool, Refused> {
        let max_waiters = self.max_waiters;
        if self.queue.len() < max_waiters {
            return Ok(shared.word.take_or_wait(permits, self.order));
        }
        if shared.word.take(permits, self.order) {
            return Ok(true);
        }
        Err(TooManyWaiters { max_waiters }.into())
    }

    /// Goes to the back of the line.
    #[inline]
    pub(crate) fn enter(&mut self, shared: &Shared, mut newcomer: Newcomer<Wanted>) -> Spot {
        self.turns += 1;
        let turn = self.turns;
        newcomer.value_mut().number = turn;
        let place = self.queue.enter(newcomer);
        if place.index() >= self.reserved {
            self.reserved = shared.grants.reserve(place.index());
        }
        Spot { place, turn }
    }

    /// Looks what has become of this waiter; if nothing yet, what it can take by itself.
    pub(crate) fn look(&mut self, shared: &Shared, spot: &Spot, capacity: usize) -> Turn {
        if spot.is_served(&shared.grants) {
            return Turn::Served;
        }
        let place = &spot.place;
        let wanted = *self.queue.get_mut(place);
        if let Some(exceeds) = wanted.refusal() {
            return Turn::Over(Err(exceeds));
        }
        // A select that was polling when the capacity shrank was passed over then.
        if let Err(exceeds) = wanted.check(capacity) {
            return Turn::Over(Err(exceeds));
        }
        let may_take = match self.order {
            // A select that polls is not served by others; everybody else would have been.
            Order::Fair => self.queue.is_first(place),
            Order::Barging => {
                #[cfg(loom)]
                if is_planted(Mistake::NudgeAfterLook) {
                    let taken = shared.word.take(wanted.permits, Order::Barging);
                    shared.word.clear_nudged();
                    return if taken {
                        Turn::Over(Ok(()))
                    } else {
                        Turn::Wait
                    };
                }
                shared.word.clear_nudged();
                true
            }
        };
        if may_take && shared.word.take(wanted.permits, Order::Barging) {
            Turn::Over(Ok(()))
        } else {
            Turn::Wait
        }
    }

    /// Stays in line after [`Turn::Wait`]; the waker is to be dropped after the lock.
    pub(crate) fn stay(&mut self, spot: &Spot, ticket: &Ticket<'_>) -> Option<Waker> {
        self.queue.stay(&spot.place, ticket)
    }

    /// Leaves the line, not served; whoever can be served then is.
    pub(crate) fn leave(&mut self, shared: &Shared, spot: Spot, wakes: &mut Wakes) -> Gone {
        let Left {
            value,
            granted,
            was_first,
            waker,
        } = self.queue.leave(spot.place);
        // Who was refused is out of the line since then. Behind one that was not first nobody can
        // be served now, unless order is not kept: then it may have been the one that was nudged.
        let sees_to_it = !granted && (was_first || self.order == Order::Barging);
        #[cfg(loom)]
        let sees_to_it = sees_to_it && !is_planted(Mistake::ForgetNext);
        if sees_to_it {
            self.serve_anew(shared, wakes);
        }
        Gone {
            refused: value.refusal(),
            waker,
        }
    }

    /// Sees to the line after somebody left who may have been the one that was nudged.
    fn serve_anew(&mut self, shared: &Shared, wakes: &mut Wakes) {
        if self.order == Order::Barging {
            shared.word.clear_nudged();
        }
        self.serve(shared, wakes);
    }

    /// Gives back so many, to those who wait first.
    #[inline]
    pub(crate) fn give(&mut self, shared: &Shared, permits: usize, wakes: &mut Wakes) {
        let is_short = shared.word.free() < 0;
        #[cfg(loom)]
        let is_short = is_short && !is_planted(Mistake::ForgetDeficit);
        match self.order {
            // From hand to hand: spares the word. A deficit comes before those who wait.
            Order::Fair if !is_short => self.hand_over(shared, permits, wakes),
            _ => {
                let _ = shared.word.give(permits);
                self.serve(shared, wakes);
            }
        }
    }

    /// Sees to the line after permits came free.
    pub(crate) fn serve(&mut self, shared: &Shared, wakes: &mut Wakes) {
        match self.order {
            Order::Fair => return self.hand_over(shared, 0, wakes),
            Order::Barging => {
                if let Some(first) = self.queue.front()
                    && shared.word.nudge(first.permits)
                {
                    self.queue.nudge(wakes);
                }
            }
        }
        if self.queue.is_empty() {
            shared.word.clear_waiting();
        }
    }

    /// Hands over to the first in line as long as there is enough for it: so many that are in hand
    /// and what is free.
    #[inline]
    fn hand_over(&mut self, Shared { word, grants }: &Shared, mut taken: usize, wakes: &mut Wakes) {
        // What is free is taken before it is known whether the first in line can be given anything:
        // it may be a select that is just looking for itself, and then that finds it.
        while let Some(served) = self.queue.hand_over_out(|wanted| {
            let more = wanted.permits.saturating_sub(taken);
            let fits = more == 0 || word.take(more, Order::Barging);
            taken += if fits { more } else { 0 };
            fits
        }) {
            taken -= served.value.permits;
            grants.serve(served.index, served.value.number);
            wakes.extend(served.waker);
        }
        if taken > 0 {
            // The line is being seen to, under the lock.
            let _ = word.give(taken);
        }
        if self.queue.is_empty() {
            word.clear_waiting();
        }
    }

    /// Refuses all who want more than there is in all now, and sees to the others.
    pub(crate) fn refuse(&mut self, shared: &Shared, capacity: usize, wakes: &mut Wakes) {
        self.queue.hand_over_each(
            wakes,
            |wanted| wanted.check(capacity).is_err(),
            |wanted| {
                wanted.refused = true;
                wanted.number = capacity as u64;
            },
        );
        self.serve_anew(shared, wakes);
    }
}
