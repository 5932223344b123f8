//! In a task any future may be an arm, beside operations.
//!
//! An operation is taken as it is, so that it is exact; anything else is polled plainly. Which of
//! the two it is is decided by its type: `arm` of [`TaskArm`] exists for operations alone, and where
//! it does not exist the method of the trait [`FutureArm`] is found.

use anabranch_core_cancel::{Cancelled, Operation, Ticket};
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// What stands behind the `=` of an arm in a task.
pub struct TaskArm<F>(F);

impl<F: Future> TaskArm<F> {
    #[inline]
    pub fn new(future: impl IntoFuture<IntoFuture = F>) -> Self {
        Self(future.into_future())
    }
}

impl<O: Operation> TaskArm<O> {
    /// An operation, as it is.
    #[inline]
    pub fn arm(self) -> O {
        self.0
    }
}

/// For what is no operation.
pub trait FutureArm {
    type Future;
    fn arm(self) -> Plain<Self::Future>;
}

impl<F: Future> FutureArm for TaskArm<F> {
    type Future = F;

    fn arm(self) -> Plain<F> {
        Plain { future: self.0 }
    }
}

pin_project! {
    /// A future that is polled by the owner of the select and by nobody else.
    pub struct Plain<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Plain<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

impl<F: Future> Operation for Plain<F> {
    type Bounded = Result<F::Output, Cancelled>;

    fn bound(&self, done: F::Output) -> Self::Bounded {
        Ok(done)
    }

    fn end(self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        Err(why)
    }

    fn poll_arm(self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<F::Output> {
        self.poll(&mut Context::from_waker(ticket.waker()))
    }
}
