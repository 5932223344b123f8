//! What the workload with many keys asks of an implementation, and who answers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anabranch_ratelimit::{KeyedRateLimiter, Rate};
use anyhow::{Context, Result};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::QuantaClock};

/// Something that says yes so often in so much time, for each key.
pub trait KeyedLimiter: Sized + Sync {
    /// One for up to `keys` keys that admits a call of each every `period` and `burst` at once.
    ///
    /// # Errors
    /// It cannot be set up like that.
    fn with(period: Duration, burst: u32, keys: usize) -> Result<Self>;
    /// Takes a permit of the key if one is there, and never waits.
    fn allow(&self, key: u64) -> bool;
}

impl KeyedLimiter for KeyedRateLimiter<u64> {
    fn with(period: Duration, burst: u32, keys: usize) -> Result<Self> {
        Ok(KeyedRateLimiter::new(Rate::every(period).burst(burst.into())).max_keys(keys))
    }

    fn allow(&self, key: u64) -> bool {
        KeyedRateLimiter::allow(self, &key)
    }
}

fn quota(period: Duration, burst: u32) -> Result<Quota> {
    let burst = NonZeroU32::new(burst).context("governor has no burst of 0")?;
    let quota = Quota::with_period(period).context("governor has no period of 0")?;
    Ok(quota.allow_burst(burst))
}

/// governor's keys in a `HashMap` behind a lock.
#[derive(Debug)]
pub struct GovernorHashMap(
    RateLimiter<u64, governor::state::keyed::HashMapStateStore<u64>, QuantaClock>,
);

impl KeyedLimiter for GovernorHashMap {
    fn with(period: Duration, burst: u32, _: usize) -> Result<Self> {
        let quota = quota(period, burst)?;
        Ok(GovernorHashMap(RateLimiter::hashmap(quota)))
    }

    fn allow(&self, key: u64) -> bool {
        self.0.check_key(&key).is_ok()
    }
}

/// governor's keys in a `DashMap`, its default.
impl KeyedLimiter for DefaultKeyedRateLimiter<u64> {
    fn with(period: Duration, burst: u32, _: usize) -> Result<Self> {
        Ok(RateLimiter::dashmap(quota(period, burst)?))
    }

    fn allow(&self, key: u64) -> bool {
        self.check_key(&key).is_ok()
    }
}

/// What one writes first: std's map, each key's theoretical arrival time, one lock.
#[derive(Debug)]
pub struct MutexHashMap {
    period: Duration,
    slack: Duration,
    arrivals: Mutex<HashMap<u64, Instant>>,
}

impl KeyedLimiter for MutexHashMap {
    fn with(period: Duration, burst: u32, _: usize) -> Result<Self> {
        Ok(MutexHashMap {
            period,
            slack: period * (burst - 1),
            arrivals: Mutex::default(),
        })
    }

    fn allow(&self, key: u64) -> bool {
        let now = Instant::now();
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        match arrivals.entry(key) {
            Entry::Vacant(new) => {
                new.insert(now + self.period);
                true
            }
            Entry::Occupied(mut known) => {
                let arrival = (*known.get()).max(now);
                let is_early = arrival > now + self.slack;
                if !is_early {
                    known.insert(arrival + self.period);
                }
                !is_early
            }
        }
    }
}
