//! crossbeam's channels come in, and ours go out as crossbeam's.

use super::{forward::Forwarder, incoming::Source};
use crate::{CancelToken, Receiver};
use crossbeam_channel as theirs;
use std::{fmt, ops::Deref};

impl<T: Send + 'static> Source for theirs::Receiver<T> {
    type Message = T;

    fn next(&mut self, stop: &CancelToken) -> Option<T> {
        let mut select = theirs::Select::new();
        let message = select.recv(self);
        select.recv(stop.done());
        let ready = select.select();
        if ready.index() == message {
            return ready.recv(self).ok();
        }
        // Completes the operation, as crossbeam demands: it yields that the token is cancelled.
        let _ended = ready.recv(stop.done());
        None
    }
}

/// A receiver of ours as one of crossbeam's, for its `select!` or for code that takes nothing else.
///
/// ```
/// use anabranch_select::{channel, interop::crossbeam::Outgoing};
///
/// let (tx, rx) = channel::bounded(1);
/// tx.send("hello").wait()?;
/// let outgoing = Outgoing::new(rx);
/// crossbeam_channel::select! {
///     recv(outgoing) -> got => assert_eq!(got, Ok("hello")),
/// }
/// # Ok::<(), anabranch_select::Unsent<&str>>(())
/// ```
///
/// # Cost
/// A thread, and a hand-over to it and from it for each message. The channel between has no buffer.
///
/// # What is lost
/// The thread holds at most one message. [`stop`](Self::stop) gives it back with the receiver;
/// dropped, both are dropped and clones of the crossbeam receiver are disconnected. Both block until
/// the thread has ended, which it does at once.
pub struct Outgoing<T: Send + 'static> {
    receiver: theirs::Receiver<T>,
    forwarder: Forwarder<(Receiver<T>, Option<T>)>,
}

impl<T: Send + 'static> Outgoing<T> {
    /// Starts the thread.
    ///
    /// # Panics
    /// When the operating system refuses the thread.
    #[track_caller]
    pub fn new(ours: Receiver<T>) -> Self {
        let (sender, receiver) = theirs::bounded(0);
        let carry = move |stop: &CancelToken| {
            let held = carry_out(&ours, &sender, stop);
            (ours, held)
        };
        Self {
            receiver,
            forwarder: Forwarder::new("anabranch-outgoing", carry),
        }
    }

    /// Ends the thread: the receiver, and the message that it held.
    pub fn stop(self) -> (Receiver<T>, Option<T>) {
        self.forwarder.stop()
    }
}

/// Until either side has ended or somebody says stop; what could not be delivered comes back.
fn carry_out<T>(ours: &Receiver<T>, sender: &theirs::Sender<T>, stop: &CancelToken) -> Option<T> {
    while let Ok(message) = ours.recv().with_cancel(stop).wait() {
        let mut select = theirs::Select::new();
        let room = select.send(sender);
        select.recv(stop.done());
        let ready = select.select();
        if ready.index() == room {
            if let Err(theirs::SendError(unsent)) = ready.send(sender, message) {
                return Some(unsent);
            }
        } else {
            let _ended = ready.recv(stop.done());
            return Some(message);
        }
    }
    None
}

impl<T: Send + 'static> Deref for Outgoing<T> {
    type Target = theirs::Receiver<T>;

    fn deref(&self) -> &theirs::Receiver<T> {
        &self.receiver
    }
}

impl<T: Send + 'static> fmt::Debug for Outgoing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outgoing")
    }
}
