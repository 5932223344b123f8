//! Moments of one's own: delays, giving back, what others get meanwhile; exact, on a manual clock.
#![cfg(not(loom))]

mod common;

use anabranch_core_cancel::ManualTime;
use anabranch_ratelimit::{CancelToken, ExceedsBurst, Rate, RateLimiter, Reservation};
use common::{Count, at_once, ms, poll_with};
use proptest::prelude::*;
use std::{cell::RefCell, time::Duration};

fn limiter(rate: Rate) -> (RateLimiter, ManualTime) {
    let (token, time) = CancelToken::manual();
    (RateLimiter::new(rate).on(&token), time)
}

fn delays<const N: usize>(of: [&Reservation<'_>; N]) -> [u64; N] {
    of.map(|one| u64::try_from(one.delay().as_millis()).unwrap())
}

#[test]
fn each_reservation_is_due_one_interval_after_the_one_before() {
    let (limiter, time) = limiter(Rate::per_second(10).burst(2));
    let all: Vec<_> = (0..5).map(|_| limiter.reserve(1).unwrap()).collect();
    let told: Vec<_> = all.iter().map(|one| one.delay().as_millis()).collect();
    assert_eq!(told, [0, 0, 100, 200, 300]);
    time.advance(ms(150));
    let told: Vec<_> = all.iter().map(|one| one.delay().as_millis()).collect();
    assert_eq!(told, [0, 0, 0, 50, 150]);
    assert_eq!(limiter.available_permits(), 0);
}

/// RL19: with a longest wait of 100 ms.
#[test]
fn a_moment_further_away_than_one_would_wait_is_refused_and_takes_nothing() {
    let (limiter, _time) = limiter(Rate::per_second(10).burst(2));
    let two = limiter.reserve_within(2, ms(100)).unwrap();
    let one = limiter.reserve_within(1, ms(100)).unwrap();
    assert_eq!(delays([&two, &one]), [0, 100]);
    let denied = limiter.reserve_within(1, ms(100)).unwrap_err();
    assert_eq!(denied.retry_after, ms(200));
    let next = limiter.reserve(1).unwrap();
    assert_eq!(next.delay(), ms(200), "the refused one took nothing");
}

#[test]
fn what_can_never_be_is_refused_for_good() {
    let (limiter, _time) = limiter(Rate::per_second(0).burst(2));
    let exceeds = ExceedsBurst {
        requested: 3,
        burst: 2,
    };
    assert_eq!(limiter.reserve(3).unwrap_err().exceeds_burst, Some(exceeds));
    let two = limiter.reserve(2).unwrap();
    assert_eq!(two.delay(), Duration::ZERO);
    let denied = limiter.reserve(1).unwrap_err();
    assert!(denied.is_final() && denied.exceeds_burst.is_none());
    two.cancel();
    assert_eq!(limiter.available_permits(), 2);
}

#[test]
fn none_at_all_are_reserved_at_once_and_take_nothing() {
    let (limiter, _time) = limiter(Rate::per_second(1));
    let _one = limiter.reserve(1).unwrap();
    let none = limiter.reserve(0).unwrap();
    assert_eq!((none.delay(), none.permits()), (Duration::ZERO, 0));
    none.cancel();
    let unlimited = RateLimiter::new(Rate::UNLIMITED);
    assert_eq!(unlimited.reserve(u64::MAX).unwrap().delay(), Duration::ZERO);
    assert!(unlimited.allow());
}

#[test]
fn dropped_before_its_moment_it_is_given_back_and_from_then_on_it_is_used() {
    let (limiter, time) = limiter(Rate::per_second(10).burst(3));
    drop(limiter.reserve(3).unwrap());
    assert_eq!(limiter.available_permits(), 0, "its moment was now");
    let later = limiter.reserve(2).unwrap();
    assert_eq!(later.delay(), ms(200));
    time.advance(ms(199));
    drop(later);
    time.advance(ms(1));
    assert_eq!(limiter.available_permits(), 2);
    let soon = limiter.reserve(3).unwrap();
    time.advance(ms(100));
    drop(soon);
    assert_eq!(limiter.available_permits(), 0);
}

#[test]
fn cancelled_after_its_moment_it_comes_back_less_what_would_have_overflowed() {
    let (limiter, time) = limiter(Rate::per_second(10).burst(3));
    let three = limiter.reserve(3).unwrap();
    time.advance(ms(100));
    three.cancel();
    // Without it the bucket would have been full all the time.
    assert_eq!(limiter.available_permits(), 3);
    let three = limiter.reserve(3).unwrap();
    time.advance(ms(200));
    assert!(limiter.allow_n(2));
    three.cancel();
    // Without it: full until two were taken.
    assert_eq!(limiter.available_permits(), 1);
}

/// RL20, and what golang's limiter gets wrong: later reservations do not shrink the refund.
#[test]
fn the_refund_is_whole_whatever_was_reserved_later() {
    let (limiter, time) = limiter(Rate::per_second(10).burst(1));
    assert!(limiter.allow());
    let first = limiter.reserve(1).unwrap();
    let second = limiter.reserve(1).unwrap();
    let third = limiter.reserve(1).unwrap();
    assert_eq!(delays([&first, &second, &third]), [100, 200, 300]);
    first.cancel();
    // The room is for whoever comes next; the others keep their moments.
    let newcomer = limiter.reserve(1).unwrap();
    assert_eq!(newcomer.delay(), ms(100));
    assert_eq!(delays([&second, &third]), [200, 300]);
    second.cancel();
    assert_eq!(third.delay(), ms(200), "asked again, it moves up");
    time.advance(ms(300));
    drop((newcomer, third));
    assert_eq!(limiter.available_permits(), 1);
}

#[test]
fn holders_who_act_when_they_were_told_never_exceed_the_rate() {
    let (limiter, time) = limiter(Rate::per_second(10));
    assert!(limiter.allow());
    let mut all: Vec<_> = (0..10).map(|_| limiter.reserve(1).unwrap()).collect();
    let told: Vec<_> = all.iter().map(Reservation::delay).collect();
    // The first five give up. The others were told 600 ms and more, and are asleep.
    all.drain(..5).for_each(Reservation::cancel);
    let mut acts = told[5..].to_vec();
    for tenth in 1..=10 {
        time.advance(ms(100));
        if limiter.allow() {
            acts.push(ms(100 * tenth));
        }
    }
    acts.sort_unstable();
    let tenths: Vec<_> = (1..=10).map(|tenth| ms(100 * tenth)).collect();
    assert_eq!(acts, tenths, "one each, and none is lost");
}

#[test]
fn those_in_line_move_up_when_a_reservation_before_them_is_given_back() {
    let (limiter, time) = limiter(Rate::per_second(10).burst(2));
    assert!(limiter.allow_n(2));
    let before = limiter.reserve(2).unwrap();
    let (wakes, waker) = Count::new();
    let mut waits = limiter.acquire(1);
    assert!(poll_with(&mut waits, &waker).is_pending());
    time.advance(ms(100));
    before.cancel();
    assert_eq!(wakes.get(), 1, "told");
    assert!(at_once(waits).is_ok(), "one is there already");
    assert_eq!(limiter.available_permits(), 0);
}

#[test]
fn a_reservation_stands_behind_those_in_line() {
    let (limiter, time) = limiter(Rate::per_second(10).burst(5));
    assert!(limiter.allow_n(5));
    let (_, waker) = Count::new();
    let mut large = limiter.acquire(5);
    assert!(poll_with(&mut large, &waker).is_pending());
    let slot = limiter.reserve(1).unwrap();
    assert_eq!(slot.delay(), ms(600));
    assert_eq!(limiter.estimate(1), ms(700));
    drop(large);
    assert_eq!(slot.delay(), ms(100));
    time.advance(ms(100));
    assert!(!limiter.allow(), "that one is the reservation's");
}

#[test]
fn what_is_reserved_is_not_available() {
    let (limiter, time) = limiter(Rate::per_second(10).burst(5));
    assert!(limiter.allow_n(5));
    let five = limiter.reserve(5).unwrap();
    time.advance(ms(400));
    assert_eq!(limiter.available_permits(), 0);
    assert!(!limiter.allow());
    five.cancel();
    assert_eq!(limiter.available_permits(), 4);
}

#[test]
fn credit_goes_to_the_bucket_or_to_those_who_wait_and_what_does_not_fit_is_lost() {
    let (limiter, time) = limiter(Rate::per_second(10).burst(5));
    limiter.credit(3);
    assert_eq!(limiter.available_permits(), 5);
    assert!(limiter.allow_n(5));
    limiter.credit(0);
    limiter.credit(2);
    assert_eq!(limiter.available_permits(), 2);
    limiter.credit(u64::MAX);
    assert_eq!(limiter.available_permits(), 5);
    assert!(limiter.allow_n(5));
    let (wakes, waker) = Count::new();
    let mut waits = limiter.acquire(3);
    assert!(poll_with(&mut waits, &waker).is_pending());
    limiter.credit(3);
    assert_eq!(wakes.get(), 1);
    assert!(at_once(waits).is_ok());
    assert_eq!(limiter.available_permits(), 0);
    time.advance(ms(100));
    assert_eq!(limiter.available_permits(), 1);
}

#[test]
fn what_was_credited_after_a_reservation_stays_when_that_comes_back() {
    let (limiter, _time) = limiter(Rate::per_second(10).burst(5));
    let three = limiter.reserve(3).unwrap();
    assert!(limiter.allow_n(2));
    limiter.credit(1);
    assert_eq!(limiter.available_permits(), 1);
    three.cancel();
    assert_eq!(limiter.available_permits(), 4);
}

/// The bucket in whole permits and milliseconds: what was used, and when.
#[derive(Clone, Debug, Default)]
struct Acts(Vec<(u64, u64)>);

const BURST: u64 = 5;

impl Acts {
    /// What is left at `end`; `None` if it went below zero at some moment.
    fn level(&self, end: u64) -> Option<u64> {
        let mut acts = self.0.clone();
        acts.sort_unstable();
        let (mut level, mut last) = (BURST, 0);
        for (at, permits) in acts.into_iter().filter(|(at, _)| *at <= end) {
            level = (level + (at - last)).min(BURST).checked_sub(permits)?;
            last = at;
        }
        Some((level + (end - last)).min(BURST))
    }

    fn with(&self, at: u64, permits: u64) -> Self {
        let mut acts = self.clone();
        acts.0.push((at, permits));
        acts
    }

    fn end(&self) -> u64 {
        self.0.iter().map(|(at, _)| *at).max().unwrap_or(0)
    }

    /// The first moment from `now` on at which that many fit, everything else as it is.
    fn earliest(&self, now: u64, permits: u64) -> u64 {
        let end = self.end();
        (now..)
            .find(|&at| self.with(at, permits).level(end.max(at)).is_some())
            .unwrap()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Reserve(u64),
    Cancel(usize),
    Drop(usize),
    Ask(usize),
    Allow(u64),
    Join(u64),
    Leave(usize),
    Pass(u64),
}

fn steps(waiters: u32) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..=BURST).prop_map(Step::Reserve),
        3 => (0_usize..8).prop_map(Step::Cancel),
        1 => (0_usize..8).prop_map(Step::Drop),
        1 => (0_usize..8).prop_map(Step::Ask),
        2 => (1..=BURST).prop_map(Step::Allow),
        waiters => (1..=BURST).prop_map(Step::Join),
        waiters => (0_usize..8).prop_map(Step::Leave),
        3 => (0_u64..8).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..60)
}

