//! Wakers collected under a lock, woken after it.

use std::{
    any::Any,
    mem,
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
pub struct Wakes(Collected);

/// One word says which it is, so a call which wakes nobody, the usual one, looks at that alone, and
/// one which wakes one, the next usual, makes no list.
#[derive(Debug, Default)]
enum Collected {
    #[default]
    None,
    One(Waker),
    Many(Vec<Waker>),
}

impl Wakes {
    /// Nobody to wake yet.
    #[inline]
    pub const fn new() -> Self {
        Self(Collected::None)
    }

    /// Adds one.
    #[inline]
    pub fn push(&mut self, waker: Waker) {
        match &mut self.0 {
            Collected::None => self.0 = Collected::One(waker),
            _ => self.push_another(waker),
        }
    }

    #[cold]
    fn push_another(&mut self, waker: Waker) {
        self.0 = match mem::take(&mut self.0) {
            Collected::None => Collected::One(waker),
            Collected::One(first) => Collected::Many(vec![first, waker]),
            Collected::Many(mut wakers) => {
                wakers.push(waker);
                Collected::Many(wakers)
            }
        };
    }

    /// Wakes all, in the order in which they were added.
    pub fn wake(self) {
        drop(self);
    }
}

impl Extend<Waker> for Wakes {
    #[inline]
    fn extend<I: IntoIterator<Item = Waker>>(&mut self, wakers: I) {
        wakers.into_iter().for_each(|waker| self.push(waker));
    }
}

impl Drop for Wakes {
    #[inline]
    fn drop(&mut self) {
        match mem::take(&mut self.0) {
            Collected::None => {}
            // Nobody to be kept from being woken by a panic of this one: no need to catch it.
            Collected::One(waker) if !thread::panicking() => waker.wake(),
            Collected::One(waker) => wake_all(vec![waker]),
            Collected::Many(wakers) => wake_all(wakers),
        }
    }
}

#[cold]
fn wake_all(wakers: Vec<Waker>) {
    let mut panics = Panics::default();
    for waker in wakers {
        panics.catch(|| waker.wake());
    }
    panics.resume();
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
