//! One message, once.

use super::{Receiver, Sender, bounded};
#[cfg(loom)]
use crate::control::{self, Mistake};
use crate::{
    error::{Closed, RecvError, TryRecvError, Unsent},
    ops::Receiving,
};
use anabranch_core_cancel::{Cancelled, Operation, Ticket, operation};
use std::{fmt, pin::Pin, task::Poll};

/// A channel for one message: a result, an answer. `send` never waits, and the receiver is itself
/// the operation that waits.
///
/// ```
/// use anabranch_select::{Closed, channel};
/// use std::thread;
///
/// let (tx, rx) = channel::oneshot();
/// let worker = thread::spawn(move || tx.send(6 * 7));
/// assert_eq!(rx.wait(), Ok(42)); // in a task: `rx.await`
/// assert_eq!(worker.join().unwrap(), Ok(()));
///
/// let (tx, rx) = channel::oneshot::<u32>();
/// drop(tx); // nobody will answer
/// assert_eq!(rx.wait(), Err(Closed));
/// ```
///
/// # Cost
/// A [`bounded`] channel of one message, and made of it: two allocations, of which the second, for
/// the message, is spared when the receiver waits already.
pub fn oneshot<T>() -> (OneshotSender<T>, OneshotReceiver<T>) {
    let (sender, receiver) = bounded(1);
    let receiver = OneshotReceiver {
        receiver,
        receiving: Receiving::default(),
    };
    (OneshotSender { sender }, receiver)
}

/// The end of a [`oneshot`] that sends. Dropped without having sent, it ends the receiver's wait
/// with [`Closed`].
pub struct OneshotSender<T> {
    sender: Sender<T>,
}

impl<T> OneshotSender<T> {
    /// Sends the message. Never waits.
    ///
    /// A message that was sent and that the receiver never takes is dropped with the receiver: the
    /// sender, which is gone by then, does not get it back.
    ///
    /// # Errors
    /// [`Unsent`] with the message when the receiver is gone, or has closed the channel.
    pub fn send(self, message: T) -> Result<(), Unsent<T>> {
        // One sender, which sends once: there is room.
        self.sender
            .try_send(message)
            .map_err(|unsent| Unsent(unsent.into_inner()))
    }

    /// Whether the receiver is gone or has closed the channel, so that the work for the message is
    /// for nothing: `true` is final.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl<T> fmt::Debug for OneshotSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneshotSender")
    }
}

/// The end of a [`oneshot`] that receives: an operation that yields the message, or [`Closed`] when
/// the sender went without one.
///
/// `&mut receiver` is an operation too, for a `select!` in a loop, or, through the trait
/// [`Wait`](crate::Wait), a wait with a limit that leaves the receiver for another try:
///
/// ```
/// use anabranch_select::{Wait, channel};
/// use std::time::Duration;
///
/// let (tx, mut rx) = channel::oneshot();
/// assert!((&mut rx).timeout(Duration::from_millis(1)).wait().is_err());
/// tx.send("late")?;
/// assert_eq!(rx.wait(), Ok("late"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Cancel safety
/// Waited for by `&mut` and dropped before it finishes, the wait has taken nothing: the message is
/// there for the next. The receiver itself takes the message along when it is dropped.
#[must_use = "operations do nothing unless waited for"]
pub struct OneshotReceiver<T> {
    receiver: Receiver<T>,
    receiving: Receiving,
}

impl<T> OneshotReceiver<T> {
    /// Receives the message if it is there now.
    ///
    /// # Errors
    /// `Empty`, or `Closed` when there will be none, or there was one before.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        #[cfg(loom)]
        if control::is_planted(Mistake::LookPastGiven) {
            return self.receiver.try_recv();
        }
        match self.receiving.leave(self.receiver.shared()) {
            Some(done) => done.map_err(|Closed| TryRecvError::Closed),
            None => self.receiver.try_recv(),
        }
    }

    /// Refuses the message from now on. One that was sent before is still received. `false` when
    /// the channel was closed already.
    pub fn close(&mut self) -> bool {
        self.receiver.close()
    }

    /// Whether nothing will be sent any more, though the message may be there: `true` is final.
    pub fn is_closed(&self) -> bool {
        self.receiver.is_closed()
    }
}

impl<T> Operation for OneshotReceiver<T> {
    type Bounded = Result<T, RecvError>;

    fn bound(&self, done: Result<T, Closed>) -> Self::Bounded {
        done.map_err(RecvError::Closed)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        match self.as_mut().withdraw() {
            Some(done) => done.map_err(RecvError::Closed),
            None => Err(why.into()),
        }
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<T, Closed>> {
        let Self {
            receiver,
            receiving,
        } = &mut *self;
        receiving.poll(receiver.shared(), ticket)
    }

    fn look_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<T, Closed>> {
        let Self {
            receiver,
            receiving,
        } = &mut *self;
        receiving.look(receiver.shared(), ticket)
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Result<T, Closed>> {
        let Self {
            receiver,
            receiving,
        } = &mut *self;
        receiving.leave(receiver.shared())
    }
}

operation! { [T] OneshotReceiver<T> => Result<T, Closed> }

impl<T> Drop for OneshotReceiver<T> {
    fn drop(&mut self) {
        // Back to the channel, which goes with its last receiver and drops it after the lock.
        self.receiving.give_back(self.receiver.shared());
    }
}

impl<T> fmt::Debug for OneshotReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneshotReceiver")
    }
}
