//! A thread that carries messages from one channel to another, and can be told to end.

use crate::CancelToken;
use std::thread::{self, JoinHandle};

/// The thread, and how it is told. What it ends with, `S`, are the receiver it took from and the
/// message it held.
pub(super) struct Forwarder<S> {
    thread: Option<JoinHandle<S>>,
    stop: CancelToken,
}

impl<S: Send + 'static> Forwarder<S> {
    /// `carry` returns when its token is cancelled, or either side has ended.
    #[track_caller]
    pub(super) fn new(name: &str, carry: impl FnOnce(&CancelToken) -> S + Send + 'static) -> Self {
        let stop = CancelToken::new();
        let told = stop.clone();
        let thread = thread::Builder::new().name(name.into());
        let thread = thread.spawn(move || carry(&told));
        let thread = Some(thread.expect("the operating system has a thread to spare"));
        Self { thread, stop }
    }

    /// Ends the thread and takes over what it had. Blocks until it has ended.
    pub(super) fn stop(mut self) -> S {
        self.stop.cancel();
        let thread = self.thread.take().expect("stopped only once");
        // The thread moves messages and runs no code of theirs.
        thread.join().expect("a forwarder does not panic")
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
