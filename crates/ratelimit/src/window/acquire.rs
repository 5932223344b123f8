//! The wait for room in the window.

use super::{Now, SlidingWindow, State};
use crate::{
    error::{AcquireError, ExceedsBurst},
    sync::lock,
    waiters::Turn,
};
use anabranch_core_cancel::{
    Cancelled, Clock, Operation, Ticket, Timer, Wakes, operation, queue::Place,
};
use std::{fmt, pin::Pin, task::Poll};

/// Takes permits when the window has room for them. Made by [`SlidingWindow::acquire`].
///
/// An operation: it takes nothing until `.wait()` (blocks the thread) or `.await` (suspends the
/// task). `window.acquire(1);` alone limits nothing.
#[must_use = "operations do nothing unless waited for"]
pub struct AcquireInWindow<'a> {
    window: &'a SlidingWindow,
    permits: u64,
    place: Option<Place>,
    timer: Option<Timer>,
}

impl<'a> AcquireInWindow<'a> {
    pub(super) fn new(window: &'a SlidingWindow, permits: u64) -> Self {
        Self {
            window,
            permits,
            place: None,
            timer: None,
        }
    }

    fn look(&mut self, ticket: &Ticket<'_>) -> Turn {
        // In this order: the lock goes first, then wakers are woken and dropped.
        let mut spare = None;
        let mut wakes = Wakes::new();
        let Self {
            window,
            permits,
            place,
            ..
        } = self;
        let State { log, waiters } = &mut *lock(&window.state);
        let now = window.clock.nanos();
        let mut log = Now { log, now };
        let turn = waiters.look(&mut log, now, *permits, place, ticket, &mut spare);
        waiters.tell_first(&mut wakes);
        turn
    }

    fn leave(&mut self) {
        self.timer = None;
        let Some(place) = self.place.take() else {
            return;
        };
        let mut wakes = Wakes::new();
        let mut state = lock(&self.window.state);
        let waker = state.waiters.leave(place);
        state.waiters.tell_first(&mut wakes);
        drop(state);
        drop(waker);
    }
}

impl Operation for AcquireInWindow<'_> {
    type Bounded = Result<(), AcquireError>;

    fn bound(&self, done: Self::Output) -> Self::Bounded {
        Ok(done?)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        self.leave();
        Err(why.into())
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        let Self {
            window, permits, ..
        } = *self;
        window.check(permits)?;
        if window.is_free(permits) {
            return Poll::Ready(Ok(()));
        }
        loop {
            let due = match self.look(ticket) {
                Turn::Come => {
                    self.timer = None;
                    return Poll::Ready(Ok(()));
                }
                Turn::Later(due) => due,
                Turn::Told => {
                    self.timer = None;
                    return Poll::Pending;
                }
            };
            let timer = match &mut self.timer {
                Some(timer) if timer.when() == due => timer,
                timer => timer.insert(Timer::at(window.clock.clone(), due)),
            };
            if timer.poll(ticket).is_pending() {
                return Poll::Pending;
            }
            // The moment came in between.
        }
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Self::Output> {
        self.leave();
        None
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.window.clock.clone())
    }
}

operation! { ['a] AcquireInWindow<'a> => Result<(), ExceedsBurst> }

impl Drop for AcquireInWindow<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for AcquireInWindow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireInWindow")
            .field("permits", &self.permits)
            .field("in_line", &self.place.is_some())
            .finish_non_exhaustive()
    }
}
