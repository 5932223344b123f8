//! The wait for room, and the job that takes it.

use crate::{
    context::JobContext,
    error::{Closed, SubmitError},
    handle::JobHandle,
    job::{AnyJob, Job, Promise},
    pool::Pool,
    state::State,
    sync::Arc,
    worker,
};
use anabranch_core_cancel::{
    CancelToken, Cancelled, Clock, Operation, Ticket, operation,
    ops::Draining,
    queue::{Left, Place},
};
use std::{
    fmt, mem,
    pin::Pin,
    task::{Poll, Waker},
};

/// Hands a job to the pool when there is room. Made by [`Pool::submit`] and
/// [`Pool::submit_with`].
#[must_use = "an operation: the job is not handed over until `.wait()` or `.await`"]
pub struct Submit<'p, F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    pool: &'p Pool,
    call: fn(F, &JobContext<'_>) -> T,
    stage: Stage<F, T>,
}

enum Stage<F, T> {
    New(F),
    /// In line for room, with the job.
    Waiting(Box<Waiting<F, T>>),
    Over,
}

struct Waiting<F, T> {
    job: Arc<Job<F, T>>,
    place: Place,
    /// Nobody else would tell that intake has ended with the token.
    draining: Draining<CancelToken>,
}

/// The job, accepted, or refused with what was to be run inside.
pub(super) type Handed<F, T> = Result<Arc<Job<F, T>>, Closed<F>>;

/// What became of a job in line when its submitter left the line.
pub(super) enum Gone<F, T> {
    /// It was accepted before.
    Accepted(Arc<Job<F, T>>),
    /// It was not.
    Back(F),
}

/// What a look at the pool tells.
enum Look<F, T> {
    Accepted,
    /// Full, and the submitter is a worker of this pool: the job runs on the spot.
    Inline,
    Closed,
    InLine(Waiting<F, T>),
}

impl<'p, F, T> Submit<'p, F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    pub(crate) fn new(pool: &'p Pool, work: F, call: fn(F, &JobContext<'_>) -> T) -> Self {
        Self {
            pool,
            call,
            stage: Stage::New(work),
        }
    }

    pub(super) fn pool(&self) -> &'p Pool {
        self.pool
    }

    pub(super) fn poll_job(&mut self, ticket: &Ticket<'_>) -> Poll<Handed<F, T>> {
        match mem::replace(&mut self.stage, Stage::Over) {
            Stage::New(work) => match self.enter(work, ticket) {
                Ok(waiting) => self.watch_drain(Box::new(waiting), ticket),
                Err(done) => Poll::Ready(done),
            },
            Stage::Waiting(waiting) => {
                let Waiting {
                    job,
                    place,
                    draining,
                } = *waiting;
                match self.look_again(place, ticket) {
                    Ok(accepted) => Poll::Ready(verdict(job, accepted)),
                    Err(place) => {
                        let waiting = Waiting {
                            job,
                            place,
                            draining,
                        };
                        self.watch_drain(Box::new(waiting), ticket)
                    }
                }
            }
            Stage::Over => panic!("a job was submitted after it had been handed over"),
        }
    }

    /// The first look. `Ok` when it has to wait.
    fn enter(&self, work: F, ticket: &Ticket<'_>) -> Result<Waiting<F, T>, Handed<F, T>> {
        let shared = self.pool.shared();
        if shared.token().is_draining() {
            return Err(Err(Closed(work)));
        }
        let own_worker = worker::is_of(shared);
        let job = Job::new(shared, work, self.call);
        let look = shared.change(|state, _| {
            if state.closed {
                Look::Closed
            } else if state.takes_at_once() {
                state.accept(job.clone());
                Look::Accepted
            } else if own_worker {
                state.accept_running();
                Look::Inline
            } else {
                let in_line: AnyJob = job.clone();
                Look::InLine(Waiting {
                    job: job.clone(),
                    place: state.room.join(Some(in_line), ticket),
                    draining: shared.token().clone().draining_owned(),
                })
            }
        });
        match look {
            Look::InLine(waiting) => Ok(waiting),
            Look::Accepted => Err(Ok(job)),
            Look::Closed => Err(Err(Closed(job.take_work()))),
            Look::Inline => {
                shared.run(job.clone());
                Err(Ok(job))
            }
        }
    }

    /// Whether it was accepted or refused; the place, while neither.
    fn look_again(&self, place: Place, ticket: &Ticket<'_>) -> Result<bool, Place> {
        let (result, old) = self.pool.shared().change(|state, _| {
            if state.room.is_granted(&place) {
                let left = state.room.leave(place);
                return (Ok(left.value.is_none()), left.waker);
            }
            // Nobody serves a select that is looking: it has to see for itself.
            if state.closed {
                let Left { value, waker, .. } = state.room.leave(place);
                // The job is the submitter's, who holds it too.
                drop(value);
                return (Ok(false), waker);
            }
            if state.has_room() && state.room.is_first(&place) {
                let waker = accept_from_line(state, place);
                return (Ok(true), waker);
            }
            let old = state.room.stay(&place, ticket);
            (Err(place), old)
        });
        drop(old);
        result
    }

    /// Stays in line, unless the token drains.
    fn watch_drain(
        &mut self,
        mut waiting: Box<Waiting<F, T>>,
        ticket: &Ticket<'_>,
    ) -> Poll<Handed<F, T>> {
        let drains = Pin::new(&mut waiting.draining).poll_arm(ticket).is_ready();
        self.stage = Stage::Waiting(waiting);
        if !drains {
            return Poll::Pending;
        }
        match self.leave() {
            Some(Gone::Accepted(job)) => Poll::Ready(Ok(job)),
            Some(Gone::Back(work)) => Poll::Ready(Err(Closed(work))),
            None => Poll::Pending,
        }
    }

    /// Leaves the line. `None` if the job is over the counter already.
    pub(super) fn leave(&mut self) -> Option<Gone<F, T>> {
        match mem::replace(&mut self.stage, Stage::Over) {
            Stage::New(work) => Some(Gone::Back(work)),
            Stage::Waiting(waiting) => {
                let Waiting { job, place, .. } = *waiting;
                let shared = self.pool.shared();
                let Left {
                    value,
                    granted,
                    waker,
                    ..
                } = shared.change(|state, _| state.room.leave(place));
                drop(waker);
                let accepted = granted && value.is_none();
                drop(value);
                Some(match verdict(job, accepted) {
                    Ok(job) => Gone::Accepted(job),
                    Err(Closed(work)) => Gone::Back(work),
                })
            }
            Stage::Over => None,
        }
    }

    /// Puts a job that came back into place for another try.
    pub(super) fn again(&mut self, work: F) {
        self.stage = Stage::New(work);
    }
}

