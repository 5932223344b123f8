//! The word: how it is taken from without the lock, and handed to those who have it.

use super::{FLAG, RateLimiter};
#[cfg(loom)]
use crate::control;
use crate::{meter::Meter, sync::lock};
use anabranch_core_cancel::Wakes;
use std::sync::atomic::Ordering::{Acquire as Acq, Relaxed, Release};

/// So long one that lost a race for the word stays away from it: the one who won it gets on.
const SPINS: u32 = 16;

impl RateLimiter {
    /// [`allow`](Self::allow), after somebody else was faster.
    #[cold]
    pub(super) fn take_contended(&self) -> bool {
        for _ in 0..SPINS {
            std::hint::spin_loop();
        }
        self.take_slowly(1)
    }

    /// [`allow_n`](Self::allow_n), where one look at the word does not tell.
    #[cold]
    pub(super) fn take_slowly(&self, permits: u64) -> bool {
        if permits == 0 {
            return true;
        }
        let mut has_caught_up = false;
        loop {
            let word = self.word.load(Acq);
            let meter = self.meter.load();
            if word & FLAG != 0 {
                let due = self.first_due.load(Relaxed);
                if due != 0 && self.time.ticks() < due {
                    return false;
                }
                if self.check(permits).is_err() {
                    return false;
                }
                let mut wakes = Wakes::new();
                return lock(&self.line).try_take(self, permits, &mut wakes);
            }
            if permits > meter.burst() && self.check(permits).is_err() {
                return false;
            }
            let now = meter.now(self.time.ticks());
            match meter.take(now, word, meter.cost(permits)) {
                Some(next) if self.replace(word, next).is_ok() => return true,
                // The clock went back, or something is owed.
                None if now < word && !has_caught_up => {
                    self.time.catch_up();
                    has_caught_up = true;
                }
                None if self.word.load(Acq) == word => return false,
                _ => {}
            }
        }
    }

    /// Takes without waiting, for an operation that would rather wait than lose the race.
    pub(crate) fn take_at_once(&self, permits: u64) -> bool {
        let word = self.word.load(Acq);
        let meter = self.meter.load();
        if permits > meter.burst() {
            return false;
        }
        let now = meter.now(self.time.ticks());
        let next = meter.take(now, word, meter.cost(permits));
        next.is_some_and(|next| self.replace(word, next).is_ok())
    }

    /// Sets the flag, for a caller with the line's lock: the mark, unless it was set before.
    pub(crate) fn raise_flag(&self) -> Option<u64> {
        let mut word = self.word.load(Relaxed);
        #[cfg(loom)]
        if control::is_planted(control::Mistake::SplitFlag) && word & FLAG == 0 {
            self.word.store(word | FLAG, Relaxed);
            return Some(word);
        }
        while word & FLAG == 0 {
            match self.replace(word, word | FLAG) {
                Ok(()) => return Some(word),
                Err(actual) => word = actual,
            }
        }
        None
    }

    /// Sets the mark and says what the line is like now, for a caller with its lock, after
    /// [`raise_flag`](Self::raise_flag).
    pub(crate) fn publish(&self, mark: u64, first_due: Option<u64>, is_flag_needed: bool) {
        let flag = if is_flag_needed { FLAG } else { 0 };
        self.first_due.store(first_due.unwrap_or(0), Relaxed);
        self.word.store(mark | flag, Release);
    }

    /// For a caller with the line's lock, while the flag is set.
    pub(crate) fn set_meter(&self, meter: &Meter) {
        self.meter.store(meter);
    }

    /// The one place where the word changes hands.
    #[inline]
    pub(super) fn replace(&self, current: u64, next: u64) -> Result<(), u64> {
        #[cfg(loom)]
        if control::is_planted(control::Mistake::SplitExchange) {
            let actual = self.word.load(Relaxed);
            if actual != current {
                return Err(actual);
            }
            self.word.store(next, Relaxed);
            return Ok(());
        }
        self.word
            .compare_exchange_weak(current, next, Relaxed, Relaxed)
            .map(drop)
    }
}
