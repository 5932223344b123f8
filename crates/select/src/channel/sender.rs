//! The end that sends.

use super::{ChannelStats, Offer, Shared};
use crate::{
    error::TrySendError,
    ops::{Send, SendAll, SendFrom},
    sync::Arc,
};
use std::{fmt, sync};

/// The end of a channel that sends. Clones send into the same channel.
///
/// The channel closes when the last sender is dropped, when the last receiver is, or by
/// [`close`](Self::close). After that no message is accepted; those in the buffer are still
/// received, unless no receiver is left: then they are dropped.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// For the one that is counted already.
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
    }

    /// Sends a message, waiting while there is no room for it.
    ///
    /// An operation: nothing is sent until `.wait()` (blocks the thread) or `.await` (suspends the
    /// task).
    ///
    /// # Fairness
    /// First come, first served, threads and tasks in one line. A thread may look for room for a
    /// moment, some ten microseconds, before it takes its place in it.
    ///
    /// # Cancel safety
    /// Dropped before it finishes, it has sent nothing, holds no place in line, and drops the
    /// message with itself. Ended early by `with_cancel` or `timeout` it gives the message back in
    /// the error. To keep the message whatever happens: [`send_from`](Self::send_from).
    ///
    /// # Errors
    /// [`Unsent`](crate::Unsent) with the message when the channel is closed, before or while it
    /// waits.
    pub fn send(&self, message: T) -> Send<'_, T> {
        Send::new(&self.shared, message)
    }

    /// Sends the message in `slot`, waiting while there is no room for it; the slot is empty
    /// afterwards. An operation.
    ///
    /// For an arm of a select, and for messages that must outlive a lost wait: unless it is sent,
    /// the message is back in the slot.
    ///
    /// ```
    /// use anabranch_select::channel;
    /// use std::time::Duration;
    ///
    /// let (tx, rx) = channel::bounded(1);
    /// let mut pending = Some("first");
    /// tx.send_from(&mut pending).wait()?;
    /// assert_eq!(pending, None);
    /// pending = Some("second");
    /// assert!(tx.send_from(&mut pending).timeout(Duration::ZERO).wait().is_err());
    /// assert_eq!(pending, Some("second"));
    /// # assert_eq!(rx.recv().wait(), Ok("first"));
    /// # Ok::<(), anabranch_select::Closed>(())
    /// ```
    ///
    /// # Cancel safety
    /// Dropped or ended before it finishes, it leaves the message in the slot. (While it waits the
    /// message is in the channel's line: an operation that is leaked takes it along.)
    ///
    /// # Errors
    /// [`Closed`](crate::Closed) when the channel is closed; the message stays in the slot.
    ///
    /// # Panics
    /// When the slot is empty.
    #[track_caller]
    pub fn send_from<'a>(&'a self, slot: &'a mut Option<T>) -> SendFrom<'a, T> {
        assert!(slot.is_some(), "send_from: the slot is empty");
        SendFrom::new(&self.shared, slot)
    }

    /// Sends every item, in order, waiting while there is no room. An operation.
    ///
    /// Takes the channel's lock once for many messages. Messages of other senders may come between
    /// them. Not for an arm of a select: what has been sent when another arm is chosen stays sent.
    ///
    /// ```
    /// use anabranch_select::channel;
    ///
    /// let (tx, rx) = channel::bounded(2);
    /// rx.close();
    /// let unsent = tx.send_all([1, 2, 3]).wait().unwrap_err().into_inner();
    /// assert_eq!(unsent.collect::<Vec<_>>(), [1, 2, 3]);
    /// ```
    ///
    /// # Cancel safety
    /// Dropped before it finishes, what was sent is sent, and the rest is dropped with it. Ended
    /// early by `with_cancel` or `timeout` it gives the rest back in the error.
    ///
    /// # Errors
    /// [`Unsent`](crate::Unsent) with the rest, an iterator, when the channel is closed.
    pub fn send_all<I>(&self, messages: I) -> SendAll<'_, T, I::IntoIter>
    where
        I: IntoIterator<Item = T>,
    {
        SendAll::new(&self.shared, messages.into_iter())
    }

    /// Sends a message if there is room for it now, or without a buffer a receiver that waits.
    ///
    /// # Errors
    /// `Full` or `Closed`, with the message.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let mut message = Some(message);
        let offer = self.shared.try_offer(&mut message);
        match (offer, message) {
            (Offer::Full, Some(message)) => Err(TrySendError::Full(message)),
            (Offer::Closed, Some(message)) => Err(TrySendError::Closed(message)),
            _ => Ok(()),
        }
    }

    /// Closes the channel: no more messages, from any sender. Messages in the buffer are still
    /// received. Senders that wait get their messages back. `false` when it was closed already.
    pub fn close(&self) -> bool {
        self.shared.close()
    }

    /// Whether the channel is closed: `true` is final, `false` may be stale on return.
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

    /// A handle that does not keep the channel open.
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender {
            shared: Arc::downgrade(&self.shared),
        }
    }

    /// Whether both send into one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.senders.add();
        Self::new(self.shared.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.shared.senders.remove() {
            self.shared.close();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&self.stats()).finish()
    }
}

/// A sender that does not keep the channel open. Made by [`Sender::downgrade`].
pub struct WeakSender<T> {
    shared: sync::Weak<Shared<T>>,
}

impl<T> WeakSender<T> {
    /// A sender, unless all others have gone.
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let shared = self.shared.upgrade()?;
        shared.senders.add_if_any().then(|| Sender::new(shared))
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakSender")
    }
}
