//! `cargo xtask bench`: ours beside peers and limits, interleaved, with what the machine did to it.
//!
//! A [`runner`] has the cells and measures each in a process of its own. [`select`] says which take
//! part, [`plan`] in which order, [`measure`] does it and [`results`] keeps every outcome. Then
//! [`stats`] pairs the rounds, [`figures`] and [`bars`] compare, [`verdict`] judges, and [`report`]
//! prints.

mod bars;
mod env;
mod figures;
mod list;
mod measure;
mod plan;
mod progress;
mod protocol;
mod report;
mod results;
mod runner;
mod select;
mod smoke;
mod stats;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};

use crate::matrix::process::Interrupt;
use crate::near;
use crate::workspace::Workspace;

use bars::Placed;
use env::Environment;
use measure::{Bench as Measure, Plants, Session};
use plan::{Plan, Slot};
use progress::Progress;
use protocol::{Cell, Kind, Shape};
use results::{Results, Summary};
use runner::Runner;
use select::Selection;
use stats::{ROUNDS_TO_JUDGE, Ratio};
use verdict::Verdict;

/// A bar was surely missed.
const MISSED: u8 = 1;
/// A cell has failed: its checks did not hold, or it did not run.
const FAILED: u8 = 2;
/// The selection is empty.
const NOTHING: u8 = 4;
/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Measure ours beside peers and limits, or check the bars that ours must reach
///
/// Every cell runs in a process of its own, once per round, in random order. A wrong result is a
/// failed cell and never a figure. Exit code: 0 fine, 1 a bar was missed, 2 a cell failed or the
/// command could not do its work, 4 nothing was selected, 130 interrupted.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    #[command(flatten)]
    selection: Selection,
    /// Check the bars of benches/bars.toml: met, missed or unclear
    #[arg(long, conflicts_with_all = ["list", "smoke"])]
    bars: bool,
    /// Show every cell, whether it is in, and why not; measure nothing
    #[arg(long, conflicts_with = "smoke")]
    list: bool,
    /// Run each cell once with few operations, for its checks only
    #[arg(long)]
    smoke: bool,
    /// Rounds [default: 5, for bars 9; bars need 7]
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Seed of the order, the work and the bootstrap [default: random, printed]
    #[arg(long)]
    seed: Option<u64>,
    /// Print the summary as JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Self-check: let a cell do FACTOR times the work it counts; may be repeated
    #[arg(long = "plant", value_name = "WORKLOAD/IMPL=FACTOR")]
    plants: Vec<String>,
    /// Other bars than those of the workspace
    #[arg(long, value_name = "FILE", hide = true)]
    bars_file: Option<PathBuf>,
    /// The profile the runner is built with; anything but release is for testing this command
    #[arg(long, default_value = "release", hide = true)]
    profile: String,
}

