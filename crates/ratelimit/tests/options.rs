//! Several limits at once, lines with an end, debt, and a slow start; exact, on a manual clock.
#![cfg(not(loom))]

mod common;

use anabranch_core_cancel::ManualTime;
use anabranch_ratelimit::{
    AcquireError, CancelToken, LineFull, Rate, RateLimiter, Refused, ops::Acquire,
};
use common::{at_once, ms, poll};
use proptest::prelude::*;
use std::{sync::Arc, time::Duration};

fn joined(limiter: &RateLimiter, permits: u64) -> Acquire<'_> {
    let mut acquire = limiter.acquire(permits);
    assert!(poll(&mut acquire).is_pending());
    acquire
}

fn both() -> (RateLimiter, ManualTime) {
    let (token, time) = CancelToken::manual();
    let rates = [
        Rate::per_second(10).burst(4),
        Rate::every(ms(1_000)).burst(6),
    ];
    (RateLimiter::all(rates).on(&token), time)
}

/// RL45.
#[test]
fn several_limits_admit_what_fits_all_of_them_and_otherwise_take_from_none() {
    let (limiter, time) = both();
    assert_eq!(limiter.available_permits(), 4);
    assert!(limiter.allow_n(4) && !limiter.allow());
    time.advance(ms(400));
    // Four of the first; two of the second, and four tenths.
    assert_eq!(limiter.available_permits(), 2);
    assert!(!limiter.allow_n(3));
    assert!(limiter.allow_n(2));
    assert_eq!(limiter.available_permits(), 0);
    let denied = limiter.try_acquire(1).unwrap_err();
    assert_eq!(denied.retry_after, ms(600), "the longest of all");
    time.advance(ms(600));
    assert!(limiter.try_acquire(1).is_ok(), "nothing was counted twice");
    assert_eq!(limiter.rates().len(), 2);
    let large = limiter.try_acquire(5).unwrap_err().exceeds_burst.unwrap();
    assert_eq!((large.requested, large.burst), (5, 4), "the smallest burst");
}

#[test]
fn those_who_wait_for_several_limits_are_served_in_order_when_all_have_enough() {
    let (limiter, time) = both();
    assert!(limiter.allow_n(4));
    // Two are left of the slow one; of the fast one four after 400 ms.
    let mut line = [2, 1, 1].map(|n| joined(&limiter, n));
    let mut served = Vec::new();
    let mut elapsed = 0;
    while served.len() < 3 {
        time.advance(ms(50));
        elapsed += 50;
        for (who, acquire) in line.iter_mut().enumerate() {
            if !served.iter().any(|&(served, _)| served == who) && poll(acquire).is_ready() {
                served.push((who, elapsed));
            }
        }
    }
    assert_eq!(served, [(0, 200), (1, 1_000), (2, 2_000)]);
}

#[test]
fn a_reservation_over_several_limits_comes_back_to_all_of_them() {
    let (limiter, time) = both();
    assert!(limiter.allow_n(4));
    let two = limiter.reserve(2).unwrap();
    let one = limiter.reserve(1).unwrap();
    assert_eq!((two.delay(), one.delay()), (ms(200), ms(1_000)));
    two.cancel();
    assert_eq!(one.delay(), ms(100));
    assert_eq!(limiter.estimate(1), ms(200));
    time.advance(ms(100));
    drop(one);
    assert_eq!(limiter.estimate(1), ms(100));
}

#[test]
fn the_limits_of_several_are_changed_one_by_one() {
    let (limiter, time) = both();
    assert!(limiter.allow_n(4));
    limiter.set_rates([
        Rate::per_second(100).burst(4),
        Rate::every(ms(1_000)).burst(6),
        Rate::per_hour(1).burst(3),
    ]);
    time.advance(ms(40));
    assert_eq!(limiter.available_permits(), 2, "of the second, as before");
    assert!(limiter.allow_n(2));
    limiter.set_rate(Rate::per_second(100).burst(4));
    assert_eq!(limiter.available_permits(), 2, "what the first has left");
    assert!(limiter.allow_n(2) && !limiter.allow());
    time.advance(ms(10));
    assert!(limiter.allow());
}

