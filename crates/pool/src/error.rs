//! Why there is no result, and why a job was not taken. What was handed over comes back.

use anabranch_core_cancel::Cancelled;
use std::{
    any::Any,
    error::Error,
    fmt,
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
};

/// Why a job has no result.
///
/// `Send + Sync`, so that `job.wait()?` goes into any error type.
#[derive(Debug)]
pub enum JobError {
    /// The job panicked. The worker lives on.
    Panicked(JobPanic),
    /// The job was cancelled before it began: it has not run and never will.
    Cancelled(Cancelled),
    /// The wait was given up; only a bounded wait yields this. The job goes on, and its handle can
    /// be waited on again.
    GaveUp(Cancelled),
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::Cancelled(_) => f.write_str("the job was cancelled before it began"),
            Self::GaveUp(_) => f.write_str("gave up waiting for the job"),
        }
    }
}

impl Error for JobError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Panicked(_) => None,
            Self::Cancelled(why) | Self::GaveUp(why) => Some(why),
        }
    }
}

/// What a job panicked with.
pub struct JobPanic {
    message: Option<Box<str>>,
    /// Behind a lock only because a payload need not be `Sync` and an error should.
    payload: Mutex<Box<dyn Any + Send>>,
}

impl JobPanic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .map(Into::into);
        Self {
            message,
            payload: Mutex::new(payload),
        }
    }

    /// The message, if the job panicked with one, as `panic!` does.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The payload itself.
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        self.payload
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the panic go on in this thread, without a second report by the panic hook.
    ///
    /// # Panics
    /// Always: that is what it is for.
    pub fn resume(self) -> ! {
        resume_unwind(self.into_payload())
    }
}

impl fmt::Display for JobPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            Some(message) => write!(f, "the job panicked: {message}"),
            None => f.write_str("the job panicked"),
        }
    }
}

impl fmt::Debug for JobPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JobPanic").field(&self.message()).finish()
    }
}

impl Error for JobPanic {}

/// The pool takes no more jobs. The refused one is inside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Closed<F>(pub F);

/// Why [`try_submit`](crate::Pool::try_submit) took nothing. The job is inside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySubmitError<F> {
    /// No room right now: trying again may help.
    Full(F),
    /// The pool takes no more jobs: trying again never helps.
    Closed(F),
}

/// Why a bounded [`submit`](crate::Pool::submit) took nothing. The job is inside.
pub enum SubmitError<F> {
    /// The pool takes no more jobs.
    Closed(F),
    /// No room in time, or the token around the wait was cancelled. Nothing was queued.
    GaveUp(F, Cancelled),
}

/// Why [`run`](crate::Pool::run) has no result. A job that has not begun is inside.
pub enum RunError<F> {
    /// The pool takes no more jobs.
    Closed(F),
    /// The job panicked. The worker lives on.
    Panicked(JobPanic),
    /// The job was cancelled before it began, with the pool.
    Cancelled(Cancelled),
    /// The wait was given up; only a bounded one yields this. The job comes back if it had not
    /// begun; else there is none, and its token has been cancelled.
    GaveUp(Option<F>, Cancelled),
}

impl<F> Closed<F> {
    /// The job, for another pool or to be run here.
    pub fn into_inner(self) -> F {
        self.0
    }
}

impl<F> TrySubmitError<F> {
    /// The job, for another try or to be run here.
    pub fn into_inner(self) -> F {
        match self {
            Self::Full(job) | Self::Closed(job) => job,
        }
    }
}

impl<F> SubmitError<F> {
    /// The job, for another try or to be run here.
    pub fn into_inner(self) -> F {
        match self {
            Self::Closed(job) | Self::GaveUp(job, _) => job,
        }
    }
}

impl<F> RunError<F> {
    /// The job, unless it had begun.
    pub fn into_inner(self) -> Option<F> {
        match self {
            Self::Closed(job) => Some(job),
            Self::GaveUp(job, _) => job,
            Self::Panicked(_) | Self::Cancelled(_) => None,
        }
    }
}

impl<F> From<Closed<F>> for TrySubmitError<F> {
    fn from(Closed(job): Closed<F>) -> Self {
        Self::Closed(job)
    }
}

impl<F> From<Closed<F>> for SubmitError<F> {
    fn from(Closed(job): Closed<F>) -> Self {
        Self::Closed(job)
    }
}

impl<F> From<Closed<F>> for RunError<F> {
    fn from(Closed(job): Closed<F>) -> Self {
        Self::Closed(job)
    }
}

impl<F> From<SubmitError<F>> for RunError<F> {
    fn from(error: SubmitError<F>) -> Self {
        match error {
            SubmitError::Closed(job) => Self::Closed(job),
            SubmitError::GaveUp(job, why) => Self::GaveUp(Some(job), why),
        }
    }
}

const CLOSED: &str = "the pool takes no more jobs";

impl<F> fmt::Display for Closed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CLOSED)
    }
}

impl<F> fmt::Debug for Closed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closed(..)")
    }
}

impl<F> Error for Closed<F> {}

impl<F> fmt::Display for TrySubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "no room in the pool's queue",
            Self::Closed(_) => CLOSED,
        })
    }
}

impl<F> fmt::Debug for TrySubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<F> Error for TrySubmitError<F> {}

impl<F> fmt::Display for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => CLOSED,
            Self::GaveUp(..) => "gave up waiting for room in the pool's queue",
        })
    }
}

impl<F> fmt::Debug for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(_) => f.write_str("Closed(..)"),
            Self::GaveUp(_, why) => write!(f, "GaveUp(.., {why:?})"),
        }
    }
}

impl<F> Error for SubmitError<F> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Closed(_) => None,
            Self::GaveUp(_, why) => Some(why),
        }
    }
}

impl<F> fmt::Display for RunError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(_) => f.write_str(CLOSED),
            Self::Panicked(panic) => panic.fmt(f),
            Self::Cancelled(_) => f.write_str("the job was cancelled before it began"),
            Self::GaveUp(Some(_), _) => f.write_str("gave up before the job began"),
            Self::GaveUp(None, _) => f.write_str("gave up waiting for the job"),
        }
    }
}

impl<F> fmt::Debug for RunError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(_) => f.write_str("Closed(..)"),
            Self::Panicked(panic) => write!(f, "Panicked({panic:?})"),
            Self::Cancelled(why) => write!(f, "Cancelled({why:?})"),
            Self::GaveUp(_, why) => write!(f, "GaveUp(.., {why:?})"),
        }
    }
}

impl<F> Error for RunError<F> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Closed(_) | Self::Panicked(_) => None,
            Self::Cancelled(why) | Self::GaveUp(_, why) => Some(why),
        }
    }
}
