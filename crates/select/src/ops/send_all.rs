//! Sends all that an iterator yields.

use super::{Gone, Sending};
use crate::{
    channel::{Offer, Shared},
    error::{SendError, Unsent},
};
use anabranch_core_cancel::{Cancelled, Operation, Ticket, operation};
use std::{collections::VecDeque, fmt, iter::Fuse, pin::Pin, task::Poll};

/// How many messages are taken from the iterator before the lock is, and sent under it.
const CHUNK: usize = 32;

/// Sends every item of an iterator, in order. Made by
/// [`Sender::send_all`](crate::Sender::send_all).
#[must_use = "operations do nothing unless waited for"]
pub struct SendAll<'a, T, I: Iterator<Item = T>> {
    channel: &'a Shared<T>,
    sending: Sending,
    /// The first of what was not sent, once there was no room for it.
    next: Option<T>,
    /// Until it comes back in an error.
    rest: Option<Rest<T, I>>,
}

/// What was not sent, in order: an iterator.
pub struct Rest<T, I: Iterator<Item = T>> {
    ahead: VecDeque<T>,
    items: Fuse<I>,
}

impl<T, I: Iterator<Item = T>> Iterator for Rest<T, I> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.ahead.pop_front().or_else(|| self.items.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (low, high) = self.items.size_hint();
        let ahead = self.ahead.len();
        (
            low.saturating_add(ahead),
            high.and_then(|high| high.checked_add(ahead)),
        )
    }
}

impl<'a, T, I: Iterator<Item = T>> SendAll<'a, T, I> {
    pub(crate) fn new(channel: &'a Shared<T>, items: I) -> Self {
        Self {
            channel,
            sending: Sending::default(),
            next: None,
            rest: Some(Rest {
                ahead: VecDeque::new(),
                items: items.fuse(),
            }),
        }
    }

    /// Sends a chunk as far as there is room; whether there was anything to send.
    fn send_chunk(&mut self) -> bool {
        let Self { next, rest, .. } = self;
        let Rest { ahead, items } = rest.as_mut().expect(HAS_REST);
        // User code runs before the lock is taken.
        let room = CHUNK.saturating_sub(ahead.len());
        ahead.extend(items.take(room));
        if ahead.is_empty() {
            return false;
        }
        self.channel.with(|state, wakes| {
            while next.is_none() {
                let Some(message) = ahead.pop_front() else {
                    break;
                };
                let mut message = Some(message);
                if state.offer(&mut message, None, wakes) != Offer::Sent {
                    *next = message;
                }
            }
        });
        true
    }

    fn take_rest(&mut self) -> Rest<T, I> {
        let mut rest = self.rest.take().expect(HAS_REST);
        if let Some(next) = self.next.take() {
            rest.ahead.push_front(next);
        }
        rest
    }
}

// Messages are moved into the channel, and the iterator is only called.
impl<T, I: Iterator<Item = T>> Unpin for SendAll<'_, T, I> {}

impl<T, I: Iterator<Item = T>> Operation for SendAll<'_, T, I> {
    type Bounded = Result<(), SendError<Rest<T, I>>>;

    fn bound(&self, done: Result<(), Unsent<Rest<T, I>>>) -> Self::Bounded {
        done.map_err(SendError::from)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        let this = &mut *self;
        let done = this.sending.leave(this.channel, &mut this.next);
        let message = this.take_rest();
        match done {
            Some(Err(Gone)) => Err(SendError::Closed(message)),
            Some(Ok(())) | None => Err(SendError::Cancelled { why, message }),
        }
    }

    fn poll_arm(
        mut self: Pin<&mut Self>,
        ticket: &Ticket<'_>,
    ) -> Poll<Result<(), Unsent<Rest<T, I>>>> {
        let this = &mut *self;
        loop {
            if this.sending.is_in_line() || this.next.is_some() {
                match this.sending.poll(this.channel, &mut this.next, ticket) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(Gone)) => return Poll::Ready(Err(Unsent(this.take_rest()))),
                    Poll::Ready(Ok(())) => {}
                }
            }
            if !this.send_chunk() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Result<(), Unsent<Rest<T, I>>>> {
        let this = &mut *self;
        let done = this.sending.leave(this.channel, &mut this.next)?;
        // One more has been sent, and there is more to send: not the end of this operation.
        let Err(Gone) = done else { return None };
        Some(Err(Unsent(this.take_rest())))
    }
}

operation! { ['a, T, I: Iterator<Item = T>] SendAll<'a, T, I> => Result<(), Unsent<Rest<T, I>>> }

impl<T, I: Iterator<Item = T>> Drop for SendAll<'_, T, I> {
    fn drop(&mut self) {
        let _done = self.sending.leave(self.channel, &mut self.next);
    }
}

impl<T, I: Iterator<Item = T>> fmt::Debug for SendAll<'_, T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendAll")
    }
}

impl<T, I: Iterator<Item = T>> fmt::Debug for Rest<T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rest")
    }
}

const HAS_REST: &str = "what was not sent has come back in an error: there is nothing left to send";
