//! A moment on a clock that an operation waits for.

use crate::{
    clock::Clock,
    system::NEVER,
    ticket::Ticket,
    timers::{Alarm, TimerKey},
};
use std::task::{Poll, Waker};

/// A moment that an operation of your own waits for: kept inside it, polled with its ticket.
///
/// A thread on the system's clock wakes itself then and nothing is armed; a task, or anybody on a
/// manual clock, gets an alarm that is disarmed on drop. Dropping it takes the clock's lock and may
/// drop a waker, so not under a lock of yours.
///
/// ```
/// use anabranch_core_cancel::{CancelToken, Cancelled, Clock, Operation, Ticket, Timer, operation};
/// use std::{pin::Pin, task::Poll, time::Duration};
///
/// /// Ready at full seconds of its clock.
/// #[must_use = "operations do nothing unless waited for"]
/// struct FullSecond { timer: Timer }
///
/// operation! { [] FullSecond => () }
///
/// impl Operation for FullSecond {
///     type Bounded = Result<(), Cancelled>;
///     fn bound(&self, done: ()) -> Self::Bounded { Ok(done) }
///     fn end(self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded { Err(why) }
///     fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<()> {
///         self.timer.poll(ticket)
///     }
///     fn clock(&self) -> Option<Clock> { Some(self.timer.clock().clone()) }
/// }
///
/// let (token, time) = CancelToken::manual();
/// time.auto_advance();
/// let _in = time.join();
/// token.sleep(Duration::from_millis(300)).wait()?;
/// let clock = token.clock().clone();
/// let next = (clock.nanos() / 1_000_000_000 + 1) * 1_000_000_000;
/// FullSecond { timer: Timer::at(clock, next) }.wait();
/// assert_eq!(time.elapsed(), Duration::from_secs(1));
/// # Ok::<(), Cancelled>(())
/// ```
// Armed only if the waiter cannot wake itself: see `Ticket::wake_at`.
#[derive(Debug)]
pub struct Timer {
    clock: Clock,
    at: u64,
    /// The alarm and a copy of its waker, to see without a lock whether it is still the right one.
    armed: Option<(TimerKey, Waker)>,
}

impl Timer {
    /// A moment in the clock's [`nanos`](Clock::nanos); `u64::MAX` never comes.
    pub fn at(clock: Clock, at: u64) -> Self {
        Self {
            clock,
            at,
            armed: None,
        }
    }

    /// The moment, in the clock's nanoseconds.
    pub fn when(&self) -> u64 {
        self.at
    }

    /// The clock it is a moment of.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Ready when the moment has come; otherwise the ticket's owner is polled again then.
    pub fn poll(&mut self, ticket: &Ticket<'_>) -> Poll<()> {
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
        // A manual clock may have moved past it before the alarm was set; the system's fires it.
        if !self.clock.is_system() && self.is_due() {
            self.disarm();
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Whether the moment has come, without asking to be polled again.
    #[doc(hidden)]
    pub fn look(&mut self) -> Poll<()> {
        if !self.is_due() {
            return Poll::Pending;
        }
        self.disarm();
        Poll::Ready(())
    }

    fn is_due(&self) -> bool {
        self.at != NEVER && self.clock.nanos() >= self.at
    }

    fn arm(&mut self, waker: &Waker) {
        if let Some((key, armed)) = &mut self.armed {
            if armed.will_wake(waker) {
                return;
            }
            if self.clock.replace(key, Alarm::Wake(waker.clone())).is_ok() {
                *armed = waker.clone();
                return;
            }
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
