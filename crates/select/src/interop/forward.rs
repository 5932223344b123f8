//! A thread that carries messages from one channel to another, and can be told to end.

use crate::{
    CancelToken, channel,
    channel::{Receiver, Sender},
};
use std::thread::{self, JoinHandle};

/// The thread, and how it is told. What it ends with, `S`, are the receiver it took from and the
/// message it held.
pub(super) struct Forwarder<S> {
    thread: Option<JoinHandle<S>>,
    stop: CancelToken,
}

impl<S: Send + 'static> Forwarder<S> {
    /// `carry` returns when `stop` is cancelled, or either side has ended.
    #[track_caller]
    pub(super) fn new(
        name: &str,
        stop: CancelToken,
        carry: impl FnOnce() -> S + Send + 'static,
    ) -> Self {
        let thread = thread::Builder::new().name(name.into()).spawn(carry);
        let thread = Some(thread.expect("the operating system has a thread to spare"));
        Self { thread, stop }
    }

    /// Ends the thread and takes over what it had. Blocks until it has ended.
    pub(super) fn stop(mut self) -> S {
        self.end().expect("ended only once")
    }

    fn end(&mut self) -> Option<S> {
        self.stop.cancel();
        let thread = self.thread.take()?;
        // The thread moves messages and runs no code of theirs.
        Some(thread.join().expect("a forwarder does not panic"))
    }
}

impl<S> Drop for Forwarder<S> {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // What it had is dropped here. Should it have panicked all the same, the panic hook has
            // said so.
            drop(thread.join());
        }
    }
}

/// Something to take messages from, until told to end.
pub(super) trait Source: Send + 'static {
    type Message: Send + 'static;

    /// The next message; `None` at the end, or when told.
    fn next(&mut self, stop: &CancelToken) -> Option<Self::Message>;
}

/// A source whose messages come out of a channel of ours.
pub(super) struct Inlet<S: Source> {
    // Before the thread: nobody waits for messages any more when it is told to end.
    pub(super) receiver: Receiver<S::Message>,
    forwarder: Forwarder<(S, Option<S::Message>)>,
}

impl<S: Source> Inlet<S> {
    #[track_caller]
    pub(super) fn new(name: &str, source: S) -> Self {
        let (sender, receiver) = channel::rendezvous();
        let stop = CancelToken::new();
        let told = stop.clone();
        let forwarder = Forwarder::new(name, stop, move || carry_in(source, &sender, &told));
        Self {
            receiver,
            forwarder,
        }
    }

    pub(super) fn stop(self) -> (S, Option<S::Message>) {
        self.forwarder.stop()
    }
}

fn carry_in<S: Source>(
    mut source: S,
    sender: &Sender<S::Message>,
    stop: &CancelToken,
) -> (S, Option<S::Message>) {
    while let Some(message) = source.next(stop) {
        if let Err(unsent) = sender.send(message).with_cancel(stop).wait() {
            return (source, Some(unsent.into_inner()));
        }
    }
    (source, None)
}
