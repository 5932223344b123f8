//! A job and its result as one operation.

use super::submit::{Gone, Submit};
use crate::{
    error::{JobError, RunError},
    job::{Ended, Job, Promise},
    pool::Pool,
    slot::Outcome,
    sync::Arc,
};
use anabranch_core_cancel::{Cancelled, Clock, Operation, Ticket, operation};
use std::{fmt, pin::Pin, task::Poll};

/// Hands a job to the pool and takes its result. Made by [`Pool::run`] and [`Pool::run_with`].
#[must_use = "an operation: nothing is run until `.wait()` or `.await`"]
pub struct Run<'p, F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    submit: Submit<'p, F, T>,
    /// Once it has been accepted, until its outcome has been taken.
    job: Option<Arc<Job<F, T>>>,
}

/// What became of a job whose result nobody waits for any more.
enum Left<F, T> {
    Done(Outcome<T>),
    Back(F),
    Cancelled,
}

impl<'p, F, T> Run<'p, F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    pub(crate) fn new(submit: Submit<'p, F, T>) -> Self {
        Self { submit, job: None }
    }

    fn pool(&self) -> &'p Pool {
        self.submit.pool()
    }

    /// Takes the job back, or cancels it if it has begun. `None` if it is all over.
    fn leave(&mut self) -> Option<Left<F, T>> {
        if self.job.is_none() {
            match self.submit.leave()? {
                Gone::Back(work) => return Some(Left::Back(work)),
                Gone::Accepted(job) => self.job = Some(job),
            }
        }
        let job = self.job.take()?;
        if let Some(outcome) = job.slot().take() {
            return Some(Left::Done(outcome));
        }
        if job.take_out().is_some() {
            let work = job.take_work();
            let shared = self.pool().shared();
            shared.change(|state, _| state.count(Ended::Cancelled));
            return Some(Left::Back(work));
        }
        job.token().cancel();
        Some(match job.slot().detach() {
            Some(outcome) => Left::Done(outcome),
            None => Left::Cancelled,
        })
    }
}

impl<F, T> Unpin for Run<'_, F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
}

impl<F, T> Operation for Run<'_, F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    type Bounded = Result<T, RunError<F>>;

    fn bound(&self, done: Self::Output) -> Self::Bounded {
        done
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        match self.leave() {
            Some(Left::Done(outcome)) => outcome.map_err(failed),
            Some(Left::Back(work)) => Err(RunError::GaveUp(Some(work), why)),
            Some(Left::Cancelled) | None => Err(RunError::GaveUp(None, why)),
        }
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let job = match &this.job {
            Some(job) => job,
            // Without the select's claim, if this is an arm: to be accepted is not yet to be ready.
            None => match this.submit.poll_job(&Ticket::task(ticket.waker())) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(closed)) => return Poll::Ready(Err(closed.into())),
                Poll::Ready(Ok(job)) => this.job.insert(job),
            },
        };
        match Promise::poll(&**job, ticket) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(outcome) => {
                this.job = None;
                Poll::Ready(outcome.map_err(failed))
            }
        }
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Self::Output> {
        match &self.job {
            // It stays where it is: the next poll finds it there.
            Some(job) => {
                job.slot().leave();
                None
            }
            None => match self.submit.leave()? {
                Gone::Accepted(job) => {
                    self.job = Some(job);
                    None
                }
                Gone::Back(work) => {
                    self.submit.again(work);
                    None
                }
            },
        }
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.pool().shared().token().clock().clone())
    }
}

fn failed<F>(error: JobError) -> RunError<F> {
    match error {
        JobError::Panicked(panic) => RunError::Panicked(panic),
        JobError::Cancelled(why) => RunError::Cancelled(why),
        JobError::GaveUp(why) => RunError::GaveUp(None, why),
    }
}

operation! {
    ['p, F, T] Run<'p, F, T> => Result<T, RunError<F>>,
    where [F: Send + 'static, T: Send + 'static]
}

impl<F, T> Drop for Run<'_, F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    fn drop(&mut self) {
        let panic = match self.leave() {
            Some(Left::Done(Err(JobError::Panicked(panic)))) => panic,
            _ => return,
        };
        let shared = self.pool().shared();
        shared.lock().count_detached_panic();
        shared.quietly(|| drop(panic));
    }
}

impl<F, T> fmt::Debug for Run<'_, F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.job {
            None => write!(f, "Run({:?})", self.submit),
            Some(_) => f.write_str("Run(accepted)"),
        }
    }
}
