//! What the tests share: polling by hand, and counting wakes.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

/// A waker that counts.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (count.clone(), Waker::from(count))
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Polls once, as a task that nobody wakes.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// What an operation yields at its first poll.
#[track_caller]
pub(crate) fn at_once<F: Future + Unpin>(mut future: F) -> F::Output {
    match poll(&mut future) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A future that is polled by hand, and how often it was woken.
pub(crate) struct Task<F> {
    pub(crate) future: F,
    pub(crate) wakes: Arc<Count>,
    waker: Waker,
}

impl<F: Future + Unpin> Task<F> {
    /// Polls once: it has to wait.
    #[track_caller]
    pub(crate) fn waiting(future: F) -> Self {
        let (wakes, waker) = Count::new();
        let mut task = Self {
            future,
            wakes,
            waker,
        };
        assert!(task.poll().is_pending(), "it does not wait");
        task
    }

    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        poll_with(&mut self.future, &self.waker)
    }

    /// What it yields now.
    #[track_caller]
    pub(crate) fn done(&mut self) -> F::Output {
        match self.poll() {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("it waits still"),
        }
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.wakes.get() > 0
    }
}

/// A seed that is printed, so that a failure can be repeated.
pub(crate) fn seed() -> u64 {
    let seed =
        std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("SEED={seed}");
    seed
}
