//! The line in front of anything that is handed out: first come, first served, threads and tasks
//! alike.
//!
//! Plain data under its owner's lock. The owner keeps what is handed out (permits, messages, room)
//! beside it and, when some of that becomes free, asks who is [first](WaitQueue::front) and
//! [hands over](WaitQueue::hand_over) *under the lock*; the waker is pushed to [`Wakes`] and woken
//! after it. What was handed over belongs to the waiter from that moment, whether it runs or not:
//! nobody can slip in between, and a waiter that is dropped before it looked gives back what its
//! entry holds.
//!
//! ```text
//!            hand_over (wins the claim, if it is an arm of a select)
//!  WAITING ──────────────────────────────────────────────────────────▶ GRANTED
//!     │                                                                   │
//!     └── leave: place given up ──▶ gone ◀── leave: comes with the value ─┘
//! ```
//!
//! An entry whose select chose another arm is passed over. One whose select is looking at its arms
//! right now holds up the line for that instant: it will take what is free, or leave, and whoever
//! leaves from the head has to serve the line again (`leave` says so).

use crate::{
    claim::{Claim, Win},
    list::{Key, List},
    sync::Arc,
    ticket::Ticket,
    wakes::Wakes,
};
use std::{fmt, task::Waker};

/// A place in a [`WaitQueue`]. Whoever has it gives it back with [`WaitQueue::leave`].
#[derive(Debug)]
#[must_use = "a place that is forgotten stays in line for ever"]
pub struct Place(Key);

/// The line: see the head of the module. `T` is what a waiter wants, or what it is given.
pub struct WaitQueue<T> {
    line: List<Entry<T>>,
}

struct Entry<T> {
    value: T,
    waker: Option<Waker>,
    claim: Option<(Arc<Claim>, u32)>,
    granted: bool,
}

/// What came of a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOver {
    /// The first in line has it.
    Done,
    /// The first in line is a select that is looking right now: it will find it, or leave.
    Busy,
    /// Nobody waits.
    Empty,
}

/// What a waiter leaves with.
#[derive(Debug)]
#[must_use]
pub struct Left<T> {
    /// What it wanted, or was given.
    pub value: T,
    /// Whether it had been served: then what it was given is in `value`.
    pub granted: bool,
    /// Whether it was first in line and unserved: then the next may be served now.
    pub was_first: bool,
    /// To be dropped after the lock.
    pub waker: Option<Waker>,
}

impl<T> Default for WaitQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> WaitQueue<T> {
    /// Nobody in line.
    pub const fn new() -> Self {
        Self { line: List::new() }
    }

    /// Waiters in line; those already served no longer count.
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether nobody is in line.
    pub fn is_empty(&self) -> bool {
        self.line.len() == 0
    }

    /// Goes to the back of the line.
    pub fn join(&mut self, value: T, ticket: &Ticket<'_>) -> Place {
        let claim = ticket.claim().map(|(claim, arm)| (claim.clone(), arm));
        let waker = Some(ticket.waker().clone());
        Place(self.line.push(Entry {
            value,
            waker,
            claim,
            granted: false,
        }))
    }

    /// Stays in line for another poll; the waker it replaces is to be dropped after the lock.
    #[must_use = "drop it after the lock"]
    pub fn stay(&mut self, place: &Place, ticket: &Ticket<'_>) -> Option<Waker> {
        let entry = self.line.get_mut(&place.0);
        let waker = ticket.waker();
        match &mut entry.waker {
            Some(old) if old.will_wake(waker) => None,
            old => old.replace(waker.clone()),
        }
    }

    /// Whether this waiter is the first in line.
    pub fn is_first(&mut self, place: &Place) -> bool {
        self.pass_over_lost();
        self.line.is_front(&place.0)
    }

    /// What the first in line wants.
    pub fn front(&mut self) -> Option<&mut T> {
        self.pass_over_lost();
        self.line.front_mut().map(|entry| &mut entry.value)
    }

    /// Whether this waiter has been served.
    pub fn is_granted(&self, place: &Place) -> bool {
        self.line.get(&place.0).granted
    }

    /// What this waiter wants or was given.
    pub fn get_mut(&mut self, place: &Place) -> &mut T {
        &mut self.line.get_mut(&place.0).value
    }

    /// Serves the first in line: `give` runs once, if it is [`Done`](HandOver::Done).
    pub fn hand_over(&mut self, wakes: &mut Wakes, give: impl FnOnce(&mut T)) -> HandOver {
        loop {
            let Some(entry) = self.line.front_mut() else {
                return HandOver::Empty;
            };
            match entry
                .claim
                .as_ref()
                .map_or(Win::Won, |(claim, arm)| claim.win(*arm))
            {
                Win::Won => {
                    give(&mut entry.value);
                    entry.granted = true;
                    wakes.extend(entry.waker.take());
                    self.line.unlink_front();
                    return HandOver::Done;
                }
                Win::Busy => return HandOver::Busy,
                Win::Lost => self.line.unlink_front(),
            }
        }
    }

    /// Leaves the line, served or not.
    pub fn leave(&mut self, place: Place) -> Left<T> {
        let was_first = self.line.is_front(&place.0);
        let Entry {
            value,
            waker,
            granted,
            ..
        } = self.line.remove(place.0);
        Left {
            value,
            granted,
            was_first,
            waker,
        }
    }

    /// Takes entries of selects that chose another arm out of the line.
    fn pass_over_lost(&mut self) {
        while let Some(Entry {
            claim: Some((claim, _)),
            ..
        }) = self.line.front_mut()
        {
            if !claim.is_won() {
                return;
            }
            self.line.unlink_front();
        }
    }
}

impl<T> fmt::Debug for WaitQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitQueue")
            .field("len", &self.len())
            .finish()
    }
}
