//! A receiver as an iterator.

use super::Receiver;
use std::iter::FusedIterator;

/// Every message until the channel is closed. Made by [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
}

impl<'a, T> Iter<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>) -> Self {
        Self { receiver }
    }
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    /// Blocks the thread while there is no message.
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().wait().ok()
    }
}

// A channel that is closed and empty stays so.
impl<T> FusedIterator for Iter<'_, T> {}

/// Every message that is there now. Made by [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T> {
    receiver: &'a Receiver<T>,
}

impl<'a, T> TryIter<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>) -> Self {
        Self { receiver }
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

/// Every message until the channel is closed, with the receiver inside. Made by
/// [`Receiver::into_iter`](IntoIterator::into_iter).
#[derive(Debug)]
pub struct IntoIter<T> {
    receiver: Receiver<T>,
}

impl<T> IntoIter<T> {
    pub(super) fn new(receiver: Receiver<T>) -> Self {
        Self { receiver }
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    /// Blocks the thread while there is no message.
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().wait().ok()
    }
}

impl<T> FusedIterator for IntoIter<T> {}
