//! One after the other, evenly spaced.
//!
//! After `uber-go/ratelimit`: a leaky bucket whose *slack* says how much of a delay may be caught up.
//! In the bucket's terms it is one with room for `1 + slack` that starts with a single permit in it,
//! so it stands on the limiter: its line, its moments, its arithmetic.

use crate::{
    error::{AcquireError, Denied, Refused},
    limiter::RateLimiter,
    ops::Acquire,
    rate::Rate,
};
use anabranch_core_cancel::{CancelToken, Cancelled, Clock, Operation, Ticket, operation};
use std::{fmt, pin::Pin, task::Poll};

/// Spaces calls evenly: one each interval, never two at once.
///
/// Where a [`RateLimiter`] answers how much may happen, a pacer answers *when the next one goes*:
/// a load generator, a crawler, frames to be sent. The first goes at once, each other one interval
/// after the one before it, threads and tasks in one line. What a late or idle caller has missed is
/// lost, unless there is [`slack`](Self::slack) to catch up with.
///
/// ```
/// use anabranch_ratelimit::{CancelToken, Pacer, Rate};
/// use std::time::Duration;
///
/// let (token, time) = CancelToken::manual(); // in a program: Pacer::new alone
/// time.auto_advance();
/// let _in = time.join();
/// let pacer = Pacer::new(Rate::per_second(4)).on(&token);
/// for _frame in 0..9 {
///     pacer.next().wait(); // in a task: .await
/// }
/// assert_eq!(time.elapsed(), Duration::from_secs(2)); // the first at once
/// ```
pub struct Pacer {
    rate: Rate,
    slack: u64,
    limiter: RateLimiter,
}

impl Pacer {
    /// One each `1 / rate`, without slack; the burst of the rate does not count here. On the
    /// system's clock.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self::with_clock(rate, 0, Clock::system())
    }

    /// The same, as if new, but callers that come late catch up: what was missed by up to `calls`
    /// intervals goes at once.
    ///
    /// So a caller that is held up now and then still keeps the rate. At first there is nothing to
    /// catch up: a new pacer spaces its calls from the first on.
    #[must_use]
    pub fn slack(self, calls: u64) -> Self {
        Self::with_clock(self.rate, calls, self.limiter.clock().clone())
    }

    /// The same, as if new, on the clock of `token`: how a test takes the time in its own hands.
    #[must_use]
    pub fn on(self, token: &CancelToken) -> Self {
        Self::with_clock(self.rate, self.slack, token.clock().clone())
    }

    fn with_clock(rate: Rate, slack: u64, clock: Clock) -> Self {
        let slack = slack.min(Rate::MAX_BURST - 1);
        let limiter = RateLimiter::with_clock(rate.burst(1 + slack), clock);
        // The bucket is full at first: all but one of it is what could be caught up.
        let has_room = limiter.allow_n(slack);
        debug_assert!(has_room);
        Self {
            rate,
            slack,
            limiter,
        }
    }

    /// Waits for the next slot.
    ///
    /// An operation: no slot is taken until `.wait()` (blocks the thread) or `.await` (suspends the
    /// task). Under a token with a deadline or with a timeout it fails at once when its slot lies
    /// behind that.
    ///
    /// # Fairness
    /// First come, first served, threads and tasks in one line.
    ///
    /// # Cancel safety
    /// Dropped, cancelled or timed out before it finishes, it has taken no slot, and those behind it
    /// move up.
    pub fn next(&self) -> Next<'_> {
        Next {
            acquire: self.limiter.acquire(1),
        }
    }

    /// Takes a slot if one is due and nobody waits, else says when the next one is. Never waits.
    ///
    /// # Errors
    /// [`Denied`], with nothing taken.
    pub fn try_next(&self) -> Result<(), Denied> {
        self.limiter.try_acquire(1)
    }

    /// Operations in line. A snapshot: may be stale on return.
    pub fn waiting(&self) -> usize {
        self.limiter.waiting()
    }
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer")
            .field("rate", &format_args!("{}", self.rate))
            .field("slack", &self.slack)
            .finish_non_exhaustive()
    }
}

/// Waits for the next slot. Made by [`Pacer::next`].
///
/// An operation: it takes nothing until `.wait()` (blocks the thread) or `.await` (suspends the
/// task). `pacer.next();` alone spaces nothing.
#[derive(Debug)]
#[must_use = "operations do nothing unless waited for"]
pub struct Next<'a> {
    acquire: Acquire<'a>,
}

impl Operation for Next<'_> {
    type Bounded = Result<(), Cancelled>;

    fn bound(&self, (): ()) -> Self::Bounded {
        Ok(())
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        match Pin::new(&mut self.acquire).end(why) {
            Err(AcquireError::Cancelled(why)) => Err(why),
            Err(AcquireError::ExceedsBurst(why)) => never(why.into()),
            Err(AcquireError::LineFull(why)) => never(why.into()),
            Ok(()) => Ok(()),
        }
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<()> {
        Pin::new(&mut self.acquire).poll_arm(ticket).map(fits)
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<()> {
        Pin::new(&mut self.acquire).withdraw().map(fits)
    }

    fn clock(&self) -> Option<Clock> {
        self.acquire.clock()
    }
}

fn fits(done: Result<(), Refused>) {
    if let Err(why) = done {
        never(why);
    }
}

/// One permit is never more than the bucket holds, and the line has no bound.
fn never(why: Refused) -> ! {
    unreachable!("a pacer's limiter refuses: {why}")
}

operation! { ['a] Next<'a> => () }
