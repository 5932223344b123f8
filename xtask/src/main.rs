//! The workspace's commands: `cargo xtask <command>`, one file per command.
#![forbid(unsafe_code)]

mod bench;
mod ci;
mod demo;
mod matrix;
mod near;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "The workspace's commands")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    Test(test::Test),
    Bench(bench::Bench),
    Ci(ci::Ci),
}

/// What a command leaves behind for the shell: 1 when something under test failed, 2 when the
/// command itself could not do its work.
fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(demo) => demo.run(),
        Command::Test(test) => test.run(),
        Command::Bench(bench) => bench.run(),
        Command::Ci(ci) => ci.run(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}
