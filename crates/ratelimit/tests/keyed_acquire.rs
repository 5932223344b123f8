//! Those who wait for a key, and keys with quotas of their own.
#![cfg(not(loom))]

mod common;

use anabranch_core_cancel::{
    ManualTime,
    select::{Either, select2},
};
use anabranch_ratelimit::{
    CancelToken, ExceedsBurst, KeyAcquireError, KeyRefused, KeyedRateLimiter, Rate, RateLimiter,
    SeededState, Wait, ops::AcquireForKey,
};
use common::{Count, at_once, ms, poll, poll_with};
use proptest::prelude::*;
use std::{
    sync::{Arc, Mutex},
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

type Limiter = KeyedRateLimiter<u64>;

/// Ten a second and five at once for each key; those of key 1 are gone.
fn drained() -> (Limiter, CancelToken, ManualTime) {
    let (token, time) = CancelToken::manual();
    let limiter = Limiter::new(Rate::per_second(10).burst(5)).on(&token);
    assert!(limiter.allow_n(&1, 5));
    (limiter, token, time)
}

/// Somebody in line for key 1, and how often it was told.
struct Waiter<'a> {
    acquire: AcquireForKey<'a, u64, SeededState>,
    wakes: Arc<Count>,
    waker: Waker,
}

impl<'a> Waiter<'a> {
    fn join(limiter: &'a Limiter, permits: u64) -> Self {
        let (wakes, waker) = Count::new();
        let acquire = limiter.acquire(&1, permits);
        let mut waiter = Self {
            acquire,
            wakes,
            waker,
        };
        assert!(waiter.looks().is_pending());
        waiter
    }

    fn looks(&mut self) -> Poll<Result<(), KeyRefused>> {
        poll_with(&mut self.acquire, &self.waker)
    }

    fn is_served(&mut self) -> bool {
        matches!(self.looks(), Poll::Ready(Ok(())))
    }

    fn wakes(&self) -> usize {
        self.wakes.get()
    }
}

/// RL25 and RL41.
#[test]
fn waiters_of_a_key_are_served_in_order_a_large_one_is_not_starved_and_nobody_overtakes() {
    let (limiter, _token, time) = drained();
    let [mut first, mut large, mut last] = [1, 5, 1].map(|n| Waiter::join(&limiter, n));
    assert_eq!((limiter.waiting(&1), limiter.waiting(&2)), (3, 0));
    assert!(
        limiter.allow_n(&2, 5),
        "another key has nothing to do with it"
    );
    time.advance(ms(99));
    assert_eq!(first.wakes(), 0);
    time.advance(ms(1));
    assert!(!limiter.allow(&1) && limiter.available_permits(&1) == 0);
    assert_eq!(
        limiter.try_acquire(&1, 1).unwrap_err().retry_after(),
        ms(700)
    );
    assert!(!last.is_served() && !large.is_served());
    assert!(first.is_served());
    assert_eq!(large.wakes(), 1, "now it is the first, and told");
    assert!(!large.is_served());
    time.advance(ms(499));
    assert!(!limiter.allow(&1) && !last.is_served());
    time.advance(ms(1));
    assert!(large.is_served() && !last.is_served());
    time.advance(ms(100));
    assert!(last.is_served());
    assert_eq!((limiter.waiting(&1), limiter.available_permits(&1)), (0, 0));
}

#[test]
fn lateness_does_not_add_up() {
    let (token, time) = CancelToken::manual();
    let limiter = Limiter::new(Rate::per_second(1_000)).on(&token);
    assert!(limiter.allow(&1));
    let mut line: [_; 10] = std::array::from_fn(|_| Waiter::join(&limiter, 1));
    // Each looks 70 µs late, with a bucket that holds only one.
    for (turn, waiter) in (1..).zip(&mut line) {
        let late = Duration::from_micros(if turn < 10 { 70 } else { 0 });
        time.advance(ms(turn) + late - time.elapsed());
        assert!(waiter.is_served(), "{turn}");
    }
    assert_eq!(time.elapsed(), ms(10));
}

/// RL24: and what only waiters need is gone with the last of them.
#[test]
fn who_gives_up_has_taken_nothing_and_those_behind_move_up() {
    let (limiter, token, time) = drained();
    let [head, middle, mut last] = [3, 2, 1].map(|n| Waiter::join(&limiter, n));
    drop(middle);
    drop(head);
    assert_eq!(last.wakes(), 1);
    let denied = limiter.try_acquire(&1, 1).unwrap_err();
    assert_eq!(denied.retry_after(), ms(200), "behind the last alone");
    assert!(!last.is_served());
    time.advance(ms(100));
    assert!(last.is_served());
    drop(Waiter::join(&limiter, 5));
    assert_eq!(token.clock().armed_timers(), 0);
    time.advance(ms(500) + Duration::from_secs(60));
    limiter.shrink();
    assert!(limiter.is_empty(), "a key like all others");
}

