//! Where a job's outcome is put and fetched: one writer, at most one waiter.
//!
//! ```text
//!          decide              publish                  poll
//!   OPEN ──────────▶ DECIDED ───────────▶ PUBLISHED ────────────▶ TAKEN
//!            by whoever took the      the waiter is woken   or by the handle's drop
//!            job out of the queue
//! ```
//!
//! 1. A job is decided once, by the one who took it out of the pool's queue; that needs no other
//!    lock. It is published under the pool's lock, together with the counts: who has seen a result
//!    finds it counted, and who has seen the pool empty finds every handle ready.
//! 2. The waiter leaves its waker under the slot's lock after a look at the stage; the publisher
//!    sets the stage under the same lock before it takes the waker. One of them sees the other, so
//!    no wake-up is lost.
//! 3. Lock order: the pool's, then the slot's. Nothing is woken, dropped or called under either.

use crate::{
    error::JobError,
    sync::{Mutex, lock},
};
use anabranch_core_cancel::{Ticket, Wakes};
use std::{
    mem,
    task::{Poll, Waker},
};

pub(crate) type Outcome<T> = Result<T, JobError>;

pub(crate) struct Slot<T>(Mutex<Inner<T>>);

struct Inner<T> {
    stage: Stage<T>,
    waker: Option<Waker>,
    /// The handle is gone.
    detached: bool,
}

enum Stage<T> {
    Open,
    Decided(Outcome<T>),
    Published(Outcome<T>),
    Taken,
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Inner {
            stage: Stage::Open,
            waker: None,
            detached: false,
        }))
    }

    /// Puts the outcome in, to be seen once it is published.
    pub(crate) fn decide(&self, outcome: Outcome<T>) {
        let was = mem::replace(&mut lock(&self.0).stage, Stage::Decided(outcome));
        debug_assert!(matches!(was, Stage::Open), "a job ends once");
    }

    /// Lets the waiter see the outcome. `true` if that is a panic that nobody will ever see.
    pub(crate) fn publish(&self, wakes: &mut Wakes) -> bool {
        let mut inner = lock(&self.0);
        let Stage::Decided(outcome) = mem::replace(&mut inner.stage, Stage::Taken) else {
            unreachable!("published before it was decided");
        };
        let panicked = matches!(outcome, Err(JobError::Panicked(_)));
        inner.stage = Stage::Published(outcome);
        wakes.extend(inner.waker.take());
        panicked && inner.detached
    }

    pub(crate) fn is_published(&self) -> bool {
        matches!(lock(&self.0).stage, Stage::Published(_) | Stage::Taken)
    }

    /// The outcome, if it is there.
    pub(crate) fn take(&self) -> Option<Outcome<T>> {
        lock(&self.0).take()
    }

    /// The outcome, or a place for the waker.
    ///
    /// # Panics
    /// When the outcome has been fetched before.
    pub(crate) fn poll(&self, ticket: &Ticket<'_>) -> Poll<Outcome<T>> {
        let keep = {
            let mut inner = lock(&self.0);
            if let Some(outcome) = inner.take() {
                return Poll::Ready(outcome);
            }
            assert!(
                !matches!(inner.stage, Stage::Taken),
                "a job was waited for after its result had been taken"
            );
            let waker = inner.waker.as_ref();
            waker.is_some_and(|waker| waker.will_wake(ticket.waker()))
        };
        if keep {
            return Poll::Pending;
        }
        // Cloning and dropping a waker is foreign code, so it is done between the locks.
        let waker = ticket.waker().clone();
        let mut inner = lock(&self.0);
        if let Some(outcome) = inner.take() {
            drop(inner);
            drop(waker);
            return Poll::Ready(outcome);
        }
        let old = inner.waker.replace(waker);
        drop(inner);
        drop(old);
        Poll::Pending
    }

    /// The wait ends, for now.
    pub(crate) fn leave(&self) {
        let waker = lock(&self.0).waker.take();
        drop(waker);
    }

    /// The handle goes: what was there for it.
    pub(crate) fn detach(&self) -> Option<Outcome<T>> {
        let mut inner = lock(&self.0);
        inner.detached = true;
        let waker = inner.waker.take();
        let outcome = inner.take();
        drop(inner);
        drop(waker);
        outcome
    }
}

impl<T> Inner<T> {
    fn take(&mut self) -> Option<Outcome<T>> {
        if !matches!(self.stage, Stage::Published(_)) {
            return None;
        }
        match mem::replace(&mut self.stage, Stage::Taken) {
            Stage::Published(outcome) => Some(outcome),
            _ => None,
        }
    }
}