#[test]
#[should_panic(expected = "at least one rate")]
fn no_limits_at_all_are_no_limiter() {
    let _ = RateLimiter::all([]);
}

#[test]
fn one_of_several_without_a_limit_limits_nothing() {
    let (token, _time) = CancelToken::manual();
    for rates in [
        [Rate::UNLIMITED, Rate::per_hour(1).burst(2)],
        [Rate::per_hour(1).burst(2), Rate::UNLIMITED],
    ] {
        let limiter = RateLimiter::all(rates).on(&token);
        assert!(limiter.allow() && limiter.allow() && !limiter.allow());
        assert_eq!(limiter.available_permits(), 0);
        assert!(limiter.allow_n(0) && limiter.try_acquire(0).is_ok());
    }
}

proptest! {
    /// Each limit alone, kept by hand: all or nothing.
    #[test]
    fn several_limits_are_each_kept(
        (a, b) in ((1_u64..20, 1_u64..8), (1_u64..20, 1_u64..8)),
        steps in prop::collection::vec((0_u64..30, 1_u64..8), 1..100),
    ) {
        let (token, time) = CancelToken::manual();
        let limits = [a, b];
        let rates = limits.map(|(every, burst)| Rate::every(ms(every)).burst(burst));
        let limiter = RateLimiter::all(rates).on(&token);
        // In milliseconds of inflow.
        let mut levels = limits.map(|(every, burst)| every * burst);
        for (pass, permits) in steps {
            time.advance(ms(pass));
            for (level, (every, burst)) in levels.iter_mut().zip(limits) {
                *level = (*level + pass).min(every * burst);
            }
            let fits = levels.iter().zip(limits).all(|(level, (every, _))| *level >= every * permits);
            prop_assert_eq!(limiter.allow_n(permits), fits);
            if fits {
                for (level, (every, _)) in levels.iter_mut().zip(limits) {
                    *level -= every * permits;
                }
            }
            let least = levels.iter().zip(limits).map(|(level, (every, _))| level / every).min();
            prop_assert_eq!(Some(limiter.available_permits()), least);
        }
    }
}

/// RL39 and RL41.
#[test]
fn a_full_line_refuses_a_newcomer_and_throws_nobody_out() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(10))
        .on(&token)
        .max_waiters(2);
    assert!(limiter.allow());
    let [mut first, second] = [joined(&limiter, 1), joined(&limiter, 1)];
    let full = LineFull { max_waiters: 2 };
    assert_eq!(at_once(limiter.acquire(1)), Err(Refused::LineFull(full)));
    let bounded = at_once(limiter.acquire(1).with_cancel(&token)).unwrap_err();
    assert!(matches!(bounded, AcquireError::LineFull(why) if why == full));
    assert_eq!(bounded.to_string(), "2 already wait, as many as may");
    assert_eq!(limiter.waiting(), 2);
    assert!(at_once(limiter.acquire(0)).is_ok(), "needs no place");
    drop(second);
    let mut third = joined(&limiter, 1);
    time.advance(ms(100));
    assert!(at_once(&mut first).is_ok());
    time.advance(ms(100));
    assert!(at_once(&mut third).is_ok(), "the refused ones took nothing");
}

#[test]
fn with_a_line_of_none_nobody_waits() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(10))
        .max_waiters(0)
        .on(&token);
    assert!(at_once(limiter.acquire(1)).is_ok());
    assert!(at_once(limiter.acquire(1)).is_err());
    time.advance(ms(100));
    assert!(at_once(limiter.acquire(1)).is_ok());
}

