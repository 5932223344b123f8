//! The pool.

use crate::{
    builder::Builder,
    context::JobContext,
    error::TrySubmitError,
    handle::JobHandle,
    job::Job,
    ops::{Drain, Run, Submit},
    shared::Shared,
    stats::Stats,
    sync::{Arc, thread},
    worker,
};
use std::{
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

/// A fixed number of worker threads behind one bounded queue.
///
/// Jobs begin in the order in which their submitters came. Share it as an `Arc<Pool>`, or by
/// reference.
///
/// # When it is dropped
/// It is drained: intake stops, what is queued is run, and the workers are joined. Blocks the
/// thread meanwhile. On one of its own workers (a job held the last handle on the pool) it does
/// not wait, for it would wait for itself: the workers finish the queue and go.
///
/// # Nested jobs
/// A job may submit to its own pool and wait for what it submitted, at any depth and with any
/// bound. A worker that waits for a job which nobody has begun runs it itself, on its own stack,
/// and a worker's submit to its own full pool runs that job on the spot. A worker that waits never
/// runs a job it does not wait for.
///
/// ```
/// use anabranch_pool::Pool;
///
/// let pool = Pool::new(4);
/// let jobs: Vec<_> = (1..=9)
///     .map(|n| pool.submit(move || n * 2).wait())
///     .collect::<Result<_, _>>()
///     .unwrap();
/// let sum: i32 = jobs.into_iter().map(|job| job.wait().unwrap()).sum();
/// assert_eq!(sum, 90);
/// ```
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Pool {
    /// A pool of so many workers, with room for [`Builder::QUEUE`] waiting jobs.
    ///
    /// # Panics
    /// With zero workers, and when the operating system refuses a thread; [`Builder::build`]
    /// returns that as an error.
    #[track_caller]
    pub fn new(workers: usize) -> Self {
        match Self::builder().workers(workers).build() {
            Ok(pool) => pool,
            Err(refused) => panic!("{refused}"),
        }
    }

    /// To set more than the number of workers.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn over(shared: Arc<Shared>, threads: Vec<thread::JoinHandle<()>>) -> Self {
        Self { shared, threads }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

/// Handing over jobs.
impl Pool {
    /// Runs a job and yields its result: submit and wait as one operation. The usual thing.
    ///
    /// An operation: nothing is run until `.wait()` or `.await`.
    ///
    /// # Cancel safety
    /// Dropped or given up, the job is taken back if it has not begun; else its token is cancelled
    /// and its result dropped.
    ///
    /// # Errors
    /// [`RunError`](crate::RunError), with the job inside if it has not begun.
    ///
    /// ```
    /// # use anabranch_pool::Pool;
    /// let pool = Pool::new(2);
    /// assert_eq!(pool.run(|| 6 * 7).wait().unwrap(), 42); // in a task: .await
    /// ```
    pub fn run<F, T>(&self, job: F) -> Run<'_, F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Run::new(self.submit(job))
    }

    /// The same for a job that looks at its [token](JobContext::token).
    pub fn run_with<F, T>(&self, job: F) -> Run<'_, F, T>
    where
        F: FnOnce(&JobContext<'_>) -> T + Send + 'static,
        T: Send + 'static,
    {
        Run::new(self.submit_with(job))
    }

    /// Hands a job over when there is room, and yields a handle on its result.
    ///
    /// An operation: nothing is handed over until `.wait()` or `.await`.
    ///
    /// # Fairness
    /// First come, first served, threads and tasks in one line; the jobs begin in that order too.
    ///
    /// # Cancel safety
    /// Dropped or given up before it finishes, the job has not been queued, and a bounded wait
    /// hands it back. Should the pool have accepted it in the very moment in which the operation is
    /// dropped, the job is cancelled: it does not begin, or sees its token.
    ///
    /// # Errors
    /// [`Closed`](crate::Closed) when the pool drains, was aborted, or its token drains;
    /// bounded, [`SubmitError`](crate::SubmitError). The job is inside.
    ///
    /// # Cost
    /// One allocation and two locks (pool and slot), neither held while foreign code runs.
    ///
    /// ```
    /// # use anabranch_pool::Pool;
    /// let pool = Pool::new(2);
    /// let job = pool.submit(|| 6 * 7).wait().unwrap(); // accepted
    /// assert_eq!(job.wait().unwrap(), 42); // done
    /// ```
    pub fn submit<F, T>(&self, job: F) -> Submit<'_, F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Submit::new(self, job, plain)
    }

    /// The same for a job that looks at its [token](JobContext::token).
    ///
    /// ```
    /// # use anabranch_pool::Pool;
    /// let pool = Pool::new(1);
    /// let job = pool.submit_with(|cx| cx.token().cancelled().wait()).wait().unwrap();
    /// job.cancel(); // not begun: ends as `JobError::Cancelled`; running: sees its token
    /// let _ = job.wait();
    /// ```
    pub fn submit_with<F, T>(&self, job: F) -> Submit<'_, F, T>
    where
        F: FnOnce(&JobContext<'_>) -> T + Send + 'static,
        T: Send + 'static,
    {
        Submit::new(self, job, with_context)
    }

    /// Hands a job over if there is room now. Never waits, never overtakes a submitter that does.
    ///
    /// # Errors
    /// The job comes back: [`Full`](TrySubmitError::Full) also to the pool's own workers, which
    /// are free to run it on the spot; or [`Closed`](TrySubmitError::Closed).
    pub fn try_submit<F, T>(&self, job: F) -> Result<JobHandle<T>, TrySubmitError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.try_hand_over(job, plain)
    }

    /// The same for a job that looks at its [token](JobContext::token).
    ///
    /// # Errors
    /// As [`try_submit`](Self::try_submit).
    pub fn try_submit_with<F, T>(&self, job: F) -> Result<JobHandle<T>, TrySubmitError<F>>
    where
        F: FnOnce(&JobContext<'_>) -> T + Send + 'static,
        T: Send + 'static,
    {
        self.try_hand_over(job, with_context)
    }

    fn try_hand_over<F, T>(
        &self,
        work: F,
        call: fn(F, &JobContext<'_>) -> T,
    ) -> Result<JobHandle<T>, TrySubmitError<F>>
    where
        F: Send + 'static,
        T: Send + 'static,
    {
        let shared = &self.shared;
        if shared.token().is_draining() {
            return Err(TrySubmitError::Closed(work));
        }
        let job = Job::new(shared, work, call);
        let refuse = shared.change(|state, _| {
            if state.closed {
                Some(TrySubmitError::Closed as fn(F) -> _)
            } else if state.takes_at_once() {
                state.accept(job.clone());
                None
            } else {
                Some(TrySubmitError::Full as fn(F) -> _)
            }
        });
        match refuse {
            None => Ok(JobHandle::new(job)),
            Some(refuse) => Err(refuse(job.take_work())),
        }
    }
}

fn plain<F: FnOnce() -> T, T>(job: F, _: &JobContext<'_>) -> T {
    job()
}

fn with_context<F: FnOnce(&JobContext<'_>) -> T, T>(job: F, cx: &JobContext<'_>) -> T {
    job(cx)
}

/// Coming to an end.
impl Pool {
    /// Stops intake, for good, and is ready when all jobs have ended and their handles are.
    ///
    /// An operation: intake goes on until the first poll. Submitters that wait for room are
    /// refused. A wait that is given up leaves the pool draining: wait again, or
    /// [`abort`](Self::abort). What is left can be seen in [`queued`](Self::queued) and
    /// [`running`](Self::running).
    ///
    /// ```
    /// # use anabranch_pool::Pool;
    /// # use std::time::Duration;
    /// let pool = Pool::new(2);
    /// let job = pool.submit(|| 6 * 7).wait().unwrap();
    /// if pool.drain().timeout(Duration::from_secs(5)).wait().is_err() {
    ///     let left = pool.abort();
    ///     eprintln!("{} not begun, {} told to stop", left.queued, left.running);
    /// }
    /// assert!(job.is_finished());
    /// ```
    ///
    /// # Panics
    /// When polled on a worker of this pool: its job would wait for itself.
    pub fn drain(&self) -> Drain<'_> {
        Drain::new(self)
    }

    /// Stops intake, cancels what is queued and the tokens of what runs. Does not wait.
    ///
    /// Jobs that have not begun never will: their handles yield
    /// [`Cancelled`](crate::JobError::Cancelled). Those that run see their token and end when they
    /// will: [`drain`](Self::drain) waits for it.
    ///
    /// # Panics
    /// With the first panic of a hook or a waker, when all of them have been called.
    #[track_caller]
    pub fn abort(&self) -> Aborted {
        let (queued, running) = self.shared.abort();
        Aborted { queued, running }
    }
}

/// What [`Pool::abort`] came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Aborted {
    /// Jobs that had not begun and never will.
    pub queued: usize,
    /// Jobs that had begun and have been told to stop.
    pub running: usize,
}

/// Asking. All of it is a snapshot: may be stale on return.
impl Pool {
    /// Worker threads that have not ended.
    pub fn workers(&self) -> usize {
        self.shared.lock().workers
    }

    /// Jobs that wait for a worker.
    pub fn queued(&self) -> usize {
        self.stats().queued
    }

    /// Jobs that have begun and not ended, nested ones included.
    pub fn running(&self) -> usize {
        self.stats().running
    }

    /// Panics that no handle was told of: see [`Stats::detached_panics`].
    pub fn detached_panics(&self) -> u64 {
        self.stats().detached_panics
    }

    /// Whether it takes no more jobs. `true` is final.
    pub fn is_closed(&self) -> bool {
        self.shared.token().is_draining() || self.shared.lock().closed
    }

    /// All counts, of one moment.
    pub fn stats(&self) -> Stats {
        self.shared.lock().stats()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if worker::is_of(&self.shared) {
            self.shared.close();
            return;
        }
        // As an operation, so that a manual clock sees this thread wait.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.drain().wait())) {
            // A manual clock found that the jobs will never end, so their threads will not either.
            if !std::thread::panicking() {
                resume_unwind(panic);
            }
            return;
        }
        for thread in mem::take(&mut self.threads) {
            // Workers catch whatever panics: there is nothing to learn from the result.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("workers", &self.workers())
            .field("stats", &self.stats())
            .finish()
    }
}
