//! Sends one message.

#[cfg(any(loom, shuttle))]
use crate::control::{self, Mistake};
use crate::{
    channel::{Offer, Shared, State},
    error::{SendError, Unsent},
};
use anabranch_core_cancel::{Cancelled, Operation, Ticket, Wakes, operation, queue::Place};
use std::{
    fmt,
    pin::Pin,
    task::{Poll, Waker},
};

/// Sends a message. Made by [`Sender::send`](crate::Sender::send).
#[must_use = "operations do nothing unless waited for"]
pub struct Send<'a, T> {
    channel: &'a Shared<T>,
    sending: Sending,
    message: Option<T>,
}

impl<'a, T> Send<'a, T> {
    pub(crate) fn new(channel: &'a Shared<T>, message: T) -> Self {
        Self {
            channel,
            sending: Sending::default(),
            message: Some(message),
        }
    }

    /// The message, or why there is none to give back.
    fn unsent(&mut self) -> Unsent<T> {
        Unsent(self.message.take().expect(HAS_MESSAGE))
    }
}

// A message is moved into the channel, never pinned.
impl<T> Unpin for Send<'_, T> {}

impl<T> Operation for Send<'_, T> {
    type Bounded = Result<(), SendError<T>>;

    fn bound(&self, done: Result<(), Unsent<T>>) -> Self::Bounded {
        done.map_err(SendError::from)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        let this = &mut *self;
        match this.sending.leave(this.channel, &mut this.message) {
            Some(Ok(())) => Ok(()),
            Some(Err(Gone)) => Err(this.unsent().into()),
            None => {
                let Unsent(message) = this.unsent();
                Err(SendError::Cancelled { why, message })
            }
        }
    }

    #[inline]
    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<(), Unsent<T>>> {
        let this = &mut *self;
        let poll = this.sending.poll(this.channel, &mut this.message, ticket);
        poll.map(|done| done.map_err(|Gone| this.unsent()))
    }

    #[inline]
    fn look_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<(), Unsent<T>>> {
        let this = &mut *self;
        let poll = this.sending.look(this.channel, &mut this.message, ticket);
        poll.map(|done| done.map_err(|Gone| this.unsent()))
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Result<(), Unsent<T>>> {
        let this = &mut *self;
        let done = this.sending.leave(this.channel, &mut this.message)?;
        Some(done.map_err(|Gone| this.unsent()))
    }
}

operation! { ['a, T] Send<'a, T> => Result<(), Unsent<T>> }

impl<T> Drop for Send<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // The message, if it has not been taken, is dropped with the operation: after the lock.
        let _done = self.sending.leave(self.channel, &mut self.message);
    }
}

impl<T> fmt::Debug for Send<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Send")
    }
}

const HAS_MESSAGE: &str = "a send that is waited for again after it was done has nothing to send";

/// The channel is closed, and the message is where it came from.
pub(crate) struct Gone;

/// A sender's place in line, wherever the message comes from. While it stands in line the message
/// is in its entry, where a receiver finds it.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    place: Option<Place>,
}

impl Sending {
    pub(crate) fn is_in_line(&self) -> bool {
        self.place.is_some()
    }

    #[inline]
    pub(crate) fn poll<T>(
        &mut self,
        channel: &Shared<T>,
        message: &mut Option<T>,
        ticket: &Ticket<'_>,
    ) -> Poll<Result<(), Gone>> {
        if self.place.is_none() {
            // Without a buffer somebody has to be first in line: the sender.
            if channel.has_buffer() && !channel.may_send() {
                ticket.spin(|| channel.may_send());
            }
            let sent = Poll::Ready(Ok(()));
            return channel.offer_or(message, sent, |message, state, wakes| {
                self.poll_locked(message, state, wakes, ticket).0
            });
        }
        let (poll, _waker) =
            channel.with(|state, wakes| self.poll_locked(message, state, wakes, ticket));
        poll
    }

    /// What is to be dropped after the lock comes out beside the answer.
    fn poll_locked<T>(
        &mut self,
        message: &mut Option<T>,
        state: &mut State<T>,
        wakes: &mut Wakes,
        ticket: &Ticket<'_>,
    ) -> (Poll<Result<(), Gone>>, Option<Waker>) {
        if let Some(place) = self.place.take_if(|place| state.send_is_settled(place)) {
            let left = state.stop_sending(place);
            *message = left.value;
            let done = message.as_ref().map_or(Ok(()), |_| Err(Gone));
            return (Poll::Ready(done), left.waker);
        }
        if let Some(place) = &self.place {
            *message = state.message_of(place).take();
        }
        assert!(message.is_some(), "{HAS_MESSAGE}");
        let done = match state.offer(message, Some(ticket), wakes) {
            Offer::Sent => Ok(()),
            Offer::Closed => Err(Gone),
            Offer::Full => {
                if let Some(place) = &self.place {
                    *state.message_of(place) = message.take();
                }
                let old = state.wait_to_send(&mut self.place, message, ticket);
                return (Poll::Pending, old);
            }
        };
        let left = self.place.take().map(|place| state.stop_sending(place));
        (Poll::Ready(done), left.and_then(|left| left.waker))
    }

    #[inline]
    pub(crate) fn look<T>(
        &mut self,
        channel: &Shared<T>,
        message: &mut Option<T>,
        ticket: &Ticket<'_>,
    ) -> Poll<Result<(), Gone>> {
        if self.place.is_some() {
            return self.poll(channel, message, ticket);
        }
        match channel.try_offer(message) {
            Offer::Sent => Poll::Ready(Ok(())),
            Offer::Closed => Poll::Ready(Err(Gone)),
            Offer::Full => Poll::Pending,
        }
    }

    /// Leaves the line; the message, if it was not taken, goes back to where it came from. What had
    /// been settled before, if anything.
    #[inline]
    pub(crate) fn leave<T>(
        &mut self,
        channel: &Shared<T>,
        message: &mut Option<T>,
    ) -> Option<Result<(), Gone>> {
        let place = self.place.take()?;
        let left = channel.with(|state, _| state.stop_sending(place));
        #[cfg(any(loom, shuttle))]
        if control::is_planted(Mistake::LoseUnsent) {
            return None;
        }
        *message = left.value;
        let done = message.as_ref().map_or(Ok(()), |_| Err(Gone));
        left.granted.then_some(done)
    }
}
