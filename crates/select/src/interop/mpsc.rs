//! std's channels come in.

use super::forward::{Inlet, Source};
use crate::{CancelToken, Receiver};
use std::{fmt, ops::Deref, sync::mpsc, time::Duration};

/// How often the thread looks whether it should end: std's receiver cannot be interrupted.
const LOOK: Duration = Duration::from_millis(20);

/// A receiver of std's as one of ours: it can be waited for by threads and tasks, with a token or a
/// timeout, and stand in a `select!` or a [`Mux`](crate::Mux).
///
/// ```
/// use anabranch_select::{interop::mpsc::Incoming, thread::select};
/// use std::sync::mpsc;
///
/// let (tx, rx) = mpsc::channel();
/// tx.send("hello")?;
/// drop(tx);
/// let incoming = Incoming::new(rx);
/// let heard = select! { got = incoming.recv() => got };
/// assert_eq!(heard, Ok("hello"));
/// assert!(incoming.recv().wait().is_err()); // closed, as std's channel is
/// # Ok::<(), mpsc::SendError<&str>>(())
/// ```
///
/// # Cost
/// A thread that wakes up 50 times a second while nothing comes, because nothing can interrupt a
/// wait of std's receiver; and, for each message, a hand-over from thread to thread. Where the
/// sending side is yours, use a channel of ours instead.
///
/// # What is lost
/// The thread holds at most one message. [`stop`](Self::stop) gives it back with the receiver;
/// dropped, both are dropped. Both block until the thread has ended, for up to 20 ms.
pub struct Incoming<T: Send + 'static> {
    inlet: Inlet<mpsc::Receiver<T>>,
}

impl<T: Send + 'static> Incoming<T> {
    /// Starts the thread.
    ///
    /// # Panics
    /// When the operating system refuses the thread.
    #[track_caller]
    pub fn new(receiver: mpsc::Receiver<T>) -> Self {
        Self {
            inlet: Inlet::new("anabranch-from-mpsc", receiver),
        }
    }

    /// Ends the thread: the receiver, and the message that it held. Blocks for up to 20 ms.
    pub fn stop(self) -> (mpsc::Receiver<T>, Option<T>) {
        self.inlet.stop()
    }
}

impl<T: Send + 'static> Source for mpsc::Receiver<T> {
    type Message = T;

    fn next(&mut self, stop: &CancelToken) -> Option<T> {
        loop {
            if stop.is_cancelled() {
                return None;
            }
            match self.recv_timeout(LOOK) {
                Ok(message) => return Some(message),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

impl<T: Send + 'static> Deref for Incoming<T> {
    type Target = Receiver<T>;

    fn deref(&self) -> &Receiver<T> {
        &self.inlet.receiver
    }
}

impl<T: Send + 'static> fmt::Debug for Incoming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Incoming").field(&**self).finish()
    }
}
