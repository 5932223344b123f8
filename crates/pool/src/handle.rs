//! What a submitter keeps of its job.

use crate::{error::JobError, job::Promise, sync::Arc};
use anabranch_core_cancel::{Cancelled, Clock, Operation, Ticket, operation};
use std::{fmt, pin::Pin, task::Poll};

/// A job's result to come: an operation, by `.wait()` or `.await`.
///
/// Dropping it detaches the job, which runs all the same; a panic of a detached job is reported by
/// the panic hook and counted in [`Stats::detached_panics`](crate::Stats). A wait that is bounded
/// by reference keeps the handle for another try:
///
/// ```
/// use anabranch_pool::{JobError, Pool, Wait};
/// use std::{sync::mpsc, time::Duration};
///
/// let pool = Pool::new(1);
/// let (go, gone) = mpsc::channel();
/// let mut job = pool.submit(move || gone.recv().unwrap() + 1).wait().unwrap();
/// let early = (&mut job).timeout(Duration::ZERO).wait();
/// assert!(matches!(early, Err(JobError::GaveUp(_)))); // the job goes on
/// go.send(41).unwrap();
/// assert_eq!(job.wait().unwrap(), 42);
/// ```
///
/// # On a worker of the same pool
/// A job that has not begun is taken out of the queue and run on the spot, for it might be waiting
/// for this very worker. A time limit on the wait does not interrupt it.
///
/// # Cancel safety
/// A wait that is dropped or given up takes nothing.
///
/// # Errors
/// [`JobError::Panicked`] with the payload, [`JobError::Cancelled`] if it was cancelled before it
/// began; bounded also [`JobError::GaveUp`].
///
/// # Panics
/// When polled again after it has yielded its result.
#[must_use = "an operation: `.wait()` or `.await` it for the result; `drop` it to let the job go on alone"]
pub struct JobHandle<T> {
    job: Arc<dyn Promise<T>>,
}

impl<T> JobHandle<T> {
    pub(crate) fn new(job: Arc<dyn Promise<T>>) -> Self {
        Self { job }
    }

    /// Cancels the job. Does not wait for it.
    ///
    /// One that has not begun never will, and its room in the queue is free: it ends as
    /// [`JobError::Cancelled`], unless a worker took it in this very moment. One that runs
    /// sees its [token](crate::JobContext::token) cancelled, and what it returns is its result.
    #[track_caller]
    pub fn cancel(&self) {
        if self.is_finished() {
            return;
        }
        let token = self.job.token();
        token.cancel();
        if let (Some(job), Some(why)) = (self.job.take_out(), token.reason()) {
            self.job.shared().discard(job, why);
        }
    }

    /// Whether the job has ended: the wait for it will be none. `true` is final.
    pub fn is_finished(&self) -> bool {
        self.job.slot().is_published()
    }
}

impl<T> Operation for JobHandle<T> {
    type Bounded = Result<T, JobError>;

    fn bound(&self, done: Self::Output) -> Self::Bounded {
        done
    }

    fn end(self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        let slot = self.job.slot();
        slot.leave();
        slot.take().unwrap_or(Err(JobError::GaveUp(why)))
    }

    fn poll_arm(self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        self.job.poll(ticket)
    }

    fn withdraw(self: Pin<&mut Self>) -> Option<Self::Output> {
        // The outcome, if it came meanwhile, stays where it is.
        self.job.slot().leave();
        None
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.job.shared().token().clock().clone())
    }
}

operation! { [T] JobHandle<T> => Result<T, JobError> }

impl<T> Drop for JobHandle<T> {
    fn drop(&mut self) {
        if let Some(Err(JobError::Panicked(panic))) = self.job.slot().detach() {
            let shared = self.job.shared();
            shared.lock().count_detached_panic();
            shared.quietly(|| drop(panic));
        }
    }
}

impl<T> fmt::Debug for JobHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobHandle")
            .field("finished", &self.is_finished())
            .finish()
    }
}
