//! Waits for time to pass.

use super::timer::Timer;
use crate::{
    cancelled::Cancelled, clock::Clock, operation::Operation, ticket::Ticket, token::CancelToken,
    watch::Watch,
};
use std::{
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

/// Ready when the time has passed. Made by [`CancelToken::after`] and [`after`](crate::after).
///
/// The time is counted from the first poll.
#[derive(Debug)]
#[must_use = "operations do nothing unless waited for"]
pub struct After {
    clock: Clock,
    after: Duration,
    timer: Option<Timer>,
}

impl After {
    pub(crate) fn new(clock: Clock, after: Duration) -> Self {
        Self {
            clock,
            after,
            timer: None,
        }
    }
}

impl Operation for After {
    type Bounded = Result<(), Cancelled>;

    fn bound(&self, done: ()) -> Self::Bounded {
        Ok(done)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        self.timer = None;
        Err(why)
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<()> {
        let Self {
            clock,
            after,
            timer,
        } = &mut *self;
        let timer =
            timer.get_or_insert_with(|| Timer::at(clock.clone(), clock.nanos_after(*after)));
        timer.poll(ticket)
    }

    /// Starts no time: it is counted from the first poll that would wait.
    fn look_arm(mut self: Pin<&mut Self>, _: &Ticket<'_>) -> Poll<()> {
        let Self { after, timer, .. } = &mut *self;
        match timer {
            Some(timer) => timer.look(),
            None if after.is_zero() => Poll::Ready(()),
            None => Poll::Pending,
        }
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.clock.clone())
    }
}

crate::operation! { [] After => () }

/// Ready when the clock says so. Made by [`CancelToken::until`] and
/// [`deadline`](crate::deadline).
#[derive(Debug)]
#[must_use = "operations do nothing unless waited for"]
pub struct Until {
    timer: Timer,
}

impl Until {
    pub(crate) fn new(clock: Clock, at: Instant) -> Self {
        let at = clock.nanos_of(at);
        Self {
            timer: Timer::at(clock, at),
        }
    }
}

impl Operation for Until {
    type Bounded = Result<(), Cancelled>;

    fn bound(&self, done: ()) -> Self::Bounded {
        Ok(done)
    }

    fn end(self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        Err(why)
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<()> {
        self.timer.poll(ticket)
    }

    fn look_arm(mut self: Pin<&mut Self>, _: &Ticket<'_>) -> Poll<()> {
        self.timer.look()
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.timer.clock().clone())
    }
}

crate::operation! { [] Until => () }

/// Sleeps, unless the token is cancelled first. Made by [`CancelToken::sleep`].
///
/// The time is counted from the first poll.
#[derive(Debug)]
#[must_use = "operations do nothing unless waited for"]
pub struct Sleep {
    token: CancelToken,
    watch: Watch,
    after: After,
}

impl Sleep {
    pub(crate) fn new(token: CancelToken, after: Duration) -> Self {
        let after = After::new(token.clock().clone(), after);
        Self {
            token,
            watch: Watch::default(),
            after,
        }
    }
}

impl Operation for Sleep {
    type Bounded = Result<(), Cancelled>;

    fn bound(&self, done: Self::Bounded) -> Self::Bounded {
        done
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        self.watch.clear();
        self.after.timer = None;
        Err(why)
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Bounded> {
        let Self {
            token,
            watch,
            after,
        } = &mut *self;
        let node = token.node();
        if after.timer.is_none()
            && let Some(why) = node.and_then(|node| node.reason())
        {
            return Poll::Ready(Err(why));
        }
        if Pin::new(after).poll_arm(ticket).is_ready() {
            watch.clear();
            return Poll::Ready(Ok(()));
        }
        match node {
            Some(node) => watch.poll_cancel(node, ticket).map(Err),
            None => Poll::Pending,
        }
    }

    fn look_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Bounded> {
        let reason = self.token.reason().map_or(Poll::Pending, Poll::Ready);
        if reason.is_ready() && self.after.timer.is_none() {
            return reason.map(Err);
        }
        match Pin::new(&mut self.after).look_arm(ticket) {
            Poll::Ready(()) => Poll::Ready(Ok(())),
            Poll::Pending => reason.map(Err),
        }
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Self::Bounded> {
        self.watch.clear();
        None
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.token.clock().clone())
    }
}

crate::operation! { [] Sleep => Result<(), Cancelled> }
