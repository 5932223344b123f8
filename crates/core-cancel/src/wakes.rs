//! Wakers collected under a lock, woken after it.

use std::{
    any::Any,
    iter,
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
pub struct Wakes(Option<Collected>);

/// Apart, so that a call which wakes nobody, the usual one, has one word to look at.
#[derive(Debug)]
struct Collected {
    first: Waker,
    rest: Vec<Waker>,
}

impl Wakes {
    /// Nobody to wake yet.
    #[inline]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Adds one.
    pub fn push(&mut self, waker: Waker) {
        match &mut self.0 {
            Some(collected) => collected.rest.push(waker),
            none => {
                *none = Some(Collected {
                    first: waker,
                    rest: Vec::new(),
                });
            }
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
    #[inline]
    fn drop(&mut self) {
        if let Some(collected) = self.0.take() {
            collected.wake();
        }
    }
}

impl Collected {
    #[inline(never)]
    fn wake(self) {
        let Self { first, rest } = self;
        // Nobody to be kept from being woken by a panic of the first: no need to catch it.
        if rest.is_empty() && !thread::panicking() {
            first.wake();
            return;
        }
        let mut panics = Panics::default();
        for waker in iter::once(first).chain(rest) {
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
