//! A job: what to run, and the slot for what comes of it, in one allocation.
//!
//! Whoever takes a job out of the pool's queue, under the pool's lock, owns it: a worker, a worker
//! that waits for it, its canceller, or a submitter that takes it back. So there is nothing to
//! decide between them afterwards, and a job needs no state word of its own.

use crate::{
    context::JobContext,
    error::{JobError, JobPanic},
    shared::Shared,
    slot::{Outcome, Slot},
    sync::{Arc, AtomicU64, Mutex, OnceLock, lock},
    worker,
};
use anabranch_core_cancel::{CancelToken, Cancelled, Ticket, Wakes};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering::Relaxed,
    task::Poll,
};

/// A job as the pool sees it.
pub(crate) type AnyJob = Arc<dyn Runnable>;

pub(crate) struct Job<F, T> {
    shared: Arc<Shared>,
    number: AtomicU64,
    /// The job's own child of the pool's token, made when somebody first asks for it.
    token: OnceLock<CancelToken>,
    work: Mutex<Option<F>>,
    call: fn(F, &JobContext<'_>) -> T,
    slot: Slot<T>,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Completed,
    Panicked,
    Cancelled,
}

/// What the pool does with a job, whatever its types.
pub(crate) trait Runnable: Send + Sync {
    /// Where it stands in the queue: written and read under the pool's lock.
    fn number(&self) -> &AtomicU64;

    /// Runs it here and now, unless it has been cancelled. For the one who took it out.
    fn run(&self) -> Ended;

    /// Ends it without running it. For the one who took it out.
    fn discard(&self, why: Cancelled) -> Ended;

    /// Lets its handle see how it ended. `true` if it was a panic and there is no handle.
    fn publish(&self, wakes: &mut Wakes) -> bool;
}

/// What a handle does with a job, whatever its closure.
pub(crate) trait Promise<T>: Send + Sync {
    fn slot(&self) -> &Slot<T>;
    fn shared(&self) -> &Arc<Shared>;
    fn token(&self) -> &CancelToken;

    /// Takes it out of the queue, if it is still there.
    fn take_out(&self) -> Option<AnyJob>;

    /// Polls for the outcome. On a worker of its own pool it is run on the spot if nobody has
    /// begun it, for it might wait for this very worker.
    fn poll(&self, ticket: &Ticket<'_>) -> Poll<Outcome<T>> {
        if worker::is_of(self.shared()) {
            if let Some(outcome) = self.slot().take() {
                return Poll::Ready(outcome);
            }
            if let Some(job) = self.take_out() {
                self.shared().run(job);
            }
        }
        self.slot().poll(ticket)
    }
}

impl<F, T> Job<F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    pub(crate) fn new(
        shared: &Arc<Shared>,
        work: F,
        call: fn(F, &JobContext<'_>) -> T,
    ) -> Arc<Self> {
        Arc::new(Self {
            shared: shared.clone(),
            number: AtomicU64::new(0),
            token: OnceLock::new(),
            work: Mutex::new(Some(work)),
            call,
            slot: Slot::new(),
        })
    }

    /// The closure, from a job that was not accepted or has been taken out.
    pub(crate) fn take_work(&self) -> F {
        lock(&self.work).take().expect("a job begins or goes once")
    }

    fn reason(&self) -> Option<Cancelled> {
        let token = self.token.get().unwrap_or(self.shared.token());
        // Loads only, as long as it is not cancelled.
        if token.is_cancelled() {
            token.reason()
        } else {
            None
        }
    }
}

impl<F, T> Runnable for Job<F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    fn number(&self) -> &AtomicU64 {
        &self.number
    }

    fn run(&self) -> Ended {
        if let Some(why) = self.reason() {
            return self.discard(why);
        }
        let work = self.take_work();
        let cx = JobContext::new(self.shared.token(), &self.token);
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.call)(work, &cx)));
        let ended = match outcome {
            Ok(_) => Ended::Completed,
            Err(_) => Ended::Panicked,
        };
        let outcome = outcome.map_err(|payload| JobError::Panicked(JobPanic::new(payload)));
        self.slot.decide(outcome);
        ended
    }

    fn discard(&self, why: Cancelled) -> Ended {
        let work = self.take_work();
        self.shared.quietly(|| drop(work));
        self.slot.decide(Err(JobError::Cancelled(why)));
        Ended::Cancelled
    }

    fn publish(&self, wakes: &mut Wakes) -> bool {
        self.slot.publish(wakes)
    }
}

impl<F, T> Promise<T> for Job<F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    fn slot(&self) -> &Slot<T> {
        &self.slot
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn token(&self) -> &CancelToken {
        self.token.get_or_init(|| self.shared.token().child())
    }

    fn take_out(&self) -> Option<AnyJob> {
        // ORDERING: Relaxed: written under the pool's lock before the handle was made.
        self.shared.take_out(self.number.load(Relaxed))
    }
}
