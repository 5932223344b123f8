//! A receiver as a stream.

use super::Receiver;
use crate::ops::{Receiving, Recv};
use anabranch_core_cancel::Ticket;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// Every message until the channel is closed. Made by [`Receiver::stream`].
///
/// # Cancel safety
/// Dropped, it has taken only what it yielded.
pub struct Stream<'a, T> {
    recv: Recv<'a, T>,
}

impl<'a, T> Stream<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>) -> Self {
        Self {
            recv: receiver.recv(),
        }
    }
}

impl<T> futures_core::Stream for Stream<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // A receive that was done starts anew when it is polled again.
        Pin::new(&mut self.recv).poll(cx).map(Result::ok)
    }
}

impl<T> fmt::Debug for Stream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

/// Every message until the channel is closed, with the receiver inside. Made by
/// [`Receiver::into_stream`].
///
/// # Cancel safety
/// Dropped, it has taken only what it yielded.
pub struct IntoStream<T> {
    receiver: Receiver<T>,
    receiving: Receiving,
}

impl<T> IntoStream<T> {
    pub(super) fn new(receiver: Receiver<T>) -> Self {
        Self {
            receiver,
            receiving: Receiving::default(),
        }
    }

    /// The receiver again.
    pub fn receiver(&self) -> &Receiver<T> {
        &self.receiver
    }
}

impl<T> futures_core::Stream for IntoStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self {
            receiver,
            receiving,
        } = &mut *self;
        let poll = receiving.poll(receiver.shared(), &Ticket::task(cx.waker()));
        poll.map(Result::ok)
    }
}

impl<T> Drop for IntoStream<T> {
    fn drop(&mut self) {
        self.receiving.give_back(self.receiver.shared());
    }
}

impl<T> fmt::Debug for IntoStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoStream").field(&self.receiver).finish()
    }
}
