//! Another rate and another burst while in use, with somebody in line and something reserved.
#![cfg(not(loom))]

mod common;

use anabranch_core_cancel::ManualTime;
use anabranch_ratelimit::{CancelToken, Rate, RateLimiter, ops::Acquire};
use common::{Count, at_once, ms, poll, poll_with};
use proptest::prelude::*;
use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::Waker,
    thread,
    time::Duration,
};

fn limiter(rate: Rate) -> (RateLimiter, ManualTime) {
    let (token, time) = CancelToken::manual();
    (RateLimiter::new(rate).on(&token), time)
}

struct Waiter<'a> {
    acquire: Acquire<'a>,
    wakes: Arc<Count>,
    waker: Waker,
}

fn join(limiter: &RateLimiter, permits: u64) -> Waiter<'_> {
    let (wakes, waker) = Count::new();
    let mut acquire = limiter.acquire(permits);
    assert!(poll_with(&mut acquire, &waker).is_pending());
    Waiter {
        acquire,
        wakes,
        waker,
    }
}

impl Waiter<'_> {
    fn is_served(&mut self) -> bool {
        poll_with(&mut self.acquire, &self.waker).is_ready()
    }
}

/// RL6, the second half.
#[test]
fn a_rate_of_zero_that_is_raised_admits_one_after_an_interval() {
    let (limiter, time) = limiter(Rate::per_second(0));
    assert!(limiter.allow() && !limiter.allow());
    limiter.set_rate(Rate::per_second(10));
    assert_eq!(limiter.try_acquire(1).unwrap_err().retry_after, ms(100));
    time.advance(ms(99));
    assert!(!limiter.allow());
    time.advance(ms(1));
    assert!(limiter.allow() && !limiter.allow());
    assert_eq!(limiter.rate(), Rate::per_second(10));
}

#[test]
fn what_is_in_the_bucket_stays_in_it_up_to_the_new_burst() {
    let (limiter, time) = limiter(Rate::per_second(10).burst(8));
    assert!(limiter.allow_n(3));
    limiter.set_rate(Rate::per_hour(7).burst(100));
    assert_eq!(limiter.available_permits(), 5);
    limiter.set_burst(4);
    assert_eq!(limiter.available_permits(), 4);
    assert_eq!(limiter.rate(), Rate::per_hour(7).burst(4));
    limiter.set_burst(8);
    assert_eq!(limiter.available_permits(), 4, "what did not fit is gone");
    time.advance(Duration::from_secs(3_600));
    assert_eq!(limiter.available_permits(), 8);
}

#[test]
fn half_a_permit_stays_half_a_permit() {
    let (limiter, time) = limiter(Rate::per_second(10));
    assert!(limiter.allow());
    time.advance(ms(50));
    limiter.set_rate(Rate::per_second(1));
    assert_eq!(limiter.estimate(1), ms(500));
    time.advance(ms(250));
    limiter.set_rate(Rate::per_second(1_000));
    let estimate = limiter.estimate(1);
    assert!(estimate.abs_diff(Duration::from_micros(250)) <= Duration::from_nanos(2));
}

#[test]
fn without_a_limit_and_back_again_the_bucket_is_full() {
    let (limiter, time) = limiter(Rate::per_second(10).burst(5));
    assert!(limiter.allow_n(5));
    limiter.set_rate(Rate::UNLIMITED);
    assert!(limiter.allow_n(1_000_000) && limiter.allow_n(u64::MAX));
    assert_eq!(limiter.available_permits(), u64::MAX);
    limiter.set_rate(Rate::per_second(10).burst(5));
    assert!(limiter.allow_n(5) && !limiter.allow());
    time.advance(ms(100));
    assert!(limiter.allow());
}

#[test]
fn what_is_owed_stays_owed_until_there_is_no_limit() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(10))
        .allow_debt()
        .on(&token);
    assert!(limiter.allow_n(11));
    limiter.set_rate(Rate::per_second(100));
    assert_eq!(limiter.estimate(1), ms(110));
    let soon = limiter.reserve(1).unwrap();
    limiter.set_rate(Rate::UNLIMITED);
    assert!(limiter.allow() && limiter.allow_n(1_000));
    time.advance(ms(110));
    drop(soon);
    assert!(limiter.allow());
    limiter.set_rate(Rate::per_second(10));
    assert!(limiter.allow() && !limiter.allow());
}

