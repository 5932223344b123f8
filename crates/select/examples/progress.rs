//! Reports twice a second how far some work is, until it is done.
//!
//! `cargo run -p anabranch-select --example progress` takes three seconds; the same code takes none in
//! `tests/examples.rs`, where the token comes with a clock of its own.

use anabranch_select::{CancelToken, channel, thread::select};
use std::{thread, time::Duration};

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Steps, as they were announced.
    pub(crate) steps: Vec<u32>,
    /// How many steps were done at each tick.
    pub(crate) ticks: Vec<u32>,
}

pub(crate) fn run(token: &CancelToken) -> Report {
    // Only the latest progress counts, so a watch and not a queue: the worker never waits.
    let (progress, mut steps_done) = channel::watch(0);
    let work = token.clone();
    // On a manual clock this thread takes part: time stands still while it can run.
    let member = token.clock().participant("worker");
    let worker = thread::spawn(move || {
        let _in = member.enter();
        let progress = progress; // goes before `_in` does: its end is part of the work
        for step in 1..=4 {
            work.sleep(Duration::from_millis(700)).wait()?; // the work
            progress.send_replace(step);
        }
        Ok::<(), anabranch_core_cancel::Cancelled>(()) // `progress` goes: that says "done"
    });

    let mut report = Report {
        steps: Vec::new(),
        ticks: Vec::new(),
    };
    let mut ticks = token.ticker(Duration::from_millis(500));
    loop {
        select! {
            _ = ticks.tick() => {
                let steps = *steps_done.latest();
                println!("{steps} of 4");
                report.ticks.push(steps);
            }
            step = steps_done.changed() => match step {
                Ok(step) => report.steps.push(*step),
                Err(_closed) => break,
            },
        }
    }
    let done = worker.join().expect("the worker does not panic");
    println!(
        "{}",
        done.map_or_else(|why| why.to_string(), |()| "done".to_string())
    );
    report
}

fn main() {
    run(&CancelToken::new());
}
