//! The runner: one cell in one process, one JSON object a line.
//!
//! | command | prints | exit code |
//! | --- | --- | --- |
//! | `list` | every cell | 0 |
//! | `env` | what the figures depend on | 0 |
//! | `run <workload> <implementation>` | the figure; or `error` and no figure | 0; 2 if a check failed, 1 if it could not start |
#![forbid(unsafe_code)]

use std::process::ExitCode;

use anabranch_benches::protocol::{Failed, Listed};
use anabranch_benches::{cells, environment, run};
use clap::Parser;
use serde::Serialize;

/// Run one benchmark cell in this process and print one JSON object a line.
#[derive(Debug, Parser)]
#[command(name = "anabranch-bench")]
enum Command {
    /// Print every cell.
    List,
    /// Print what the figures depend on: machine, build, moment.
    Env,
    /// Run one cell.
    Run(Run),
}

#[derive(Debug, clap::Args)]
struct Run {
    /// The workload: `C2-1`.
    workload: String,
    /// Who does it: `tokio-util`.
    implementation: String,
    /// Operations per repetition [default: part of the workload, or calibrated]
    #[arg(long)]
    ops: Option<u64>,
    /// Repetitions, of which the median one is reported [default: up to the workload]
    #[arg(long)]
    reps: Option<u32>,
    /// Seed of what the workload does at random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Self-check: do so many times the work, and count it once.
    #[arg(long, default_value_t = 1.0)]
    plant: f64,
}

fn main() -> ExitCode {
    match Command::parse() {
        Command::List => cells::all()
            .iter()
            .for_each(|cell| print(&Listed::from(cell))),
        Command::Env => print(&environment::environment()),
        Command::Run(args) => return run_cell(&args),
    }
    ExitCode::SUCCESS
}

fn run_cell(args: &Run) -> ExitCode {
    let Run {
        workload,
        implementation,
        ops,
        reps,
        seed,
        plant,
    } = args;
    let (result, code) = match cells::find(workload, implementation) {
        Ok(cell) => {
            let options = run::Options {
                ops: *ops,
                reps: *reps,
                seed: *seed,
                plant: *plant,
            };
            (run::run(&cell, options), 2)
        }
        Err(error) => (Err(error), 1),
    };
    match result {
        Ok(measured) => {
            print(&measured);
            ExitCode::SUCCESS
        }
        Err(error) => {
            print(&Failed {
                w: workload,
                implementation,
                error: format!("{error:#}"),
            });
            ExitCode::from(code)
        }
    }
}

fn print(line: &impl Serialize) {
    println!(
        "{}",
        serde_json::to_string(line).expect("lines hold strings and finite numbers")
    );
}
