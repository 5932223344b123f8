//! What may still be given back: promises that lie ahead, and what was handed over and not yet
//! looked at.
//!
//! Giving back exactly means that the bucket is as if that request had never been made, and that is
//! more than adding permits: a bucket that was full at some moment since would have overflowed by
//! what comes back. So while something may come back, the book remembers what was taken after it.
//! A request does `max(mark, pull) + cost` to a mark, and any number of them in a row do the same
//! with one `pull` and one `cost`, so it is enough to remember one such [`Step`] between each two
//! that may come back:
//!
//! ```text
//!   base ── held ── after ── held ── after ──▶ mark        held: may come back
//!                                                          after: all others, in one step
//! ```
//!
//! To give one back is to leave its step out and to walk the others again. To use one up is to
//! merge its step into what came after the one before it.

use crate::{
    each::Each,
    limits::{Limits, State, Step},
};
use std::collections::VecDeque;

/// The name of an entry.
pub(crate) type Id = u64;

#[derive(Debug, Default)]
pub(crate) struct Book {
    base: Each<u64>,
    held: VecDeque<Held>,
    /// By due, then by when they were made.
    promises: Vec<Promise>,
    ids: Id,
}

/// Counted as taken, and may come back.
#[derive(Debug)]
struct Held {
    id: Id,
    step: Each<Step>,
    after: Each<Step>,
}

/// Will be taken at that tick, whatever comes.
#[derive(Clone, Debug)]
pub(crate) struct Promise {
    pub(crate) id: Id,
    pub(crate) due: u64,
    pub(crate) permits: u64,
    pub(crate) costs: Each<i64>,
}

impl Book {
    /// Whether nothing may come back.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.promises.is_empty()
    }

    pub(crate) fn promises(&self) -> &[Promise] {
        &self.promises
    }

    pub(crate) fn next_id(&mut self) -> Id {
        self.ids += 1;
        self.ids
    }

    /// Notes what was taken for good.
    pub(crate) fn note(&mut self, step: &Each<Step>) {
        if let Some(last) = self.held.back_mut() {
            chain(&mut last.after, step);
        }
    }

    /// Notes what was taken and may come back; `before` is the state before it.
    pub(crate) fn hold(&mut self, id: Id, before: &Each<u64>, step: Each<Step>) {
        if self.held.is_empty() {
            self.base = before.clone();
        }
        let after = step.map(|_| Step::default());
        self.held.push_back(Held { id, step, after });
    }

    /// That one was used and does not come back.
    pub(crate) fn settle(&mut self, id: Id) {
        self.remove(id, true);
    }

    /// That one was not used: the marks are as if it had never been taken. Whether it was there.
    pub(crate) fn give_back(&mut self, id: Id, marks: &mut Each<u64>) -> bool {
        if !self.remove(id, false) {
            return false;
        }
        *marks = self.marks();
        true
    }

    fn remove(&mut self, id: Id, used: bool) -> bool {
        let Some(at) = self.held.iter().position(|held| held.id == id) else {
            return false;
        };
        let Some(Held { step, after, .. }) = self.held.remove(at) else {
            return false;
        };
        let mut apply = |step: &Each<Step>| match at.checked_sub(1) {
            Some(before) => chain(&mut self.held[before].after, step),
            None => {
                for (mark, step) in self.base.iter_mut().zip(step.iter()) {
                    *mark = step.apply(*mark);
                }
            }
        };
        if used {
            apply(&step);
        }
        apply(&after);
        true
    }

    /// The marks after all that is held.
    fn marks(&self) -> Each<u64> {
        let mut marks = self.base.clone();
        for held in &self.held {
            for (mark, (step, after)) in marks.iter_mut().zip(held.step.zip(&held.after)) {
                *mark = after.apply(step.apply(*mark));
            }
        }
        marks
    }

    /// Promises that much at that tick: the steps of others will be planned around it.
    pub(crate) fn promise(&mut self, promise: Promise) {
        let at = self
            .promises
            .partition_point(|other| other.due <= promise.due);
        self.promises.insert(at, promise);
    }

    /// Takes the promise back; it had not come due.
    pub(crate) fn withdraw(&mut self, id: Id) -> Option<Promise> {
        let at = self.promises.iter().position(|promise| promise.id == id)?;
        Some(self.promises.remove(at))
    }

    /// The first promise, if it is due.
    pub(crate) fn take_due(&mut self, now: u64) -> Option<Promise> {
        let is_due = self.promises.first().is_some_and(|first| first.due <= now);
        is_due.then(|| self.promises.remove(0))
    }

    /// Goes over to other limits: what each held one would give back now stays that much, in the
    /// new units. `convert` turns a difference of levels of the limit at that index.
    pub(crate) fn change(
        &mut self,
        limits: &Limits,
        state: &State,
        convert: impl Fn(usize, i128) -> i128,
    ) {
        for promise in &mut self.promises {
            promise.costs = limits
                .meters
                .map(|meter| crate::limits::signed(meter.cost(promise.permits)));
        }
        if self.held.is_empty() {
            return;
        }
        // The marks without any, with the first, with the first two, ...
        let mut rows = Vec::with_capacity(self.held.len() + 1);
        for with in 0..=self.held.len() {
            let mut marks = self.base.clone();
            for (at, held) in self.held.iter().enumerate() {
                for (mark, (step, after)) in marks.iter_mut().zip(held.step.zip(&held.after)) {
                    let taken = if at < with { step.apply(*mark) } else { *mark };
                    *mark = after.apply(taken);
                }
            }
            rows.push(marks);
        }
        let row = |with: usize, limit: usize| rows[with].iter().nth(limit).copied();
        let none = Step::default();
        let mut base = state.marks.clone();
        for (at, held) in self.held.iter_mut().enumerate() {
            let mut limit = 0;
            let step = limits.meters.map(|_| {
                let worth = match (row(at, limit), row(at + 1, limit)) {
                    (Some(without), Some(with)) => {
                        convert(limit, i128::from(with) - i128::from(without))
                    }
                    _ => 0,
                };
                limit += 1;
                let cost = i64::try_from(worth).unwrap_or(i64::MAX);
                Step { pull: 0, cost }
            });
            for (mark, step) in base.iter_mut().zip(step.iter()) {
                *mark = mark.saturating_sub(step.cost.unsigned_abs());
            }
            held.after = step.map(|_| none);
            held.step = step;
        }
        self.base = base;
    }
}

fn chain(to: &mut Each<Step>, step: &Each<Step>) {
    for (to, &step) in to.iter_mut().zip(step.iter()) {
        *to = to.then(step);
    }
}