#[test]
fn a_key_for_which_somebody_waits_is_not_forgotten() {
    let (token, time) = CancelToken::manual();
    let limiter = Limiter::new(Rate::per_second(1).burst(2))
        .on(&token)
        .idle(Duration::ZERO)
        .max_keys(2);
    assert!(limiter.allow_n(&1, 2));
    let mut waiter = Waiter::join(&limiter, 1);
    time.advance(Duration::from_secs(3_600));
    limiter.shrink();
    limiter.retain(|_, _| false);
    assert!(limiter.allow_n(&2, 2) && !limiter.allow(&3));
    assert_eq!((limiter.len(), limiter.waiting(&1)), (2, 1));
    assert!(limiter.forget(&1), "its bucket is full now");
    assert!(waiter.is_served());
    assert_eq!(limiter.available_permits(&1), 1);
}

/// RL21 and RL23.
#[test]
fn a_turn_that_cannot_come_before_the_deadline_fails_at_once_and_takes_nothing() {
    let (limiter, token, time) = drained();
    let late = at_once(limiter.acquire(&1, 3).timeout(ms(299))).unwrap_err();
    assert!(matches!(late, KeyAcquireError::Cancelled(why) if why.is_timeout()));
    let call = token.child_with_timeout(ms(300));
    let mut in_time = limiter.acquire(&1, 3).with_cancel(&call);
    assert!(poll(&mut in_time).is_pending());
    assert!(at_once(limiter.acquire(&1, 1).with_cancel(&call)).is_err());
    time.advance(ms(300));
    assert!(matches!(poll(&mut in_time), Poll::Ready(Ok(()))));
    assert_eq!((limiter.waiting(&1), token.clock().armed_timers()), (0, 0));
    let mut again = limiter.acquire(&1, 2);
    assert!(at_once((&mut again).timeout(ms(100))).is_err());
    time.advance(ms(200));
    assert!(at_once(again).is_ok());
}

#[test]
fn who_can_never_be_served_is_refused_at_once() {
    let (token, _time) = CancelToken::manual();
    let limiter = Limiter::new(Rate::per_hour(1).burst(2))
        .on(&token)
        .max_keys(1);
    assert!(at_once(limiter.acquire(&1, 0)).is_ok());
    let exceeds = ExceedsBurst {
        requested: 3,
        burst: 2,
    };
    assert_eq!(at_once(limiter.acquire(&1, 3)), Err(exceeds.into()));
    assert!(limiter.is_empty());
    assert!(at_once(limiter.acquire(&1, 2)).is_ok());
    assert_eq!(at_once(limiter.acquire(&1, 3)), Err(exceeds.into()));
    let full = at_once(limiter.acquire(&2, 1)).unwrap_err();
    assert!(matches!(full, KeyRefused::NoRoom(full) if full.retry_after.as_secs() == 7_200));
    let bounded = at_once(limiter.acquire(&2, 1).with_cancel(&token)).unwrap_err();
    assert!(matches!(bounded, KeyAcquireError::NoRoom(_)));
    let free = Limiter::new(Rate::UNLIMITED);
    assert!(at_once(free.acquire(&1, u64::MAX)).is_ok() && free.is_empty());
}

#[test]
fn a_select_over_two_keys_takes_from_one_and_leaves_the_other_alone() {
    let (token, time) = CancelToken::manual();
    let limiter = Limiter::new(Rate::per_second(10).burst(2)).on(&token);
    assert!(limiter.allow_n(&1, 2) && limiter.allow_n(&2, 1));
    let mut both = select2(limiter.acquire(&1, 1), limiter.acquire(&2, 2));
    assert!(poll(&mut both).is_pending());
    assert_eq!((limiter.waiting(&1), limiter.waiting(&2)), (1, 1));
    time.advance(ms(100));
    assert!(matches!(poll(&mut both), Poll::Ready(_)));
    assert_eq!((limiter.waiting(&1), limiter.waiting(&2)), (0, 0));
    let left = limiter.available_permits(&1) + limiter.available_permits(&2);
    assert!(left == 1 || left == 2, "{left}: one of the two was taken");
}

