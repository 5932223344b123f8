//! The rule for those who stand in line: one limit or several at once, and when a request fits
//! all of them. Plain data; `line.rs` keeps it under its lock.
//!
//! Time is in ticks here, which all limits share; each limit's marks are in its own units.

use crate::{
    each::Each,
    meter::{Meter, Scale},
    rate::Rate,
    warm_up::WarmUp,
};
use std::time::Duration;

/// The flag's bit stays free, and a whole burst can be added to a word with the flag.
const HIGHEST_MARK: u64 = (1 << 63) - (1 << 60) - 1;

/// What has been taken as of some moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) marks: Each<u64>,
    /// Nobody is admitted before this tick: what came before has been decided.
    pub(crate) floor: u64,
    /// See [`WarmUp`].
    pub(crate) cold: u64,
}

/// What a request does to a mark: `max(mark, pull) + cost`. Such steps, one after the other, are
/// such a step again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) pull: u64,
    /// Negative for what is given.
    pub(crate) cost: i64,
}

impl Step {
    pub(crate) fn apply(self, mark: u64) -> u64 {
        let mark = mark.max(self.pull).saturating_add_signed(self.cost);
        // Only what was promised and owed at a rate that is lower by now comes near to that.
        mark.min(HIGHEST_MARK)
    }

    /// This one, and then `next`.
    pub(crate) fn then(self, next: Self) -> Self {
        Self {
            // max(max(m, p) + c, q) = max(m, p, q - c) + c
            pull: self
                .pull
                .max(next.pull.saturating_add_signed(self.cost.saturating_neg())),
            cost: self.cost.saturating_add(next.cost),
        }
    }
}

/// The limits, and how a request is charged.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) meters: Each<Meter>,
    pub(crate) warm_up: Option<WarmUp>,
}

impl Limits {
    pub(crate) fn new(rates: &Each<Rate>, scale: Scale, warm_up: Option<Duration>) -> Self {
        let meters = rates.map(|&rate| Meter::new(rate, scale));
        let warm_up = warm_up.map(|period| WarmUp::new(period, &meters.first, scale));
        Self { meters, warm_up }
    }

    /// Whether the limiter's word alone cannot say what is to be known.
    pub(crate) fn are_several(&self) -> bool {
        !self.meters.rest.is_empty() || self.warm_up.is_some()
    }

    /// The state before anything was taken.
    pub(crate) fn fresh(&self) -> State {
        State {
            marks: self.meters.map(|meter| meter.base),
            floor: 0,
            cold: self.warm_up.map_or(0, |warm_up| warm_up.coldest()),
        }
    }

    /// The most that fits at once without a debt, in permits.
    pub(crate) fn burst(&self) -> u64 {
        let bursts = self.meters.iter().map(Meter::burst);
        bursts.min().unwrap_or(u64::MAX)
    }

    /// The first tick at which all limits have enough.
    pub(crate) fn due(&self, state: &State, permits: u64) -> u64 {
        let dues = self.meters.zip(&state.marks);
        dues.map(|(meter, &mark)| own_due(meter, mark, permits))
            .fold(state.floor, u64::max)
    }

    /// Takes at that tick, not before [`due`](Self::due).
    pub(crate) fn take(&self, state: &mut State, permits: u64, tick: u64) -> Each<Step> {
        let pulls = self.pulls(state, permits, tick);
        let mut steps = pulls.map(|&pull| Step { pull, cost: 0 });
        for (step, meter) in steps.iter_mut().zip(self.meters.iter()) {
            step.cost = signed(meter.cost(permits));
        }
        if let Some(warm_up) = &self.warm_up {
            let idle = steps.first.pull.saturating_sub(state.marks.first);
            let cost = warm_up.cost(&mut state.cold, idle, self.meters.first.cost(permits));
            steps.first.cost = signed(cost);
        }
        self.apply(state, &steps, tick);
        steps
    }

    /// Takes at that tick what was promised at that price.
    pub(crate) fn take_promised(
        &self,
        state: &mut State,
        permits: u64,
        costs: &Each<i64>,
        tick: u64,
    ) -> Each<Step> {
        let mut steps = self
            .pulls(state, permits, tick)
            .map(|&pull| Step { pull, cost: 0 });
        for (step, &cost) in steps.iter_mut().zip(costs.iter()) {
            step.cost = cost;
        }
        if let Some(warm_up) = &self.warm_up {
            let idle = steps.first.pull.saturating_sub(state.marks.first);
            let _ = warm_up.cost(&mut state.cold, idle, self.meters.first.cost(permits));
        }
        self.apply(state, &steps, tick);
        steps
    }

    fn apply(&self, state: &mut State, steps: &Each<Step>, tick: u64) {
        for (mark, step) in state.marks.iter_mut().zip(steps.iter()) {
            *mark = step.apply(*mark);
        }
        state.floor = state.floor.max(tick);
    }

    /// The marks of full buckets at that tick.
    fn pulls(&self, state: &State, permits: u64, tick: u64) -> Each<u64> {
        let pull = |meter: &Meter, mark: u64| {
            let own = mark.saturating_add(meter.need(meter.cost(permits)));
            // The one that says when is counted at its own, exact moment, which is less than a
            // tick before: a bucket that was just filled is not full to overflowing.
            let moment = match meter.when(own) == tick {
                true => own,
                false => meter.now(tick),
            };
            moment.saturating_sub(meter.capacity)
        };
        let mut pulls = self.meters.map(|_| 0);
        let pairs = self.meters.zip(&state.marks);
        for (into, (meter, &mark)) in pulls.iter_mut().zip(pairs) {
            *into = pull(meter, mark);
        }
        pulls
    }

    /// Gives permits to all limits, and no more than fit.
    pub(crate) fn give(&self, state: &mut State, permits: u64) -> Each<Step> {
        let steps = self.meters.map(|meter| {
            let cost = signed(meter.cost(permits.min(meter.burst())));
            // Never below the base: see `cell.rs`.
            let pull = meter.base.saturating_add_signed(cost);
            Step { pull, cost: -cost }
        });
        let floor = state.floor;
        self.apply(state, &steps, floor);
        steps
    }

    /// Whole permits that could be taken at that tick.
    pub(crate) fn available(&self, state: &State, tick: u64) -> u64 {
        let each = self.meters.zip(&state.marks);
        let each = each.map(|(meter, &mark)| meter.available(meter.now(tick), mark));
        each.min().unwrap_or(0)
    }

    /// Whether a mark is ahead of the time: owed, or the clock went back.
    pub(crate) fn is_ahead(&self, state: &State, tick: u64) -> bool {
        self.meters
            .zip(&state.marks)
            .any(|(meter, &mark)| mark > meter.now(tick))
    }
}

fn own_due(meter: &Meter, mark: u64, permits: u64) -> u64 {
    meter.when(mark.saturating_add(meter.need(meter.cost(permits))))
}

pub(crate) fn signed(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}
