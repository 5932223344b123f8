//! The time a limiter reads: the processor's own counter where it can, for the clock is most of
//! what a look at a limiter costs.
//!
//! Two clocks. The *limiter's time* counts ticks from the limiter's making on: all marks are in it,
//! and whether a permit is there is decided by it alone. The *clock* is core-cancel's, the system's
//! or a manual one: sleeps and deadlines are on it. On a manual clock, and without the feature
//! `quanta`, ticks are the clock's nanoseconds and there is nothing to tell apart. Otherwise they
//! are cycles of the counter (TSC, CNTVCT), measured against the system's clock once per process by
//! quanta, to about one in a million.
//!
//! Why this is sound, although counters drift, jump, and may differ between cores:
//!
//! 1. From one to the other goes only a *remaining time*, never a moment: [`Time::moment`] is the
//!    clock's now plus what is missing. Whoever wakes early by the limiter's time waits again for
//!    the rest; whoever wakes late is served as of its moment. Drift only matters within one sleep.
//! 2. A counter that jumps ahead is a long idle time: it fills the bucket, and no more than that.
//!    What was taken then stays taken when it jumps back, for the mark remembers it. So cores that
//!    disagree by `d` admit, together and once, what flows in in `d`.
//! 3. A counter that jumps back (a machine that slept may start it again from zero) makes
//!    `now < mark` at worst: nothing is admitted twice, nothing at all for a while. So that this
//!    does not last, whoever finds that, or wakes early, compares with the clock:
//!    [`Time::catch_up`] moves the start back until the counter says at least what the clock says.
//!    It never moves ahead, so what is admitted stays within the larger of what the two clocks say.
//!
//! ORDERING: `start` is a number of its own, and every reading of it is right: Relaxed. A reader
//! with the old one sees an earlier time, which is 3.

#[cfg(all(feature = "quanta", not(any(loom, shuttle, miri))))]
mod counter;
#[cfg(not(all(feature = "quanta", not(any(loom, shuttle, miri)))))]
mod no_counter;

#[cfg(all(feature = "quanta", not(any(loom, shuttle, miri))))]
use counter::Counter;
#[cfg(not(all(feature = "quanta", not(any(loom, shuttle, miri)))))]
use no_counter::Counter;

use crate::meter::{NEVER, Scale};
use anabranch_core_cancel::Clock;
use std::time::Duration;

/// A limiter's time: see the head of the file.
#[derive(Debug)]
pub(crate) struct Time {
    clock: Clock,
    /// The clock's nanoseconds at tick zero.
    zero: u64,
    counter: Option<Counter>,
}

impl Time {
    /// From now on.
    pub(crate) fn new(clock: Clock) -> Self {
        let counter = if clock.is_system() {
            Counter::start()
        } else {
            None
        };
        Self {
            zero: clock.nanos(),
            clock,
            counter,
        }
    }

    /// The clock for sleeps and deadlines.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How long a tick is.
    pub(crate) fn scale(&self) -> Scale {
        self.counter.as_ref().map_or(Scale::NANOS, Counter::scale)
    }

    /// Now.
    #[inline]
    pub(crate) fn ticks(&self) -> u64 {
        match &self.counter {
            Some(counter) => counter.ticks(),
            None => self.clock.nanos().saturating_sub(self.zero),
        }
    }

    /// When it will be that tick, in the clock's nanoseconds: [`NEVER`] stays what it is.
    pub(crate) fn moment(&self, tick: u64) -> u64 {
        match &self.counter {
            _ if tick == NEVER => NEVER,
            Some(_) => self.clock.nanos().saturating_add(self.nanos_until(tick)),
            None => self.zero.saturating_add(tick),
        }
    }

    /// How long until then; never is [`Duration::MAX`].
    pub(crate) fn until(&self, tick: u64) -> Duration {
        match self.nanos_until(tick) {
            NEVER => Duration::MAX,
            nanos => Duration::from_nanos(nanos),
        }
    }

    /// The tick so long after `now`.
    pub(crate) fn after(&self, now: u64, wait: Duration) -> u64 {
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(NEVER);
        if nanos == NEVER {
            return NEVER;
        }
        now.saturating_add(self.scale().ticks(nanos))
    }

    fn nanos_until(&self, tick: u64) -> u64 {
        if tick == NEVER {
            return NEVER;
        }
        self.scale().nanos(tick.saturating_sub(self.ticks()))
    }

    /// Does not let the limiter's time be behind the clock's: see the head of the file, 3.
    #[cold]
    pub(crate) fn catch_up(&self) {
        if let Some(counter) = &self.counter {
            counter.catch_up(self.clock.nanos().saturating_sub(self.zero));
        }
    }
}
