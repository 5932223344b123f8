//! The end of a run: a table with counts, what was skipped and why, how to repeat what failed.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use super::outcome::Outcome;
use super::run::Done;
use super::table::{Says, TABLE, Tool};

/// The whole report. Its last line is always `N passed, M failed, K skipped`: tests, tests, cells.
pub(crate) fn render(done: &[Done], took: Duration) -> String {
    let mut out = String::new();
    let reasons = skip_reasons(done);
    writeln!(out, "\n{}\n", table(done, &reasons).trim_fmt()).expect(WRITES);
    for (n, reason) in reasons.iter().enumerate() {
        writeln!(out, "skip{}  {reason}", n + 1).expect(WRITES);
    }
    for one in done.iter().filter(|one| one.outcome.is_failure()) {
        let words = one.outcome.words(one.cell.row.says);
        let seconds = one.took.as_secs_f64();
        writeln!(out, "FAIL   {}: {words} ({seconds:.1} s)", one.cell.name()).expect(WRITES);
        if let Some(repeat) = &one.repeat {
            writeln!(out, "       again:  {}", repeat.xtask).expect(WRITES);
            writeln!(out, "       direct: {}", repeat.direct).expect(WRITES);
            writeln!(out, "       log:    {}", repeat.log).expect(WRITES);
        }
    }
    writeln!(out, "{}", cells(done, took)).expect(WRITES);
    let ignored: usize = done.iter().map(|one| one.outcome.counts().ignored).sum();
    if ignored > 0 {
        writeln!(out, "{ignored} tests are marked as ignored and did not run").expect(WRITES);
    }
    writeln!(out, "{}", last_line(done)).expect(WRITES);
    out
}

const WRITES: &str = "a string takes every write";

/// One row per crate and feature set, one column per tool.
fn table(done: &[Done], reasons: &[String]) -> Table {
    let columns: Vec<Tool> = TABLE
        .iter()
        .map(|row| row.tool)
        .filter(|tool| done.iter().any(|one| one.cell.row.tool == *tool))
        .collect();
    let mut rows: Vec<(&str, &str)> = Vec::new();
    for one in done {
        let row = (one.cell.subject(), one.cell.set.name());
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    // Tool by tool is how cells run; crate by crate is how people look.
    let place = |subject: &str| rows.iter().position(|(first, _)| *first == subject);
    let mut sorted = rows.clone();
    sorted.sort_by_key(|(subject, _)| place(subject));

    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let names = columns.iter().map(|tool| tool.name());
    table.set_header(["crate", "features"].into_iter().chain(names));
    let mut above = "";
    for (subject, set) in sorted {
        let mut line = vec![
            if subject == above { "" } else { subject }.to_owned(),
            set.to_owned(),
        ];
        above = subject;
        for tool in &columns {
            let here = |one: &&Done| {
                one.cell.row.tool == *tool
                    && one.cell.subject() == subject
                    && one.cell.set.name() == set
            };
            line.push(
                done.iter()
                    .find(here)
                    .map_or("-".to_owned(), |one| square(one, reasons)),
            );
        }
        table.add_row(line);
    }
    // A hundred columns hold all the tools, if only just.
    let gap = if columns.len() > 6 { 1 } else { 2 };
    for (n, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, gap));
        if n >= 2 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// What fits into the table.
fn square(one: &Done, reasons: &[String]) -> String {
    match &one.outcome {
        Outcome::Passed(counts) if one.cell.row.says == Says::Counts => counts.passed.to_string(),
        Outcome::Passed(_) => "ok".to_owned(),
        Outcome::Failed { counts, .. } if counts.failed > 0 => format!("FAIL {}", counts.failed),
        Outcome::Failed { .. } => "FAIL".to_owned(),
        Outcome::Skipped(why) => {
            let n = reasons
                .iter()
                .position(|reason| reason == why)
                .map_or(0, |at| at + 1);
            format!("skip{n}")
        }
        Outcome::NotRun => "not run".to_owned(),
    }
}

/// Each reason once, in the order of the cells.
fn skip_reasons(done: &[Done]) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for one in done {
        if let Outcome::Skipped(why) = &one.outcome
            && !reasons.contains(why)
        {
            reasons.push(why.clone());
        }
    }
    reasons
}

/// `7 cells: 5 passed, 1 failed, 1 skipped, in 12.3 s; slowest: pool default loom, 8.1 s`
fn cells(done: &[Done], took: Duration) -> String {
    let count = |is: fn(&Outcome) -> bool| done.iter().filter(|one| is(&one.outcome)).count();
    let passed = count(|outcome| matches!(outcome, Outcome::Passed(_)));
    let failed = count(Outcome::is_failure);
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let not_run = count(|outcome| *outcome == Outcome::NotRun);
    let mut line = format!(
        "{} cells: {passed} passed, {failed} failed, {skipped} skipped",
        done.len()
    );
    if not_run > 0 {
        write!(line, ", {not_run} not run").expect(WRITES);
    }
    write!(line, ", in {:.1} s", took.as_secs_f64()).expect(WRITES);
    if let Some(slowest) = done.iter().max_by_key(|one| one.took) {
        let seconds = slowest.took.as_secs_f64();
        write!(line, "; slowest: {}, {seconds:.1} s", slowest.cell.name()).expect(WRITES);
    }
    line
}

