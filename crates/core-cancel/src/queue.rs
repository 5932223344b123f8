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
    claim::{Win, Word},
    list::{Cursor, Key, List},
    sync::Arc,
    ticket::Ticket,
    wakes::Wakes,
};
use std::{fmt, task::Waker};

/// A place in a [`WaitQueue`]. Whoever has it gives it back with [`WaitQueue::leave`].
#[derive(Debug)]
#[must_use = "a place that is forgotten stays in line for ever"]
pub struct Place(Key);

impl Place {
    /// A number that nobody else in this line has: small, and given out again as soon as its
    /// holder has left or was taken out. For an owner who keeps something beside the line.
    pub fn index(&self) -> usize {
        self.0.index()
    }
}

/// The line: see the head of the module. `T` is what a waiter wants, or what it is given.
pub struct WaitQueue<T> {
    line: List<Entry<T>>,
}

/// Somebody about to join a line. Made without the line's lock: its waker is cloned here, which is
/// user code.
pub struct Newcomer<T>(Entry<T>);

impl<T> Newcomer<T> {
    /// Somebody who wants `value`.
    #[inline]
    pub fn new(value: T, ticket: &Ticket<'_>) -> Self {
        Self(Entry {
            value,
            waker: Some(ticket.waker().clone()),
            claim: ticket.claim().map(|(claim, arm)| (claim.clone(), arm)),
            granted: false,
        })
    }

    /// What it wants.
    #[inline]
    pub fn value_mut(&mut self) -> &mut T {
        &mut self.0.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Newcomer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Newcomer").field(&self.0.value).finish()
    }
}

struct Entry<T> {
    value: T,
    waker: Option<Waker>,
    claim: Option<(Arc<Word>, u32)>,
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

/// What came of looking for the first in line.
enum First {
    /// It is there, and cannot be completed by anybody else any more.
    Won(Cursor),
    /// It wants more than there is.
    Unfit,
    /// It is a select that is looking right now.
    Busy,
    Nobody,
}

/// Somebody who was served and is out of the line. Made by [`WaitQueue::hand_over_out`].
#[derive(Debug)]
#[must_use = "the waiter has to be told and woken"]
pub struct Served<T> {
    /// The [index](Place::index) of the place it had.
    pub index: usize,
    /// What it wanted.
    pub value: T,
    /// To be woken after the lock.
    pub waker: Option<Waker>,
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
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.line.len() == 0
    }

    /// Goes to the back of the line.
    pub fn join(&mut self, value: T, ticket: &Ticket<'_>) -> Place {
        self.enter(Newcomer::new(value, ticket))
    }

    /// Goes to the back of the line, all but the lock's part of it done before.
    #[inline]
    pub fn enter(&mut self, newcomer: Newcomer<T>) -> Place {
        Place(self.line.push(newcomer.0))
    }

    /// Stays in line for another poll; the waker it replaces is to be dropped after the lock.
    ///
    /// Whoever polls now decides how it is served: an operation that was polled alone and is now an
    /// arm of a select, or the other way round, keeps its place under the claim of this poll.
    #[must_use = "drop it after the lock"]
    pub fn stay(&mut self, place: &Place, ticket: &Ticket<'_>) -> Option<Waker> {
        let entry = self.line.get_mut(&place.0);
        let same = match (&entry.claim, ticket.claim()) {
            (None, None) => true,
            (Some((old, was)), Some((new, is))) => Arc::ptr_eq(old, new) && *was == is,
            _ => false,
        };
        if !same {
            entry.claim = ticket.claim().map(|(claim, arm)| (claim.clone(), arm));
        }
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
        let first = self.line.first()?;
        Some(&mut self.line.at_mut(first).value)
    }

