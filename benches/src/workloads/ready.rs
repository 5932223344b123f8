//! What the general form costs when there is nothing to wait for.

use std::hint::black_box;

use anyhow::{Result, ensure};

use crate::{Ask, Rep, Stopwatch};

/// Calls `finish` `ops` times: an operation that is ready, waited for, or its `try_` form. It says
/// whether it found what it came for, which it always must.
///
/// # Errors
/// An operation was not ready.
pub fn ready<T>(ask: Ask, subject: &T, finish: impl Fn(&T) -> bool) -> Result<Rep> {
    // As in `poll`: the subject is unknown to the compiler, each call loads an atomic at least, and
    // the answers are counted and asserted.
    let subject = black_box(subject);
    let mut found = 0_u64;
    let watch = Stopwatch::start();
    for _ in 0..ask.ops {
        found += u64::from(finish(subject));
    }
    let rep = watch.stop(ask.ops);
    let found = black_box(found);
    ensure!(
        found == ask.ops,
        "{found} of {} operations were ready",
        ask.ops
    );
    Ok(rep)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_that_is_not_ready_fails_the_check() {
        let ask = Ask { ops: 5, seed: 1 };
        ready(ask, &(), |()| true).unwrap();
        assert!(ready(ask, &(), |()| false).is_err());
    }
}
