//! Receives one message.

#[cfg(any(loom, shuttle))]
use crate::control::{self, Mistake};
use crate::{
    channel::{Shared, State, Take},
    error::{Closed, RecvError},
};
use anabranch_core_cancel::{Cancelled, Operation, Ticket, Wakes, operation, queue::Place};
use std::{
    fmt,
    pin::Pin,
    task::{Poll, Waker},
};

/// Receives the next message. Made by [`Receiver::recv`](crate::Receiver::recv).
#[must_use = "operations do nothing unless waited for"]
pub struct Recv<'a, T> {
    channel: &'a Shared<T>,
    receiving: Receiving,
}

impl<'a, T> Recv<'a, T> {
    pub(crate) fn new(channel: &'a Shared<T>) -> Self {
        Self {
            channel,
            receiving: Receiving::default(),
        }
    }
}

impl<T> Operation for Recv<'_, T> {
    type Bounded = Result<T, RecvError>;

    fn bound(&self, done: Result<T, Closed>) -> Self::Bounded {
        done.map_err(RecvError::Closed)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        let channel = self.channel;
        match self.receiving.leave(channel) {
            Some(done) => done.map_err(RecvError::Closed),
            None => Err(why.into()),
        }
    }

    #[inline]
    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<T, Closed>> {
        let channel = self.channel;
        self.receiving.poll(channel, ticket)
    }

    #[inline]
    fn look_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<T, Closed>> {
        let channel = self.channel;
        self.receiving.look(channel, ticket)
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Result<T, Closed>> {
        let channel = self.channel;
        self.receiving.leave(channel)
    }
}

operation! { ['a, T] Recv<'a, T> => Result<T, Closed> }

impl<T> Drop for Recv<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.receiving.give_back(self.channel);
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recv")
    }
}

/// A receiver's place in line, wherever the channel is kept.
#[derive(Debug, Default)]
pub(crate) struct Receiving {
    place: Option<Place>,
}

impl Receiving {
    #[inline]
    pub(crate) fn poll<T>(
        &mut self,
        channel: &Shared<T>,
        ticket: &Ticket<'_>,
    ) -> Poll<Result<T, Closed>> {
        #[cfg(any(loom, shuttle))]
        if control::is_planted(Mistake::LookThenJoin) && self.place.is_none() {
            if let Take::Message(message) = channel.try_take() {
                return Poll::Ready(Ok(message));
            }
            channel.with(|state, _| state.wait_to_receive(&mut self.place, ticket));
            return Poll::Pending;
        }
        if self.place.is_none() {
            if !channel.may_receive() {
                ticket.spin(|| channel.may_receive());
            }
            let taken = |message| Poll::Ready(Ok(message));
            return channel.take_or(taken, |state, wakes| {
                self.poll_locked(state, wakes, ticket).0
            });
        }
        let (poll, _waker) = channel.with(|state, wakes| self.poll_locked(state, wakes, ticket));
        poll
    }

    #[inline]
    pub(crate) fn look<T>(
        &mut self,
        channel: &Shared<T>,
        ticket: &Ticket<'_>,
    ) -> Poll<Result<T, Closed>> {
        if self.place.is_some() {
            return self.poll(channel, ticket);
        }
        match channel.try_take() {
            Take::Message(message) => Poll::Ready(Ok(message)),
            Take::Closed => Poll::Ready(Err(Closed)),
            Take::Empty => Poll::Pending,
        }
    }

    /// What is to be dropped after the lock comes out beside the answer.
    fn poll_locked<T>(
        &mut self,
        state: &mut State<T>,
        wakes: &mut Wakes,
        ticket: &Ticket<'_>,
    ) -> (Poll<Result<T, Closed>>, Option<Waker>) {
        if let Some(place) = self.place.take_if(|place| state.receive_is_settled(place)) {
            let left = state.stop_receiving(place);
            let done = left.given.unwrap_or(Err(()));
            let done = done.map(|(_, message)| message).map_err(|()| Closed);
            return (Poll::Ready(done), left.waker);
        }
        let done = match state.take(Some(ticket), wakes) {
            Take::Message(message) => Ok(message),
            Take::Closed => Err(Closed),
            Take::Empty => {
                return (
                    Poll::Pending,
                    state.wait_to_receive(&mut self.place, ticket),
                );
            }
        };
        let left = self.place.take().map(|place| state.stop_receiving(place));
        (Poll::Ready(done), left.and_then(|left| left.waker))
    }

    /// Leaves the line, with what was given.
    pub(crate) fn leave<T>(&mut self, channel: &Shared<T>) -> Option<Result<T, Closed>> {
        let place = self.place.take()?;
        let left = channel.with(|state, _| state.stop_receiving(place));
        let done = left.given?;
        Some(done.map(|(_, message)| message).map_err(|()| Closed))
    }

    /// Leaves the line; a message that was given goes back to where it came from.
    #[inline]
    pub(crate) fn give_back<T>(&mut self, channel: &Shared<T>) {
        if let Some(place) = self.place.take() {
            Self::give_back_from(place, channel);
        }
    }

    #[inline(never)]
    fn give_back_from<T>(place: Place, channel: &Shared<T>) {
        let _waker = channel.with(|state, _| {
            let left = state.stop_receiving(place);
            #[cfg(any(loom, shuttle))]
            if control::is_planted(Mistake::KeepGiven) {
                return left.waker;
            }
            if let Some(Ok((number, message))) = left.given {
                state.give_back(number, message);
            }
            left.waker
        });
    }
}
