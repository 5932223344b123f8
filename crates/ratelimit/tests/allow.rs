//! Those who do not wait: exact counts on a manual clock, extreme rates, wrong input.
#![cfg(not(loom))]

mod common;

use anabranch_ratelimit::{CancelToken, ExceedsBurst, Rate, RateLimiter};
use common::ms;
use std::{
    panic,
    sync::{Barrier, Mutex},
    thread,
    time::Duration,
};

/// How many of `calls`, `step` apart, the first at once, are admitted.
fn admitted(rate: Rate, calls: u32, step: Duration) -> u32 {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(rate).on(&token);
    let call = |_| {
        let allowed = limiter.allow();
        time.advance(step);
        u32::from(allowed)
    };
    (0..calls).map(call).sum()
}

#[test]
fn two_a_second_admit_one_of_ten_calls_at_once_and_all_of_ten_half_a_second_apart() {
    assert_eq!(admitted(Rate::per_second(2), 10, Duration::ZERO), 1);
    assert_eq!(admitted(Rate::per_second(2), 10, ms(500)), 10);
    assert_eq!(
        admitted(Rate::per_second(2), 10, ms(499)),
        5,
        "each second one is early"
    );
}

#[test]
fn ten_a_second_with_a_burst_of_five_admit_fourteen_of_twenty_tries_50_ms_apart() {
    // Five at first; 950 ms bring nine more.
    assert_eq!(admitted(Rate::per_second(10).burst(5), 20, ms(50)), 14);
}

#[test]
fn an_idle_bucket_fills_up_to_the_burst_and_no_further() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(10).burst(5)).on(&token);
    for idle in [1, 3_600, 24 * 86_400, 1_000_000_000] {
        assert_eq!(limiter.available_permits(), 5);
        assert_eq!((0..20).filter(|_| limiter.allow()).count(), 5);
        assert_eq!(limiter.available_permits(), 0);
        time.advance(Duration::from_secs(idle));
    }
}

#[test]
fn a_bucket_that_fills_at_an_odd_moment_still_gives_its_whole_burst_at_once() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(7).burst(5)).on(&token);
    for odd in [1, 3, 1_234_567, 50_000_001, 999_999_937] {
        time.advance(Duration::from_nanos(5_000_000_000 + odd));
        assert!(limiter.allow());
        assert_eq!(limiter.available_permits(), 4);
        assert!(limiter.allow_n(4) && !limiter.allow());
    }
}

#[test]
fn several_at_once_are_taken_together_or_not_at_all() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(10).burst(5)).on(&token);
    assert!(limiter.allow_n(3));
    assert!(!limiter.allow_n(3), "two are left");
    assert_eq!(limiter.available_permits(), 2, "and stay");
    assert!(limiter.allow_n(2) && !limiter.allow());
    time.advance(ms(499));
    assert!(!limiter.allow_n(5));
    time.advance(ms(1));
    assert!(limiter.allow_n(5));
}

/// RL32.
#[test]
fn many_at_once_wait_as_long_as_the_last_of_as_many_single_takes() {
    let (token, _time) = CancelToken::manual();
    let rate = Rate::per_second(10).burst(5);
    let (many, single) = (
        RateLimiter::new(rate).on(&token),
        RateLimiter::new(rate).on(&token),
    );
    assert!(many.allow_n(5) && single.allow_n(5));
    assert_eq!(many.try_acquire(3).unwrap_err().retry_after, ms(300));
    assert_eq!(single.try_acquire(1).unwrap_err().retry_after, ms(100));
}

/// RL3: each interval is the rate it says.
#[test]
fn an_interval_is_a_rate() {
    let intervals = [
        1,
        1_000,
        1_000_000,
        10_000_000,
        2_000_000_000,
        2_000_000_000,
        2_500_000_000,
    ];
    for interval in intervals.map(Duration::from_nanos) {
        let (token, time) = CancelToken::manual();
        let limiter = RateLimiter::new(Rate::every(interval)).on(&token);
        assert!(limiter.allow());
        assert_eq!(limiter.try_acquire(1).unwrap_err().retry_after, interval);
        time.advance(interval - Duration::from_nanos(1));
        assert!(!limiter.allow());
        time.advance(Duration::from_nanos(1));
        assert!(limiter.allow());
    }
    let (token, time) = CancelToken::manual();
    let longest = RateLimiter::new(Rate::every(Duration::MAX)).on(&token);
    assert!(longest.allow());
    time.advance(Duration::MAX);
    assert!(!longest.allow(), "the clock ends before the interval does");
}