#[test]
fn those_in_line_are_due_sooner_when_the_rate_is_raised() {
    let (limiter, time) = limiter(Rate::per_second(1));
    assert!(limiter.allow());
    let [mut first, mut second] = [1, 1].map(|n| join(&limiter, n));
    time.advance(ms(500));
    limiter.set_rate(Rate::per_second(10));
    assert_eq!(first.wakes.get(), 1, "told");
    assert!(!first.is_served());
    time.advance(ms(50));
    assert!(first.is_served(), "the other half, ten times as fast");
    assert!(!second.is_served());
    time.advance(ms(100));
    assert!(second.is_served());
    assert_eq!((limiter.waiting(), limiter.available_permits()), (0, 0));
}

#[test]
fn those_in_line_wait_on_when_the_rate_is_lowered() {
    let (limiter, time) = limiter(Rate::per_second(10));
    assert!(limiter.allow());
    let [mut first, mut second] = [1, 1].map(|n| join(&limiter, n));
    limiter.set_rate(Rate::per_second(1));
    time.advance(ms(100));
    assert_eq!(first.wakes.get(), 1, "it looks, as it meant to");
    assert!(!first.is_served() && !second.is_served());
    time.advance(ms(200));
    assert!(!second.is_served());
    time.advance(ms(699));
    assert_eq!(first.wakes.get(), 1, "and no more than once");
    time.advance(ms(1));
    assert!(first.is_served() && !second.is_served());
    time.advance(ms(1_000));
    assert!(second.is_served());
}

#[test]
fn those_in_line_for_ever_are_served_when_there_is_a_rate_again() {
    let (limiter, time) = limiter(Rate::per_second(0));
    assert!(limiter.allow());
    let mut waits = join(&limiter, 1);
    time.advance(Duration::from_secs(1_000_000));
    limiter.set_rate(Rate::per_second(10));
    assert_eq!(waits.wakes.get(), 1);
    assert!(!waits.is_served());
    time.advance(ms(100));
    assert!(waits.is_served());
    let mut all = join(&limiter, 1);
    limiter.set_rate(Rate::UNLIMITED);
    assert!(all.is_served(), "there is no limit any more");
}

#[test]
fn one_in_line_who_wants_more_than_the_new_burst_has_its_turn_when_it_is_full() {
    let (limiter, time) = limiter(Rate::per_second(10).burst(5));
    assert!(limiter.allow_n(5));
    let mut large = join(&limiter, 5);
    limiter.set_burst(2);
    assert!(limiter.try_acquire(3).unwrap_err().exceeds_burst.is_some());
    time.advance(ms(200));
    assert!(large.is_served(), "full");
    assert_eq!(limiter.estimate(1), ms(400), "three are owed");
}

#[test]
fn a_reservation_keeps_its_moment_and_those_after_it_pay() {
    let (limiter, time) = limiter(Rate::per_second(10));
    assert!(limiter.allow());
    let slot = limiter.reserve(1).unwrap();
    assert_eq!(slot.delay(), ms(100));
    limiter.set_rate(Rate::per_second(1));
    assert_eq!(slot.delay(), ms(100));
    assert_eq!(limiter.estimate(1), ms(2_000));
    time.advance(ms(100));
    assert_eq!(slot.delay(), Duration::ZERO);
    drop(slot);
    assert_eq!(limiter.estimate(1), ms(1_900));
}

#[test]
fn what_was_handed_over_before_the_change_comes_back_at_the_new_rate() {
    let (limiter, time) = limiter(Rate::per_second(10).burst(4));
    assert!(limiter.allow_n(4));
    let [never_looks, mut looks] = [2, 1].map(|n| join(&limiter, n));
    time.advance(ms(300));
    assert!(looks.is_served(), "and the first with it");
    limiter.set_rate(Rate::per_hour(1).burst(4));
    assert_eq!(limiter.available_permits(), 0);
    drop(never_looks);
    assert_eq!(limiter.available_permits(), 2);
    // A reservation that was due before, too.
    let two = limiter.reserve(2).unwrap();
    limiter.set_rate(Rate::per_second(1_000_000).burst(4));
    two.cancel();
    assert_eq!(limiter.available_permits(), 2);
}

#[test]
fn a_wait_under_a_deadline_fails_when_the_new_rate_is_too_slow_for_it() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(10)).on(&token);
    assert!(limiter.allow());
    let soon = token.child_with_timeout(ms(500));
    let mut waits = limiter.acquire(1).with_cancel(&soon);
    assert!(poll(&mut waits).is_pending());
    limiter.set_rate(Rate::per_second(1));
    time.advance(ms(100));
    assert!(
        at_once(waits).is_err(),
        "it looks, and sees that it cannot make it"
    );
    assert_eq!(limiter.waiting(), 0);
}

