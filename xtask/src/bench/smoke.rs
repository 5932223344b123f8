//! `--smoke`: each cell once with few operations. Not a measurement; only the checks count.

use std::process::ExitCode;

use super::FAILED;
use super::protocol::Cell;
use super::runner::{Ask, Runner};

/// Runs the chosen cells one after the other and says which failed, with the line that repeats it.
pub(crate) fn smoke(runner: &Runner, cells: &[Cell], chosen: &[usize]) -> anyhow::Result<ExitCode> {
    let mut failed = 0;
    for &index in chosen {
        let cell = &cells[index];
        let ask = Ask {
            ops: Some(cell.smoke_ops),
            reps: Some(1),
            seed: 1,
            plant: 1.0,
        };
        if let Err(error) = runner.run(cell, ask) {
            failed += 1;
            println!("FAILED {}: {error:#}", cell.name());
            println!("       {}", runner.by_hand(cell, ask));
        }
    }
    println!(
        "{} cells: {} passed, {failed} failed",
        chosen.len(),
        chosen.len() - failed
    );
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}
