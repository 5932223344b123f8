//! An operation that ends early when a token is cancelled.

use crate::{
    cancelled::Cancelled,
    clock::Clock,
    node::Node,
    operation::Operation,
    sync::Arc,
    ticket::{Bound, Ticket},
    token::CancelToken,
    watch::Watch,
};
use pin_project_lite::pin_project;
use std::{
    borrow::Borrow,
    cell::Cell,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

pin_project! {
    /// An operation under a token. Made by [`Wait::with_cancel`](crate::Wait::with_cancel).
    ///
    /// Yields what the operation yields when bounded: its output, or why it ended early.
    #[must_use = "operations do nothing unless waited for"]
    pub struct WithCancel<O, T> {
        #[pin]
        operation: O,
        token: T,
        watch: Watch,
        entered: bool,
    }
}

impl<O, T> WithCancel<O, T> {
    pub(crate) fn new(operation: O, token: T) -> Self {
        Self {
            operation,
            token,
            watch: Watch::default(),
            entered: false,
        }
    }

    /// The operation, for another try. Its place in a queue is kept.
    pub fn into_inner(self) -> O {
        self.operation
    }
}

impl<O: Operation, T: Borrow<CancelToken>> Future for WithCancel<O, T> {
    type Output = O::Bounded;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_arm(&Ticket::task(cx.waker()))
    }
}

impl<O: Operation, T: Borrow<CancelToken>> Operation for WithCancel<O, T> {
    type Bounded = O::Bounded;

    fn bound(&self, done: Self::Output) -> Self::Bounded {
        done
    }

    fn end(self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        let this = self.project();
        this.watch.clear();
        this.operation.end(why)
    }

    fn poll_arm(self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        self.poll_by(O::poll_arm, Watch::poll_cancel, ticket)
    }

    fn look_arm(self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        let look = |_: &mut Watch, node: &Arc<Node>, _: &Ticket<'_>| match node.reason() {
            Some(why) => Poll::Ready(why),
            None => Poll::Pending,
        };
        self.poll_by(O::look_arm, look, ticket)
    }

    fn withdraw(self: Pin<&mut Self>) -> Option<Self::Output> {
        let mut this = self.project();
        this.watch.clear();
        let done = this.operation.as_mut().withdraw()?;
        Some(this.operation.bound(done))
    }

    fn clock(&self) -> Option<Clock> {
        let token = self.token.borrow().node();
        self.operation
            .clock()
            .or_else(|| token.map(|node| node.clock().clone()))
    }
}

impl<O: Operation, T: Borrow<CancelToken>> WithCancel<O, T> {
    /// One poll: `poll` asks the operation, `cancelled` the token.
    #[inline]
    fn poll_by(
        self: Pin<&mut Self>,
        poll: impl FnOnce(Pin<&mut O>, &Ticket<'_>) -> Poll<O::Output>,
        cancelled: impl FnOnce(&mut Watch, &Arc<Node>, &Ticket<'_>) -> Poll<Cancelled>,
        ticket: &Ticket<'_>,
    ) -> Poll<O::Bounded> {
        let mut this = self.project();
        let Some(node) = (*this.token).borrow().node() else {
            let poll = poll(this.operation.as_mut(), ticket);
            return poll.map(|done| this.operation.bound(done));
        };
        if !*this.entered {
            *this.entered = true;
            debug_assert!(
                this.operation
                    .clock()
                    .is_none_or(|clock| clock == *node.clock()),
                "an operation on one clock is bounded by a token on another",
            );
            if let Some(why) = node.reason() {
                return Poll::Ready(this.operation.end(why));
            }
        }
        let outer = ticket.bound();
        let hopeless = Cell::new(false);
        let deadline = node.deadline();
        let bound = if deadline < outer.deadline {
            Bound {
                deadline,
                hopeless: Some(&hopeless),
                clock: Some(node.clock()),
                ..outer
            }
        } else {
            Bound {
                clock: Some(node.clock()),
                ..outer
            }
        };
        if let Poll::Ready(done) = poll(this.operation.as_mut(), &ticket.with_bound(bound)) {
            this.watch.clear();
            return Poll::Ready(this.operation.bound(done));
        }
        if hopeless.get() {
            let at_hand = deadline <= ticket.deadline(node.clock().nanos());
            if at_hand && let Some(why) = node.deadline_reason() {
                this.watch.clear();
                return Poll::Ready(this.operation.end(why));
            }
            // A timeout around this one has not started yet, and is the tighter one.
            ticket.give_up();
        }
        match cancelled(this.watch, node, ticket) {
            Poll::Ready(why) => Poll::Ready(this.operation.end(why)),
            Poll::Pending => Poll::Pending,
        }
    }
}

crate::operation_methods! { [O: Operation, T: Borrow<CancelToken>] WithCancel<O, T> }

impl<O, T> fmt::Debug for WithCancel<O, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WithCancel")
    }
}
