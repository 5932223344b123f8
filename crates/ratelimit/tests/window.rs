//! The sliding window: never more in any stretch of time, and those who wait for room in it.
#![cfg(not(loom))]

mod common;

use anabranch_core_cancel::{
    ManualTime,
    select::{Either, select2},
};
use anabranch_ratelimit::{
    AcquireError, CancelToken, ExceedsBurst, Rate, RateLimiter, SlidingWindow, Wait,
    ops::AcquireInWindow,
};
use common::{Count, at_once, ms, poll, poll_with};
use proptest::prelude::*;
use std::{
    sync::{Arc, Barrier, Mutex},
    task::{Poll, Waker},
    thread,
    time::Duration,
};

fn window(permits: u64, window: Duration) -> (SlidingWindow, CancelToken, ManualTime) {
    let (token, time) = CancelToken::manual();
    let window = SlidingWindow::new(Rate::new(permits, window)).on(&token);
    (window, token, time)
}

/// What one writes first: a count that begins anew each period.
struct FixedWindow {
    limit: u64,
    period: Duration,
    current: u128,
    used: u64,
}

impl FixedWindow {
    fn allow(&mut self, now: Duration) -> bool {
        let current = now.as_nanos() / self.period.as_nanos();
        if current != self.current {
            (self.current, self.used) = (current, 0);
        }
        self.used += 1;
        self.used <= self.limit
    }
}

/// RL51.
#[test]
fn a_fixed_window_lets_twice_the_limit_through_around_its_border_and_this_one_does_not() {
    let (sliding, _token, time) = window(10, ms(1_000));
    let mut fixed = FixedWindow {
        limit: 10,
        period: ms(1_000),
        current: 0,
        used: 0,
    };
    let mut calls = |at: u64| {
        time.advance(ms(at) - time.elapsed());
        let fixed = (0..20).filter(|_| fixed.allow(ms(at))).count();
        (fixed, (0..20).filter(|_| sliding.allow()).count())
    };
    assert_eq!(calls(990), (10, 10));
    assert_eq!(calls(1_000), (10, 0), "twenty within ten milliseconds");
    assert_eq!(calls(1_989), (0, 0));
    assert_eq!(calls(1_990), (0, 10));
}

/// RL52.
#[test]
fn an_unused_window_does_not_pile_up() {
    let (window, _token, time) = window(3, ms(100));
    time.advance(ms(10_000));
    assert_eq!(window.available_permits(), 3);
    assert_eq!((0..10).filter(|_| window.allow()).count(), 3);
    time.advance(ms(100));
    assert_eq!((0..10).filter(|_| window.allow()).count(), 3);
}

#[test]
fn permits_come_back_one_window_after_they_were_taken_each_at_its_own_moment() {
    let (window, _token, time) = window(3, ms(100));
    assert!(window.allow());
    time.advance(ms(40));
    assert!(window.allow_n(2));
    assert!(!window.allow());
    assert_eq!(window.try_acquire(1).unwrap_err().retry_after, ms(60));
    assert_eq!(window.try_acquire(2).unwrap_err().retry_after, ms(100));
    time.advance(ms(60));
    assert_eq!(window.available_permits(), 1);
    time.advance(ms(39));
    assert_eq!(window.available_permits(), 1);
    time.advance(ms(1));
    assert_eq!(window.available_permits(), 3);
}

#[test]
fn wrong_and_extreme_requests_are_defined() {
    let (window, token, time) = window(3, ms(100));
    assert!(window.allow_n(0) && window.try_acquire(0).is_ok());
    assert!(!window.allow_n(4));
    let exceeds = ExceedsBurst {
        requested: 4,
        burst: 3,
    };
    let denied = window.try_acquire(4).unwrap_err();
    assert!(denied.is_final() && denied.exceeds_burst == Some(exceeds));
    assert_eq!(at_once(window.acquire(4)), Err(exceeds));
    assert_eq!(window.available_permits(), 3);
    assert!(window.allow_n(3) && window.allow_n(0));
    assert!(at_once(window.acquire(0)).is_ok());

    let never = SlidingWindow::new(Rate::per_second(0)).on(&token);
    assert!(!never.allow() && never.try_acquire(1).unwrap_err().is_final());
    let free = SlidingWindow::new(Rate::UNLIMITED);
    assert!(free.allow_n(u64::MAX) && free.allow_n(u64::MAX));
    assert!(at_once(free.acquire(u64::MAX)).is_ok());
    assert_eq!(free.available_permits(), u64::MAX);
    let once = SlidingWindow::new(Rate::new(u64::MAX, Duration::MAX)).on(&token);
    assert!(once.allow_n(u64::MAX) && !once.allow());
    time.advance(Duration::from_secs(500 * 365 * 86_400));
    assert!(!once.allow());
    assert!(format!("{once:?}").contains("available_permits: 0"));
}

#[test]
#[should_panic(expected = "a step of zero")]
fn a_resolution_of_zero_is_refused() {
    let _ = SlidingWindow::new(Rate::per_second(1)).resolution(Duration::ZERO);
}

