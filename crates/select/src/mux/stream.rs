//! A set as a stream.

use super::Mux;
use crate::error::Closed;
use anabranch_core_cancel::Ticket;
use std::{
    hash::Hash,
    pin::Pin,
    task::{Context, Poll},
};

// Nothing in it is pinned.
impl<K, T> Unpin for Mux<K, T> {}

/// What [`Mux::recv`] yields, one after the other (feature `stream`). The stream ends when no source
/// is left, and goes on when one is added.
impl<K: Clone + Eq + Hash, T> futures_core::Stream for Mux<K, T> {
    type Item = (K, Result<T, Closed>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(Some(&Ticket::task(cx.waker())))
    }
}
