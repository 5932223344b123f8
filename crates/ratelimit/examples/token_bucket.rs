//! Four ways to be held to a rate: refused, refused with a burst, waiting under a deadline, and with
//! moments of one's own.
//!
//! `cargo run -p anabranch-ratelimit --example token_bucket` takes two seconds; the same code takes
//! none in `tests/examples.rs`, where the token comes with a clock of its own.

use anabranch_ratelimit::{AcquireError, CancelToken, Rate, RateLimiter};
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Of ten calls 100 ms apart, at two a second.
    pub(crate) strict: u32,
    /// Of twenty 50 ms apart, at ten a second with a burst of five.
    pub(crate) bursts: u32,
    /// Calls made within 250 ms by one that waits for its turn, at ten a second.
    pub(crate) waited: u32,
    /// When each of four reservations was due, in milliseconds, the second given back.
    pub(crate) reserved: Vec<u128>,
}

/// Tries `calls` times, `apart`, and shows each as a dot or a number: the wait it was told.
fn tries(token: &CancelToken, rate: Rate, calls: u32, apart: Duration) -> u32 {
    let limiter = RateLimiter::new(rate).on(token);
    let mut admitted = 0;
    print!("{rate}:");
    for call in 0..calls {
        if call > 0 && token.sleep(apart).wait().is_err() {
            break;
        }
        match limiter.try_acquire(1) {
            Ok(()) => {
                admitted += 1;
                print!(" ok");
            }
            Err(denied) => print!(" {}ms", denied.retry_after.as_millis()),
        }
    }
    println!("\n  {admitted} of {calls} admitted");
    admitted
}

/// Calls as often as it may until the deadline.
fn waits(token: &CancelToken, rate: Rate, time: Duration) -> u32 {
    let limiter = RateLimiter::new(rate).on(token);
    let call = token.child_with_timeout(time);
    let mut made = 0;
    loop {
        match limiter.acquire(1).with_cancel(&call).wait() {
            Ok(()) => made += 1,
            Err(AcquireError::Cancelled(why)) => {
                let left = call.remaining().unwrap_or_default();
                println!("{rate}, waiting:\n  {made} calls, then, {left:.0?} early: {why}");
                return made;
            }
            Err(AcquireError::ExceedsBurst(_) | AcquireError::LineFull(_)) => {
                unreachable!("one at a time, and nobody else")
            }
        }
    }
}

/// Four moments, of which the second is not wanted any more.
fn reserves(token: &CancelToken, rate: Rate) -> Vec<u128> {
    let limiter = RateLimiter::new(rate).on(token);
    let mut slots = Vec::new();
    for _ in 0..3 {
        slots.push(limiter.reserve(1).expect("one is never too many"));
    }
    slots.remove(1).cancel(); // its moment is free for whoever comes next
    slots.push(limiter.reserve(1).expect("one is never too many"));
    let due: Vec<_> = slots.iter().map(|slot| slot.delay().as_millis()).collect();
    println!("{rate}, reserving:\n  due after {due:?} ms");
    due
}

pub(crate) fn run(token: &CancelToken) -> Report {
    Report {
        strict: tries(token, Rate::per_second(2), 10, 100 * MILLISECOND),
        bursts: tries(token, Rate::per_second(10).burst(5), 20, 50 * MILLISECOND),
        waited: waits(token, Rate::per_second(10), 250 * MILLISECOND),
        reserved: reserves(token, Rate::per_second(10)),
    }
}

fn main() {
    run(&CancelToken::new());
}
