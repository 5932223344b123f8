//! tokio's channels come in, and ours go out as tokio's.

use crate::{
    Receiver,
    error::{Closed, RecvError},
    task::select,
};
use ::tokio::{runtime::Handle, sync::mpsc};
use anabranch_core_cancel::{Cancelled, Operation, Ticket, operation};
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// A tokio receiver whose `recv` is an operation of ours: it can be waited for by threads too, with a
/// token or a timeout, and stand in a `select!`.
///
/// ```
/// use anabranch_select::{interop::tokio::Incoming, thread::select};
///
/// let (tx, rx) = tokio::sync::mpsc::channel(1);
/// tx.try_send("hello")?;
/// drop(tx);
/// let mut incoming = Incoming::from(rx);
/// let heard = select! { got = incoming.recv() => got }; // in a thread: no runtime needed
/// assert_eq!(heard, Ok("hello"));
/// assert!(incoming.recv().wait().is_err());
/// # Ok::<(), tokio::sync::mpsc::error::TrySendError<&str>>(())
/// ```
///
/// # Cost
/// None but tokio's own: neither a thread nor a task stands in between.
///
/// # What is lost
/// Nothing: a message leaves tokio's channel at the moment in which the operation yields it. As an
/// arm that lost, it has taken none.
pub struct Incoming<T> {
    receiver: Theirs<T>,
}

enum Theirs<T> {
    Bounded(mpsc::Receiver<T>),
    Unbounded(mpsc::UnboundedReceiver<T>),
}

impl<T> Incoming<T> {
    /// The next message, waiting while there is none: an operation.
    ///
    /// # Cancel safety
    /// Dropped before it finishes, it has received nothing.
    ///
    /// # Errors
    /// [`Closed`] once tokio's channel is closed and every message has been received.
    pub fn recv(&mut self) -> Recv<'_, T> {
        Recv { incoming: self }
    }

    /// Closes tokio's channel: no more messages. Those in its buffer are still received.
    pub fn close(&mut self) {
        match &mut self.receiver {
            Theirs::Bounded(receiver) => receiver.close(),
            Theirs::Unbounded(receiver) => receiver.close(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Closed>> {
        let poll = match &mut self.receiver {
            Theirs::Bounded(receiver) => receiver.poll_recv(cx),
            Theirs::Unbounded(receiver) => receiver.poll_recv(cx),
        };
        poll.map(|message| message.ok_or(Closed))
    }
}

impl<T> From<mpsc::Receiver<T>> for Incoming<T> {
    fn from(receiver: mpsc::Receiver<T>) -> Self {
        let receiver = Theirs::Bounded(receiver);
        Self { receiver }
    }
}

impl<T> From<mpsc::UnboundedReceiver<T>> for Incoming<T> {
    fn from(receiver: mpsc::UnboundedReceiver<T>) -> Self {
        let receiver = Theirs::Unbounded(receiver);
        Self { receiver }
    }
}

impl<T> fmt::Debug for Incoming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Incoming")
    }
}

/// The next message from tokio's side. Made by [`Incoming::recv`].
#[derive(Debug)]
#[must_use = "operations do nothing unless waited for"]
pub struct Recv<'a, T> {
    incoming: &'a mut Incoming<T>,
}

impl<T> Operation for Recv<'_, T> {
    type Bounded = Result<T, RecvError>;

    fn bound(&self, done: Result<T, Closed>) -> Self::Bounded {
        done.map_err(RecvError::Closed)
    }

    fn end(self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        Err(why.into())
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Result<T, Closed>> {
        self.incoming.poll(&mut Context::from_waker(ticket.waker()))
    }
}

operation! { ['a, T] Recv<'a, T> => Result<T, Closed> }

/// A receiver of ours as one of tokio's, for code that takes nothing else. Where a `Stream` will do,
/// [`Receiver::into_stream`] costs nothing.
///
/// A task on the current runtime carries the messages over. It makes room on tokio's side first and
/// takes a message only then, so it never holds one. It ends by itself when either side has ended:
/// when our channel is closed and empty, or the receiver that this yields is closed or dropped, and
/// then what is in our channel stays there for other receivers. Nobody need join it, and nobody
/// can: dropping a receiver does not wait for tasks.
///
/// ```
/// use anabranch_select::{channel, interop::tokio::outgoing};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (tx, rx) = channel::unbounded();
/// tx.try_send("hello").unwrap();
/// drop(tx);
/// let mut theirs = outgoing(rx, 16);
/// assert_eq!(theirs.recv().await, Some("hello"));
/// assert_eq!(theirs.recv().await, None);
/// # }
/// ```
///
/// # What is lost
/// What is in tokio's buffer when its receiver is dropped: up to `capacity` messages, as with any
/// channel of tokio's.
///
/// # Panics
/// When the capacity is zero, and outside a tokio runtime.
#[track_caller]
pub fn outgoing<T: Send + 'static>(ours: Receiver<T>, capacity: usize) -> mpsc::Receiver<T> {
    let (sender, theirs) = mpsc::channel(capacity);
    // The handle is for whoever wants to wait for the task, which ends with either side.
    let _detached = Handle::current().spawn(carry_out(ours, sender));
    theirs
}

/// Until either side has ended.
async fn carry_out<T: Send>(ours: Receiver<T>, sender: mpsc::Sender<T>) {
    while let Ok(room) = sender.reserve().await {
        select! {
            message = ours.recv() => match message {
                Ok(message) => room.send(message),
                Err(Closed) => return,
            },
            _ = sender.closed() => return,
        }
    }
}