#[test]
fn the_largest_numbers_change_without_an_overflow() {
    let all = Rate::MAX_BURST;
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(1))
        .allow_debt()
        .on(&token);
    let mut slots = Vec::new();
    for round in 0..40 {
        limiter.set_rate(Rate::per_second(all).burst(all));
        time.advance(Duration::from_secs(1));
        assert_eq!(limiter.available_permits(), all);
        assert!(limiter.allow_n(all / 2));
        assert_eq!(limiter.available_permits(), all - all / 2);
        limiter.set_rate(Rate::per_day(1).burst(all));
        // One is promised for each round so far.
        assert_eq!(limiter.available_permits(), all - all / 2 - round);
        assert!(limiter.allow_n(all - all / 2 - round) && !limiter.allow());
        slots.push(limiter.reserve(1));
        limiter.set_rate(Rate::new(1, Duration::MAX));
        assert!(!limiter.allow());
    }
    // What is owed at a rate at which it can be paid, promised, and then not paid.
    limiter.set_rate(Rate::per_second(all).burst(all));
    time.advance(Duration::from_secs(1));
    slots.extend((0..6).map(|_| limiter.reserve(2 * all)));
    limiter.set_rate(Rate::per_day(1));
    time.advance(Duration::from_secs(86_400));
    assert!(!limiter.allow());
    assert_eq!(limiter.waiting(), 0);
    drop(slots);
    limiter.set_rate(Rate::UNLIMITED);
    assert!(limiter.allow());
}

proptest! {
    /// Any rates one after the other, any calls: never more than fits, and nothing is lost but what
    /// overflows and less than a permit at each change.
    #[test]
    fn no_permit_is_made_by_changes(
        changes in prop::collection::vec((1_u64..50_000, 1_u64..20, 0_u64..40, 0_u64..2_000), 1..30),
    ) {
        let (limiter, time) = limiter(Rate::per_second(1_000).burst(10));
        let (mut level, mut burst, mut rate) = (10.0_f64, 10.0_f64, 1_000.0_f64);
        // A change rounds down: by less than what flows in within two nanoseconds.
        let mut lost = 1e-5;
        for (per_second, new_burst, asks, micros) in changes {
            time.advance(Duration::from_micros(micros));
            level = (level + rate * micros as f64 / 1e6).min(burst);
            for _ in 0..asks {
                let allowed = limiter.allow();
                prop_assert!(!allowed || level > 0.999_99, "{level}");
                prop_assert!(allowed || level < 1.0 + lost, "{level}");
                level -= f64::from(u8::from(allowed));
            }
            limiter.set_rate(Rate::per_second(per_second).burst(new_burst));
            lost += 2e-9 * rate.max(per_second as f64);
            (burst, rate) = (new_burst as f64, per_second as f64);
            level = level.min(burst);
        }
    }
}

/// Two threads take, a third changes the rate all the time: the clock stands still, so as many are
/// admitted as were in the bucket.
#[test]
fn takes_and_changes_at_once_lose_and_make_nothing() {
    let mut changes = 0;
    for round in 0..20_u64 {
        let (token, _time) = CancelToken::manual();
        let burst = 100_000;
        let limiter = RateLimiter::new(Rate::per_second(1).burst(burst)).on(&token);
        let (start, done) = (Barrier::new(3), AtomicBool::new(false));
        let admitted: u64 = thread::scope(|s| {
            let take = || {
                start.wait();
                let mut taken = 0;
                // A change holds the lock, not the permits: whoever is denied finds none.
                while limiter.allow() {
                    taken += 1;
                }
                taken
            };
            let takers = [s.spawn(take), s.spawn(take)];
            let (limiter, start, done) = (&limiter, &start, &done);
            let changer = s.spawn(move || {
                start.wait();
                let mut n = round;
                while !done.load(SeqCst) {
                    n += 1;
                    limiter.set_rate(Rate::per_second(1 + n % 1_000_000).burst(burst));
                }
                n - round
            });
            let taken = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
            done.store(true, SeqCst);
            changes += changer.join().unwrap();
            taken
        });
        assert_eq!(admitted + limiter.available_permits(), burst);
        assert_eq!(admitted, burst);
    }
    assert!(changes > 20, "{changes}: they ran at the same time");
}
