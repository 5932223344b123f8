//! The tables, as plain text.

use comfy_table::{CellAlignment, Table, presets};

use super::bars::Judged;
use super::figures::Figure;
use super::stats::{Ratio, Spread};
use super::verdict::Verdict;

/// One row per cell: what it took, beside the best of its workload.
pub(crate) fn figures(figures: &[Figure<'_>]) -> String {
    let mut table = table(&[
        "cell",
        "kind",
        "median",
        "p10 to p90",
        "x best [95 %]",
        "cpu/op",
        "wall",
        "cpu",
        "peak",
        "also",
    ]);
    let mut before = "";
    for figure in figures {
        if figure.cell.w != before && !before.is_empty() {
            table.add_row([""; 10]);
        }
        before = &figure.cell.w;
        table.add_row(row(figure));
    }
    right(&mut table, 2..9);
    table.to_string()
}

fn row(figure: &Figure<'_>) -> Vec<String> {
    let name = figure.cell.name();
    let kind = format!("{:?}", figure.cell.kind).to_lowercase();
    let Some(spread) = figure.ns_per_op else {
        // A failed cell is words only, so that no column can be taken for a figure.
        let why = if figure.error.is_some() {
            "FAILED"
        } else {
            "not measured"
        };
        return vec![name, kind, why.into()];
    };
    let best = if figure.is_best {
        "best".into()
    } else {
        or_dash(figure.to_best.map(ratio))
    };
    let also = figure
        .metrics
        .iter()
        .filter(|(name, _)| *name != "reps" && *name != "ctx_switches");
    vec![
        name,
        kind,
        ns(spread.median),
        format!("{} to {}", ns(spread.p10), ns(spread.p90)),
        best,
        or_dash(figure.cpu_ns_per_op.map(ns)),
        or_dash(figure.wall_s.map(|s| ns(s * 1e9))),
        or_dash(figure.cpu_s.map(|s| ns(s * 1e9))),
        or_dash(
            figure
                .rss_kib
                .map(|kib| format!("{:.1} MiB", kib as f64 / 1024.0)),
        ),
        also.map(|(name, value)| format!("{name} {}", short(*value)))
            .collect::<Vec<_>>()
            .join(", "),
    ]
}

/// One row per bar, and what is known about it.
pub(crate) fn bars(bars: &[Judged]) -> String {
    let mut table = table(&[
        "bar",
        "metric",
        "ours",
        "against",
        "ratio [95 %]",
        "allowed",
        "noise",
        "verdict",
    ]);
    for judged in bars {
        let value = |spread: Option<Spread>| {
            or_dash(spread.map(|s| {
                if judged.metric.ends_with("ns_per_op") {
                    ns(s.median)
                } else {
                    short(s.median)
                }
            }))
        };
        let against = match &judged.against {
            Some(name) => format!("{name} {}", value(judged.against_value)),
            None => "-".into(),
        };
        let numbers = judged.verdict != Verdict::Failed;
        table.add_row([
            judged.id.clone(),
            judged.metric.clone(),
            if numbers {
                format!("{} {}", judged.ours, value(judged.ours_value))
            } else {
                judged.ours.clone()
            },
            if numbers {
                against
            } else {
                or_dash(judged.against.clone())
            },
            or_dash(judged.ratio.filter(|_| numbers).map(ratio)),
            judged.bar.clone(),
            or_dash(judged.noise.filter(|_| numbers).map(percent)),
            judged.verdict.word().into(),
        ]);
    }
    table.to_string()
}

/// `bars: 3 met, 1 unclear`: every bar is counted, and unclear never as met.
pub(crate) fn count(bars: &[Judged]) -> String {
    let verdicts = [
        Verdict::Met,
        Verdict::Missed,
        Verdict::Unclear,
        Verdict::Failed,
    ];
    let counts = verdicts.map(|verdict| {
        let n = bars.iter().filter(|bar| bar.verdict == verdict).count();
        (n, verdict.word().to_lowercase())
    });
    let said = counts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"));
    format!("bars: {}", said.collect::<Vec<_>>().join(", "))
}

/// How far from equal, in percent either way.
pub(crate) fn percent(ratio: f64) -> String {
    format!("{:.1} %", (ratio - 1.0) * 100.0)
}

pub(crate) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    table
}

fn right(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".into())
}

/// With its interval, always, and with no more digits than that allows. From one or two rounds an
/// interval has no width and would say the opposite of what is known.
fn ratio(ratio: Ratio) -> String {
    if ratio.rounds < 3 {
        return format!("{} of 3 rounds", ratio.rounds);
    }
    let Ratio {
        low, median, high, ..
    } = ratio;
    let digits = match high - low {
        width if width < 0.03 => 3,
        width if width < 0.3 => 2,
        _ if median < 20.0 => 1,
        _ => 0,
    };
    format!("{median:.digits$} [{low:.digits$}, {high:.digits$}]")
}

/// A time in the unit that suits it, with three digits.
fn ns(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "us"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    format!("{} {unit}", short(value))
}

/// Three digits that mean something, without an exponent.
fn short(value: f64) -> String {
    match value.abs() {
        x if x >= 100.0 => format!("{value:.0}"),
        x if x >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::Session;
    use super::super::plan::Slot;
    use super::super::protocol::{Kind, tests::cell, tests::measured};
    use super::*;

    #[test]
    fn no_digit_says_more_than_is_known() {
        let of = |low, median, high| {
            ratio(Ratio {
                low,
                median,
                high,
                rounds: 7,
            })
        };
        assert_eq!(of(1.001, 1.012, 1.0215), "1.012 [1.001, 1.022]");
        assert_eq!(of(1.0, 1.1, 1.2), "1.10 [1.00, 1.20]");
        assert_eq!(of(40.0, 50.0, 60.0), "50 [40, 60]");
        assert_eq!(
            (ns(0.245).as_str(), ns(27_595.0).as_str()),
            ("0.24 ns", "27.6 us")
        );
        assert_eq!(percent(1.034), "3.4 %");
        let one = Ratio {
            low: 2.0,
            median: 2.0,
            high: 2.0,
            rounds: 1,
        };
        assert_eq!(ratio(one), "1 of 3 rounds");
    }

    #[test]
    fn a_failed_cell_is_words_without_any_number() {
        let cells = [cell("C-x", "a", Kind::Peer)];
        let mut session = Session::new(&cells);
        session.record(0, Slot::first(0), Ok(measured(&cells[0], 1234.0)));
        session.record(1, Slot::first(0), Err("sum".into()));
        let text = figures(&super::super::figures::figures(&session, &[0], 1));
        let row = text.lines().find(|line| line.contains("C-x/a")).unwrap();
        assert!(
            row.contains("FAILED") && !row.contains(char::is_numeric),
            "{row}"
        );
    }
}