    /// What those in line want, first to last. Selects that chose another arm are left out, and
    /// may still be counted in [`len`](Self::len).
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let is_lost = |entry: &&Entry<T>| {
            entry
                .claim
                .as_ref()
                .is_some_and(|(claim, _)| claim.is_won())
        };
        self.line
            .iter()
            .filter(move |entry| !is_lost(entry))
            .map(|entry| &entry.value)
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
        self.serve(None, wakes, |_| true, give)
            .unwrap_or(HandOver::Empty)
    }

    /// Serves the first in line that is not the server itself: a select that sends and receives
    /// on one channel does not meet itself. `ticket` is the server's.
    pub fn hand_over_by(
        &mut self,
        ticket: &Ticket<'_>,
        wakes: &mut Wakes,
        give: impl FnOnce(&mut T),
    ) -> HandOver {
        self.serve(ticket.own_word(), wakes, |_| true, give)
            .unwrap_or(HandOver::Empty)
    }

    /// Serves the first in line if what it wants `fits`, and says whether it did.
    ///
    /// For what comes in different sizes. Looking at [`front`](Self::front) first would not do: its
    /// select may choose another arm in between, and the next in line be served with what was
    /// measured for the first. `false` also when nobody waits, or the first is a select that is
    /// looking right now: it will find what is there, or leave.
    pub fn hand_over_if(
        &mut self,
        wakes: &mut Wakes,
        fits: impl FnMut(&T) -> bool,
        give: impl FnOnce(&mut T),
    ) -> bool {
        self.serve(None, wakes, fits, give) == Some(HandOver::Done)
    }

    /// As [`hand_over_if`](Self::hand_over_if), for an owner that has another way to tell the waiter
    /// that it has been served: takes the entry out, value and all, and so spares the waiter the
    /// lock. Its place is void from then on: no method may be called with it any more, and the owner
    /// has to see to that. The waker is to be woken after the lock.
    #[inline]
    pub fn hand_over_out(&mut self, fits: impl FnMut(&T) -> bool) -> Option<Served<T>> {
        let First::Won(at) = self.win(None, fits) else {
            return None;
        };
        let entry = self.line.take(at);
        Some(Served {
            index: at.index(),
            value: entry.value,
            waker: entry.waker,
        })
    }

    /// `None`: the first in line wants more than there is.
    fn serve(
        &mut self,
        own: Option<&Arc<Word>>,
        wakes: &mut Wakes,
        fits: impl FnMut(&T) -> bool,
        give: impl FnOnce(&mut T),
    ) -> Option<HandOver> {
        match self.win(own, fits) {
            First::Won(at) => {
                let entry = self.line.at_mut(at);
                give(&mut entry.value);
                entry.granted = true;
                wakes.extend(entry.waker.take());
                self.line.unlink(at);
                Some(HandOver::Done)
            }
            First::Unfit => None,
            First::Busy => Some(HandOver::Busy),
            First::Nobody => Some(HandOver::Empty),
        }
    }

    /// Wins the first in line for whoever has something for it.
    #[inline]
    fn win(&mut self, own: Option<&Arc<Word>>, mut fits: impl FnMut(&T) -> bool) -> First {
        let mut next = self.line.first();
        while let Some(at) = next {
            next = self.line.after(at);
            let entry = self.line.at_mut(at);
            let win = match (&entry.claim, own) {
                (Some((claim, _)), Some(own)) if Arc::ptr_eq(claim, own) => continue,
                (Some((claim, _)), _) if claim.is_won() => Win::Lost,
                _ if !fits(&entry.value) => return First::Unfit,
                (Some((claim, _)), Some(own)) if meets_before(claim, own) => {
                    own.give_way();
                    Win::Busy
                }
                (Some((claim, arm)), _) => claim.win(*arm),
                (None, _) => Win::Won,
            };
            match win {
                Win::Won => return First::Won(at),
                Win::Busy => return First::Busy,
                Win::Lost => self.line.unlink(at),
            }
        }
        First::Nobody
    }

    /// Serves everybody in line whose want `fits`, wherever they stand, in their order: for what is
    /// not handed out but said, such as that it will never come.
    ///
    /// A select that is looking right now is passed over: it looks again and has to see by itself.
    pub fn hand_over_each(
        &mut self,
        wakes: &mut Wakes,
        mut fits: impl FnMut(&T) -> bool,
        mut give: impl FnMut(&mut T),
    ) {
        let mut next = self.line.first();
        while let Some(at) = next {
            next = self.line.after(at);
            let entry = self.line.at_mut(at);
            if !fits(&entry.value) {
                continue;
            }
            let win = match &entry.claim {
                Some((claim, arm)) => claim.win(*arm),
                None => Win::Won,
            };
            if win == Win::Won {
                give(&mut entry.value);
                entry.granted = true;
                wakes.extend(entry.waker.take());
            }
            if win != Win::Busy {
                self.line.unlink(at);
            }
        }
    }

    /// Wakes the first in line without serving it, so that it looks again: what it waits for comes
    /// sooner than it was told.
    pub fn nudge(&mut self, wakes: &mut Wakes) {
        self.pass_over_lost();
        if let Some(first) = self.line.first() {
            wakes.extend(self.line.at_mut(first).waker.clone());
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
        while let Some(first) = self.line.first() {
            match &self.line.at_mut(first).claim {
                Some((claim, _)) if claim.is_won() => self.line.unlink(first),
                _ => return,
            }
        }
    }
}

/// Whether both selects are polling and `other` has precedence: see `claim.rs`, 4.
fn meets_before(other: &Arc<Word>, own: &Arc<Word>) -> bool {
    other.precedes(own) && other.is_busy()
}

impl<T> fmt::Debug for WaitQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitQueue")
            .field("len", &self.len())
            .finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