#[test]
fn a_debt_is_paid_before_anybody_else_is_admitted() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(10).burst(5))
        .allow_debt()
        .on(&token);
    assert!(limiter.allow_n(25), "the bucket is full");
    assert_eq!(limiter.available_permits(), 0);
    // Twenty are owed.
    assert_eq!(limiter.try_acquire(1).unwrap_err().retry_after, ms(2_100));
    assert_eq!(limiter.try_acquire(6).unwrap_err().retry_after, ms(2_500));
    time.advance(ms(2_099));
    assert!(!limiter.allow());
    time.advance(ms(1));
    assert!(limiter.allow() && !limiter.allow());
    assert!(!limiter.allow_n(6), "not full");
    let mut waits = joined(&limiter, 6);
    time.advance(ms(500));
    assert!(at_once(&mut waits).is_ok());
    assert_eq!(limiter.estimate(1), ms(200), "one is owed");
    // Over a longer time the rate is kept: 32 in 2.6 s, of which five were there at first.
    time.advance(ms(100));
    assert_eq!(limiter.available_permits(), 0);
}

#[test]
fn a_debt_too_large_to_count_is_refused() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(1))
        .allow_debt()
        .on(&token);
    assert!(limiter.try_acquire(u64::MAX).unwrap_err().is_final());
    assert!(!limiter.allow_n(u64::MAX));
    assert_eq!(limiter.estimate(u64::MAX), Duration::MAX);
    assert_eq!(limiter.available_permits(), 1);
    // A century of debt is not.
    assert!(limiter.allow_n(100 * 365 * 86_400));
    time.advance(Duration::from_secs(86_400));
    assert!(!limiter.allow());
    let retry_after = limiter.try_acquire(1).unwrap_err().retry_after;
    assert_eq!(retry_after, Duration::from_secs(86_400 * (100 * 365 - 1)));
}

/// Guava's figures: at 10 a second with two seconds of warm-up the first ten take two seconds.
#[test]
fn a_cold_limiter_admits_half_as_many_in_its_warm_up_and_is_at_its_rate_from_then_on() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let warm_up = Duration::from_secs(2);
    let limiter = RateLimiter::new(Rate::per_second(10))
        .warm_up(warm_up)
        .on(&token);
    let limiter = Arc::new(limiter);
    let (caller, clock) = (limiter.clone(), time.clone());
    let moments = time.spawn(move || {
        let call = |_| {
            caller.acquire(1).wait().unwrap();
            clock.elapsed()
        };
        (0..21).map(call).collect::<Vec<_>>()
    });
    let moments = moments.join().unwrap();
    // The n-th interval is 100 ms x (1 + 0.2 x (9.5 - n)): 290, 270, ... 110.
    let mut expected = Duration::ZERO;
    for (n, moment) in moments.iter().enumerate() {
        let off = moment.abs_diff(expected);
        assert!(
            off < Duration::from_micros(1),
            "{n}: {moment:?}, not {expected:?}"
        );
        expected += ms(if n < 10 { 290 - 20 * n as u64 } else { 100 });
    }
    assert!(moments[10].abs_diff(warm_up) < Duration::from_micros(1));
    assert!(moments[20].abs_diff(Duration::from_secs(3)) < Duration::from_micros(1));
}

#[test]
fn a_warm_limiter_that_idles_becomes_cold_again() {
    let (token, time) = CancelToken::manual();
    let second = Duration::from_secs(1);
    let limiter = RateLimiter::new(Rate::per_second(10))
        .on(&token)
        .warm_up(2 * second);
    let costs = |calls: u32| {
        (0..calls).map(|_| {
            assert!(limiter.allow());
            let cost = limiter.estimate(1);
            time.advance(cost);
            cost
        })
    };
    let warm: Vec<_> = costs(25).collect();
    assert!(warm[24].abs_diff(ms(100)) < Duration::from_micros(1));
    // Half of the period: as cold as it can be and still at full speed.
    time.advance(second);
    assert!(costs(1).all(|cost| cost.abs_diff(ms(100)) < Duration::from_micros(1)));
    time.advance(1_000 * second);
    let first = costs(1).next().unwrap();
    assert!(
        first.abs_diff(ms(290)) < Duration::from_micros(1),
        "{first:?}"
    );
}

#[test]
fn a_warm_up_of_zero_is_none() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(10))
        .warm_up(Duration::ZERO)
        .on(&token);
    assert!(limiter.allow() && !limiter.allow());
    time.advance(ms(100));
    assert!(limiter.allow());
}