/// One that was reserved: what it was told last.
struct Told<'a> {
    slot: Reservation<'a>,
    at: u64,
    permits: u64,
}

fn now(time: &ManualTime) -> u64 {
    u64::try_from(time.elapsed().as_millis()).unwrap()
}

fn told_at(slot: &Reservation<'_>, time: &ManualTime) -> u64 {
    now(time) + u64::try_from(slot.delay().as_millis()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// RL20. Whatever comes and goes: what is used at the moments that were told never exceeds the
    /// bucket; each is told the earliest moment that leaves the others theirs; none is told a later
    /// one; and what is left is what a bucket holds that has only seen what was used.
    #[test]
    fn giving_back_is_exact(steps in steps(0)) {
        let (limiter, time) = limiter(Rate::every(ms(1)).burst(BURST));
        let (mut held, mut used) = (Vec::<Told<'_>>::new(), Acts::default());
        for step in steps {
            let now = now(&time);
            let all = |held: &[Told<'_>]| {
                let mut acts = used.clone();
                acts.0.extend(held.iter().map(|told| (told.at, told.permits)));
                acts
            };
            match step {
                Step::Reserve(permits) => {
                    let earliest = all(&held).earliest(now, permits);
                    prop_assert_eq!(limiter.estimate(permits), ms(earliest - now));
                    let slot = limiter.reserve(permits).unwrap();
                    let at = told_at(&slot, &time);
                    prop_assert_eq!(at, earliest);
                    held.push(Told { slot, at, permits });
                }
                Step::Cancel(at) if at < held.len() => held.remove(at).slot.cancel(),
                Step::Drop(at) if at < held.len() => {
                    let Told { at, permits, .. } = held.remove(at);
                    if at <= now {
                        used.0.push((at, permits));
                    }
                }
                Step::Ask(at) if at < held.len() => {
                    let asked = held.remove(at);
                    let expected = match asked.at > now {
                        true => all(&held).earliest(now, asked.permits).min(asked.at),
                        false => now,
                    };
                    let at = told_at(&asked.slot, &time);
                    prop_assert_eq!(at, expected);
                    held.push(Told { at: at.min(asked.at), ..asked });
                }
                Step::Allow(permits) => {
                    let fits = all(&held).earliest(now, permits) == now;
                    prop_assert_eq!(limiter.allow_n(permits), fits);
                    if fits {
                        used.0.push((now, permits));
                    }
                }
                Step::Pass(millis) => time.advance(ms(millis)),
                _ => {}
            }
        }
        // All whose moment is still to come use it.
        for Told { at, permits, .. } in &held {
            used.0.push((*at, *permits));
        }
        let now = now(&time);
        let end = used.end().max(now);
        time.advance(ms(end - now));
        drop(held);
        let level = used.level(end);
        prop_assert!(level.is_some(), "more than the bucket: {used:?}");
        prop_assert_eq!(Some(limiter.available_permits()), level);
    }

    /// The same with waiters in line, whose moments are those at which they get theirs.
    #[test]
    fn waiters_and_reservations_together_never_exceed_the_bucket(steps in steps(3)) {
        let (limiter, time) = limiter(Rate::every(ms(1)).burst(BURST));
        let (mut held, used) = (Vec::<Told<'_>>::new(), RefCell::new(Acts::default()));
        let mut waiters = Vec::new();
        let run = |waiters: &mut Vec<(_, u64, _, _, usize)>| {
            while let Some(at) = waiters.iter().position(
                |(_, _, wakes, _, seen): &(_, u64, std::sync::Arc<Count>, _, _)| wakes.get() > *seen,
            ) {
                let (acquire, permits, wakes, waker, seen) = &mut waiters[at];
                *seen = wakes.get();
                if poll_with(acquire, waker).is_ready() {
                    used.borrow_mut().0.push((now(&time), *permits));
                    drop(waiters.remove(at));
                }
            }
        };
        for step in steps.into_iter().chain([Step::Pass(400)]) {
            match step {
                Step::Reserve(permits) => {
                    let slot = limiter.reserve(permits).unwrap();
                    let at = told_at(&slot, &time);
                    held.push(Told { slot, at, permits });
                }
                Step::Cancel(at) if at < held.len() => held.remove(at).slot.cancel(),
                Step::Drop(at) if at < held.len() => {
                    let Told { at, permits, .. } = held.remove(at);
                    if at <= now(&time) {
                        used.borrow_mut().0.push((at, permits));
                    }
                }
                Step::Ask(at) if at < held.len() => {
                    let at = &mut held[at];
                    let told = told_at(&at.slot, &time);
                    prop_assert!(told <= at.at.max(now(&time)), "never later");
                    at.at = at.at.min(told);
                }
                Step::Allow(permits) if limiter.allow_n(permits) => {
                    used.borrow_mut().0.push((now(&time), permits));
                }
                Step::Join(permits) => {
                    let (wakes, waker) = Count::new();
                    let mut acquire = limiter.acquire(permits);
                    if poll_with(&mut acquire, &waker).is_ready() {
                        used.borrow_mut().0.push((now(&time), permits));
                    } else {
                        waiters.push((acquire, permits, wakes, waker, 0));
                    }
                }
                Step::Leave(at) if at < waiters.len() => drop(waiters.remove(at)),
                Step::Pass(millis) => {
                    for _ in 0..millis {
                        run(&mut waiters);
                        time.advance(ms(1));
                        run(&mut waiters);
                    }
                }
                _ => {}
            }
            run(&mut waiters);
        }
        prop_assert!(waiters.is_empty(), "all had their turn");
        let mut used = used.into_inner();
        for Told { at, permits, .. } in &held {
            used.0.push((*at, *permits));
        }
        drop(held);
        let now = now(&time);
        let level = used.level(now);
        prop_assert!(level.is_some(), "more than the bucket: {used:?}");
        prop_assert_eq!(Some(limiter.available_permits()), level);
    }
}
