//! Somebody else's receiver as one of ours, through a thread.

use super::forward::Forwarder;
use crate::{
    CancelToken,
    channel::{self, Receiver, Sender},
};
use std::{fmt, ops::Deref};

/// A receiver of std's `mpsc`, or of crossbeam's (feature `crossbeam`), as one of ours: it can be waited
/// for by threads and tasks, with a token or a timeout, and stand in a `select!` or a
/// [`Mux`](crate::Mux).
///
/// ```
/// use anabranch_select::{interop::Incoming, thread::select};
/// use std::sync::mpsc;
///
/// let (tx, rx) = mpsc::channel(); // or a crossbeam channel
/// tx.send("hello")?;
/// drop(tx);
/// let incoming = Incoming::new(rx);
/// let heard = select! { got = incoming.recv() => got };
/// assert_eq!(heard, Ok("hello"));
/// assert!(incoming.recv().wait().is_err()); // closed, as theirs is
/// # Ok::<(), mpsc::SendError<&str>>(())
/// ```
///
/// # Cost
/// A thread, and a hand-over to it and from it for each message. With std's receiver that thread wakes
/// up 50 times a second while nothing comes, because nothing can interrupt its wait. Where the sending
/// side is yours, use a channel of ours instead.
///
/// # What is lost
/// The thread holds at most one message. [`stop`](Self::stop) gives it back with the receiver;
/// dropped, both are dropped. Both block until the thread has ended: at once with crossbeam, within
/// 20 ms with std.
pub struct Incoming<S: Source> {
    // Before the thread: when it is told to end, nobody waits for its messages any more.
    receiver: Receiver<S::Message>,
    forwarder: Forwarder<Carried<S>>,
}

/// Somebody else's receiver. For those of std and crossbeam; not for users to implement.
pub trait Source: Send + 'static {
    /// What it receives.
    type Message: Send + 'static;

    /// The next message; `None` at the end, or when told to stop.
    #[doc(hidden)]
    fn next(&mut self, stop: &CancelToken) -> Option<Self::Message>;
}

/// What the thread ends with: the source, and the message that it held.
type Carried<S> = (S, Option<<S as Source>::Message>);

impl<S: Source> Incoming<S> {
    /// Starts the thread.
    ///
    /// # Panics
    /// When the operating system refuses the thread.
    #[track_caller]
    pub fn new(source: S) -> Self {
        let (sender, receiver) = channel::rendezvous();
        let carry = move |stop: &CancelToken| carry_in(source, &sender, stop);
        Self {
            receiver,
            forwarder: Forwarder::new("anabranch-incoming", carry),
        }
    }

    /// Ends the thread: the receiver, and the message that it held.
    pub fn stop(self) -> (S, Option<S::Message>) {
        self.forwarder.stop()
    }
}

/// Until either side has ended or somebody says stop; what could not be delivered comes back.
fn carry_in<S: Source>(
    mut source: S,
    sender: &Sender<S::Message>,
    stop: &CancelToken,
) -> Carried<S> {
    while let Some(message) = source.next(stop) {
        if let Err(unsent) = sender.send(message).with_cancel(stop).wait() {
            return (source, Some(unsent.into_inner()));
        }
    }
    (source, None)
}

impl<S: Source> Deref for Incoming<S> {
    type Target = Receiver<S::Message>;

    fn deref(&self) -> &Receiver<S::Message> {
        &self.receiver
    }
}

impl<S: Source> fmt::Debug for Incoming<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Incoming").field(&**self).finish()
    }
}
