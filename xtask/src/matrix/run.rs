//! Runs what was planned, one cell after the other.

use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::command::{Invocation, line};
use super::excerpt::{excerpt, new_warnings};
use super::outcome::{Outcome, judge};
use super::plan::{Cell, Planned, State};
use super::probe::Probe;
use super::process::{self, End, Interrupt};
use super::progress::Progress;
use super::report;
use crate::workspace::Workspace;

/// How to go about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conduct {
    /// Stop at the first failing cell.
    pub(crate) fail_fast: bool,
    /// A skipped cell is a failed one.
    pub(crate) strict: bool,
    /// In place of each cell's own.
    pub(crate) timeout: Option<Duration>,
}

/// A cell with what came of it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) cell: Cell,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    pub(crate) repeat: Option<Repeat>,
}

/// How to get the same result again.
#[derive(Debug)]
pub(crate) struct Repeat {
    pub(crate) xtask: String,
    pub(crate) direct: String,
    pub(crate) log: String,
}

/// Runs the cells that are in, prints the report, and says with which code to leave.
pub(crate) fn run(
    workspace: &Workspace,
    planned: Vec<Planned>,
    probe: &Probe,
    conduct: Conduct,
) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let interrupt = Interrupt::listen()?;
    let logs = workspace.target.join("xtask/test/last");
    // The folder shows one run: a log of the one before would be taken for its result.
    if logs.exists() {
        fs::remove_dir_all(&logs).with_context(|| logs.display().to_string())?;
    }
    fs::create_dir_all(&logs).with_context(|| logs.display().to_string())?;

    let mut progress = Progress::start(planned.iter().filter(|p| p.state == State::In).count());
    let mut warnings = BTreeSet::new();
    let mut done: Vec<Done> = Vec::new();
    let mut stopped = false;
    for Planned { cell, state } in planned {
        let mut repeat = None;
        let mut took = Duration::ZERO;
        let outcome = match state {
            State::Out(_) | State::Absent(_) => continue,
            State::Skip(why) if conduct.strict => Outcome::Failed {
                why: format!("skipped under --strict: {why}"),
                counts: <_>::default(),
            },
            State::Skip(why) => Outcome::Skipped(why),
            State::In if stopped => Outcome::NotRun,
            State::In => {
                let invocation = Invocation::of(&cell, workspace, probe)?;
                let name = cell.name().replace(' ', ".");
                let log = logs.join(format!("{name}.log"));
                let timeout = conduct.timeout.unwrap_or(cell.row.timeout);
                let since = Instant::now();
                progress.begin(&cell);
                let command = invocation.command(&workspace.root);
                let end = process::run(command, &log, timeout, &interrupt, || {
                    progress.tick(&cell, since);
                })?;
                took = since.elapsed();
                stopped |= end == End::Interrupted;
                let text = fs::read(&log).with_context(|| log.display().to_string())?;
                let text = String::from_utf8_lossy(&text);
                let outcome = judge(cell.row, end, &text);
                let log = workspace.relative(&log).display().to_string();
                let failed = outcome.is_failure();
                progress.end(&cell, &outcome.words(cell.row.says), failed, took);
                if failed {
                    let tail = excerpt(&text);
                    progress.say(&format!("\n--- FAIL {}: {log}\n{tail}\n---\n", cell.name()));
                } else {
                    // A failing cell's warnings are in what was just shown, or beside the point.
                    for warning in new_warnings(&text, &mut warnings) {
                        progress.say(&format!("\n{}: {warning}\n", cell.name()));
                    }
                }
                let xtask = again(&cell, workspace);
                repeat = Some(Repeat {
                    xtask,
                    direct: invocation.to_string(),
                    log,
                });
                outcome
            }
        };
        stopped |= conduct.fail_fast && outcome.is_failure();
        done.push(Done {
            cell,
            outcome,
            took,
            repeat,
        });
    }
    progress.finish();
    print!("{}", report::render(&done, started.elapsed()));
    let complete = done
        .iter()
        .all(|d| !d.outcome.is_failure() && d.outcome != Outcome::NotRun);
    Ok(if complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The command that runs this cell alone.
fn again(cell: &Cell, workspace: &Workspace) -> String {
    let mut words: Vec<String> = ["cargo", "xtask", "test"].map(str::to_owned).into();
    if let Some(manifest) = &workspace.manifest {
        words.extend(["--manifest-path".to_owned(), manifest.display().to_string()]);
    }
    words.extend(cell.options());
    line(&words)
}
