//! The smallest exact select: two operations, one claim. The family's `select!` is built on the
//! same four steps; this one proves them in the models and the tests of this crate.

use crate::{
    claim::Claim,
    operation::Operation,
    sync,
    ticket::{ThreadWait, Ticket},
};
use std::{
    fmt,
    panic::Location,
    pin::Pin,
    task::{Context, Poll},
};

/// Which of the two was first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first operation.
    First(A),
    /// The second.
    Second(B),
}

/// Waits for one of two operations; exactly one takes effect. The first goes first if both are
/// ready.
pub fn select2<A, B>(first: A, second: B) -> Select2<A, B>
where
    A: Operation + Unpin,
    B: Operation + Unpin,
{
    Select2 {
        first,
        second,
        claim: Claim::new(),
    }
}

/// Made by [`select2`].
#[must_use = "operations do nothing unless waited for"]
pub struct Select2<A, B> {
    first: A,
    second: B,
    claim: Claim,
}

impl<A: Operation + Unpin, B: Operation + Unpin> Select2<A, B> {
    /// Waits for it. Blocks the thread.
    #[track_caller]
    pub fn wait(mut self) -> Either<A::Output, B::Output> {
        let wait = ThreadWait::new("a select", Location::caller());
        wait.run(|ticket| self.poll_with(ticket))
    }

    fn poll_with(&mut self, ticket: &Ticket<'_>) -> Poll<Either<A::Output, B::Output>> {
        if let Some(arm) = self.claim.close() {
            return self.poll_arm(arm, ticket);
        }
        loop {
            for arm in [0, 1] {
                let poll = self.poll_arm(arm, ticket);
                if poll.is_ready() {
                    return poll;
                }
            }
            if self.claim.open() {
                return Poll::Pending;
            }
            // Another select is polling, and will be waiting in a moment.
            sync::yield_now();
        }
    }

    fn poll_arm(&mut self, arm: usize, ticket: &Ticket<'_>) -> Poll<Either<A::Output, B::Output>> {
        let ticket = ticket.arm(&self.claim, arm);
        let (first, second) = (Pin::new(&mut self.first), Pin::new(&mut self.second));
        if arm == 0 {
            let Poll::Ready(done) = first.poll_arm(&ticket) else {
                return Poll::Pending;
            };
            assert!(
                second.withdraw().is_none(),
                "completed without winning the claim"
            );
            Poll::Ready(Either::First(done))
        } else {
            let Poll::Ready(done) = second.poll_arm(&ticket) else {
                return Poll::Pending;
            };
            assert!(
                first.withdraw().is_none(),
                "completed without winning the claim"
            );
            Poll::Ready(Either::Second(done))
        }
    }
}

impl<A: Operation + Unpin, B: Operation + Unpin> Future for Select2<A, B> {
    type Output = Either<A::Output, B::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_with(&Ticket::task(cx.waker()))
    }
}

impl<A, B> fmt::Debug for Select2<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select2")
            .field("claim", &self.claim)
            .finish_non_exhaustive()
    }
}
