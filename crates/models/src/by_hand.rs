//! Futures polled by hand, and wakes that are counted.
//!
//! std's atomics also in a model: nobody decides anything by them, so they are no part of it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

/// A waker that counts.
#[derive(Debug, Default)]
pub struct Count(AtomicUsize);

impl Count {
    /// The count, and the waker that adds to it.
    pub fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (count.clone(), Waker::from(count))
    }

    /// How often it was woken.
    pub fn get(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Polls once, as a task that nobody wakes.
pub fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

/// Polls once, as a task with that waker.
pub fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// What a future yields at its first poll.
///
/// # Panics
/// When it has to wait.
#[track_caller]
pub fn at_once<F: Future + Unpin>(mut future: F) -> F::Output {
    match poll(&mut future) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

/// A future with a waker that counts.
#[derive(Debug)]
pub struct Task<F> {
    /// What is polled.
    pub future: F,
    wakes: Arc<Count>,
    waker: Waker,
}

impl<F: Future + Unpin> Task<F> {
    /// Not polled yet.
    pub fn new(future: F) -> Self {
        let (wakes, waker) = Count::new();
        Self {
            future,
            wakes,
            waker,
        }
    }

    /// Polled once: it has to wait.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn waiting(future: F) -> Self {
        let mut task = Self::new(future);
        assert!(task.poll().is_pending(), "it does not wait");
        task
    }

    /// Polls once.
    pub fn poll(&mut self) -> Poll<F::Output> {
        poll_with(&mut self.future, &self.waker)
    }

    /// What it yields now.
    ///
    /// # Panics
    /// When it still waits.
    #[track_caller]
    pub fn done(&mut self) -> F::Output {
        match self.poll() {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("it waits still"),
        }
    }

    /// How often it was woken.
    pub fn wakes(&self) -> usize {
        self.wakes.get()
    }

    /// Whether it was woken at all.
    pub fn is_woken(&self) -> bool {
        self.wakes() > 0
    }
}
