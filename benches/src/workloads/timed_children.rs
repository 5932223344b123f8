//! A deadline per request that is never reached: a child with a timeout, made and dropped.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::{Ask, Rep, Stopwatch};

/// Makes a child with a timeout of ten seconds and drops it, `ops` times. `is_live` is asked once,
/// of the last child, before the timeout can have come.
///
/// # Errors
/// The last child was not live, or the loop took longer than the timeout.
pub fn timed_children<C>(
    ask: Ask,
    mut make: impl FnMut(Duration) -> C,
    is_live: impl FnOnce(&C) -> bool,
) -> Result<Rep> {
    let timeout = black_box(Duration::from_secs(10));
    let started = Instant::now();
    let watch = Stopwatch::start();
    for _ in 1..ask.ops {
        drop(black_box(make(timeout)));
    }
    let last = black_box(make(timeout));
    let rep = watch.stop(ask.ops);

    // Had the timeout been reached, timers would have fired within the loop.
    ensure!(
        started.elapsed() < timeout,
        "the loop outlasted the timeout: ask for fewer operations"
    );
    ensure!(is_live(&last), "a child was cancelled before its timeout");
    Ok(rep)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_makes_one_child_and_the_last_is_checked() {
        let mut made = 0;
        let make = |_| made += 1;
        timed_children(Ask { ops: 7, seed: 1 }, make, |()| true).unwrap();
        assert_eq!(made, 7);
        assert!(timed_children(Ask { ops: 7, seed: 1 }, |_| (), |()| false).is_err());
    }
}
