//! From rows to one figure per cell, and how it compares with the best of its workload.

use std::collections::BTreeMap;

use serde::Serialize;

use super::measure::Session;
use super::plan::Slot;
use super::protocol::Cell;
use super::stats::{Ratio, Spread, median};

/// A cell over all rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Figure<'a> {
    #[serde(flatten)]
    pub(crate) cell: &'a Cell,
    /// Why it failed. Then there is nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<&'a str>,
    pub(crate) ns_per_op: Option<Spread>,
    /// Against the best implementation that is not a limit; `None` for that one itself.
    pub(crate) to_best: Option<Ratio>,
    pub(crate) is_best: bool,
    pub(crate) cpu_ns_per_op: Option<f64>,
    /// One repetition, and the processor time in it.
    pub(crate) wall_s: Option<f64>,
    pub(crate) cpu_s: Option<f64>,
    /// The largest of all rounds.
    pub(crate) rss_kib: Option<u64>,
    /// Medians of what else the workload measures.
    pub(crate) metrics: BTreeMap<String, f64>,
}

/// One figure for each of `cells`, in the order of the table.
pub(crate) fn figures<'a>(session: &'a Session<'a>, cells: &[usize], seed: u64) -> Vec<Figure<'a>> {
    let mut figures: Vec<(usize, Figure<'a>)> = cells
        .iter()
        .map(|&index| (index, figure(session, index)))
        .collect();
    let best: BTreeMap<&str, usize> = best_of_each(&figures);
    for (index, figure) in &mut figures {
        let Some(&best) = best.get(figure.cell.w.as_str()) else {
            continue;
        };
        figure.is_best = best == *index;
        if !figure.is_best && figure.error.is_none() {
            let mine = session.by_round(Slot::first(*index), "ns_per_op");
            let its = session.by_round(Slot::first(best), "ns_per_op");
            let pairs = mine
                .into_iter()
                .zip(its)
                .filter_map(|(a, b)| Some((a?, b?)));
            figure.to_best = Ratio::of_pairs(&pairs.collect::<Vec<_>>(), seed);
        }
    }
    figures.into_iter().map(|(_, figure)| figure).collect()
}

fn figure<'a>(session: &'a Session<'a>, index: usize) -> Figure<'a> {
    let rows = session.figures(index);
    let middle = |value: &dyn Fn(&super::protocol::Measured) -> Option<f64>| {
        let mut values: Vec<f64> = rows.iter().filter_map(|row| value(row)).collect();
        (!values.is_empty()).then(|| median(&mut values))
    };
    let names = rows
        .first()
        .map(|row| row.metrics.keys().cloned().collect::<Vec<_>>());
    let metrics = names.unwrap_or_default().into_iter().filter_map(|name| {
        let value = middle(&|row| row.metric(&name))?;
        Some((name, value))
    });
    Figure {
        cell: &session.cells[index],
        error: session.failures().get(&index).map(String::as_str),
        ns_per_op: Spread::of(rows.iter().map(|row| row.ns_per_op).collect()),
        to_best: None,
        is_best: false,
        cpu_ns_per_op: middle(&|row| row.metric("cpu_ns_per_op")),
        wall_s: middle(&|row| Some(row.wall_s)),
        cpu_s: middle(&|row| Some(row.cpu_s)),
        rss_kib: rows.iter().map(|row| row.rss_kib).max(),
        metrics: metrics.collect(),
    }
}

/// The fastest of each workload by its median: of ours and sound peers, or of the rest if there is no
/// other.
fn best_of_each<'a>(figures: &[(usize, Figure<'a>)]) -> BTreeMap<&'a str, usize> {
    let mut best: BTreeMap<&str, (bool, f64, usize)> = BTreeMap::new();
    for (index, figure) in figures {
        let Some(spread) = figure.ns_per_op else {
            continue;
        };
        let mine = (!figure.cell.kind.can_be_best(), spread.median, *index);
        let entry = best.entry(figure.cell.w.as_str()).or_insert(mine);
        if (mine.0, mine.1) < (entry.0, entry.1) {
            *entry = mine;
        }
    }
    best.into_iter()
        .map(|(workload, (_, _, index))| (workload, index))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::protocol::Kind;
    use super::super::protocol::tests::{cell, measured};
    use super::*;

    #[test]
    fn the_best_is_no_limit_and_sound_and_the_others_stand_beside_it() {
        let cells = [
            cell("C1", "limit", Kind::Limit),
            cell("C1", "quick", Kind::Peer),
            cell("C1", "slow", Kind::Ours),
            cell("C2", "limit", Kind::Limit),
            cell("C1", "quickest", Kind::Unsound),
        ];
        let mut session = Session::new(&cells);
        for round in 0..5 {
            for (index, ns) in [1.0, 4.0, 8.0, 2.0, 3.0].into_iter().enumerate() {
                session.record(round, Slot::first(index), Ok(measured(&cells[index], ns)));
            }
        }
        let figures = figures(&session, &[0, 1, 2, 3, 4], 1);
        assert_eq!(
            figures.iter().map(|f| f.is_best).collect::<Vec<_>>(),
            [false, true, false, true, false]
        );
        assert!((figures[2].to_best.unwrap().median - 2.0).abs() < 1e-9);
        assert!((figures[0].to_best.unwrap().median - 0.25).abs() < 1e-9);
        assert!(figures[1].to_best.is_none());
        assert!((figures[4].to_best.unwrap().median - 0.75).abs() < 1e-9);
    }

    #[test]
    fn a_failed_cell_has_a_reason_and_no_figure() {
        let cells = [cell("C1", "a", Kind::Peer), cell("C1", "b", Kind::Peer)];
        let mut session = Session::new(&cells);
        session.record(0, Slot::first(0), Ok(measured(&cells[0], 1.0)));
        session.record(0, Slot::first(1), Ok(measured(&cells[1], 2.0)));
        session.record(1, Slot::first(0), Err("wrong sum".into()));
        let figures = figures(&session, &[0, 1], 1);
        assert_eq!(figures[0].error, Some("wrong sum"));
        assert!(figures[0].ns_per_op.is_none() && figures[0].to_best.is_none());
        assert!(figures[1].is_best, "what failed cannot be the best");
    }
}
