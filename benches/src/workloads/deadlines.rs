//! How late deadlines fire when many are pending.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use crate::{Ask, Rep, Stopwatch};

/// Between two neighbouring deadlines: ten thousand of them fill one second.
const SPACING: Duration = Duration::from_micros(100);

/// From the start of arming to the first deadline.
const LEAD: Duration = Duration::from_millis(200);

/// What an implementation hands back when all its deadlines have fired.
#[derive(Debug)]
pub struct Fired {
    /// When the last deadline had been armed.
    pub armed: Instant,
    /// When each deadline fired, in the order they were given.
    pub at: Vec<Instant>,
}

impl Fired {
    /// Waits for `count` pairs of a deadline's index and the moment it fired.
    ///
    /// # Errors
    /// The senders are gone before that, or an index came twice.
    pub fn collect(
        count: usize,
        armed: Instant,
        firings: &Receiver<(usize, Instant)>,
    ) -> Result<Self> {
        let mut at = vec![None; count];
        for _ in 0..count {
            let (id, now) = firings.recv().context("not every deadline fired")?;
            ensure!(at[id].replace(now).is_none(), "deadline {id} fired twice");
        }
        let at = at.into_iter().flatten().collect();
        Ok(Fired { armed, at })
    }
}

/// Gives `run` `ops` deadlines in random order and takes back when each of them fired.
///
/// # Errors
/// One is missing, fired too early, or was due before all were armed.
pub fn deadlines(ask: Ask, run: impl FnOnce(&[Instant]) -> Result<Fired>) -> Result<Rep> {
    let watch = Stopwatch::start();
    let first = Instant::now() + LEAD;
    let mut due: Vec<Instant> = (0..u32::try_from(ask.ops)?)
        .map(|i| first + SPACING * i)
        .collect();
    Rng::with_seed(ask.seed).shuffle(&mut due);

    let fired = run(&due)?;
    let rep = watch.stop(ask.ops);

    ensure!(
        fired.armed < first,
        "arming took longer than {LEAD:?}: no lateness can be told"
    );
    ensure!(
        fired.at.len() == due.len(),
        "{} of {} deadlines fired",
        fired.at.len(),
        due.len()
    );
    let late = due.iter().zip(&fired.at).map(|(due, at)| {
        let late = at
            .checked_duration_since(*due)
            .context("a deadline fired too early")?;
        Ok(late.as_secs_f64() * 1e9)
    });
    rep.with_latencies(late.collect::<Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: Ask = Ask { ops: 3, seed: 1 };

    fn fired(shift: impl Fn(Instant) -> Instant) -> impl FnOnce(&[Instant]) -> Result<Fired> {
        move |due| {
            Ok(Fired {
                armed: Instant::now(),
                at: due.iter().map(|d| shift(*d)).collect(),
            })
        }
    }

    #[test]
    fn lateness_is_the_figure() {
        let rep = deadlines(ASK, fired(|due| due + Duration::from_micros(7))).unwrap();
        assert!((rep.ns_per_op() - 7000.0).abs() < 1e-3);
    }

    #[test]
    fn early_missing_and_overdue_deadlines_fail_the_check() {
        assert!(deadlines(ASK, fired(|due| due - Duration::from_nanos(1))).is_err());
        let missing = |_: &[Instant]| {
            Ok(Fired {
                armed: Instant::now(),
                at: Vec::new(),
            })
        };
        assert!(deadlines(ASK, missing).is_err());
        let overdue = |due: &[Instant]| {
            Ok(Fired {
                armed: due[0] + LEAD,
                at: due.to_vec(),
            })
        };
        assert!(deadlines(ASK, overdue).is_err());
    }
}
