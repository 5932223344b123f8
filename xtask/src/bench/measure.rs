//! Measures a plan, cell by cell, and keeps what came out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::matrix::process::Interrupt;

use super::plan::{Plan, Slot};
use super::progress::Progress;
use super::protocol::{Cell, Measured, Shape};
use super::results::Results;
use super::runner::{Ask, Runner};

/// One process: a cell in a round, and its figure or why it has none.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) round: usize,
    pub(crate) slot: Slot,
    pub(crate) result: Result<Measured, String>,
}

/// What has been measured so far.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) cells: &'a [Cell],
    pub(crate) rows: Vec<Row>,
    /// Why cells failed, by index. A cell that failed once is not run again.
    failures: BTreeMap<usize, String>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(cells: &'a [Cell]) -> Self {
        Session {
            cells,
            rows: Vec::new(),
            failures: BTreeMap::new(),
        }
    }

    pub(crate) fn record(&mut self, round: usize, slot: Slot, result: Result<Measured, String>) {
        if let Err(error) = &result {
            self.failures
                .entry(slot.cell)
                .or_insert_with(|| error.clone());
        }
        self.rows.push(Row {
            round,
            slot,
            result,
        });
    }

    pub(crate) fn failures(&self) -> &BTreeMap<usize, String> {
        &self.failures
    }

    pub(crate) fn has_failed(&self, cell: usize) -> bool {
        self.failures.contains_key(&cell)
    }

    /// The figures of a slot, one place per round, so that two slots can be paired.
    pub(crate) fn by_round(&self, slot: Slot, metric: &str) -> Vec<Option<f64>> {
        let rounds = self.rows.iter().map(|row| row.round + 1).max().unwrap_or(0);
        let mut figures = vec![None; rounds];
        for row in self.rows.iter().filter(|row| row.slot == slot) {
            if let Ok(measured) = &row.result {
                figures[row.round] = measured.metric(metric);
            }
        }
        figures
    }

    /// The figures of a cell's first name, without gaps. A cell that has failed has none: what it
    /// measured before is not to be trusted either.
    pub(crate) fn figures(&self, cell: usize) -> Vec<&Measured> {
        if self.has_failed(cell) {
            return Vec::new();
        }
        let rows = self.rows.iter().filter(|row| row.slot == Slot::first(cell));
        rows.filter_map(|row| row.result.as_ref().ok()).collect()
    }
}

/// A cell that does more work than it counts, by index: the runner's check of itself.
pub(crate) type Plants = BTreeMap<usize, f64>;

/// All that measuring needs besides the plan.
pub(crate) struct Bench<'a> {
    pub(crate) runner: &'a Runner,
    pub(crate) plants: &'a Plants,
    pub(crate) results: &'a mut Results,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) progress: Progress,
}

