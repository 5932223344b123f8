//! Every message to every receiver.

mod ring;

use super::readers::Shell;
use crate::{
    error::{Closed, TryRecvError, Unsent},
    ops::{Reading, Reads},
    sync::Arc,
};
use anabranch_core_cancel::{Ticket, queue::Place};
use ring::Ring;
use std::{fmt, num::NonZeroUsize, task::Poll};

/// Every message to every receiver, in one order that is the same for all of them.
///
/// The channel keeps up to `capacity` messages that somebody has still to receive. A sender never
/// waits: when there is no room it pushes out the oldest, and a receiver that had not got that far
/// is told exactly how many it missed, in their place. So a slow receiver costs nobody else
/// anything. Where it should hold up the sender instead, give each receiver a
/// [`bounded`](super::bounded) channel of its own; where only the latest counts, use a
/// [`watch`](super::watch()).
///
/// ```
/// use anabranch_select::{Closed, channel::{self, Heard}};
///
/// let (tx, mut slow) = channel::broadcast(2);
/// let mut late = tx.subscribe(); // hears what is sent from now on
/// for n in 1..=3 {
///     tx.send(n)?;
///     assert_eq!(late.recv().wait()?.message().as_deref(), Some(&n));
/// }
/// drop(tx);
/// assert_eq!(slow.recv().wait(), Ok(Heard::Lagged(1)));
/// assert_eq!(slow.recv().wait(), Ok(Heard::Message(2.into())));
/// assert_eq!(slow.recv().wait(), Ok(Heard::Message(3.into())));
/// assert_eq!(slow.recv().wait(), Err(Closed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// When the capacity is zero.
#[track_caller]
pub fn broadcast<T>(capacity: usize) -> (BroadcastSender<T>, BroadcastReceiver<T>) {
    let capacity = NonZeroUsize::new(capacity).expect("a broadcast keeps at least one message");
    let shell = Arc::new(Shell::new(Ring::new(capacity)));
    let receiver = BroadcastReceiver {
        shell: shell.clone(),
        seen: 0,
    };
    (BroadcastSender { shell }, receiver)
}

/// What a receiver of a [`broadcast`] finds at its place in the order of messages.
///
/// Lagging behind is no error: what was missed lies before the messages that follow, and a loop
/// that receives until [`Closed`] goes on.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<T> {
    /// A message. All receivers share it; [`Arc::unwrap_or_clone`] makes it one's own, without a
    /// copy for the last who receives it.
    Message(Arc<T>),
    /// So many messages were pushed out before this receiver got to them.
    Lagged(u64),
}

impl<T> Heard<T> {
    /// The message, if it is one.
    pub fn message(self) -> Option<Arc<T>> {
        match self {
            Self::Message(message) => Some(message),
            Self::Lagged(_) => None,
        }
    }
}

impl<T> Clone for Heard<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Message(message) => Self::Message(message.clone()),
            Self::Lagged(missed) => Self::Lagged(*missed),
        }
    }
}

/// The end of a [`broadcast`] that sends. Clones send into the same channel.
///
/// The channel closes when the last sender is dropped, or by [`close`](Self::close). What was sent
/// before is still received.
pub struct BroadcastSender<T> {
    shell: Arc<Shell<Ring<T>>>,
}

impl<T> BroadcastSender<T> {
    /// Sends to all who have subscribed so far; yields how many they are. Never waits.
    ///
    /// Each of them will receive the message or count it in a [`Heard::Lagged`], whatever is sent or
    /// closed afterwards, unless it is dropped before it gets there.
    ///
    /// # Errors
    /// [`Unsent`] with the message when there is no receiver or the channel is closed.
    ///
    /// # Cost
    /// An allocation and a lock, and a wake for each receiver that waits.
    pub fn send(&self, message: T) -> Result<usize, Unsent<T>> {
        let message = Arc::new(message);
        let done = self.shell.with(|state| {
            if state.is_closed() || state.readers == 0 {
                return Err(message);
            }
            let readers = state.readers;
            Ok((readers, state.rule.push(message, readers)))
        });
        // What was pushed out is dropped here, after the lock.
        done.map(|(readers, _pushed_out)| readers)
            .map_err(|message| Unsent(Arc::into_inner(message).expect("nobody else has seen it")))
    }

