//! The end that receives.

use super::{ChannelStats, IntoIter, Iter, Shared, Take, TryIter};
use crate::{
    error::TryRecvError,
    ops::{Recv, RecvMany},
    sync::Arc,
};
use std::fmt;

/// The end of a channel that receives. Clones receive from the same channel: each message goes to
/// one of them.
///
/// A receiver is not itself a `Stream`: `stream` and `into_stream` make one (feature `stream`).
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Receiver<T> {
    /// For the one that is counted already.
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Shared<T> {
        &self.shared
    }

    /// Receives the next message, waiting while there is none.
    ///
    /// An operation: nothing is received until `.wait()` (blocks the thread) or `.await` (suspends
    /// the task).
    ///
    /// # Fairness
    /// First come, first served, threads and tasks in one line; messages in the order in which they
    /// were sent. A thread may look for a message for a moment, some ten microseconds, before it takes
    /// its place in line.
    ///
    /// # Cancel safety
    /// Dropped before it finishes, it has received nothing: a message that was given to it and not
    /// yet looked at goes to the next who waits, or back to the head of the channel.
    ///
    /// # Errors
    /// [`Closed`](crate::Closed) once the channel is closed and every message has been received: not
    /// while another receive has been given one and has not looked yet, for it may come back.
    pub fn recv(&self) -> Recv<'_, T> {
        Recv::new(&self.shared)
    }

    /// Receives all messages that are there, but at least one and at most `most`, at the end of
    /// `into`; yields how many. An operation.
    ///
    /// ```
    /// use anabranch_select::channel;
    ///
    /// let (tx, rx) = channel::unbounded();
    /// tx.send_all(0..5).wait()?;
    /// let mut batch = Vec::new();
    /// assert_eq!(rx.recv_many(&mut batch, 3).wait(), Ok(3));
    /// assert_eq!(batch, [0, 1, 2]);
    /// # Ok::<(), anabranch_select::Unsent<anabranch_select::ops::Rest<i32, std::ops::Range<i32>>>>(())
    /// ```
    ///
    /// # Cancel safety
    /// As [`recv`](Self::recv): dropped before it finishes, it has received nothing.
    ///
    /// # Errors
    /// [`Closed`](crate::Closed) once the channel is closed and every message has been received. A
    /// `most` of zero yields `Ok(0)` at once.
    pub fn recv_many<'a>(&'a self, into: &'a mut Vec<T>, most: usize) -> RecvMany<'a, T> {
        RecvMany::new(&self.shared, into, most)
    }

    /// Receives a message if there is one now.
    ///
    /// # Errors
    /// `Empty`, or `Closed` once the channel is closed and every message has been received.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        match self.shared.try_take() {
            Take::Message(message) => Ok(message),
            Take::Empty => Err(TryRecvError::Empty),
            Take::Closed => Err(TryRecvError::Closed),
        }
    }

    /// Every message until the channel is closed. Blocks the thread while there is none.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(self)
    }

    /// Every message that is there now; never waits.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter::new(self)
    }

    /// Closes the channel: no more messages. Those in the buffer are still received; senders that
    /// wait get theirs back. `false` when it was closed already.
    pub fn close(&self) -> bool {
        self.shared.close()
    }

    /// Whether the channel is closed, though messages may be left: `true` is final, `false` may be
    /// stale on return.
    pub fn is_closed(&self) -> bool {
        self.shared.read(|state| state.is_closed())
    }

    /// Messages sent and not yet received: a snapshot.
    pub fn len(&self) -> usize {
        self.shared.read(|state| state.len())
    }

    /// Whether there is no message to receive: a snapshot.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages the buffer holds; `None` when there is no limit.
    pub fn capacity(&self) -> Option<usize> {
        ChannelStats::capacity_of(self.shared.read(|state| state.capacity()))
    }

    /// What goes on in the channel: a snapshot.
    pub fn stats(&self) -> ChannelStats {
        ChannelStats::of(&self.shared)
    }

    /// Whether both receive from one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

#[cfg(feature = "stream")]
impl<T> Receiver<T> {
    /// Every message until the channel is closed, as a stream (feature `stream`).
    pub fn stream(&self) -> super::Stream<'_, T> {
        super::Stream::new(self)
    }

    /// As [`stream`](Self::stream), with the receiver inside.
    pub fn into_stream(self) -> super::IntoStream<T> {
        super::IntoStream::new(self)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.receivers.add();
        Self::new(self.shared.clone())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if self.shared.receivers.remove() {
            self.shared.abandon();
        }
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter::new(self)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&self.stats()).finish()
    }
}
