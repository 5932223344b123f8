//! Three workers, two tasks a second: a pool behind a limiter, and a table of who did what when.
//!
//! The Go listing's workers range over a channel of tasks and wait at the limiter before each. Here a
//! task is a job of the pool; the wait ends with the token, should the pool be stopped meanwhile.
//!
//! `cargo run -p anabranch-ratelimit --example limited_pool` takes five seconds; the same code takes
//! none in `tests/examples.rs`, where the token comes with a clock of its own.

use anabranch_pool::{JobContext, Pool};
use anabranch_ratelimit::{CancelToken, Rate, RateLimiter};
use std::{error::Error, sync::Arc, thread, time::Duration};

type Failure = Box<dyn Error + Send + Sync>;

/// A line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) task: u32,
    pub(crate) worker: String,
    /// Since the first look at the clock.
    pub(crate) start: Duration,
    pub(crate) took: Duration,
}

/// Runs `tasks` on three workers, two a second; each takes 1.2 s.
pub(crate) fn run(token: &CancelToken, tasks: u32) -> Result<Vec<Row>, Failure> {
    let pool = Pool::builder()
        .workers(3)
        .name("worker")
        .on(token)
        .build()?;
    let limiter = Arc::new(RateLimiter::new(Rate::per_second(2)).on(token));
    let zero = token.clock().now();
    let mut handles = Vec::new();
    for task in 1..=tasks {
        let limiter = limiter.clone();
        let job = move |cx: &JobContext<'_>| -> Result<Row, Failure> {
            let (token, clock) = (cx.token(), cx.token().clock());
            limiter.acquire(1).with_cancel(token).wait()?;
            let start = clock.now();
            token.sleep(Duration::from_millis(1_200)).wait()?; // the work
            Ok(Row {
                task,
                worker: thread::current().name().unwrap_or("?").into(),
                start: start - zero,
                took: clock.now() - start,
            })
        };
        handles.push(pool.submit_with(job).wait()?);
    }
    let mut rows = Vec::new();
    for handle in handles {
        rows.push(handle.wait()??);
    }
    rows.sort_by_key(|row| row.start);
    Ok(rows)
}

fn main() -> Result<(), Failure> {
    let rows = run(&CancelToken::new(), 8)?;
    println!("task  worker    start      took");
    for Row {
        task,
        worker,
        start,
        took,
    } in rows
    {
        println!(
            "{task:>4}  {worker}  {:>5} ms  {:>5} ms",
            start.as_millis(),
            took.as_millis()
        );
    }
    Ok(())
}