#[test]
fn with_a_resolution_permits_come_back_late_by_less_than_a_step_and_never_early() {
    let (token, time) = CancelToken::manual();
    let window = SlidingWindow::new(Rate::new(2, ms(100)))
        .on(&token)
        .resolution(ms(10));
    time.advance(ms(3));
    assert!(window.allow());
    time.advance(ms(6));
    assert!(window.allow());
    assert_eq!(window.try_acquire(1).unwrap_err().retry_after, ms(101));
    time.advance(ms(100));
    assert!(!window.allow());
    time.advance(ms(1));
    assert!(window.allow() && window.allow());
}

/// RL47, for one limiter.
#[test]
fn many_threads_at_once_are_admitted_exactly_up_to_the_limit() {
    let (window, _token, time) = window(100, ms(1_000));
    for _ in 0..20 {
        let start = Barrier::new(8);
        let admitted: usize = thread::scope(|s| {
            let threads = [(); 8].map(|()| {
                s.spawn(|| {
                    start.wait();
                    (0..50).filter(|_| window.allow()).count()
                })
            });
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        assert_eq!(admitted, 100);
        time.advance(ms(1_000));
    }
}

/// Somebody in line, and how often it was told.
struct Waiter<'a> {
    acquire: AcquireInWindow<'a>,
    wakes: Arc<Count>,
    waker: Waker,
}

impl<'a> Waiter<'a> {
    fn join(window: &'a SlidingWindow, permits: u64) -> Self {
        let (wakes, waker) = Count::new();
        let acquire = window.acquire(permits);
        let mut waiter = Self {
            acquire,
            wakes,
            waker,
        };
        assert!(!waiter.looks());
        waiter
    }

    fn looks(&mut self) -> bool {
        poll_with(&mut self.acquire, &self.waker).is_ready()
    }

    fn wakes(&self) -> usize {
        self.wakes.get()
    }
}

/// RL25.
#[test]
fn waiters_are_served_in_order_a_large_one_is_not_starved_and_nobody_overtakes() {
    let (window, _token, time) = window(3, ms(100));
    assert!(window.allow_n(2));
    time.advance(ms(50));
    let [mut large, mut small] = [3, 1].map(|n| Waiter::join(&window, n));
    assert_eq!((window.waiting(), window.available_permits()), (2, 0));
    assert!(!window.allow(), "one is there, and it is the large one's");
    assert_eq!(window.try_acquire(1).unwrap_err().retry_after, ms(150));
    time.advance(ms(49));
    assert_eq!((large.wakes(), small.wakes()), (0, 0));
    time.advance(ms(1));
    assert_eq!((large.wakes(), small.wakes()), (1, 0));
    assert!(!small.looks() && large.looks());
    assert_eq!(small.wakes(), 1, "now it is the first, and told");
    assert!(!small.looks());
    time.advance(ms(100));
    assert_eq!(small.wakes(), 2, "at its moment");
    assert!(small.looks());
    assert_eq!((window.waiting(), window.available_permits()), (0, 2));
}

/// RL24 and RL41.
#[test]
fn whoever_gives_up_has_taken_nothing_and_those_behind_move_up() {
    let (window, token, time) = window(3, ms(100));
    assert!(window.allow_n(2));
    time.advance(ms(50));
    let [head, middle, mut last] = [3, 2, 1].map(|n| Waiter::join(&window, n));
    drop(middle);
    assert_eq!(last.wakes(), 0);
    drop(head);
    assert_eq!(last.wakes(), 1);
    assert!(last.looks(), "one was there all the time");
    assert_eq!(window.available_permits(), 0);
    assert_eq!(token.clock().armed_timers(), 0);
    time.advance(ms(50));
    assert_eq!(window.available_permits(), 2);
}

/// RL43, with somebody in line.
#[test]
fn retry_after_counts_those_in_line_and_not_those_who_left() {
    let (window, _token, time) = window(3, ms(100));
    assert!(window.allow_n(3));
    let [leaves, mut comes, _last] = [3, 1, 2].map(|n| Waiter::join(&window, n));
    let retry_after = || window.try_acquire(1).unwrap_err().retry_after;
    assert_eq!(retry_after(), ms(300));
    drop(leaves);
    assert_eq!(retry_after(), ms(200));
    time.advance(ms(100));
    assert!(comes.looks());
    assert_eq!(retry_after(), ms(100), "two for the last, and none is left");
}

/// RL21 and RL23.
#[test]
fn a_turn_that_cannot_come_before_the_deadline_fails_at_once_and_takes_nothing() {
    let (window, token, time) = window(2, ms(100));
    assert!(window.allow_n(2));
    assert!(at_once(window.acquire(1).timeout(ms(99))).is_err());
    let call = token.child_with_timeout(ms(199));
    let mut in_time = window.acquire(2).with_cancel(&call);
    assert!(poll(&mut in_time).is_pending());
    // Two before it, so it takes two windows.
    let error = at_once(window.acquire(1).with_cancel(&call)).unwrap_err();
    assert!(matches!(error, AcquireError::Cancelled(why) if why.is_timeout()));
    time.advance(ms(100));
    assert!(poll(&mut in_time).is_ready());
    call.cancel();
    time.advance(ms(100));
    assert!(at_once(window.acquire(1).with_cancel(&call)).is_err());
    assert_eq!((window.waiting(), window.available_permits()), (0, 2));
}

#[test]
fn an_acquire_ended_by_its_timeout_can_be_tried_again() {
    let (window, _token, time) = window(1, ms(100));
    assert!(window.allow());
    let mut acquire = window.acquire(1);
    assert!(at_once((&mut acquire).timeout(ms(50))).is_err());
    time.advance(ms(100));
    assert!(at_once(acquire).is_ok());
}

#[test]
fn a_select_over_two_windows_takes_from_one_and_leaves_the_other_alone() {
    let (token, time) = CancelToken::manual();
    let [slow, fast] = [200, 100].map(|per| SlidingWindow::new(Rate::new(1, ms(per))).on(&token));
    assert!(slow.allow() && fast.allow());
    let mut both = select2(slow.acquire(1), fast.acquire(1));
    assert!(poll(&mut both).is_pending());
    assert_eq!((slow.waiting(), fast.waiting()), (1, 1));
    time.advance(ms(100));
    let done = poll(&mut both);
    assert!(
        done.map(|done| matches!(done, Either::Second(Ok(()))))
            .is_ready()
    );
    assert_eq!((slow.waiting(), fast.waiting()), (0, 0));
    time.advance(ms(100));
    assert_eq!((slow.available_permits(), fast.available_permits()), (1, 1));
}

/// Its place is still in line when somebody else looks, and passes over it.
#[test]
fn who_stands_behind_a_select_that_chose_another_arm_is_told_that_it_is_the_first() {
    let (window, token, time) = window(1, ms(100));
    let other = RateLimiter::new(Rate::every(ms(50))).on(&token);
    assert!(window.allow() && other.allow());
    let mut select = select2(window.acquire(1), other.acquire(1));
    assert!(poll(&mut select).is_pending());
    let [mut next, mut last] = [1, 1].map(|n| Waiter::join(&window, n));
    time.advance(ms(50));
    assert!(!other.allow(), "hands it to the select");
    assert!(!last.looks(), "passes over the select");
    assert_eq!(next.wakes(), 1);
    assert!(matches!(
        poll(&mut select),
        Poll::Ready(Either::Second(Ok(())))
    ));
    assert!(!next.looks());
    time.advance(ms(50));
    assert!(next.looks());
}

#[test]
fn threads_and_tasks_wait_in_one_line() {
    let (window, token, time) = window(2, ms(100));
    let (window, went) = (Arc::new(window), Arc::new(Mutex::new(Vec::new())));
    let (mut threads, mut tasks) = (Vec::new(), Vec::new());
    for who in 0..8_u64 {
        let (window, went, clock) = (window.clone(), went.clone(), time.clone());
        let note = move || went.lock().unwrap().push((who, clock.elapsed()));
        if who % 2 == 0 {
            threads.push(time.spawn(move || {
                window.acquire(1).wait().unwrap();
                note();
            }));
        } else {
            let task = time.task(async move {
                window.acquire(1).await.unwrap();
                note();
            });
            tasks.push(thread::spawn(|| pollster::block_on(task)));
        }
        time.settle(); // in line before the next one comes
    }
    time.advance(ms(300));
    threads.into_iter().for_each(|t| t.join().unwrap());
    tasks.into_iter().for_each(|t| t.join().unwrap());
    let mut went = went.lock().unwrap().clone();
    went.sort_by_key(|&(who, at)| (at, who));
    let expected: Vec<_> = (0..8).map(|who| (who, ms(100 * (who / 2)))).collect();
    assert_eq!(went, expected);
    assert_eq!(token.clock().armed_timers(), 0);
}

proptest! {
    /// RL51: whatever is asked for and whenever, by those who wait and those who do not.
    #[test]
    fn no_window_of_that_length_ever_holds_more_than_the_limit(
        limit in 1_u64..8,
        length in 1_u64..100,
        step in 1_u64..20,
        calls in prop::collection::vec((0_u64..40, 1_u64..5, any::<bool>()), 1..120),
    ) {
        let (token, time) = CancelToken::manual();
        let window = SlidingWindow::new(Rate::new(limit, ms(length)))
            .on(&token)
            .resolution(ms(step));
        let mut admitted: Vec<(Duration, u64)> = Vec::new();
        let mut waiters: Vec<(u64, AcquireInWindow<'_>)> = Vec::new();
        for (later, permits, waits) in calls {
            time.advance(ms(later));
            let permits = permits.min(limit);
            if waits {
                waiters.push((permits, window.acquire(permits)));
            } else if window.allow_n(permits) {
                admitted.push((time.elapsed(), permits));
            }
            waiters.retain_mut(|(permits, acquire)| {
                let served = poll(acquire).is_ready();
                if served {
                    admitted.push((time.elapsed(), *permits));
                }
                !served
            });
        }
        for &(from, _) in &admitted {
            let inside = admitted.iter().filter(|(at, _)| (from..from + ms(length)).contains(at));
            prop_assert!(inside.map(|(_, permits)| permits).sum::<u64>() <= limit);
        }
    }
}