fn accept_from_line(state: &mut State, place: Place) -> Option<Waker> {
    let Left { value, waker, .. } = state.room.leave(place);
    value.into_iter().for_each(|job| state.accept(job));
    waker
}

fn verdict<F, T>(job: Arc<Job<F, T>>, accepted: bool) -> Handed<F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    if accepted {
        Ok(job)
    } else {
        Err(Closed(job.take_work()))
    }
}

// Nothing in here is pinned.
impl<F, T> Unpin for Submit<'_, F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
}

impl<F, T> Operation for Submit<'_, F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    type Bounded = Result<JobHandle<T>, SubmitError<F>>;

    fn bound(&self, done: Self::Output) -> Self::Bounded {
        Ok(done?)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        match self.leave() {
            Some(Gone::Accepted(job)) => Ok(JobHandle::new(job)),
            Some(Gone::Back(work)) => Err(SubmitError::GaveUp(work, why)),
            None => panic!("a job was submitted after it had been handed over"),
        }
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        let poll = self.poll_job(ticket);
        poll.map(|done| done.map(|job| JobHandle::new(job)))
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Self::Output> {
        match self.leave()? {
            Gone::Accepted(job) => Some(Ok(JobHandle::new(job))),
            Gone::Back(work) => {
                self.again(work);
                None
            }
        }
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.pool.shared().token().clock().clone())
    }
}

operation! {
    ['p, F, T] Submit<'p, F, T> => Result<JobHandle<T>, Closed<F>>,
    where [F: Send + 'static, T: Send + 'static]
}

impl<F, T> Drop for Submit<'_, F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    fn drop(&mut self) {
        if let Some(Gone::Accepted(job)) = self.leave() {
            // It was accepted, and its submitter did not live to see it.
            JobHandle::new(job as Arc<dyn Promise<T>>).cancel();
        }
    }
}

impl<F, T> fmt::Debug for Submit<'_, F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            Stage::New(_) => "Submit(new)",
            Stage::Waiting(_) => "Submit(waiting)",
            Stage::Over => "Submit(over)",
        })
    }
}
