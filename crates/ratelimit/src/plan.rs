//! When somebody's turn is: those in line one after the other, around what was promised.
//!
//! A promise ([`Promise`]) is kept at its tick. When somebody before it gives up, there is room
//! before it, and whoever comes next may use that room if all promises can still be kept. The plan
//! walks along the promises: before each, `slack` is the highest mark with which that one and all
//! after it can be kept.
//!
//! Without promises, which is the usual case, this is a sum.

use crate::{
    book::Promise,
    each::Each,
    limits::{Limits, State},
    meter::NEVER,
};

pub(crate) struct Plan<'a> {
    limits: &'a Limits,
    promises: &'a [Promise],
    /// For each promise, the highest marks before it.
    slack: Vec<Each<u64>>,
    passed: usize,
    state: State,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(limits: &'a Limits, promises: &'a [Promise], state: State) -> Self {
        let mut slack = Vec::new();
        if !promises.is_empty() {
            let mut after = limits.meters.map(|_| u64::MAX);
            for promise in promises.iter().rev() {
                let each = after.iter_mut().zip(limits.meters.iter());
                for ((most, meter), &cost) in each.zip(promise.costs.iter()) {
                    let need = meter.need(meter.cost(promise.permits));
                    let at_its_time = meter.now(promise.due).saturating_sub(need);
                    *most = at_its_time.min(most.saturating_sub(cost.unsigned_abs()));
                }
                slack.push(after.clone());
            }
            slack.reverse();
        }
        Self {
            limits,
            promises,
            slack,
            passed: 0,
            state,
        }
    }

    /// When the next in line is due: it takes its permits then.
    pub(crate) fn place(&mut self, permits: u64) -> u64 {
        loop {
            let due = self.limits.due(&self.state, permits);
            let Some((promise, slack)) = self.next_promise() else {
                self.limits.take(&mut self.state, permits, due);
                return due;
            };
            if due <= promise.due && due != NEVER {
                let mut then = self.state.clone();
                self.limits.take(&mut then, permits, due);
                if then.marks.zip(slack).all(|(mark, most)| mark <= most) {
                    self.state = then;
                    return due;
                }
            }
            let Promise {
                due,
                permits,
                costs,
                ..
            } = promise;
            self.limits
                .take_promised(&mut self.state, *permits, costs, *due);
            self.passed += 1;
        }
    }

    /// Whoever is placed from now on comes at that tick or later.
    pub(crate) fn not_before(&mut self, tick: u64) {
        self.state.floor = self.state.floor.max(tick);
    }

    fn next_promise(&self) -> Option<(&'a Promise, &Each<u64>)> {
        self.promises
            .get(self.passed)
            .zip(self.slack.get(self.passed))
    }

    /// How many promises come before the one placed last.
    pub(crate) fn passed(&self) -> usize {
        self.passed
    }

    /// The state after the one placed last.
    pub(crate) fn into_state(self) -> State {
        self.state
    }
}
