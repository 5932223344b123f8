//! Receives from a set.

use crate::{error::Closed, mux::Mux};
use anabranch_core_cancel::{Cancelled, Operation, Ticket, operation};
use std::{fmt, hash::Hash, pin::Pin, task::Poll};

/// The next message of a set, or the end of one of its channels. Made by [`Mux::recv`].
#[must_use = "operations do nothing unless waited for"]
pub struct Next<'a, K: Clone + Eq + Hash, T> {
    mux: &'a mut Mux<K, T>,
    waits: bool,
}

impl<'a, K: Clone + Eq + Hash, T> Next<'a, K, T> {
    pub(crate) fn new(mux: &'a mut Mux<K, T>) -> Self {
        Self { mux, waits: false }
    }
}

impl<K: Clone + Eq + Hash, T> Next<'_, K, T> {
    /// No longer waits.
    fn stop(&mut self) {
        if std::mem::take(&mut self.waits) {
            self.mux.stop_waiting();
        }
    }
}

/// What a set yields: the key of a source with its message or end, or `None`: no source is left.
type Event<K, T> = Option<(K, Result<T, Closed>)>;

impl<K: Clone + Eq + Hash, T> Operation for Next<'_, K, T> {
    type Bounded = Result<Event<K, T>, Cancelled>;

    fn bound(&self, done: Event<K, T>) -> Self::Bounded {
        Ok(done)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        self.stop();
        Err(why)
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Event<K, T>> {
        let poll = self.mux.poll(Some(ticket));
        self.waits |= poll.is_pending();
        poll
    }

    fn look_arm(mut self: Pin<&mut Self>, _: &Ticket<'_>) -> Poll<Event<K, T>> {
        self.mux.poll(None)
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Event<K, T>> {
        self.stop();
        None
    }
}

operation! { ['a, K: Clone + Eq + Hash, T] Next<'a, K, T> => Event<K, T> }

impl<K: Clone + Eq + Hash, T> Drop for Next<'_, K, T> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<K: Clone + Eq + Hash, T> fmt::Debug for Next<'_, K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next")
    }
}
