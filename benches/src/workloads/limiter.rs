//! May this call go on? Asked of a limiter that always says yes, always no, or either.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::limiters::Limiter;
use crate::{Ask, Rep, Stopwatch};

/// Asks `ops` times; each must be admitted. The limiter has to be one that cannot run out.
///
/// # Errors
/// A call was denied.
pub fn admit<T>(ask: Ask, limiter: &T, allow: impl Fn(&T) -> bool) -> Result<Rep> {
    let (rep, admitted) = hammer(ask, limiter, allow);
    ensure!(
        admitted == ask.ops,
        "{admitted} of {} calls were admitted, and all should have been",
        ask.ops
    );
    Ok(rep)
}

/// Asks `ops` times; each must be denied. The limiter has to be empty.
///
/// # Errors
/// A call was admitted.
pub fn deny<T>(ask: Ask, limiter: &T, allow: impl Fn(&T) -> bool) -> Result<Rep> {
    let (rep, admitted) = hammer(ask, limiter, allow);
    ensure!(
        admitted == 0,
        "{admitted} of {} calls were admitted by an empty limiter",
        ask.ops
    );
    Ok(rep)
}

fn hammer<T>(ask: Ask, limiter: &T, allow: impl Fn(&T) -> bool) -> (Rep, u64) {
    let watch = Stopwatch::start();
    let admitted = calls(limiter, ask.ops, allow);
    (watch.stop(ask.ops), admitted)
}

/// Two threads ask one limiter, half of `ops` each. Its burst is as large as that half and next to
/// nothing flows in, so the first half of the calls is admitted and the second denied: the same mix
/// for all, however fast they are.
///
/// # Errors
/// More were admitted than the burst and what flowed in, or fewer than the burst.
pub fn half_admitted_two_threads<L: Limiter>(ask: Ask) -> Result<Rep> {
    const PERIOD: Duration = Duration::from_secs(1);
    let half = ask.ops.div_ceil(2);
    let burst = u32::try_from(half)?;
    let made = Instant::now();
    let limiter = L::with(PERIOD, burst)?;
    let start = Barrier::new(2);
    let (rep, admitted) = thread::scope(|s| {
        let other = s.spawn(|| {
            start.wait();
            calls(&limiter, half, L::allow)
        });
        // This thread is one of the two, as in `create_and_drop_two_threads`.
        start.wait();
        let watch = Stopwatch::start();
        let mine = calls(&limiter, half, L::allow);
        let theirs = other
            .join()
            .map_err(|_| anyhow::anyhow!("the second thread panicked"))?;
        anyhow::Ok((watch.stop(2 * half), mine + theirs))
    })?;
    // Counted from before the limiter was made, so never less than what flowed in.
    let most = half + made.elapsed().div_duration_f64(PERIOD) as u64;
    ensure!(
        (half..=most).contains(&admitted),
        "{admitted} calls were admitted, not {half} to {most}"
    );
    Ok(rep)
}

/// The loop of all. As in `poll`: the limiter is unknown to the compiler, each call looks at the
/// clock or loads an atomic, and the answers are counted and asserted.
fn calls<T>(limiter: &T, ops: u64, allow: impl Fn(&T) -> bool) -> u64 {
    let limiter = black_box(limiter);
    let mut admitted = 0;
    for _ in 0..ops {
        admitted += u64::from(allow(limiter));
    }
    black_box(admitted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limiters::ClockAndCount;

    const ASK: Ask = Ask { ops: 10, seed: 1 };

    struct Generous;

    impl Limiter for Generous {
        fn with(_: Duration, _: u32) -> Result<Self> {
            Ok(Generous)
        }
        fn allow(&self) -> bool {
            true
        }
    }

    struct Mean;

    impl Limiter for Mean {
        fn with(_: Duration, _: u32) -> Result<Self> {
            Ok(Mean)
        }
        fn allow(&self) -> bool {
            false
        }
    }

    #[test]
    fn a_limiter_that_keeps_count_passes() {
        half_admitted_two_threads::<ClockAndCount>(ASK).unwrap();
    }

    #[test]
    fn one_that_admits_too_much_or_too_little_fails_the_check() {
        assert!(half_admitted_two_threads::<Generous>(ASK).is_err());
        assert!(half_admitted_two_threads::<Mean>(ASK).is_err());
        assert!(admit(ASK, &Mean, Mean::allow).is_err());
        assert!(deny(ASK, &Generous, Generous::allow).is_err());
    }
}