/// Tests that passed and failed, cells that were skipped. A cell that failed without a failed test
/// to show for it (it did not compile, or hung) counts as one, so that a run that failed never
/// reads `0 failed`.
fn last_line(done: &[Done]) -> String {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for one in done {
        let counts = one.outcome.counts();
        passed += counts.passed;
        match one.outcome {
            Outcome::Failed { .. } => failed += counts.failed.max(1),
            Outcome::Skipped(_) => skipped += 1,
            Outcome::Passed(_) | Outcome::NotRun => {}
        }
    }
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::counts::Counts;
    use crate::matrix::features::feature_sets;
    use crate::matrix::plan::Cell;
    use crate::matrix::run::Repeat;
    use crate::workspace::tests::library;

    fn cell(tool: Tool, outcome: Outcome, seconds: u64) -> Done {
        let pool = library("pool", &[], &[]);
        let set = feature_sets(&pool.features).remove(0);
        let repeat = outcome.is_failure().then(|| Repeat {
            xtask: "cargo xtask test -p pool".to_owned(),
            direct: "cargo test -p anabranch-pool".to_owned(),
            log: "target/log".to_owned(),
        });
        let cell = Cell {
            row: tool.row(),
            krate: Some(pool),
            set,
        };
        Done {
            cell,
            outcome,
            took: Duration::from_secs(seconds),
            repeat,
        }
    }

    fn passed(passed: usize) -> Outcome {
        Outcome::Passed(Counts {
            passed,
            ..Counts::default()
        })
    }

    fn failed(passed: usize, failed: usize) -> Outcome {
        let counts = Counts {
            passed,
            failed,
            ignored: 0,
        };
        Outcome::Failed {
            why: "it broke".to_owned(),
            counts,
        }
    }

    fn last(done: &[Done]) -> String {
        let report = render(done, Duration::from_secs(9));
        report.lines().last().unwrap().to_owned()
    }

    #[test]
    fn the_last_line_counts_tests_and_skipped_cells() {
        let done = [
            cell(Tool::Tests, passed(120), 1),
            cell(Tool::Doctest, passed(3), 1),
            cell(Tool::Clippy, passed(0), 1),
            cell(Tool::Msrv, Outcome::Skipped("no Rust 1.88".to_owned()), 0),
        ];
        assert_eq!(last(&done), "123 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn a_failure_without_a_failed_test_still_counts() {
        let done = [
            cell(Tool::Tests, failed(5, 2), 1),
            cell(Tool::Clippy, failed(0, 0), 1),
        ];
        assert_eq!(last(&done), "5 passed, 3 failed, 0 skipped");
    }

    #[test]
    fn a_failing_cell_says_how_to_repeat_it() {
        let report = render(
            &[cell(Tool::Tests, failed(5, 2), 3)],
            Duration::from_secs(9),
        );
        assert!(report.contains("FAIL 2"), "{report}");
        assert!(
            report.contains("FAIL   pool default tests: it broke (3.0 s)"),
            "{report}"
        );
        assert!(
            report.contains("again:  cargo xtask test -p pool"),
            "{report}"
        );
        assert!(
            report.contains("direct: cargo test -p anabranch-pool"),
            "{report}"
        );
    }

    #[test]
    fn reasons_to_skip_are_said_once_and_numbered_in_the_table() {
        let done = [
            cell(Tool::Loom, Outcome::Skipped("no loom".to_owned()), 0),
            cell(Tool::Shuttle, Outcome::Skipped("no shuttle".to_owned()), 0),
        ];
        let report = render(&done, Duration::from_secs(1));
        assert!(
            report.contains("skip1  no loom\nskip2  no shuttle\n"),
            "{report}"
        );
        assert_eq!(report.matches("skip2").count(), 2);
    }

    #[test]
    fn the_slowest_cell_is_named() {
        let done = [
            cell(Tool::Tests, passed(1), 2),
            cell(Tool::Doctest, passed(1), 7),
        ];
        let report = render(&done, Duration::from_secs(9));
        assert!(
            report.contains("slowest: pool default doctest, 7.0 s"),
            "{report}"
        );
        assert!(
            report.contains("2 cells: 2 passed, 0 failed, 0 skipped, in 9.0 s"),
            "{report}"
        );
    }

    #[test]
    fn the_table_fits_into_a_hundred_columns() {
        let mut done: Vec<Done> = Vec::new();
        for row in TABLE {
            let failures = if row.says == Says::Counts { 999 } else { 0 };
            done.push(cell(row.tool, failed(9, failures), 1));
        }
        done[0].cell.krate = Some(library("core-cancel", &[], &[]));
        done[1].cell.krate = None;
        let widest = table(&done, &[])
            .lines()
            .map(|line| line.chars().count())
            .max();
        assert!(widest <= Some(100), "{widest:?}");
    }
}
