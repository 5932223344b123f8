//! What the tests of this crate share.
#![allow(
    unused_imports,
    dead_code,
    reason = "each test program uses a part of it"
)]

use anabranch_models::by_hand::poll;
pub(crate) use anabranch_models::{Dice, by_hand::Count, seed};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
    thread,
    time::{Duration, Instant},
};

/// Polls once, by hand, as a task does.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match poll(future) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// Waits until another thread has come as far as `there` says: by looking again and again, for a
/// minute at most.
pub(crate) fn until(there: impl Fn() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(60), "never got there");
        thread::yield_now();
    }
}

/// How many of some messages there are.
#[derive(Clone, Default)]
pub(crate) struct Census(Arc<(AtomicUsize, AtomicUsize)>);

/// A message that is counted when it is made and when it is dropped.
pub(crate) struct Counted(Census, pub(crate) usize);

impl Census {
    pub(crate) fn make(&self, n: usize) -> Counted {
        self.0.0.fetch_add(1, SeqCst);
        Counted(self.clone(), n)
    }

    pub(crate) fn made(&self) -> usize {
        self.0.0.load(SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.0.1.load(SeqCst)
    }

    /// Each message was dropped, and dropped once.
    #[track_caller]
    pub(crate) fn assert_all_gone(&self) {
        assert_eq!(self.made(), self.dropped(), "made, dropped");
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.1.fetch_add(1, SeqCst);
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Counted({})", self.1)
    }
}