#[test]
fn of_a_select_the_first_that_is_there_is_chosen() {
    let (token, time) = CancelToken::manual();
    let limiter = Limiter::new(Rate::per_second(10)).on(&token);
    assert!(limiter.allow(&1));
    time.advance(ms(50));
    assert!(limiter.allow(&2));
    let mut both = select2(limiter.acquire(&2, 1), limiter.acquire(&1, 1));
    assert!(poll(&mut both).is_pending());
    time.advance(ms(50));
    assert!(matches!(
        poll(&mut both),
        Poll::Ready(Either::Second(Ok(())))
    ));
}

#[test]
fn threads_and_tasks_of_one_key_wait_in_one_line() {
    let (limiter, token, time) = drained();
    let (limiter, went) = (Arc::new(limiter), Arc::new(Mutex::new(Vec::new())));
    let (mut threads, mut tasks) = (Vec::new(), Vec::new());
    for who in 1..=8_u64 {
        let (limiter, went, clock) = (limiter.clone(), went.clone(), time.clone());
        let note = move || went.lock().unwrap().push((who, clock.elapsed()));
        if who % 2 == 0 {
            threads.push(time.spawn(move || {
                limiter.acquire(&1, 1).wait().unwrap();
                note();
            }));
        } else {
            let task = time.task(async move {
                limiter.acquire(&1, 1).await.unwrap();
                note();
            });
            tasks.push(thread::spawn(|| pollster::block_on(task)));
        }
        time.settle(); // in line before the next one comes
    }
    time.advance(ms(800));
    threads.into_iter().for_each(|t| t.join().unwrap());
    tasks.into_iter().for_each(|t| t.join().unwrap());
    let expected: Vec<_> = (1..=8).map(|who| (who, ms(100 * who))).collect();
    assert_eq!(*went.lock().unwrap(), expected);
    assert_eq!(token.clock().armed_timers(), 0);
}

/// On the system's clock, where the limiter counts by another one: nobody comes early by that one,
/// and all come.
#[test]
fn on_the_systems_clock_the_rate_is_kept() {
    let limiter = &KeyedRateLimiter::<char>::new(Rate::per_second(1_000));
    let start = Instant::now();
    thread::scope(|s| {
        for key in ['a', 'b'] {
            for _ in 0..2 {
                s.spawn(move || (0..25).for_each(|_| limiter.acquire(&key, 1).wait().unwrap()));
            }
        }
    });
    let took = start.elapsed();
    // The two clocks may differ by a millionth.
    assert!(took >= Duration::from_micros(48_990), "{took:?}");
    assert_eq!((limiter.waiting(&'a'), limiter.waiting(&'b')), (0, 0));
}

#[test]
fn a_key_may_have_a_quota_of_its_own_that_can_be_changed() {
    let (limiter, _token, time) = drained();
    let fast = Rate::per_second(100).burst(50);
    limiter.set_quota(&2, fast).unwrap();
    assert_eq!(
        (limiter.quota(&1), limiter.quota(&2)),
        (limiter.rate(), fast)
    );
    assert_eq!(limiter.available_permits(&2), 50, "it is new");
    assert!(limiter.allow_n(&2, 50) && !limiter.allow(&2));
    assert_eq!(
        limiter.try_acquire(&2, 7).unwrap_err().retry_after(),
        ms(70)
    );
    time.advance(ms(100));
    assert_eq!(
        (limiter.available_permits(&1), limiter.available_permits(&2)),
        (1, 10)
    );
    limiter
        .set_quota(&2, Rate::per_second(1).burst(20))
        .unwrap();
    assert_eq!(
        limiter.available_permits(&2),
        10,
        "what is in the bucket stays in it"
    );
    limiter.set_quota(&2, Rate::per_second(1).burst(4)).unwrap();
    assert_eq!(limiter.available_permits(&2), 4, "up to the burst");
    assert!(limiter.allow_n(&2, 3) && !limiter.allow_n(&2, 2));
    assert!(limiter.try_acquire(&2, 5).unwrap_err().retry_after() == Duration::MAX);
    limiter.set_quota(&2, Rate::UNLIMITED).unwrap();
    assert!(limiter.allow_n(&2, u64::MAX) && limiter.available_permits(&2) == u64::MAX);
    assert!(limiter.remove_quota(&2) && !limiter.remove_quota(&2) && !limiter.remove_quota(&3));
    assert_eq!(
        (limiter.quota(&2), limiter.available_permits(&2)),
        (limiter.rate(), 5)
    );
}

