//! One message, once.

use super::readers::{Rule, Shell, State};
use crate::{
    error::{Closed, RecvError, TryRecvError, Unsent},
    sync::Arc,
};
use anabranch_core_cancel::{Cancelled, Operation, Ticket, operation, queue::Place};
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
/// One allocation; a lock to send and one to receive, and no other for whoever goes away when that is
/// done.
pub fn oneshot<T>() -> (OneshotSender<T>, OneshotReceiver<T>) {
    let once = Once {
        message: None,
        sent: 0,
    };
    let shell = Arc::new(Shell::new(once));
    let receiver = OneshotReceiver {
        shell: shell.clone(),
        seen: 0,
        place: None,
    };
    (OneshotSender { shell }, receiver)
}

/// The rule: a message, and how many were sent. The receiver in line is told of it; the message stays
/// here until it looks, or is gone.
struct Once<T> {
    message: Option<T>,
    sent: u64,
}

impl<T> Rule for Once<T> {
    type News = T;

    fn end(&self) -> u64 {
        self.sent
    }

    fn read(&mut self, seen: &mut u64) -> Option<T> {
        *seen = self.sent;
        self.message.take()
    }
}

/// The end of a [`oneshot`] that sends. Dropped without having sent, it ends the receiver's wait
/// with [`Closed`].
pub struct OneshotSender<T> {
    shell: Arc<Shell<Once<T>>>,
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
        self.shell.with(|state| {
            if !state.close() {
                return Err(Unsent(message));
            }
            state.rule.message = Some(message);
            state.rule.sent = 1;
            Ok(())
        })
    }

    /// Whether the receiver is gone or has closed the channel, so that the work for the message is
    /// for nothing: `true` is final. One load.
    pub fn is_closed(&self) -> bool {
        self.shell.is_closed()
    }
}

impl<T> Drop for OneshotSender<T> {
    fn drop(&mut self) {
        if !self.shell.is_closed() {
            self.shell.with(State::close);
        }
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
    shell: Arc<Shell<Once<T>>>,
    seen: u64,
    place: Option<Place>,
}

impl<T> OneshotReceiver<T> {
    /// Receives the message if it is there now.
    ///
    /// # Errors
    /// `Empty`, or `Closed` when there will be none, or there was one before.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.shell.try_read(&mut self.seen) {
            Poll::Ready(done) => done.map_err(|Closed| TryRecvError::Closed),
            Poll::Pending => Err(TryRecvError::Empty),
        }
    }

    /// Refuses the message from now on. One that was sent before is still received. `false` when
    /// the channel was closed already.
    pub fn close(&mut self) -> bool {
        self.shell.with(State::close)
    }

    /// Whether nothing will be sent any more, though the message may be there: `true` is final. One
    /// load.
    pub fn is_closed(&self) -> bool {
        self.shell.is_closed()
    }
}

// A message is moved out, never pinned.
impl<T> Unpin for OneshotReceiver<T> {}

impl<T> Operation for OneshotReceiver<T> {
    type Bounded = Result<T, RecvError>;

    fn bound(&self, done: Result<T, Closed>) -> Self::Bounded {
        done.map_err(RecvError::Closed)
    }

    /// The receiver may go with this: what came while it waited is not left to go with it.
    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        if let Some(place) = self.place.take() {
            self.shell.leave(place);
            let Self { shell, seen, .. } = &mut *self;
            if let Poll::Ready(done) = shell.try_read(seen) {
                return done.map_err(RecvError::Closed);
            }
        }
        Err(why.into())
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<T, Closed>> {
        let Self { shell, seen, place } = &mut *self;
        shell.poll_read(seen, place, ticket)
    }

    fn look_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<T, Closed>> {
        if self.place.is_some() {
            return self.poll_arm(ticket);
        }
        let Self { shell, seen, .. } = &mut *self;
        shell.try_read(seen)
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Result<T, Closed>> {
        if let Some(place) = self.place.take() {
            self.shell.leave(place);
        }
        None
    }
}

operation! { [T] OneshotReceiver<T> => Result<T, Closed> }

impl<T> Drop for OneshotReceiver<T> {
    fn drop(&mut self) {
        let place = self.place.take();
        if place.is_none() && self.seen > 0 {
            return; // It has the message, and the channel is closed.
        }
        // What was not received is dropped after the lock.
        let _unreceived = self.shell.with(|state| {
            state.close();
            let left = place.map(|place| state.leave(place));
            (state.rule.message.take(), left)
        });
    }
}

impl<T> fmt::Debug for OneshotReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneshotReceiver")
    }
}
