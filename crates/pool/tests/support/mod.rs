//! What several test files need: jobs that wait to be let go, and a look at an operation by hand.
#![allow(unreachable_pub, dead_code, reason = "each test file uses its part")]

use anabranch_pool::{CancelToken, JobHandle, Pool};
use std::{
    pin::pin,
    sync::mpsc,
    task::{Context, Poll, Waker},
};

/// A job that runs on a worker and stays there until it is let go. It waits in an operation, so
/// that a manual clock sees it wait.
pub struct Occupied {
    pub job: JobHandle<()>,
    pub go: CancelToken,
}

impl Occupied {
    /// Takes a worker, and returns when the job has begun.
    pub fn new(pool: &Pool) -> Self {
        let (begun, has_begun) = mpsc::channel();
        let go = CancelToken::new();
        let gone = go.clone();
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
        self.go.cancel();
        self.job.wait().unwrap();
    }
}

/// Polls once, by hand, as a task does.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Panics without a report by the panic hook.
pub fn quiet_panic(message: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(message))
}

/// `queued + running + completed + panicked + cancelled`.
pub fn accounted(stats: &anabranch_pool::Stats) -> u64 {
    (stats.queued + stats.running) as u64 + stats.completed + stats.panicked + stats.cancelled
}

/// Small, seeded, good enough to mix schedules.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}
