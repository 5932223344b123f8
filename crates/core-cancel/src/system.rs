//! The system's clock, and the one thread that keeps its alarms.
//!
//! The thread starts when the first alarm is armed, so a program that never waits in a task with
//! a deadline never has it: blocked threads keep their own time (see `ticket`). It fires alarms
//! outside its lock, one after the other, and survives a waker or a hook that panics.

use crate::{
    sync::{Condvar, Mutex, OnceLock, PoisonError, lock},
    timers::{Alarm, TimerKey, Timers},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::{Duration, Instant},
};

/// A time that never comes.
pub(crate) const NEVER: u64 = u64::MAX;

static ORIGIN: OnceLock<Instant> = OnceLock::new();

/// What the clock's zero is.
pub(crate) fn origin() -> Instant {
    *ORIGIN.get_or_init(Instant::now)
}

/// Nanoseconds since the first look at the clock.
#[inline]
pub(crate) fn now() -> u64 {
    let origin = origin();
    nanos(Instant::now().duration_since(origin))
}

/// A duration in nanoseconds; one too long for 584 years is [`NEVER`].
pub(crate) fn nanos(duration: Duration) -> u64 {
    // In 64 bits all the way: this is part of every look at the clock.
    let seconds = duration.as_secs().checked_mul(1_000_000_000);
    let nanos = seconds.and_then(|nanos| nanos.checked_add(duration.subsec_nanos().into()));
    nanos.unwrap_or(NEVER)
}

struct Keeper {
    state: Mutex<State>,
    /// Told when an alarm was armed that is due before the thread wakes by itself.
    earlier: Condvar,
}

struct State {
    timers: Timers,
    running: bool,
    /// When the thread wakes by itself, while it sleeps. It may be earlier than the next alarm: one
    /// that was disarmed costs a look in vain then, and not a wake-up each time one is armed.
    sleeps_until: u64,
}

/// Arms an alarm and returns its key.
///
/// # Panics
/// When the operating system refuses the timer thread.
pub(crate) fn arm(at: u64, alarm: Alarm) -> TimerKey {
    let keeper = keeper();
    let mut state = lock(&keeper.state);
    if !state.running {
        thread::Builder::new()
            .name("anabranch-timers".into())
            .spawn(move || keep(keeper))
            .expect("the operating system gives a thread for the timers");
        state.running = true;
    }
    let key = state.timers.arm(at, alarm);
    let too_late = at < state.sleeps_until;
    if too_late {
        // It will look at all of them: others need not wake it again.
        state.sleeps_until = 0;
    }
    drop(state);
    if too_late {
        keeper.earlier.notify_one();
    }
    key
}

pub(crate) fn disarm(key: TimerKey) -> Option<Alarm> {
    lock(&keeper().state).timers.disarm(key)
}

pub(crate) fn replace(key: &TimerKey, alarm: Alarm) -> Result<Alarm, Alarm> {
    lock(&keeper().state).timers.replace(key, alarm)
}

/// Alarms armed at the moment.
pub(crate) fn armed() -> usize {
    lock(&keeper().state).timers.len()
}

#[cfg(not(any(loom, shuttle)))]
fn keeper() -> &'static Keeper {
    static KEEPER: Keeper = Keeper {
        state: Mutex::new(State {
            timers: Timers::new(),
            running: false,
            sleeps_until: 0,
        }),
        earlier: Condvar::new(),
    };
    &KEEPER
}

/// Real time does not pass in a model: those run on a manual clock.
#[cfg(any(loom, shuttle))]
fn keeper() -> &'static Keeper {
    panic!("the system's timers are not modelled: use a manual clock")
}

fn keep(keeper: &Keeper) {
    let mut state = lock(&keeper.state);
    loop {
        let next = state.timers.next().unwrap_or(NEVER);
        let now = now();
        if next > now {
            state.sleeps_until = next;
            state = if next == NEVER {
                keeper
                    .earlier
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner)
            } else {
                let sleep = Duration::from_nanos(next - now);
                let woken = keeper.earlier.wait_timeout(state, sleep);
                woken.unwrap_or_else(PoisonError::into_inner).0
            };
            state.sleeps_until = 0;
            continue;
        }
        let due = state.timers.pop_due(now);
        drop(state);
        if let Some(alarm) = due {
            // The panic hook has reported it; the alarms of the others must still go off.
            let _ = catch_unwind(AssertUnwindSafe(|| alarm.fire()));
        }
        state = lock(&keeper.state);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn durations_of_up_to_584_years_are_exact_and_longer_ones_are_never() {
        assert_eq!(nanos(Duration::new(3, 7)), 3_000_000_007);
        assert_eq!(nanos(Duration::from_nanos(NEVER - 1)), NEVER - 1);
        for long in [
            Duration::from_nanos(NEVER) + Duration::from_nanos(1),
            Duration::MAX,
        ] {
            assert_eq!(nanos(long), NEVER);
        }
    }
}
