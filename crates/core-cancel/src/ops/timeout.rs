//! An operation that ends early when its time is up.

use super::timer::Timer;
use crate::{
    cancelled::{CancelKind, Cancelled},
    clock::Clock,
    operation::Operation,
    system,
    ticket::{Bound, Ticket},
};
use pin_project_lite::pin_project;
use std::{
    cell::Cell,
    fmt,
    panic::Location,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

pin_project! {
    /// An operation with a time limit. Made by [`Wait::timeout`](crate::Wait::timeout).
    ///
    /// Yields what the operation yields when bounded: its output, or why it ended early.
    #[must_use = "operations do nothing unless waited for"]
    pub struct Timeout<O> {
        #[pin]
        operation: O,
        after: Duration,
        // Set at the first poll that has to wait.
        timer: Option<Timer>,
        at: &'static Location<'static>,
    }
}

impl<O> Timeout<O> {
    #[track_caller]
    pub(crate) fn new(operation: O, after: Duration) -> Self {
        Self {
            operation,
            after,
            timer: None,
            at: Location::caller(),
        }
    }

    /// The operation, for another try. Its place in a queue is kept.
    pub fn into_inner(self) -> O {
        self.operation
    }
}

impl<O: Operation> Future for Timeout<O> {
    type Output = O::Bounded;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_arm(&Ticket::task(cx.waker()))
    }
}

impl<O: Operation> Operation for Timeout<O> {
    type Bounded = O::Bounded;

    fn bound(&self, done: Self::Output) -> Self::Bounded {
        done
    }

    fn end(self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        let this = self.project();
        *this.timer = None;
        this.operation.end(why)
    }

    fn poll_arm(self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        self.poll_by(O::poll_arm, Timer::poll, true, ticket)
    }

    /// Starts no time: it is counted from the first poll that would wait.
    fn look_arm(self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        let starts = self.after.is_zero();
        self.poll_by(O::look_arm, |timer, _| timer.look(), starts, ticket)
    }

    fn withdraw(self: Pin<&mut Self>) -> Option<Self::Output> {
        let mut this = self.project();
        *this.timer = None;
        let done = this.operation.as_mut().withdraw()?;
        Some(this.operation.bound(done))
    }

    fn clock(&self) -> Option<Clock> {
        self.operation.clock()
    }
}

impl<O: Operation> Timeout<O> {
    /// One poll: `poll` asks the operation, `timed` the timer, which `starts` if it has not yet.
    #[inline]
    fn poll_by(
        self: Pin<&mut Self>,
        poll: impl FnOnce(Pin<&mut O>, &Ticket<'_>) -> Poll<O::Output>,
        timed: impl FnOnce(&mut Timer, &Ticket<'_>) -> Poll<()>,
        starts: bool,
        ticket: &Ticket<'_>,
    ) -> Poll<O::Bounded> {
        let mut this = self.project();
        // Ours is the tightest bound or it is not: only whoever set the tightest may be told that
        // the operation cannot make it.
        let outer = ticket.bound();
        let hopeless = Cell::new(false);
        let bound = match this.timer {
            None => {
                let within = system::nanos(*this.after);
                if within < outer.within {
                    Bound {
                        within,
                        hopeless: Some(&hopeless),
                        ..outer
                    }
                } else {
                    outer
                }
            }
            Some(timer) if timer.when() < outer.deadline => Bound {
                deadline: timer.when(),
                hopeless: Some(&hopeless),
                ..outer
            },
            Some(_) => outer,
        };
        if let Poll::Ready(done) = poll(this.operation.as_mut(), &ticket.with_bound(bound)) {
            *this.timer = None;
            return Poll::Ready(this.operation.bound(done));
        }
        if this.timer.is_none() && !starts && !hopeless.get() {
            return Poll::Pending;
        }
        let timer = this.timer.get_or_insert_with(|| {
            let clock = this.operation.clock().or_else(|| ticket.clock().cloned());
            let clock = clock.unwrap_or_default();
            let at = clock.nanos_after(*this.after);
            Timer::at(clock, at)
        });
        if hopeless.get() && outer.deadline < timer.when() {
            // At the first poll our time was not known yet: the bound above is the tighter one.
            ticket.give_up();
            return Poll::Pending;
        }
        if timed(timer, ticket).is_ready() || hopeless.get() {
            *this.timer = None;
            let why = Cancelled::new(CancelKind::Timeout, this.at);
            return Poll::Ready(this.operation.end(why));
        }
        Poll::Pending
    }
}

crate::operation_methods! { [O: Operation] Timeout<O> }

impl<O> fmt::Debug for Timeout<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
