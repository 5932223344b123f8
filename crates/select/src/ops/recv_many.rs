//! Receives what is there.

use super::Receiving;
use crate::{
    channel::{Shared, Take},
    error::{Closed, RecvError},
};
use anabranch_core_cancel::{Cancelled, Operation, Ticket, operation};
use std::{fmt, pin::Pin, task::Poll};

/// Receives all that is there, but at least one message and at most so many. Made by
/// [`Receiver::recv_many`](crate::Receiver::recv_many).
#[must_use = "operations do nothing unless waited for"]
pub struct RecvMany<'a, T> {
    channel: &'a Shared<T>,
    receiving: Receiving,
    into: &'a mut Vec<T>,
    most: usize,
}

impl<'a, T> RecvMany<'a, T> {
    pub(crate) fn new(channel: &'a Shared<T>, into: &'a mut Vec<T>, most: usize) -> Self {
        Self {
            channel,
            receiving: Receiving::default(),
            into,
            most,
        }
    }

    /// The first message has come: takes the others that are there.
    fn finish(&mut self, first: Result<T, Closed>) -> Result<usize, Closed> {
        let Self {
            channel,
            into,
            most,
            ..
        } = self;
        let before = into.len();
        into.push(first?);
        if *most > 1 && channel.may_receive() {
            // Room is made before the lock; what comes meanwhile is left for the next call.
            into.reserve(channel.read(|state| state.len()).min(*most - 1));
            let room = (into.capacity() - into.len()).min(*most - 1);
            channel.with(|state, wakes| {
                for _ in 0..room {
                    let Take::Message(message) = state.take(None, wakes) else {
                        break;
                    };
                    into.push(message);
                }
            });
        }
        Ok(into.len() - before)
    }
}

impl<T> Operation for RecvMany<'_, T> {
    type Bounded = Result<usize, RecvError>;

    fn bound(&self, done: Result<usize, Closed>) -> Self::Bounded {
        done.map_err(RecvError::Closed)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        match self.as_mut().withdraw() {
            Some(done) => done.map_err(RecvError::Closed),
            None => Err(why.into()),
        }
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<usize, Closed>> {
        if self.most == 0 {
            return Poll::Ready(Ok(0));
        }
        let channel = self.channel;
        self.receiving
            .poll(channel, ticket)
            .map(|first| self.finish(first))
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Result<usize, Closed>> {
        let channel = self.channel;
        let first = self.receiving.leave(channel)?;
        Some(self.finish(first))
    }
}

operation! { ['a, T] RecvMany<'a, T> => Result<usize, Closed> }

impl<T> Drop for RecvMany<'_, T> {
    fn drop(&mut self) {
        self.receiving.give_back(self.channel);
    }
}

impl<T> fmt::Debug for RecvMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvMany")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}
