//! The free permits and what a release has to know, in one word.
//!
//! ```text
//!   [ free permits: signed | NUDGED | WAITING ]
//! ```
//!
//! *Free* is below zero while more is held than the capacity has become. *Waiting* is set while
//! somebody is in line: a release has to see to the line then and, where order is kept, nobody may
//! take past it. *Nudged* is set in barging mode alone, from when the first in line was woken until
//! a waiter looks: what is released meanwhile that one will find, so nobody else needs to be woken.
//!
//! Rules:
//!
//! 1. Permits are taken by compare-exchange, so never more than are free, and given by an addition.
//! 2. The flags change only under the line's lock.
//! 3. *Waiting* is set by an exchange that also finds that too little is free, and its owner holds
//!    the lock until it is in line. So whoever gave before, in this word's order, was counted, and
//!    whoever gives after it sees the flag, waits for the lock, and finds the owner in line.
//! 4. *Nudged* is cleared before the one who clears it looks at the free permits: whoever gave and
//!    saw it set is before that in this word's order, so that look counts what was given.
//!
//! ORDERING: giving is a Release and taking an Acquire: who takes a permit sees what those who gave
//! theirs did under it. Every access but the plain loads is a read-modify-write, which continues
//! the release sequences of all before it, so one Acquire sees all earlier holders. The flags and
//! the changes of capacity publish nothing by themselves (what is in line is guarded by its lock)
//! and are Relaxed. A plain load may be stale: it is checked by the exchange that follows, or it
//! comes after a read-modify-write of the same thread (4), or a caller of `give` that it missed has
//! yet to take the line's lock (3).

#[cfg(loom)]
use crate::control::{Mistake, is_planted};
use crate::sync::AtomicIsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

const WAITING: isize = 1;
const NUDGED: isize = 2;
const ONE: isize = 4;

/// The most permits there can be.
pub(crate) const MAX_PERMITS: usize = (isize::MAX / ONE) as usize;

/// Whether a newcomer takes what is free although somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// It does not: first come, first served.
    Fair,
    /// It does.
    Barging,
}

impl Order {
    /// The flag that keeps a newcomer from taking.
    #[inline]
    fn bar(self) -> isize {
        match self {
            Order::Fair => WAITING,
            Order::Barging => 0,
        }
    }
}

/// See the head of the file.
pub(crate) struct Word(AtomicIsize);

/// What so many permits add to the word.
#[inline]
fn weight(permits: usize) -> isize {
    debug_assert!(permits <= MAX_PERMITS);
    (permits as isize) * ONE
}

impl Word {
    #[cfg(not(loom))]
    pub(crate) const fn new(permits: usize) -> Self {
        Self(AtomicIsize::new(permits as isize * ONE))
    }

    #[cfg(loom)]
    pub(crate) fn new(permits: usize) -> Self {
        Self(AtomicIsize::new(weight(permits)))
    }

    /// Takes so many if they are free and, in fair order, nobody waits.
    #[inline]
    pub(crate) fn take(&self, permits: usize, order: Order) -> bool {
        if permits > MAX_PERMITS {
            return false;
        }
        let (weight, bar) = (weight(permits), order.bar());
        let mut word = self.0.load(Relaxed);
        while word & bar == 0 && word >= weight {
            match self.exchange(word, word - weight) {
                Ok(()) => return true,
                Err(actual) => word = actual,
            }
        }
        false
    }

    /// Takes so many as [`take`](Self::take) does, or says that somebody waits: then `false`.
    pub(crate) fn take_or_wait(&self, permits: usize, order: Order) -> bool {
        let mut word = self.0.load(Relaxed);
        loop {
            let fits = permits <= MAX_PERMITS && word >= weight(permits);
            let (next, taken) = if fits && word & order.bar() == 0 {
                (word - weight(permits), true)
            } else if word & WAITING != 0 {
                // Under the lock this stands, and whoever gives sees it.
                return false;
            } else {
                (word | WAITING, false)
            };
            match self.exchange(word, next) {
                Ok(()) => return taken,
                Err(actual) => word = actual,
            }
        }
    }

    /// Gives so many. Whether the line has to be seen to.
    #[inline]
    #[must_use]
    pub(crate) fn give(&self, permits: usize) -> bool {
        #[cfg(loom)]
        if is_planted(Mistake::LookBeforeGiving) {
            let before = self.0.load(Relaxed);
            self.0.fetch_add(weight(permits), Release);
            return before & (WAITING | NUDGED) == WAITING;
        }
        #[cfg(loom)]
        if is_planted(Mistake::RelaxedRelease) {
            let before = self.0.fetch_add(weight(permits), Relaxed);
            return before & (WAITING | NUDGED) == WAITING;
        }
        let before = self.0.fetch_add(weight(permits), Release);
        before & (WAITING | NUDGED) == WAITING
    }

    /// Whether somebody waits, without the lock a hint.
    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        self.0.load(Relaxed) & WAITING != 0
    }

    /// Adds what the capacity has grown by, for a caller with the line's lock.
    pub(crate) fn grow(&self, permits: usize) {
        self.0.fetch_add(weight(permits), Relaxed);
    }

    /// Takes away what the capacity has shrunk by, whether it is free or not.
    pub(crate) fn shrink(&self, permits: usize) {
        #[cfg(loom)]
        if is_planted(Mistake::SplitExchange) {
            let word = self.0.load(Relaxed);
            self.0.store(word - weight(permits), Relaxed);
            return;
        }
        self.0.fetch_sub(weight(permits), Relaxed);
    }

    /// Nobody is in line any more, for a caller with the line's lock.
    pub(crate) fn clear_waiting(&self) {
        self.0.fetch_and(!(WAITING | NUDGED), Relaxed);
    }

    /// The first in line, who wants so many, is about to be woken, if there is enough for it and
    /// nobody was.
    pub(crate) fn nudge(&self, permits: usize) -> bool {
        // A look that misses what is being given misses a caller that has yet to take the lock.
        let enough = permits <= MAX_PERMITS && self.0.load(Relaxed) >= weight(permits);
        enough && self.0.fetch_or(NUDGED, Relaxed) & NUDGED == 0
    }

    /// A waiter is about to look.
    pub(crate) fn clear_nudged(&self) {
        self.0.fetch_and(!NUDGED, Relaxed);
    }

    /// Permits that are free; below zero while more is held than the capacity.
    pub(crate) fn free(&self) -> isize {
        self.0.load(Relaxed) >> ONE.trailing_zeros()
    }

    /// Permits that [`take`](Self::take) would take.
    pub(crate) fn available(&self, order: Order) -> usize {
        let word = self.0.load(Relaxed);
        if word & order.bar() != 0 {
            return 0;
        }
        usize::try_from(word / ONE).unwrap_or(0)
    }

    /// The one place where permits change hands outside of a release.
    #[inline]
    fn exchange(&self, current: isize, next: isize) -> Result<(), isize> {
        #[cfg(loom)]
        if is_planted(Mistake::SplitExchange) {
            let actual = self.0.load(Acquire);
            if actual != current {
                return Err(actual);
            }
            self.0.store(next, Relaxed);
            return Ok(());
        }
        self.0
            .compare_exchange_weak(current, next, Acquire, Relaxed)
            .map(drop)
    }
}
