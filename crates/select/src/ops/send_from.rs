//! Sends a message that stays with its owner until it is sent.

use super::{Gone, Sending};
use crate::{
    channel::Shared,
    error::{Closed, SendError},
};
use anabranch_core_cancel::{Cancelled, Operation, Ticket, operation};
use std::{fmt, pin::Pin, task::Poll};

/// Sends the message in a slot, and leaves it there unless it is sent. Made by
/// [`Sender::send_from`](crate::Sender::send_from).
#[must_use = "operations do nothing unless waited for"]
pub struct SendFrom<'a, T> {
    channel: &'a Shared<T>,
    sending: Sending,
    slot: &'a mut Option<T>,
}

impl<'a, T> SendFrom<'a, T> {
    pub(crate) fn new(channel: &'a Shared<T>, slot: &'a mut Option<T>) -> Self {
        Self {
            channel,
            sending: Sending::default(),
            slot,
        }
    }
}

impl<T> Operation for SendFrom<'_, T> {
    type Bounded = Result<(), SendError<()>>;

    fn bound(&self, done: Result<(), Closed>) -> Self::Bounded {
        done.map_err(|Closed| SendError::Closed(()))
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        match self.as_mut().withdraw() {
            Some(done) => self.bound(done),
            None => Err(SendError::Cancelled { why, message: () }),
        }
    }

    #[inline]
    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<(), Closed>> {
        let this = &mut *self;
        let poll = this.sending.poll(this.channel, this.slot, ticket);
        poll.map(|done| done.map_err(|Gone| Closed))
    }

    #[inline]
    fn look_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<(), Closed>> {
        let this = &mut *self;
        let poll = this.sending.look(this.channel, this.slot, ticket);
        poll.map(|done| done.map_err(|Gone| Closed))
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Result<(), Closed>> {
        let this = &mut *self;
        let done = this.sending.leave(this.channel, this.slot)?;
        Some(done.map_err(|Gone| Closed))
    }
}

operation! { ['a, T] SendFrom<'a, T> => Result<(), Closed> }

impl<T> Drop for SendFrom<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let _done = self.sending.leave(self.channel, self.slot);
    }
}

impl<T> fmt::Debug for SendFrom<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendFrom")
    }
}