/// RL4.
#[test]
fn fifteen_threads_at_once_on_a_burst_of_five_are_admitted_five_times() {
    for _ in 0..50 {
        let (token, _time) = CancelToken::manual();
        let limiter = RateLimiter::new(Rate::per_second(1).burst(5)).on(&token);
        let start = Barrier::new(15);
        let admitted = thread::scope(|s| {
            let call = || {
                start.wait();
                limiter.allow()
            };
            let calls: Vec<_> = (0..15).map(|_| s.spawn(call)).collect();
            calls
                .into_iter()
                .filter(|_| true)
                .map(|call| u32::from(call.join().unwrap()))
                .sum::<u32>()
        });
        assert_eq!(admitted, 5);
    }
}

#[test]
fn four_threads_that_empty_a_large_bucket_find_what_is_in_it() {
    let (token, _time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(1).burst(2_000_000)).on(&token);
    let start = Barrier::new(4);
    let admitted: usize = thread::scope(|s| {
        let empty = || {
            start.wait();
            std::iter::repeat_with(|| limiter.allow())
                .take_while(|&allowed| allowed)
                .count()
        };
        let threads: Vec<_> = (0..4).map(|_| s.spawn(empty)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(admitted, 2_000_000);
}

/// RL6 and RL33e.
#[test]
fn a_rate_of_zero_gives_its_burst_and_then_nothing_for_ever() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(0).burst(3)).on(&token);
    assert!(limiter.allow_n(2) && limiter.allow());
    for _ in 0..3 {
        let denied = limiter.try_acquire(1).unwrap_err();
        assert!(denied.is_final() && denied.exceeds_burst.is_none());
        assert_eq!(denied.retry_after, Duration::MAX);
        time.advance(Duration::from_secs(24 * 86_400));
    }
    time.advance(Duration::MAX);
    assert!(!limiter.allow());
}

/// RL6 and RL33e: an overflow would let the second one through.
#[test]
fn the_slowest_rates_admit_one_and_then_none_after_weeks() {
    let year = Duration::from_secs(365 * 86_400);
    for rate in [
        Rate::every(year),
        Rate::every(316 * year),
        Rate::every(Duration::MAX),
    ] {
        let (token, time) = CancelToken::manual();
        let limiter = RateLimiter::new(rate).on(&token);
        assert!(limiter.allow() && !limiter.allow(), "{rate}");
        time.advance(Duration::from_secs(24 * 86_400));
        assert!(!limiter.allow(), "{rate}");
    }
}

/// RL6: a rate that no fraction says exactly is not cut off.
#[test]
fn ten_in_thirteen_seconds_are_ten_in_thirteen_seconds() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::new(10, Duration::from_secs(13))).on(&token);
    assert!(limiter.allow());
    let mut admitted = 0;
    for _ in 0..13_000 {
        time.advance(ms(1));
        admitted += u32::from(limiter.allow());
    }
    // Each is late by less than the millisecond between two looks.
    assert!((9..=10).contains(&admitted), "{admitted}");
}

/// RL7.
#[test]
fn without_a_limit_everything_is_admitted_whatever_the_burst() {
    for rate in [Rate::UNLIMITED, Rate::UNLIMITED.burst(1)] {
        let limiter = RateLimiter::new(rate);
        assert!((0..1_000).all(|_| limiter.allow()));
        assert!(limiter.allow_n(u64::MAX) && limiter.try_acquire(u64::MAX).is_ok());
        assert!(limiter.acquire(u64::MAX).wait().is_ok());
        assert_eq!(
            (limiter.available_permits(), limiter.waiting()),
            (u64::MAX, 0)
        );
    }
}

/// RL38: the largest refill in the longest time, the largest take.
#[test]
fn the_largest_numbers_do_not_overflow() {
    let all = Rate::MAX_BURST;
    let periods = [
        (Duration::from_nanos(1), all),
        (Duration::from_nanos(u64::MAX), all),
        // One a second: the clock ends after 584 years.
        (Duration::MAX, u64::MAX / 1_000_000_000),
    ];
    for (per, refilled) in periods {
        let (token, time) = CancelToken::manual();
        let limiter = RateLimiter::new(Rate::new(u64::MAX, per).burst(u64::MAX)).on(&token);
        assert_eq!(limiter.available_permits(), all);
        assert!(limiter.allow_n(all) && !limiter.allow_n(all), "per {per:?}");
        assert!(!limiter.allow_n(u64::MAX));
        time.advance(Duration::MAX);
        assert_eq!(limiter.available_permits(), refilled, "per {per:?}");
        assert!(
            limiter.allow_n(refilled) && !limiter.allow_n(all),
            "per {per:?}"
        );
        assert!(limiter.try_acquire(all).unwrap_err().retry_after > Duration::ZERO);
    }
}

