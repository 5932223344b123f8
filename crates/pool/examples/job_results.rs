//! Jobs with results of different types, an error as a value, a panic that stays where it was, and
//! a job that is handed back because the pool has closed.

use anabranch_pool::{JobError, Pool, TrySubmitError};
use std::{
    io::{self, Write},
    num::ParseIntError,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The panic below is part of the show: without this, std would report it on stderr as well.
    std::panic::set_hook(Box::new(|_| {}));
    run(&mut io::stdout())
}

/// What `main` does, into any writer.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::builder().workers(2).queue(10).name("jobs").build()?;

    // One pool, results of any type: the handle knows which.
    let length = pool.submit(|| "some text".len()).wait()?;
    let shout = pool.submit(|| "some text".to_uppercase()).wait()?;
    writeln!(out, "length {}, shout {}", length.wait()?, shout.wait()?)?;

    // A job's own error is a value like any other.
    let good = pool.submit(|| parse("42")).wait()?;
    let bad = pool.submit(|| parse("forty-two")).wait()?;
    for job in [good, bad] {
        match job.wait()? {
            Ok(number) => writeln!(out, "parsed {number}")?,
            Err(error) => writeln!(out, "not parsed: {error}")?,
        }
    }

    // A panic goes to whoever waits for that job, and to nobody else.
    let empty: Vec<i32> = Vec::new();
    let doomed = pool.submit(move || empty[0]).wait()?;
    match doomed.wait() {
        Err(JobError::Panicked(panic)) => writeln!(out, "{panic}")?,
        other => writeln!(out, "unexpected: {other:?}")?,
    }
    let alive = pool.submit(|| "still here").wait()?;
    writeln!(out, "the workers are {}", alive.wait()?)?;

    // After the drain nothing is accepted; what was refused comes back and can be run here.
    pool.drain().wait();
    match pool.try_submit(|| "run by the caller") {
        Err(TrySubmitError::Closed(job)) => writeln!(out, "closed, so the job was {}", job())?,
        other => writeln!(out, "unexpected: {other:?}")?,
    }
    let stats = pool.stats();
    writeln!(
        out,
        "{} submitted: {} returned, {} panicked",
        stats.submitted, stats.completed, stats.panicked
    )?;
    Ok(())
}

fn parse(text: &str) -> Result<i32, ParseIntError> {
    text.parse()
}