impl Bench {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let workspace = Workspace::load(None)?;
        let runner = Runner::build(&workspace.root, &self.profile)?;
        let cells = runner.list()?;
        self.selection.check(&cells)?;
        // Read whatever the mode is: a bar that names no cell shall not wait to be found out.
        let default = workspace.root.join("benches").join("bars.toml");
        let bars = bars::read(self.bars_file.as_ref().unwrap_or(&default), &cells)?;
        let chosen: Vec<usize> = (0..cells.len())
            .filter(|&i| self.selection.reason_out(&cells[i]).is_none())
            .collect();
        if self.list {
            println!("{}", list::list(&cells, &self.selection));
            return Ok(ExitCode::SUCCESS);
        }
        if chosen.is_empty() {
            eprintln!("nothing selected; `cargo xtask bench --list` says why");
            return Ok(ExitCode::from(NOTHING));
        }
        if self.smoke {
            return smoke::smoke(&runner, &cells, &chosen);
        }
        let bars: Vec<Placed> = bars
            .into_iter()
            .filter(|bar| bar.is_selected(&self.selection, &cells))
            .collect();
        if self.bars && bars.is_empty() {
            eprintln!("no bar is set for what is selected");
            return Ok(ExitCode::from(NOTHING));
        }
        let plan = self.plan(&cells, &chosen, &bars)?;
        let plants = self.plants(&cells)?;
        self.measure(&workspace, &runner, &cells, &plan, &plants, &bars)
    }

    /// The order of everything: both sides of each bar and an A/A pair, or all that is chosen.
    fn plan(&self, cells: &[Cell], chosen: &[usize], bars: &[Placed]) -> anyhow::Result<Plan> {
        let rounds = self.rounds.unwrap_or(if self.bars { 9 } else { 5 });
        let least = if self.bars { ROUNDS_TO_JUDGE } else { 1 };
        ensure!(
            rounds >= least,
            "--rounds {rounds}: at least {least} are needed"
        );
        let slots = if self.bars {
            bars.iter().flat_map(Placed::slots).collect()
        } else {
            let firsts = chosen.iter().copied().map(Slot::first);
            firsts
                .chain(noise_pair(cells, chosen).map(Slot::again))
                .collect()
        };
        // Short, because people copy it.
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
        Ok(Plan::new(slots, rounds, seed))
    }

    fn plants(&self, cells: &[Cell]) -> anyhow::Result<Plants> {
        let read = |plant: &String| {
            let (name, factor) = plant
                .rsplit_once('=')
                .with_context(|| format!("--plant {plant}: expected WORKLOAD/IMPL=FACTOR"))?;
            let factor: f64 = factor.parse().with_context(|| format!("--plant {plant}"))?;
            let names: Vec<String> = cells.iter().map(Cell::name).collect();
            match names.iter().position(|known| known == name) {
                Some(cell) => Ok((cell, factor)),
                None => Err(near::unknown(
                    "cell",
                    name,
                    names.iter().map(String::as_str),
                )),
            }
        };
        self.plants.iter().map(read).collect()
    }

    fn measure(
        &self,
        workspace: &Workspace,
        runner: &Runner,
        cells: &[Cell],
        plan: &Plan,
        plants: &Plants,
        bars: &[Placed],
    ) -> anyhow::Result<ExitCode> {
        let mut environment = Environment::new(runner.environment()?);
        environment.add_plan(plan);
        let mut results = Results::create(&workspace.target, &environment)?;
        let interrupt = Interrupt::listen()?;
        eprintln!("{}", environment.line());
        let (seed, rounds) = (plan.seed, plan.rounds.len());
        eprintln!("seed {seed}: {rounds} rounds, {} processes", plan.len());
        for warning in environment.warnings() {
            eprintln!("warning: {warning}");
        }
        for (&cell, factor) in plants {
            eprintln!(
                "planted: {} does {factor} times the work it counts",
                cells[cell].name()
            );
        }

        let mut session = Session::new(cells);
        let results_of = &mut results;
        let progress = Progress::start();
        Measure {
            runner,
            plants,
            results: results_of,
            interrupt: &interrupt,
            progress,
        }
        .measure(&mut session, plan)?;

        let judged = if self.bars {
            bars.iter().map(|bar| bar.judge(&session, seed)).collect()
        } else {
            Vec::new()
        };
        let figures = figures::figures(&session, &plan.cells(), seed);
        let mut summary = Summary::new(figures, judged, &environment);
        summary.interrupted = interrupt.is_set();
        summary.noise = noise(&session, plan);
        results.summary(&summary)?;
        self.print(&summary)?;
        for cell in session.failures().keys() {
            let ask = runner::Ask {
                ops: None,
                reps: None,
                seed,
                plant: 1.0,
            };
            eprintln!("again: {}", runner.by_hand(&cells[*cell], ask));
        }
        let folder = workspace.relative(results.folder());
        if summary.interrupted {
            eprintln!(
                "interrupted: what was measured until then is in {}",
                folder.display()
            );
        } else {
            eprintln!("results: {}", folder.display());
        }
        Ok(exit_code(!session.failures().is_empty(), &summary))
    }

    fn print(&self, summary: &Summary<'_>) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(summary)?);
            return Ok(());
        }
        println!("{}\n", report::figures(&summary.figures));
        for figure in &summary.figures {
            if let Some(error) = figure.error {
                println!("FAILED {}: {error}", figure.cell.name());
            }
        }
        if !summary.bars.is_empty() {
            println!(
                "{}\n\n{}",
                report::bars(&summary.bars),
                report::count(&summary.bars)
            );
        }
        match summary.noise {
            Some(noise) => println!(
                "noise: the same cell measured twice a round differed by up to {}",
                report::percent(noise)
            ),
            None => println!("noise: not measured"),
        }
        Ok(())
    }
}

/// The cell that is measured twice a round where no bar names one: the first calibrated one, a
/// peer or ours if there is one, for a limit is too short to show what the others suffer.
fn noise_pair(cells: &[Cell], chosen: &[usize]) -> Option<usize> {
    let repeats = || {
        chosen
            .iter()
            .copied()
            .filter(|&i| cells[i].shape == Shape::Repeat)
    };
    repeats()
        .find(|&i| cells[i].kind != Kind::Limit)
        .or_else(|| repeats().next())
}

/// The worst of all A/A pairs.
fn noise(session: &Session<'_>, plan: &Plan) -> Option<f64> {
    let pairs_of = |cell: usize| {
        let first = session.by_round(Slot::first(cell), "ns_per_op");
        let again = session.by_round(Slot::again(cell), "ns_per_op");
        let pairs: Vec<_> = again
            .into_iter()
            .zip(first)
            .filter_map(|(a, b)| Some((a?, b?)))
            .collect();
        Ratio::of_pairs(&pairs, plan.seed).map(|ratio| ratio.distance_from_equal())
    };
    plan.cells()
        .into_iter()
        .filter_map(pairs_of)
        .max_by(f64::total_cmp)
}

fn exit_code(failed: bool, summary: &Summary<'_>) -> ExitCode {
    let has = |verdict| summary.bars.iter().any(|bar| bar.verdict == verdict);
    if failed || has(Verdict::Failed) {
        ExitCode::from(FAILED)
    } else if has(Verdict::Missed) {
        ExitCode::from(MISSED)
    } else if summary.interrupted {
        ExitCode::from(INTERRUPTED)
    } else {
        ExitCode::SUCCESS
    }
}