#[test]
fn a_huge_burst_at_a_slow_rate_is_as_large_as_it_says() {
    let burst = u64::from(u32::MAX);
    let limiter = RateLimiter::new(Rate::per_hour(1).burst(burst));
    assert_eq!(limiter.available_permits(), burst);
    assert!(limiter.allow_n(burst - 1) && limiter.allow() && !limiter.allow());
}

#[test]
fn a_billion_a_second_is_one_each_nanosecond() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(1_000_000_000)).on(&token);
    for _ in 0..1_000 {
        assert!(limiter.allow() && !limiter.allow());
        time.advance(Duration::from_nanos(1));
    }
}

#[test]
fn none_at_all_are_always_there_and_take_nothing() {
    let (token, _time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(1)).on(&token);
    assert!(limiter.allow_n(0));
    assert_eq!(limiter.available_permits(), 1, "nothing was taken");
    assert!(limiter.allow());
    assert!(limiter.allow_n(0) && limiter.try_acquire(0).is_ok());
    assert!(limiter.acquire(0).wait().is_ok());
}

#[test]
fn more_than_the_burst_is_refused_for_good_and_takes_nothing() {
    let limiter = RateLimiter::new(Rate::per_hour(1).burst(5));
    let exceeds = ExceedsBurst {
        requested: 6,
        burst: 5,
    };
    assert!(!limiter.allow_n(6));
    let denied = limiter.try_acquire(6).unwrap_err();
    assert!(denied.is_final());
    assert_eq!(denied.exceeds_burst, Some(exceeds));
    assert_eq!(
        denied.to_string(),
        "6 permits at once exceed the burst of 5"
    );
    assert_eq!(limiter.acquire(6).wait(), Err(exceeds.into()));
    assert_eq!(limiter.available_permits(), 5);
}

/// RL43.
#[test]
fn retry_after_is_the_time_until_the_same_request_fits() {
    let (token, time) = CancelToken::manual();
    let slow = RateLimiter::new(Rate::every(Duration::from_secs(20)).burst(2)).on(&token);
    assert!(slow.allow_n(2));
    assert_eq!(
        slow.try_acquire(2).unwrap_err().retry_after,
        Duration::from_secs(40)
    );
    let two = RateLimiter::new(Rate::new(2, Duration::from_secs(20)).burst(2)).on(&token);
    assert!(two.allow_n(2));
    assert_eq!(
        two.try_acquire(2).unwrap_err().retry_after,
        Duration::from_secs(20)
    );
    let denied = two.try_acquire(1).unwrap_err();
    assert_eq!(denied.to_string(), "rate limited, retry after 10s");
    time.advance(denied.retry_after);
    assert!(two.try_acquire(1).is_ok(), "it is exact");

    let seven = RateLimiter::new(Rate::new(3, Duration::from_secs(20)).burst(7)).on(&token);
    assert!(seven.allow_n(5));
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(seven.available_permits());
        time.advance(Duration::from_secs(20));
    }
    assert_eq!(seen, [2, 5, 7]);
}

#[test]
fn wrong_input_panics_at_the_callers_line() {
    static AT: Mutex<Option<(String, u32)>> = Mutex::new(None);
    let old = panic::take_hook();
    let me = thread::current().id();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == me {
            *AT.lock().unwrap() = info.location().map(|at| (at.file().into(), at.line()));
        } else {
            old(info);
        }
    }));
    let says = |line: u32, make: fn() -> Rate, message: &str| {
        let panic = panic::catch_unwind(make).unwrap_err();
        let said = panic.downcast_ref::<&str>().unwrap();
        assert!(said.contains(message), "{said}");
        assert_eq!(AT.lock().unwrap().take(), Some((file!().into(), line)));
    };
    let needs_a_period = "a rate needs a period longer than zero";
    #[rustfmt::skip]
    says(line!(), || Rate::new(1, Duration::ZERO), needs_a_period);
    #[rustfmt::skip]
    says(line!(), || Rate::every(Duration::ZERO), needs_a_period);
    #[rustfmt::skip]
    says(line!(), || Rate::per_second(1).burst(0), "a burst of zero would never admit");
    drop(panic::take_hook());
}

#[test]
fn denied_calls_change_nothing() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(1)).on(&token);
    assert!(limiter.allow());
    for _ in 0..999 {
        time.advance(ms(1));
        assert!(!limiter.allow());
    }
    time.advance(ms(1));
    assert!(
        limiter.allow(),
        "a second after the first, however often it was asked"
    );
}
