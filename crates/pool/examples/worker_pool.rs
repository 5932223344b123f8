//! Three workers double five numbers, then nine, then ten; every result comes through its handle.
//!
//! The pool of the Go listing with a channel of jobs and a channel of results. Here a job is a
//! closure and its result comes back to the one who asked for it, in the order of asking.

use anabranch_pool::Pool;
use std::io::{self, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    run(&mut io::stdout())
}

/// What `main` does, into any writer.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn std::error::Error>> {
    for jobs in [5, 9, 10] {
        let results = doubled(3, jobs)?;
        writeln!(out, "{jobs:>2} jobs: {results:?}")?;
    }
    // The same for a single job whose result is wanted at once.
    let pool = Pool::new(1);
    writeln!(out, "one more: {}", pool.run(|| 21 * 2).wait()?)?;
    Ok(())
}

/// `1 * 2, 2 * 2, ..` up to `jobs`.
fn doubled(workers: usize, jobs: u32) -> Result<Vec<u32>, Box<dyn std::error::Error>> {
    let pool = Pool::new(workers);
    // All are handed over first, so that they run side by side ...
    let mut handles = Vec::new();
    for job in 1..=jobs {
        handles.push(pool.submit(move || job * 2).wait()?);
    }
    // ... and then each result is waited for.
    let mut results = Vec::new();
    for handle in handles {
        results.push(handle.wait()?);
    }
    Ok(results)
} // the pool is drained and its threads are joined