    /// One more receiver, of all that is sent from now on.
    pub fn subscribe(&self) -> BroadcastReceiver<T> {
        BroadcastReceiver::subscribed(&self.shell)
    }

    /// Closes the channel: no more messages, from any sender. `false` when it was closed already.
    pub fn close(&self) -> bool {
        self.shell.with(|state| state.close())
    }

    /// Whether the channel is closed: `true` is final.
    pub fn is_closed(&self) -> bool {
        self.shell.is_closed()
    }

    /// Messages that are kept because somebody has still to receive them: a snapshot.
    pub fn len(&self) -> usize {
        self.shell.look(|state| state.rule.len())
    }

    /// Whether everybody has received everything: a snapshot.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Receiver handles: a snapshot.
    pub fn receivers(&self) -> usize {
        self.shell.look(|state| state.readers)
    }

    /// Receivers that wait for a message: a snapshot.
    pub fn waiting(&self) -> usize {
        self.shell.waiting()
    }
}

impl<T> Clone for BroadcastSender<T> {
    fn clone(&self) -> Self {
        self.shell.senders.add();
        Self {
            shell: self.shell.clone(),
        }
    }
}

impl<T> Drop for BroadcastSender<T> {
    fn drop(&mut self) {
        self.shell.drop_sender();
    }
}

impl<T> fmt::Debug for BroadcastSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BroadcastSender")
    }
}

/// The end of a [`broadcast`] that receives every message sent since it subscribed.
pub struct BroadcastReceiver<T> {
    shell: Arc<Shell<Ring<T>>>,
    /// The number of the next message.
    seen: u64,
}

impl<T> BroadcastReceiver<T> {
    fn subscribed(shell: &Arc<Shell<Ring<T>>>) -> Self {
        Self {
            seen: shell.subscribe(),
            shell: shell.clone(),
        }
    }

    /// The next message, or how many were missed before it: an operation.
    ///
    /// # Fairness
    /// All receivers get the same messages in the same order; those who wait are woken in the order
    /// in which they came.
    ///
    /// # Cancel safety
    /// Dropped before it finishes, it has received nothing.
    ///
    /// # Errors
    /// [`Closed`] once the channel is closed and everything sent before has been received.
    pub fn recv(&mut self) -> Reading<'_, Self> {
        Reading::new(self)
    }

    /// Receives a message if there is one now.
    ///
    /// # Errors
    /// `Empty`, or `Closed` once the channel is closed and everything sent before has been
    /// received.
    pub fn try_recv(&mut self) -> Result<Heard<T>, TryRecvError> {
        match self.try_read() {
            Poll::Ready(Ok(heard)) => Ok(heard),
            Poll::Ready(Err(Closed)) => Err(TryRecvError::Closed),
            Poll::Pending => Err(TryRecvError::Empty),
        }
    }

    /// One more receiver, of all that is sent from now on: not what this one has still to receive.
    pub fn subscribe(&self) -> Self {
        Self::subscribed(&self.shell)
    }

    /// Messages sent that this receiver has not received, those it has missed included: a snapshot.
    pub fn behind(&self) -> u64 {
        self.shell.look(|state| state.rule.sent() - self.seen)
    }

    /// Whether the channel is closed, though messages may be left: `true` is final.
    pub fn is_closed(&self) -> bool {
        self.shell.is_closed()
    }
}

impl<T> Reads for BroadcastReceiver<T> {
    type News = Heard<T>;

    fn poll_read(
        &mut self,
        place: &mut Option<Place>,
        ticket: &Ticket<'_>,
    ) -> Poll<Result<Heard<T>, Closed>> {
        self.shell.poll_read(&mut self.seen, place, ticket)
    }

    fn try_read(&mut self) -> Poll<Result<Heard<T>, Closed>> {
        self.shell.try_read(&mut self.seen)
    }

    fn leave(&self, place: Place) {
        self.shell.leave(place);
    }
}

impl<T> Drop for BroadcastReceiver<T> {
    fn drop(&mut self) {
        // What nobody else has to receive is dropped after the lock.
        let _unheard = self.shell.with(|state| {
            state.readers -= 1;
            state.rule.forget(self.seen)
        });
    }
}

impl<T> fmt::Debug for BroadcastReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BroadcastReceiver")
    }
}
