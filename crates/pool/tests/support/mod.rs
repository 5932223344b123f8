//! What several test files need: jobs that wait to be let go, and a look at an operation by hand.
#![allow(unreachable_pub, dead_code, reason = "each test file uses its part")]

use anabranch_core_cancel::CancelGuard;
use anabranch_pool::{CancelToken, JobHandle, Pool};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
};

/// A job that runs on a worker and stays there until it is let go. It waits in an operation, so
/// that a manual clock sees it wait.
pub struct Occupied {
    pub job: JobHandle<()>,
    /// Dropped with this, so that a test that fails does not hang.
    go: CancelGuard,
}

impl Occupied {
    /// Takes a worker, and returns when the job has begun.
    pub fn new(pool: &Pool) -> Self {
        let (begun, has_begun) = mpsc::channel();
        let gone = CancelToken::new();
        let go = gone.clone().guard();
        let job = pool.submit(move || {
            begun.send(()).unwrap();
            gone.cancelled().wait();
        });
        let job = job.wait().unwrap();
        has_begun.recv().unwrap();
        Self { job, go }
    }

    /// Lets it go, and waits for its end.
    pub fn release(self) {
        drop(self.go);
        self.job.wait().unwrap();
    }
}

/// Polls once, by hand, as a task does.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A waker that counts.
#[derive(Default)]
pub struct Rings(AtomicUsize);

impl Rings {
    pub fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Rings {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Polls once with a waker of that kind.
pub fn poll_with<F: Future + Unpin>(future: &mut F, rings: &Arc<Rings>) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(&Waker::from(rings.clone())))
}

/// Panics without a report by the panic hook.
pub fn quiet_panic(message: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(message))
}

/// `queued + running + completed + panicked + cancelled`.
pub fn accounted(stats: &anabranch_pool::Stats) -> u64 {
    (stats.queued + stats.running) as u64 + stats.completed + stats.panicked + stats.cancelled
}
