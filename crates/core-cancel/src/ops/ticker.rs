//! Ticks at a fixed period.

use super::timer::Timer;
use crate::{cancelled::Cancelled, clock::Clock, operation::Operation, system, ticket::Ticket};
use std::{
    fmt,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

/// What a ticker does about ticks that passed while nobody waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTicks {
    /// Forgets them and goes on with the next one in the original rhythm, as Go's ticker does.
    #[default]
    Skip,
    /// Delivers them at once, one after the other, until it has caught up.
    Burst,
    /// Forgets them and starts a new rhythm: the next tick is one period after the late one.
    Delay,
}

/// Ticks every period, the first time one period after its making. Made by
/// [`CancelToken::ticker`](crate::CancelToken::ticker) and [`ticker`](crate::ticker).
///
/// ```
/// use anabranch_core_cancel::{CancelToken, MissedTicks};
/// use std::time::Duration;
///
/// let (token, time) = CancelToken::manual();
/// let start = token.clock().now();
/// let mut ticks = token.ticker(Duration::from_secs(10)).missed(MissedTicks::Burst);
/// time.advance(Duration::from_secs(25)); // two ticks have passed
/// assert_eq!(ticks.tick().wait() - start, Duration::from_secs(10));
/// assert_eq!(ticks.tick().wait() - start, Duration::from_secs(20));
/// assert!(ticks.tick().timeout(Duration::ZERO).wait().is_err());
/// ```
pub struct Ticker {
    clock: Clock,
    period: u64,
    missed: MissedTicks,
    timer: Timer,
}

impl Ticker {
    #[track_caller]
    pub(crate) fn new(clock: Clock, period: Duration) -> Self {
        assert!(
            !period.is_zero(),
            "a ticker needs a period longer than zero"
        );
        let timer = Timer::at(clock.clone(), clock.nanos_after(period));
        Self {
            clock,
            period: system::nanos(period),
            missed: MissedTicks::default(),
            timer,
        }
    }

    /// Says what to do about missed ticks. The default is [`MissedTicks::Skip`].
    #[must_use]
    pub fn missed(mut self, missed: MissedTicks) -> Self {
        self.missed = missed;
        self
    }

    /// The next tick: an operation that yields the instant for which the tick was planned.
    ///
    /// # Cancel safety
    /// Dropped before it finishes, it has used up no tick.
    pub fn tick(&mut self) -> Tick<'_> {
        Tick { ticker: self }
    }

    /// A tick was delivered: plans the next.
    fn next(&mut self) -> Instant {
        let planned = self.timer.when();
        let now = self.clock.nanos();
        let next = match self.missed {
            MissedTicks::Burst => planned.saturating_add(self.period),
            MissedTicks::Delay => now.saturating_add(self.period),
            MissedTicks::Skip => {
                let passed = (now - planned) / self.period + 1;
                planned.saturating_add(passed.saturating_mul(self.period))
            }
        };
        self.timer = Timer::at(self.clock.clone(), next);
        self.clock
            .instant_of(planned)
            .expect("a tick that came is not never")
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker")
            .field("period", &Duration::from_nanos(self.period))
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}

/// The next tick of a [`Ticker`]. Made by [`Ticker::tick`].
#[derive(Debug)]
#[must_use = "operations do nothing unless waited for"]
pub struct Tick<'a> {
    ticker: &'a mut Ticker,
}

impl Operation for Tick<'_> {
    type Bounded = Result<Instant, Cancelled>;

    fn bound(&self, done: Instant) -> Self::Bounded {
        Ok(done)
    }

    fn end(self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        Err(why)
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Instant> {
        self.ticker.timer.poll(ticket).map(|()| self.ticker.next())
    }

    fn look_arm(mut self: Pin<&mut Self>, _: &Ticket<'_>) -> Poll<Instant> {
        self.ticker.timer.look().map(|()| self.ticker.next())
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.ticker.timer.clock().clone())
    }
}

crate::operation! { ['a] Tick<'a> => Instant }
