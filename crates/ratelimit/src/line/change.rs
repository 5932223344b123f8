//! Another rate while in use: what is in the bucket stays, in permits, up to the new burst.

use super::Line;
#[cfg(loom)]
use crate::control;
use crate::{
    each::Each,
    limiter::RateLimiter,
    limits::{Limits, State},
    meter::{MAX_COST, Meter},
    rate::Rate,
};
use anabranch_core_cancel::Wakes;

/// From here on the numbers start again: see [`Meter`].
const LAST_BASE: u64 = 1 << 60;

impl Line {
    pub(crate) fn change(&mut self, limiter: &RateLimiter, rates: Each<Rate>, wakes: &mut Wakes) {
        self.enter(limiter);
        let now = limiter.time().ticks();
        self.serve(now, None, wakes);
        self.highest = self.highest.max(self.state.marks.first);
        // Above every mark that ever was: see `cell.rs`.
        let base = match self.highest + 1 {
            base @ 0..=LAST_BASE => base,
            _ => 0,
        };
        let warm_up = self.limits.warm_up.map(|warm_up| warm_up.period);
        let mut limits = Limits::new(&rates, limiter.time().scale(), warm_up);
        limits.meters.first = limits.meters.first.taking_over(now, base);
        for meter in &mut limits.meters.rest {
            *meter = meter.taking_over(now, 0);
        }
        let state = carried_over(&self.limits, &self.state, &limits, now);
        let old = &self.limits.meters;
        self.book.change(&limits, &state, |limit, units| {
            match (old.iter().nth(limit), limits.meters.iter().nth(limit)) {
                (Some(old), Some(new)) if !new.is_unlimited() => new.convert(units, old),
                _ => 0,
            }
        });
        #[cfg(loom)]
        if control::is_planted(control::Mistake::NakedChange) {
            // As if it had never been raised: a caller may take by the old meter until the end.
            limiter.publish(self.state.marks.first, None, false);
        }
        limiter.set_meter(&limits.meters.first);
        (self.rates, self.limits, self.state) = (rates, limits, state);
        self.highest = if base == 0 { 0 } else { self.highest };
        let costs = self.queue.iter().map(|request| request.permits);
        let meter = self.limits.meters.first;
        self.wanted = costs.map(|permits| u128::from(meter.cost(permits))).sum();
        self.disturb(now);
        self.serve(now, None, wakes);
        self.publish(limiter, wakes);
    }
}

fn carried_over(old: &Limits, state: &State, new: &Limits, now: u64) -> State {
    let mut carried = State {
        floor: now,
        ..new.fresh()
    };
    let before = old.meters.zip(&state.marks);
    let after = carried.marks.iter_mut().zip(new.meters.iter());
    for ((into, new), (old, &mark)) in after.zip(before) {
        let level = level(old, mark, now).map(|level| new.convert(level, old));
        *into = new.mark_of(level);
    }
    if let (Some(was), Some(is)) = (&old.warm_up, &new.warm_up) {
        carried.cold = was.rescale(state.cold, *is);
    }
    carried
}

/// What is in the bucket, in units; `None`: it is without a limit, and full.
fn level(meter: &Meter, mark: u64, now: u64) -> Option<i128> {
    let units = i128::from(meter.now(now)) - i128::from(mark);
    (!meter.is_unlimited()).then(|| units.min(meter.capacity.into()))
}

impl Meter {
    /// The mark at the moment it takes over, with that much in the bucket; `None`: it is full.
    fn mark_of(&self, level: Option<i128>) -> u64 {
        if self.is_unlimited() {
            return self.base; // nobody pays what is owed
        }
        let capacity = i128::from(self.capacity);
        let level = level.unwrap_or(capacity).min(capacity);
        let taken = (capacity - level).min(MAX_COST.into());
        self.base + u64::try_from(taken).unwrap_or(0)
    }
}