#[test]
fn keys_with_a_quota_stay_and_count_and_the_others_share_what_is_left() {
    let (token, time) = CancelToken::manual();
    let limiter = Limiter::new(Rate::per_second(1))
        .on(&token)
        .idle(Duration::ZERO)
        .max_keys(3);
    limiter.set_quota(&1, Rate::per_second(5)).unwrap();
    limiter.set_quota(&2, Rate::per_second(5)).unwrap();
    assert!(limiter.allow(&3) && !limiter.allow(&4));
    let full = limiter.set_quota(&5, Rate::per_second(5)).unwrap_err();
    assert_eq!((full.max_keys, full.retry_after), (3, ms(1_000)));
    time.advance(Duration::from_secs(3_600));
    limiter.shrink();
    limiter.retain(|_, _| false);
    assert!(limiter.forget(&1));
    assert_eq!(limiter.len(), 2);
    assert_eq!(limiter.quota(&1), Rate::per_second(5));
    limiter.set_quota(&5, Rate::per_second(5)).unwrap();
    assert!(!limiter.allow(&4), "all places are taken for good");
    assert_eq!(
        limiter.try_acquire(&4, 1).unwrap_err().retry_after(),
        Duration::MAX
    );
    assert!(limiter.remove_quota(&1) && limiter.allow(&4));
}

#[test]
fn quotas_under_no_limit_for_all_others() {
    let (token, time) = CancelToken::manual();
    let limiter = Limiter::new(Rate::UNLIMITED).on(&token);
    limiter
        .set_quota(&1, Rate::per_second(10).burst(2))
        .unwrap();
    assert!(limiter.allow_n(&2, u64::MAX) && limiter.len() == 1);
    assert!(limiter.allow_n(&1, 2) && !limiter.allow(&1));
    time.advance(ms(100));
    assert!(at_once(limiter.acquire(&1, 1)).is_ok());
    assert!(limiter.remove_quota(&1) && limiter.allow_n(&1, 1_000_000));
}

#[test]
fn those_who_wait_are_due_when_a_new_quota_says_so_and_refused_if_they_want_more() {
    let (limiter, _token, time) = drained();
    let [mut first, mut large, mut last] = [4, 3, 1].map(|n| Waiter::join(&limiter, n));
    limiter
        .set_quota(&1, Rate::per_second(1_000).burst(4))
        .unwrap();
    assert_eq!(first.wakes(), 1, "it has another moment now");
    assert!(!first.is_served());
    time.advance(ms(4));
    assert!(first.is_served());
    limiter
        .set_quota(&1, Rate::per_second(1_000).burst(2))
        .unwrap();
    let exceeds = ExceedsBurst {
        requested: 3,
        burst: 2,
    };
    assert_eq!(large.looks(), Poll::Ready(Err(exceeds.into())));
    assert_eq!(last.wakes(), 1);
    time.advance(ms(1));
    assert!(last.is_served());
    assert_eq!(limiter.waiting(&1), 0);
}

proptest! {
    /// A key that waits, is asked and changes its quota is as good as a limiter of its own.
    #[test]
    fn a_key_with_a_quota_agrees_with_a_limiter_of_its_own(
        steps in prop::collection::vec((0_u8..5, 1_u64..6, 0_u64..300), 1..150),
    ) {
        let (token, time) = CancelToken::manual();
        // The same rate, so that no part of a permit is rounded.
        let rates = [5, 3].map(|burst| Rate::per_second(7).burst(burst));
        let limiter = Limiter::new(rates[0])
            .on(&token)
            .idle(Duration::ZERO)
            .max_keys(100);
        let own = RateLimiter::new(rates[0]).on(&token);
        for (act, permits, later) in steps {
            time.advance(ms(later));
            match act {
                0 => {
                    let mine = poll(&mut limiter.acquire(&1, permits)).is_ready();
                    prop_assert_eq!(mine, poll(&mut own.acquire(permits)).is_ready());
                }
                // Smaller only: what a full bucket does when it becomes larger is another question.
                1 if own.rate() != rates[1] => {
                    limiter.set_quota(&1, rates[1]).unwrap();
                    own.set_rate(rates[1]);
                }
                2 => limiter.shrink(),
                _ => prop_assert_eq!(limiter.allow_n(&1, permits), own.allow_n(permits)),
            }
            prop_assert_eq!(limiter.available_permits(&1), own.available_permits());
        }
    }
}
