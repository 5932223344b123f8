//! Reads what is new.

use crate::error::{Closed, RecvError};
use anabranch_core_cancel::{Cancelled, Operation, Ticket, operation, queue::Place};
use std::{fmt, pin::Pin, task::Poll};

/// What comes next for a receiver that reads what all others read too. Made by
/// [`WatchReceiver::changed`](crate::channel::WatchReceiver::changed) and
/// [`BroadcastReceiver::recv`](crate::channel::BroadcastReceiver::recv).
#[must_use = "operations do nothing unless waited for"]
pub struct Reading<'a, R: Reads> {
    reader: &'a mut R,
    place: Option<Place>,
}

/// Whoever reads: the receivers of watch and broadcast, and nobody else.
#[doc(hidden)]
pub trait Reads {
    type News;

    fn poll_read(
        &mut self,
        place: &mut Option<Place>,
        ticket: &Ticket<'_>,
    ) -> Poll<Result<Self::News, Closed>>;

    /// What is there now.
    fn try_read(&mut self) -> Poll<Result<Self::News, Closed>>;

    /// Leaves the line. Whoever stood in it was given nothing, only told.
    fn leave(&self, place: Place);
}

impl<'a, R: Reads> Reading<'a, R> {
    pub(crate) fn new(reader: &'a mut R) -> Self {
        Self {
            reader,
            place: None,
        }
    }

    /// Leaves the line. What it may have been told of stays news.
    fn leave(&mut self) {
        if let Some(place) = self.place.take() {
            self.reader.leave(place);
        }
    }
}

impl<R: Reads> Operation for Reading<'_, R> {
    type Bounded = Result<R::News, RecvError>;

    fn bound(&self, done: Result<R::News, Closed>) -> Self::Bounded {
        done.map_err(RecvError::Closed)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        self.leave();
        Err(why.into())
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<R::News, Closed>> {
        let Self { reader, place } = &mut *self;
        reader.poll_read(place, ticket)
    }

    fn look_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<R::News, Closed>> {
        match self.place {
            Some(_) => self.as_mut().poll_arm(ticket),
            None => self.reader.try_read(),
        }
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Result<R::News, Closed>> {
        self.leave();
        None
    }
}

operation! { ['a, R: Reads] Reading<'a, R> => Result<R::News, Closed> }

impl<R: Reads> Drop for Reading<'_, R> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<R: Reads> fmt::Debug for Reading<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reading")
    }
}
