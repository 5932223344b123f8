//! One cell in this process: calibrate, warm up, repeat, report the median repetition.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::protocol::Measured;
use crate::{Ask, Cell, Rep, Shape, sys};

/// How long a repetition shall take where the number of operations is free.
const REP_TIME: Duration = Duration::from_millis(25);

/// A trial run this long tells the cost of an operation well enough to plan with.
const TRIAL_TIME: Duration = Duration::from_millis(2);

/// How a cell is run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Operations per repetition; `None` leaves it to the workload or to calibration.
    pub ops: Option<u64>,
    /// Repetitions; `None` leaves it to the workload.
    pub reps: Option<u32>,
    /// Seed of what the workload does at random.
    pub seed: u64,
    /// The runner's self-check: 1.3 really does 30 % more operations than it counts.
    pub plant: f64,
}

/// Runs the cell and reports its median repetition.
///
/// # Errors
/// A check of the workload failed, or the options do not fit it.
pub fn run(cell: &Cell, options: Options) -> Result<Measured> {
    let shape = cell.workload.shape;
    let reps = options.reps.unwrap_or_else(|| shape.reps());
    ensure!(reps > 0, "at least one repetition is needed");
    ensure!(options.ops != Some(0), "at least one operation is needed");
    ensure!(
        options.plant >= 1.0 && (options.plant == 1.0 || shape == Shape::Repeat),
        "extra work of {} can only be planted in a workload that repeats the same operation, \
         with a factor of 1 or more",
        options.plant
    );
    ensure!(
        reps == 1 || !matches!(shape, Shape::Fresh(_)),
        "{} measures the memory of a fresh process: one repetition only",
        cell.workload.id
    );

    let seed = options.seed;
    let ops = match options.ops.or(shape.fixed_ops()) {
        Some(ops) => ops,
        None => calibrate(cell, seed)?,
    };
    warm_up(cell, Ask { ops, seed })?;
    let mut done = Vec::new();
    for rep in 0..u64::from(reps) {
        done.push(repeat(
            cell,
            Ask {
                ops,
                seed: seed.wrapping_add(rep),
            },
            options.plant,
        )?);
    }
    let note = if options.plant == 1.0 {
        String::new()
    } else {
        format!("planted: {} times the work", options.plant)
    };
    let median = median_rep(done);
    Ok(Measured {
        w: cell.workload.id,
        implementation: cell.implementation,
        ns_per_op: median.ns_per_op(),
        ops: median.ops,
        reps,
        wall_s: median.wall.as_secs_f64(),
        cpu_s: median.cpu.as_secs_f64(),
        ctx_switches: median.switches,
        rss_kib: sys::peak_rss_kib()?,
        note,
        metrics: median.metrics,
    })
}

/// One repetition, with the planted extra done but not counted.
fn repeat(cell: &Cell, ask: Ask, plant: f64) -> Result<Rep> {
    if plant == 1.0 {
        return (cell.rep)(ask);
    }
    let more = Ask {
        ops: (ask.ops as f64 * plant).round() as u64,
        ..ask
    };
    let rep = (cell.rep)(more)?;
    Ok(Rep {
        ops: ask.ops,
        ..rep
    })
}

/// How many operations fill a repetition: from a trial, corrected by a second one, for the first
/// may have met a cold machine or a disturbance.
fn calibrate(cell: &Cell, seed: u64) -> Result<u64> {
    let mut ops = 64;
    loop {
        let rep = (cell.rep)(Ask { ops, seed })?;
        // An operation that costs nothing has been optimised away, and the loop must still end.
        if rep.wall >= TRIAL_TIME || ops >= 1 << 32 {
            let first = filling(&rep);
            let second = filling(&(cell.rep)(Ask { ops: first, seed })?);
            // Disturbances only ever slow down, so the larger number is nearer to the truth.
            return Ok(first.max(second));
        }
        ops *= 4;
    }
}

/// The number of operations that would have filled a repetition at the pace of this one.
fn filling(rep: &Rep) -> u64 {
    let scale = REP_TIME.as_secs_f64() / rep.wall.as_secs_f64().max(1e-9);
    ((rep.ops as f64 * scale) as u64).max(1)
}

/// Touches code, allocator, branch predictors and the frequency governor before the first figure.
fn warm_up(cell: &Cell, ask: Ask) -> Result<()> {
    let ops = match cell.workload.shape {
        Shape::Repeat | Shape::Sized(_) => ask.ops,
        // A tenth: enough for threads and lazily started parts to be there.
        Shape::Samples(_) => ask.ops.div_ceil(10),
        Shape::Fresh(_) => return Ok(()),
    };
    (cell.rep)(Ask { ops, ..ask })?;
    Ok(())
}

/// The repetition in the middle by its figure, the lower one of two.
fn median_rep(mut reps: Vec<Rep>) -> Rep {
    reps.sort_by(|a, b| a.ns_per_op().total_cmp(&b.ns_per_op()));
    let middle = (reps.len() - 1) / 2;
    reps.swap_remove(middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stopwatch, cells};

    const OPTIONS: Options = Options {
        ops: Some(100),
        reps: Some(3),
        seed: 1,
        plant: 1.0,
    };

    #[test]
    fn the_median_repetition_is_reported_whole() {
        let rep = |ns: u64| Rep {
            wall: Duration::from_nanos(ns),
            ..Stopwatch::start().stop(1)
        };
        assert_eq!(
            median_rep(vec![rep(30), rep(10), rep(20)]).wall.as_nanos(),
            20
        );
        assert_eq!(median_rep(vec![rep(30), rep(10)]).wall.as_nanos(), 10);
    }

    #[test]
    fn operations_are_as_many_as_were_asked_for() {
        let cell = cells::find("C2-1", "tokio-util").unwrap();
        let measured = run(&cell, OPTIONS).unwrap();
        assert_eq!((measured.ops, measured.reps), (100, 3));
        assert!(measured.note.is_empty() && measured.rss_kib > 0);
    }

    #[test]
    fn planted_work_is_done_and_not_counted() {
        let cell = cells::find("C2-1", "Arc-clone").unwrap();
        let measured = run(
            &cell,
            Options {
                plant: 1.3,
                ..OPTIONS
            },
        )
        .unwrap();
        assert_eq!(measured.ops, 100);
        assert!(measured.note.contains("1.3"));
    }

    #[test]
    fn options_that_do_not_fit_are_refused() {
        let repeat = cells::find("C2-1", "Arc-clone").unwrap();
        assert!(
            run(
                &repeat,
                Options {
                    ops: Some(0),
                    ..OPTIONS
                }
            )
            .is_err()
        );
        assert!(
            run(
                &repeat,
                Options {
                    reps: Some(0),
                    ..OPTIONS
                }
            )
            .is_err()
        );
        let fresh = cells::find("C4", "AtomicBool").unwrap();
        assert!(run(&fresh, OPTIONS).is_err());
        let samples = cells::find("C5-thread", "park").unwrap();
        assert!(
            run(
                &samples,
                Options {
                    plant: 1.3,
                    reps: Some(1),
                    ..OPTIONS
                }
            )
            .is_err()
        );
    }

    #[test]
    fn calibration_fills_a_repetition() {
        let cell = cells::find("C2-1", "tokio-util").unwrap();
        let ops = calibrate(&cell, 1).unwrap();
        let rep = (cell.rep)(Ask { ops, seed: 1 }).unwrap();
        // Far apart on purpose: other work may run on the machine.
        assert!(
            rep.wall > REP_TIME / 20 && rep.wall < REP_TIME * 20,
            "{:?}",
            rep.wall
        );
    }
}
