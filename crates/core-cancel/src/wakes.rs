//! Wakers collected under a lock, woken after it.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    task::Waker,
    thread,
};

/// Wakers to wake once the lock is released.
///
/// Make it *before* taking the lock: locals are dropped in reverse, so that the lock goes first
/// and the drop of this one then wakes. The first waker costs no allocation.
///
/// A waker that panics does not keep the others from being woken; the first panic goes on to the
/// caller when all are.
#[derive(Debug, Default)]
pub struct Wakes {
    first: Option<Waker>,
    rest: Vec<Waker>,
}

impl Wakes {
    /// Nobody to wake yet.
    pub const fn new() -> Self {
        Self {
            first: None,
            rest: Vec::new(),
        }
    }

    /// Adds one.
    pub fn push(&mut self, waker: Waker) {
        if self.first.is_none() && self.rest.is_empty() {
            self.first = Some(waker);
        } else {
            self.rest.push(waker);
        }
    }

    /// Wakes all, in the order in which they were added.
    pub fn wake(self) {
        drop(self);
    }
}

impl Extend<Waker> for Wakes {
    fn extend<I: IntoIterator<Item = Waker>>(&mut self, wakers: I) {
        wakers.into_iter().for_each(|waker| self.push(waker));
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        let mut panics = Panics::default();
        for waker in self.first.take().into_iter().chain(self.rest.drain(..)) {
            panics.catch(|| waker.wake());
        }
        panics.resume();
    }
}

/// Calls user code one after the other, and lets the first panic go on after the last call.
#[derive(Default)]
pub(crate) struct Panics(Option<Box<dyn Any + Send>>);

impl Panics {
    pub(crate) fn catch(&mut self, f: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
            self.0.get_or_insert(panic);
        }
    }

    /// A second panic while one unwinds would abort the process: that one has been reported by the
    /// panic hook and ends here.
    pub(crate) fn resume(self) {
        if let Some(panic) = self.0.filter(|_| !thread::panicking()) {
            resume_unwind(panic);
        }
    }
}