impl Bench<'_> {
    /// Calibrates each cell, then measures round by round. Returns early, with what there is, when
    /// interrupted.
    ///
    /// # Errors
    /// The results could not be written. A cell that fails is a result.
    pub(crate) fn measure(mut self, session: &mut Session<'_>, plan: &Plan) -> anyhow::Result<()> {
        let cells = plan.cells();
        let mut ops = BTreeMap::new();
        let mut times = BTreeMap::new();
        for (n, &index) in cells.iter().enumerate() {
            let cell = &session.cells[index];
            if self.interrupt.is_set() {
                break;
            }
            if cell.shape != Shape::Repeat {
                continue;
            }
            self.progress.calibrating(n + 1, cells.len(), cell);
            let started = Instant::now();
            // The plant stays out: the extra work must not be calibrated away.
            let ask = Ask {
                ops: None,
                reps: Some(1),
                seed: plan.seed,
                plant: 1.0,
            };
            match self.runner.run(cell, ask) {
                Ok(measured) => {
                    ops.insert(index, measured.ops);
                    // Calibration takes about a third of a measurement.
                    times.insert(index, started.elapsed() * 3);
                }
                Err(error) => self.fail(session, 0, Slot::first(index), &error)?,
            }
        }
        let mut left: Vec<usize> = plan.rounds.iter().flatten().map(|slot| slot.cell).collect();
        left.reverse(); // taken from the end, in the order of the plan
        for (round, slots) in plan.rounds.iter().enumerate() {
            self.progress
                .begin_round(round, plan.rounds.len(), eta(&left, &times));
            for (n, &slot) in slots.iter().enumerate() {
                if self.interrupt.is_set() {
                    self.progress.finish();
                    return Ok(());
                }
                let cell = &session.cells[slot.cell];
                self.progress
                    .begin_cell(n + 1, slots.len(), cell, eta(&left, &times));
                left.pop();
                if session.has_failed(slot.cell) {
                    continue;
                }
                let ask = Ask {
                    ops: ops.get(&slot.cell).copied(),
                    reps: None,
                    seed: plan.work_seed(round),
                    plant: self.plants.get(&slot.cell).copied().unwrap_or(1.0),
                };
                let started = Instant::now();
                match self.runner.run(cell, ask) {
                    Ok(measured) => {
                        times.insert(slot.cell, started.elapsed());
                        self.results.row(round, cell, slot, Ok(&measured))?;
                        session.record(round, slot, Ok(measured));
                    }
                    Err(error) => self.fail(session, round, slot, &error)?,
                }
            }
        }
        self.progress.finish();
        Ok(())
    }

    fn fail(
        &mut self,
        session: &mut Session<'_>,
        round: usize,
        slot: Slot,
        error: &anyhow::Error,
    ) -> anyhow::Result<()> {
        let error = format!("{error:#}");
        let cell = &session.cells[slot.cell];
        self.progress
            .say(&format!("FAILED {}: {error}", cell.name()));
        self.results.row(round, cell, slot, Err(&error))?;
        session.record(round, slot, Err(error));
        Ok(())
    }
}

/// What the remaining processes will take: as long as the last of their cell, or as the average of
/// those already seen.
fn eta(left: &[usize], times: &BTreeMap<usize, Duration>) -> Duration {
    let seen = u32::try_from(times.len().max(1)).unwrap_or(u32::MAX);
    let average = times.values().sum::<Duration>() / seen;
    left.iter()
        .map(|cell| times.get(cell).copied().unwrap_or(average))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::protocol::{Kind, tests::cell, tests::measured};
    use super::*;

    #[test]
    fn figures_stay_with_their_round_and_gaps_stay_gaps() {
        let cells = [cell("C1", "a", Kind::Peer)];
        let mut session = Session::new(&cells);
        let slot = Slot::first(0);
        session.record(0, slot, Ok(measured(&cells[0], 1.0)));
        session.record(2, slot, Ok(measured(&cells[0], 3.0)));
        session.record(2, Slot::again(0), Ok(measured(&cells[0], 4.0)));
        assert_eq!(
            session.by_round(slot, "ns_per_op"),
            [Some(1.0), None, Some(3.0)]
        );
        assert_eq!(
            session.by_round(Slot::again(0), "ns_per_op"),
            [None, None, Some(4.0)]
        );
        assert_eq!(session.by_round(slot, "bytes"), [None, None, None]);
        assert_eq!(session.figures(0).len(), 2);
    }

    #[test]
    fn a_cell_that_fails_once_has_no_figures() {
        let cells = [cell("C1", "a", Kind::Peer)];
        let mut session = Session::new(&cells);
        session.record(0, Slot::first(0), Ok(measured(&cells[0], 1.0)));
        session.record(1, Slot::first(0), Err("wrong sum".into()));
        assert!(session.has_failed(0) && session.figures(0).is_empty());
        assert_eq!(session.failures()[&0], "wrong sum");
    }

    #[test]
    fn the_estimate_fills_gaps_with_the_average() {
        let times = BTreeMap::from([(0, Duration::from_secs(2)), (1, Duration::from_secs(4))]);
        assert_eq!(
            eta(&[0, 1, 1, 7], &times),
            Duration::from_secs(2 + 4 + 4 + 3)
        );
        assert_eq!(eta(&[0], &BTreeMap::new()), Duration::ZERO);
    }
}
