//! The wait for a token itself.

use crate::{
    cancelled::Cancelled, clock::Clock, operation::Operation, ticket::Ticket, token::CancelToken,
    watch::Watch,
};
use std::{borrow::Borrow, fmt, pin::Pin, task::Poll};

/// Ready when the token is cancelled, with the reason. Made by
/// [`CancelToken::cancelled`] and [`CancelToken::cancelled_owned`].
#[must_use = "operations do nothing unless waited for"]
pub struct Cancellation<T> {
    token: T,
    watch: Watch,
}

impl<T> Cancellation<T> {
    pub(crate) fn new(token: T) -> Self {
        Self {
            token,
            watch: Watch::default(),
        }
    }
}

// Nothing in here is pinned.
impl<T> Unpin for Cancellation<T> {}

impl<T: Borrow<CancelToken>> Operation for Cancellation<T> {
    type Bounded = Result<Cancelled, Cancelled>;

    fn bound(&self, done: Cancelled) -> Self::Bounded {
        Ok(done)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        self.watch.clear();
        Err(why)
    }

    #[inline]
    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Cancelled> {
        let Self { token, watch } = &mut *self;
        match (*token).borrow().node() {
            Some(node) => watch.poll_cancel(node, ticket),
            None => {
                // For ever: the waiter says that it waits by asking for its waker.
                let _waker = ticket.waker();
                Poll::Pending
            }
        }
    }

    fn look_arm(self: Pin<&mut Self>, _: &Ticket<'_>) -> Poll<Cancelled> {
        let reason = self.token.borrow().reason();
        reason.map_or(Poll::Pending, Poll::Ready)
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Cancelled> {
        self.watch.clear();
        None
    }

    fn clock(&self) -> Option<Clock> {
        self.token.borrow().node().map(|node| node.clock().clone())
    }
}

crate::operation! { [T: Borrow<CancelToken>] Cancellation<T> => Cancelled }

impl<T> fmt::Debug for Cancellation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cancellation")
    }
}

/// Ready when the token drains or is cancelled. Made by [`CancelToken::draining`].
#[must_use = "operations do nothing unless waited for"]
pub struct Draining<T> {
    token: T,
    watch: Watch,
}

impl<T> Draining<T> {
    pub(crate) fn new(token: T) -> Self {
        Self {
            token,
            watch: Watch::default(),
        }
    }
}

impl<T> Unpin for Draining<T> {}

impl<T: Borrow<CancelToken>> Operation for Draining<T> {
    type Bounded = Result<(), Cancelled>;

    fn bound(&self, done: ()) -> Self::Bounded {
        Ok(done)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        self.watch.clear();
        Err(why)
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<()> {
        let Self { token, watch } = &mut *self;
        match (*token).borrow().node() {
            Some(node) => watch.poll_drain(node, ticket),
            None => {
                let _waker = ticket.waker();
                Poll::Pending
            }
        }
    }

    fn look_arm(self: Pin<&mut Self>, _: &Ticket<'_>) -> Poll<()> {
        if self.token.borrow().is_draining() {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<()> {
        self.watch.clear();
        None
    }

    fn clock(&self) -> Option<Clock> {
        self.token.borrow().node().map(|node| node.clock().clone())
    }
}

crate::operation! { [T: Borrow<CancelToken>] Draining<T> => () }

impl<T> fmt::Debug for Draining<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Draining")
    }
}
