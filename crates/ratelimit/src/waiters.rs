//! A line in which everybody takes for itself.
//!
//! For limits that live under a lock of their own. The first in line knows its moment and sleeps
//! until then; when it has taken what it came for, or gives up, it tells the next, which from then
//! on knows its own. So nothing is ever handed to somebody who does not look, and nothing has to be
//! given back; the price is a second wake-up for each, and that a task that is told and not polled
//! holds up those behind it.

#[cfg(loom)]
use crate::control;
use anabranch_core_cancel::{
    Ticket, Wakes,
    queue::{Place, WaitQueue},
};
use std::task::Waker;

/// Those who wait, under the lock of what they wait for.
#[derive(Default)]
pub(crate) struct Waiters {
    line: WaitQueue<Request>,
    /// Permits wanted by all in line.
    wanted: u128,
}

/// What somebody waits for.
struct Request {
    permits: u64,
    /// It knows that it is the first in line, and has seen to its own waking.
    is_told: bool,
}

/// What is taken from.
pub(crate) trait Source {
    /// Takes `permits` if they are there. `waits`: by somebody who stood in line for them.
    fn take(&mut self, permits: u64, waits: bool) -> bool;

    /// The moment, in the clock's nanoseconds, at which so many could be there, taken one after the
    /// other as soon as possible. Exact for a single request.
    fn when(&mut self, permits: u64) -> u64;
}

/// What came of a look by somebody who wants to wait.
pub(crate) enum Turn {
    /// It has its permits.
    Come,
    /// It is the first in line, and its moment is then.
    Later(u64),
    /// It will be told; or it has no place, since its turn cannot come in time.
    Told,
}

impl Waiters {
    pub(crate) fn len(&self) -> usize {
        self.line.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// So many permits, and those that all in line want.
    pub(crate) fn and(&self, permits: u64) -> u64 {
        sum(self.wanted, permits)
    }

    /// Takes the permits or stands in line; `now` is the clock's. A waker left in `spare` is to be
    /// dropped after the lock. Afterwards the first in line is to be told.
    pub(crate) fn look(
        &mut self,
        source: &mut impl Source,
        now: u64,
        permits: u64,
        place: &mut Option<Place>,
        ticket: &Ticket<'_>,
        spare: &mut Option<Waker>,
    ) -> Turn {
        let is_first = match place {
            Some(place) => self.line.is_first(place),
            None => self.line.is_empty(),
        };
        if is_first && source.take(permits, place.is_some()) {
            *spare = place.take().and_then(|place| self.leave(place));
            return Turn::Come;
        }
        // Once it has a place itself, nobody knows how much is wanted before it: then the moment is
        // early rather than late, and who is the first gives up in time.
        let before = if place.is_none() { self.wanted } else { 0 };
        let due = source.when(sum(before, permits));
        let deadline = ticket.deadline(now);
        if deadline != u64::MAX && due > deadline {
            ticket.give_up();
            if place.is_none() {
                return Turn::Told;
            }
        }
        match place {
            Some(place) => *spare = self.line.stay(place, ticket),
            None => {
                let request = Request {
                    permits,
                    is_told: false,
                };
                *place = Some(self.line.join(request, ticket));
                self.wanted += u128::from(permits);
            }
        }
        if !is_first {
            return Turn::Told;
        }
        self.set_told(true);
        Turn::Later(due)
    }

    /// Leaves the line; the waker is to be dropped after the lock, and the first in line to be told.
    pub(crate) fn leave(&mut self, place: Place) -> Option<Waker> {
        let left = self.line.leave(place);
        self.wanted -= u128::from(left.value.permits);
        left.waker
    }

    /// Tells the first in line that it is, unless it knows.
    pub(crate) fn tell_first(&mut self, wakes: &mut Wakes) {
        #[cfg(loom)]
        if control::is_planted(control::Mistake::ForgetNext) {
            return;
        }
        if self.line.front().is_some_and(|first| !first.is_told) {
            self.set_told(true);
            self.line.nudge(wakes);
        }
    }

    /// What the first in line knows of its moment is no longer so.
    pub(crate) fn set_told(&mut self, is_told: bool) {
        if let Some(first) = self.line.front() {
            first.is_told = is_told;
        }
    }
}

fn sum(before: u128, permits: u64) -> u64 {
    u64::try_from(before + u128::from(permits)).unwrap_or(u64::MAX)
}
