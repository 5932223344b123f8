//! One check for each of very many keys, and then another one.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::keyed::KeyedLimiter;
use crate::{Ask, Rep, Stopwatch, sys};

/// Two of each key, and next to nothing flows in.
const PERIOD: Duration = Duration::from_secs(3_600);
const BURST: u32 = 2;

/// How the second round goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// In the order of the first.
    Same,
    /// In another one.
    Shuffled,
}

/// Checks `ops` new keys, and then all of them once more. The metric `bytes` is per key: how much
/// the resident memory grew.
///
/// # Errors
/// One of those calls was denied, or a third one was admitted.
pub fn million_keys<L: KeyedLimiter>(ask: Ask, second: Second) -> Result<Rep> {
    let (keys, again) = keys(ask, second);
    let before = sys::rss_bytes()?;
    let limiter = L::with(PERIOD, BURST, keys.len())?;
    let watch = Stopwatch::start();
    let mut admitted = 0;
    for key in [&keys, &again].into_iter().flatten() {
        // The limiter is unknown to the compiler, and each answer is counted and asserted.
        admitted += u64::from(black_box(&limiter).allow(*key));
    }
    let rep = watch.stop(2 * ask.ops);
    let grown = sys::rss_bytes()?.saturating_sub(before);
    ensure!(
        admitted == 2 * ask.ops,
        "{admitted} of {} calls were admitted",
        2 * ask.ops
    );
    let third = keys.iter().filter(|&&key| limiter.allow(key)).count();
    ensure!(third == 0, "{third} keys were admitted a third time");
    Ok(rep.with_metric("bytes", grown as f64 / ask.ops as f64))
}

/// Checks `ops` new keys and takes the time of each: what a caller is held up for by one
/// that makes the table grow. The metric `worst_us` is the longest.
///
/// # Errors
/// One was denied.
pub fn new_keys<L: KeyedLimiter>(ask: Ask) -> Result<Rep> {
    let (keys, _) = keys(ask, Second::Same);
    let limiter = L::with(PERIOD, BURST, keys.len())?;
    let mut samples = Vec::with_capacity(keys.len());
    let watch = Stopwatch::start();
    let mut admitted = 0;
    for &key in &keys {
        let start = Instant::now();
        admitted += u64::from(black_box(&limiter).allow(key));
        samples.push(start.elapsed().as_nanos() as f64);
    }
    let rep = watch.stop(ask.ops);
    ensure!(
        admitted == ask.ops,
        "{admitted} of {} calls were admitted",
        ask.ops
    );
    let worst = samples.iter().copied().fold(0.0, f64::max);
    let rep = rep.with_metric("worst_us", worst / 1e3);
    rep.with_latencies(samples)
}

/// So many distinct keys, and the order of the second round.
fn keys(ask: Ask, second: Second) -> (Vec<u64>, Vec<u64>) {
    // Odd factors permute the numbers of 64 bits.
    let factor = fastrand::Rng::with_seed(ask.seed).u64(..) | 1;
    let keys: Vec<u64> = (0..ask.ops).map(|key| key.wrapping_mul(factor)).collect();
    let mut again = keys.clone();
    if second == Second::Shuffled {
        fastrand::Rng::with_seed(ask.seed).shuffle(&mut again);
    }
    (keys, again)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyed::MutexHashMap;

    const ASK: Ask = Ask { ops: 100, seed: 1 };

    struct Generous;

    impl KeyedLimiter for Generous {
        fn with(_: Duration, _: u32, _: usize) -> Result<Self> {
            Ok(Generous)
        }
        fn allow(&self, _: u64) -> bool {
            true
        }
    }

    struct Mean;

    impl KeyedLimiter for Mean {
        fn with(_: Duration, _: u32, _: usize) -> Result<Self> {
            Ok(Mean)
        }
        fn allow(&self, _: u64) -> bool {
            false
        }
    }

    #[test]
    fn a_limiter_that_keeps_count_of_each_key_passes() {
        million_keys::<MutexHashMap>(ASK, Second::Shuffled).unwrap();
        new_keys::<MutexHashMap>(ASK).unwrap();
    }

    #[test]
    fn one_that_admits_too_much_or_too_little_fails_the_check() {
        assert!(million_keys::<Generous>(ASK, Second::Same).is_err());
        assert!(million_keys::<Mean>(ASK, Second::Same).is_err());
        assert!(new_keys::<Mean>(ASK).is_err());
    }
}
