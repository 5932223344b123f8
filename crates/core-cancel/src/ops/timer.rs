//! A moment on a clock that an operation waits for.

use crate::{
    clock::Clock,
    system::NEVER,
    ticket::Ticket,
    timers::{Alarm, TimerKey},
};
use std::task::{Poll, Waker};

/// Armed only if the waiter cannot wake itself: see [`Ticket::wake_at`].
#[derive(Debug)]
pub(crate) struct Timer {
    clock: Clock,
    at: u64,
    /// The alarm and a copy of its waker, to see without a lock whether it is still the right one.
    armed: Option<(TimerKey, Waker)>,
}

impl Timer {
    pub(crate) fn at(clock: Clock, at: u64) -> Self {
        Self {
            clock,
            at,
            armed: None,
        }
    }

    pub(crate) fn when(&self) -> u64 {
        self.at
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn poll(&mut self, ticket: &Ticket<'_>) -> Poll<()> {
        if self.is_due() {
            self.disarm();
            return Poll::Ready(());
        }
        if self.at == NEVER {
            // Nothing to arm, but the waiter waits: a task says so by asking for its waker.
            let _waker = ticket.waker();
            return Poll::Pending;
        }
        if ticket.wake_at(self.at, &self.clock) {
            return Poll::Pending;
        }
        self.arm(ticket.waker());
        // The time may have moved past it before the alarm was set.
        if self.is_due() {
            self.disarm();
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn is_due(&self) -> bool {
        self.at != NEVER && self.clock.nanos() >= self.at
    }

    fn arm(&mut self, waker: &Waker) {
        match &mut self.armed {
            Some((_, armed)) if armed.will_wake(waker) => return,
            Some((key, armed)) => {
                if self.clock.replace(key, Alarm::Wake(waker.clone())).is_ok() {
                    *armed = waker.clone();
                    return;
                }
            }
            None => {}
        }
        let key = self.clock.arm(self.at, Alarm::Wake(waker.clone()));
        self.armed = Some((key, waker.clone()));
    }

    fn disarm(&mut self) {
        if let Some((key, _waker)) = self.armed.take() {
            drop(self.clock.disarm(key));
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.disarm();
    }
}
