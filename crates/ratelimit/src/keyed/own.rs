//! What only a few keys have: a quota of their own, or somebody who waits.
//!
//! The word of such a key has the flag set, and says where in its shard's list the rest stands. A
//! key without either has its mark in the word again. While the flag is set the key is neither idle
//! nor forgotten to make room: its word is larger than any mark.

use super::shard::Moment;
use crate::{
    meter::{Meter, Scale},
    rate::Rate,
    sync::{Mutex, lock},
    time::Time,
    waiters::{Source, Waiters},
};
use anabranch_core_cancel::Wakes;
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

/// Set in the words of keys with something of their own.
pub(super) const OWN: u64 = 1 << 63;

/// A rate that some keys have, and its arithmetic.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) rate: Rate,
    pub(super) meter: Meter,
}

/// The plans in use: a million keys with one of three quotas share three of them.
#[derive(Default)]
pub(super) struct Plans(Mutex<HashMap<Rate, Weak<Plan>>>);

impl Plans {
    pub(super) fn get(&self, rate: Rate, scale: Scale) -> Arc<Plan> {
        let mut plans = lock(&self.0);
        if let Some(plan) = plans.get(&rate).and_then(Weak::upgrade) {
            return plan;
        }
        // Those that nobody has any more go when the map would have to grow.
        if plans.len() == plans.capacity() {
            plans.retain(|_, plan| plan.strong_count() > 0);
        }
        let meter = Meter::new(rate, scale);
        let plan = Arc::new(Plan { rate, meter });
        plans.insert(rate, Arc::downgrade(&plan));
        plan
    }
}

/// What a key has of its own.
#[derive(Default)]
pub(super) struct Own {
    /// `None`: the limiter's.
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) mark: u64,
    /// `None`: nobody waits.
    pub(super) waiters: Option<Box<Waiters>>,
}

impl Own {
    pub(super) fn meter<'a>(&'a self, default: &'a Meter) -> &'a Meter {
        self.plan.as_ref().map_or(default, |plan| &plan.meter)
    }

    /// Fills the bucket.
    pub(super) fn fill(&mut self, default: &Meter, tick: u64, wakes: &mut Wakes) {
        self.mark = Moment::new(self.meter(default), tick).full;
        self.tell_anew(wakes);
    }

    /// Whoever is the first in line has another moment now.
    fn tell_anew(&mut self, wakes: &mut Wakes) {
        if let Some(waiters) = &mut self.waiters {
            waiters.set_told(false);
            waiters.tell_first(wakes);
        }
    }

    /// Sets or takes away the quota. What is in the bucket stays in it, up to the new burst; a full
    /// one stays full.
    pub(super) fn set_plan(
        &mut self,
        plan: Option<Arc<Plan>>,
        default: &Meter,
        tick: u64,
        wakes: &mut Wakes,
    ) {
        let old = *self.meter(default);
        self.plan = plan;
        let new = *self.meter(default);
        let now = Moment::new(&new, tick);
        let units = old.now(tick).saturating_sub(self.mark);
        // Full stays full: nobody must be able to tell a full bucket from a key that was not kept.
        let available = if units >= old.capacity || old.is_unlimited() || new.is_unlimited() {
            new.capacity
        } else {
            // Between zero and the capacity.
            let available = new.convert(units.into(), &old);
            u64::try_from(available).map_or(0, |units| units.min(new.capacity))
        };
        self.mark = now.now - available;
        self.tell_anew(wakes);
    }
}

/// A bucket at a moment.
pub(super) struct Bucket<'a> {
    pub(super) meter: &'a Meter,
    pub(super) mark: &'a mut u64,
    pub(super) time: &'a Time,
}

impl Source for Bucket<'_> {
    fn take(&mut self, permits: u64, waits: bool) -> bool {
        let cost = self.meter.cost(permits);
        let mut now = self.meter.now(self.time.ticks());
        if now < *self.mark {
            // The clock went back.
            self.time.catch_up();
            now = self.meter.now(self.time.ticks());
        }
        let next = if waits {
            // As of the moment at which it was due, however late it comes: the bucket lacked
            // something then, so it has not been full since.
            Some(self.mark.saturating_add(cost)).filter(|&next| next <= now)
        } else {
            self.meter.take(now, *self.mark, cost)
        };
        *self.mark = next.unwrap_or(*self.mark);
        next.is_some()
    }

    fn when(&mut self, permits: u64) -> u64 {
        let units = self.mark.saturating_add(self.meter.cost(permits));
        self.time.moment(self.meter.when(units))
    }
}

/// The keys of a shard that have something of their own.
#[derive(Default)]
pub(super) struct Owns {
    cells: Vec<Option<Own>>,
    free: Vec<usize>,
}

impl Owns {
    /// The word for it.
    pub(super) fn add(&mut self, own: Own) -> u64 {
        let at = self.free.pop().unwrap_or_else(|| {
            self.cells.push(None);
            self.cells.len() - 1
        });
        self.cells[at] = Some(own);
        OWN | at as u64
    }

    pub(super) fn get_mut(&mut self, word: u64) -> &mut Own {
        let own = self.cells[(word & !OWN) as usize].as_mut();
        own.expect("a word with the flag stands for what a key has of its own")
    }

    pub(super) fn remove(&mut self, word: u64) {
        let at = (word & !OWN) as usize;
        self.cells[at] = None;
        self.free.push(at);
        if self.free.len() == self.cells.len() {
            *self = Self::default();
        }
    }
}
