//! Those who wait: order, moving up, deadlines, giving back; polled by hand on a manual clock.
#![cfg(not(loom))]

mod common;

use anabranch_core_cancel::{
    Claim, ManualTime, Operation, Ticket,
    select::{Either, select2},
};
use anabranch_ratelimit::{
    AcquireError, CancelToken, ExceedsBurst, Rate, RateLimiter, Wait, ops::Acquire,
};
use common::{Count, at_once, ms, poll, poll_with};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Poll, Waker},
    time::Duration,
};

/// Ten a second, five at once, and the five are gone.
fn drained() -> (RateLimiter, CancelToken, ManualTime) {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(10).burst(5)).on(&token);
    assert!(limiter.allow_n(5));
    (limiter, token, time)
}

/// Somebody in line, and how often it was woken.
struct Waiter<'a> {
    acquire: Acquire<'a>,
    wakes: Arc<Count>,
    waker: Waker,
    is_done: bool,
}

impl<'a> Waiter<'a> {
    fn join(limiter: &'a RateLimiter, permits: u64) -> Self {
        let (wakes, waker) = Count::new();
        let mut waiter = Self {
            acquire: limiter.acquire(permits),
            wakes,
            waker,
            is_done: false,
        };
        assert!(!waiter.is_served());
        waiter
    }

    /// Looks, unless it has been served: then for ever.
    fn is_served(&mut self) -> bool {
        if !self.is_done
            && let Poll::Ready(done) = poll_with(&mut self.acquire, &self.waker)
        {
            done.unwrap();
            self.is_done = true;
        }
        self.is_done
    }

    fn wakes(&self) -> usize {
        self.wakes.get()
    }
}

/// RL25 and RL41.
#[test]
fn waiters_are_served_in_the_order_they_came_and_a_large_one_is_not_starved() {
    let (limiter, _token, time) = drained();
    let mut line = [1, 5, 1, 2].map(|n| Waiter::join(&limiter, n));
    assert_eq!(limiter.waiting(), 4);
    let mut served = [None; 4];
    for tenth in 1..=9 {
        time.advance(ms(100));
        // Whoever looks first gets nothing that is another's.
        for (waiter, served) in line.iter_mut().zip(&mut served).rev() {
            if waiter.is_served() {
                served.get_or_insert(tenth);
            }
        }
    }
    assert_eq!(served, [Some(1), Some(6), Some(7), Some(9)]);
    assert_eq!((limiter.waiting(), limiter.available_permits()), (0, 0));
}

#[test]
fn a_waiter_is_woken_once_at_its_moment_and_not_before() {
    let (limiter, _token, time) = drained();
    let mut line = [1, 2, 3].map(|n| Waiter::join(&limiter, n));
    for (elapsed, wakes) in [
        (99, [0, 0, 0]),
        (1, [1, 0, 0]),
        (199, [1, 0, 0]),
        (1, [1, 1, 0]),
    ] {
        time.advance(ms(elapsed));
        assert_eq!(line.each_ref().map(Waiter::wakes), wakes);
        for waiter in line.iter_mut().filter(|waiter| waiter.wakes() > 0) {
            assert!(waiter.is_served());
        }
    }
}

/// RL41: nobody overtakes, even where there is enough for it.
#[test]
fn while_somebody_waits_those_who_do_not_are_denied_and_told_when() {
    let (limiter, _token, time) = drained();
    let mut large = Waiter::join(&limiter, 5);
    time.advance(ms(200));
    assert!(!limiter.allow() && !limiter.allow_n(2));
    assert_eq!(limiter.available_permits(), 0);
    let denied = limiter.try_acquire(1).unwrap_err();
    assert_eq!(
        denied.retry_after,
        ms(400),
        "five for the one in line, then one"
    );
    drop(Waiter::join(&limiter, 1));
    time.advance(ms(300));
    assert!(large.is_served());
    assert!(!limiter.allow());
    time.advance(ms(100));
    assert!(limiter.allow());
}

/// RL43, with somebody in line.
#[test]
fn retry_after_counts_those_in_line() {
    let (token, _time) = CancelToken::manual();
    let slow = Rate::every(Duration::from_secs(20)).burst(2);
    let limiter = RateLimiter::new(slow).on(&token);
    assert!(limiter.allow_n(2));
    let _one = Waiter::join(&limiter, 1);
    let denied = limiter.try_acquire(2).unwrap_err();
    assert_eq!(denied.retry_after, Duration::from_secs(60));
}

#[test]
fn retry_after_does_not_count_those_who_were_served_or_left() {
    let (limiter, _token, time) = drained();
    let [mut looks, _does_not, leaves, _large] = [1, 1, 2, 3].map(|n| Waiter::join(&limiter, n));
    time.advance(ms(200));
    assert!(looks.is_served());
    assert!(!limiter.allow(), "serves the second");
    assert_eq!(limiter.try_acquire(1).unwrap_err().retry_after, ms(600));
    drop(leaves);
    assert_eq!(limiter.try_acquire(1).unwrap_err().retry_after, ms(400));
}

/// RL24.
#[test]
fn when_the_first_in_line_gives_up_those_behind_it_move_up() {
    let (limiter, _token, time) = drained();
    let [first, mut second, mut third] = [3, 1, 1].map(|n| Waiter::join(&limiter, n));
    drop(first);
    assert_eq!(
        (second.wakes(), third.wakes()),
        (1, 0),
        "the new first is told"
    );
    assert!(!second.is_served());
    time.advance(ms(100));
    assert_eq!(second.wakes(), 2, "at its new moment");
    assert!(second.is_served());
    assert_eq!(third.wakes(), 1, "now it is the first, and told");
    assert!(!third.is_served());
    time.advance(ms(100));
    assert!(third.is_served());
    assert_eq!(limiter.available_permits(), 0);
}

/// RL24.
#[test]
fn when_one_in_the_middle_gives_up_those_behind_it_move_up() {
    let (limiter, _token, time) = drained();
    let [mut first, middle, mut last] = [1, 3, 1].map(|n| Waiter::join(&limiter, n));
    drop(middle);
    time.advance(ms(100));
    assert!(first.is_served());
    assert_eq!(
        last.wakes(),
        1,
        "told, since it meant to sleep for 300 ms more"
    );
    assert!(!last.is_served());
    time.advance(ms(100));
    assert!(last.is_served());
}

/// RL24.
#[test]
fn when_the_last_in_line_gives_up_nothing_is_left_of_it() {
    let (limiter, _token, time) = drained();
    let [mut first, last] = [1, 4].map(|n| Waiter::join(&limiter, n));
    drop(last);
    assert_eq!((limiter.waiting(), first.wakes()), (1, 0));
    time.advance(ms(100));
    assert!(first.is_served());
    time.advance(ms(100));
    assert!(limiter.allow() && !limiter.allow());
}

#[test]
fn when_all_have_given_up_the_bucket_is_as_if_they_had_never_come() {
    let (limiter, token, time) = drained();
    drop([5, 1, 3].map(|n| Waiter::join(&limiter, n)));
    assert_eq!(limiter.waiting(), 0);
    assert_eq!(token.clock().armed_timers(), 0);
    time.advance(ms(300));
    assert_eq!(limiter.available_permits(), 3);
    assert!(limiter.allow_n(3));
}

/// RL42.
#[test]
fn one_look_serves_all_who_are_due() {
    let (limiter, _token, time) = drained();
    let mut line = [1, 1, 1, 1].map(|n| Waiter::join(&limiter, n));
    time.advance(ms(300));
    assert!(line[2].is_served(), "the third looks first");
    assert_eq!(limiter.waiting(), 1);
    assert!(line[0].is_served() && line[1].is_served() && !line[3].is_served());
}

#[test]
fn a_task_that_is_not_polled_holds_up_nobody() {
    let (limiter, _token, time) = drained();
    let mut stuck = Waiter::join(&limiter, 1);
    assert!(!limiter.allow());
    time.advance(ms(100));
    assert!(!limiter.allow(), "that one is the stuck one's");
    assert_eq!(limiter.waiting(), 0, "and it has it, polled or not");
    time.advance(ms(100));
    assert!(limiter.allow());
    assert!(stuck.is_served());
    assert_eq!(limiter.available_permits(), 0);
}

#[test]
fn lateness_does_not_add_up() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(1_000)).on(&token);
    assert!(limiter.allow());
    let mut line: [_; 10] = std::array::from_fn(|_| Waiter::join(&limiter, 1));
    let served = |line: &mut [Waiter<'_>]| -> usize {
        line.iter_mut()
            .map(|waiter| usize::from(waiter.is_served()))
            .sum()
    };
    // Each wakes 70 µs late, with a bucket that holds only one.
    for turn in 1..=9 {
        time.advance(Duration::from_micros(1_070));
        assert_eq!(served(&mut line), turn);
    }
    time.advance(Duration::from_micros(370));
    assert!(line[9].is_served(), "ten after ten milliseconds");
}

/// RL21 and RL23.
#[test]
fn a_turn_that_comes_after_the_deadline_fails_at_once_and_takes_nothing() {
    let (limiter, token, time) = drained();
    let soon = token.child_with_timeout(ms(299));
    for error in [
        at_once(limiter.acquire(3).with_cancel(&soon)),
        at_once(limiter.acquire(3).timeout(ms(299))),
        at_once(limiter.acquire(3).timeout(ms(500)).with_cancel(&soon)),
        at_once(limiter.acquire(3).with_cancel(&token).timeout(ms(299))),
    ] {
        let error = error.unwrap_err();
        assert!(
            matches!(&error, AcquireError::Cancelled(why) if why.is_timeout()),
            "{error}"
        );
        assert!(error.to_string().contains(file!()), "{error}");
    }
    assert_eq!(limiter.waiting(), 0);
    assert_eq!(token.clock().armed_timers(), 0);
    time.advance(ms(300));
    assert!(limiter.allow_n(3));
}

#[test]
fn a_turn_that_comes_at_the_deadline_is_in_time() {
    let (limiter, token, time) = drained();
    let soon = token.child_with_timeout(ms(300));
    let mut acquire = limiter.acquire(3).with_cancel(&soon);
    assert!(poll(&mut acquire).is_pending());
    time.advance(ms(300));
    assert!(matches!(poll(&mut acquire), Poll::Ready(Ok(()))));
}

#[test]
fn a_deadline_counts_those_in_line_and_not_those_who_left() {
    let (limiter, token, _time) = drained();
    let [first, _second] = [2, 2].map(|n| Waiter::join(&limiter, n));
    let soon = token.child_with_timeout(ms(400));
    assert!(at_once(limiter.acquire(1).with_cancel(&soon)).is_err());
    drop(first);
    let mut acquire = limiter.acquire(1).with_cancel(&soon);
    assert!(poll(&mut acquire).is_pending(), "300 ms now");
}

#[test]
fn at_a_rate_of_zero_a_bounded_wait_fails_at_once_and_an_unbounded_one_waits() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(0)).on(&token);
    assert!(limiter.acquire(1).wait().is_ok());
    let late = token.child_with_timeout(Duration::from_secs(1_000_000_000));
    assert!(at_once(limiter.acquire(1).with_cancel(&late)).is_err());
    let mut for_ever = limiter.acquire(1).with_cancel(&token);
    assert!(poll(&mut for_ever).is_pending());
    time.advance(Duration::from_secs(1_000_000_000));
    assert!(poll(&mut for_ever).is_pending());
    token.cancel();
    assert!(at_once(for_ever).is_err());
    assert_eq!(limiter.waiting(), 0);
}

/// RL21.
#[test]
fn under_a_cancelled_token_nothing_is_taken_although_it_is_there() {
    let (token, _time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(10).burst(3)).on(&token);
    let ended = token.child();
    ended.cancel_with("closing");
    let error = at_once(limiter.acquire(1).with_cancel(&ended)).unwrap_err();
    assert!(format!("{error:#}").ends_with("closing"), "{error:#}");
    assert_eq!(limiter.available_permits(), 3);
    // And what is more than the burst is so under any token.
    let error = at_once(limiter.acquire(4).with_cancel(&token)).unwrap_err();
    let exceeds = ExceedsBurst {
        requested: 4,
        burst: 3,
    };
    assert!(matches!(error, AcquireError::ExceedsBurst(e) if e == exceeds));
    // RL21, the last row: at once, then after 200 ms.
    assert!(limiter.acquire(2).wait().is_ok());
    assert_eq!(limiter.try_acquire(3).unwrap_err().retry_after, ms(200));
}

/// RL22.
#[test]
fn what_a_cancelled_waiter_waited_for_is_there_at_once() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(10).burst(3)).on(&token);
    assert!(limiter.allow_n(2));
    let call = token.child();
    let mut three = limiter.acquire(3).with_cancel(&call);
    assert!(poll(&mut three).is_pending());
    time.advance(ms(100));
    assert!(!limiter.allow());
    call.cancel();
    assert!(matches!(
        poll(&mut three),
        Poll::Ready(Err(AcquireError::Cancelled(_)))
    ));
    assert!(limiter.allow_n(2));
}

#[test]
fn what_was_handed_to_one_that_never_looks_goes_back_when_it_is_dropped() {
    let (limiter, _token, time) = drained();
    let [first, mut second] = [2, 1].map(|n| Waiter::join(&limiter, n));
    time.advance(ms(300));
    assert!(second.is_served(), "and the first with it");
    assert_eq!(limiter.available_permits(), 0);
    let mut third = Waiter::join(&limiter, 2);
    drop(first);
    assert_eq!(limiter.waiting(), 0, "what came back serves the next");
    assert!(third.is_served());
    assert_eq!(limiter.available_permits(), 0);
}

#[test]
fn a_permit_handed_over_before_the_cancellation_is_kept() {
    let (limiter, token, time) = drained();
    let call = token.child();
    let mut first = limiter.acquire(1).with_cancel(&call);
    assert!(poll(&mut first).is_pending());
    let mut second = Waiter::join(&limiter, 1);
    time.advance(ms(200));
    assert!(second.is_served(), "and the first with it");
    call.cancel();
    assert!(matches!(poll(&mut first), Poll::Ready(Ok(()))));
    assert_eq!(limiter.available_permits(), 0);
}

/// The same, where the end comes in between two looks: as `with_cancel` and `select!` would do it.
#[test]
fn what_was_handed_over_before_an_end_or_a_withdrawal_is_not_given_back_too() {
    let (limiter, token, time) = drained();
    let [mut ended, mut withdrawn, mut last] = [1, 1, 1].map(|n| Waiter::join(&limiter, n));
    time.advance(ms(200));
    assert!(!limiter.allow(), "serves two");
    let call = token.child();
    call.cancel();
    let why = call.check().unwrap_err();
    assert!(Pin::new(&mut ended.acquire).end(why.clone()).is_ok());
    assert_eq!(Pin::new(&mut withdrawn.acquire).withdraw(), Some(Ok(())));
    assert!(Pin::new(&mut last.acquire).end(why).is_err());
    assert_eq!((limiter.waiting(), limiter.available_permits()), (0, 0));
}

#[test]
fn the_waker_of_the_last_look_is_the_one_that_counts() {
    let (limiter, _token, _time) = drained();
    let [first, mut second] = [1, 1].map(|n| Waiter::join(&limiter, n));
    let (wakes, waker) = Count::new();
    assert!(poll_with(&mut second.acquire, &waker).is_pending());
    drop(first);
    assert_eq!((second.wakes(), wakes.get()), (0, 1));
}

/// A select that is looking at its arms can be neither served nor passed over: whoever stands
/// behind it waits for it, without a timer, and it serves them.
#[test]
fn one_who_is_due_behind_a_select_that_looks_is_served_by_it() {
    let (limiter, _token, time) = drained();
    let (claim, mut select) = (Claim::new(), limiter.acquire(1));
    let mut arm = || Pin::new(&mut select).poll_arm(&Ticket::task(Waker::noop()).arm(&claim, 0));
    assert!(arm().is_pending() && claim.open());
    let mut behind = Waiter::join(&limiter, 1);
    time.advance(ms(50));
    assert_eq!(claim.close(), None, "the select looks");
    time.advance(ms(150));
    assert!(!behind.is_served(), "both are due");
    let wakes = behind.wakes();
    assert!(arm().is_ready());
    assert_eq!(behind.wakes(), wakes + 1);
    assert!(behind.is_served());
    assert_eq!(limiter.available_permits(), 0);
}

#[test]
fn a_select_over_two_limiters_takes_from_one_and_leaves_the_other_alone() {
    let (token, time) = CancelToken::manual();
    let [slow, fast] = [10, 20].map(|n| RateLimiter::new(Rate::per_second(n).burst(2)).on(&token));
    assert!(slow.allow_n(2) && fast.allow_n(2));
    let mut both = select2(slow.acquire(1), fast.acquire(1));
    assert!(poll(&mut both).is_pending());
    assert_eq!((slow.waiting(), fast.waiting()), (1, 1));
    time.advance(ms(50));
    assert!(matches!(
        poll(&mut both),
        Poll::Ready(Either::Second(Ok(())))
    ));
    assert_eq!((slow.waiting(), fast.waiting()), (0, 0));
    time.advance(ms(50));
    assert_eq!((slow.available_permits(), fast.available_permits()), (1, 1));
}

#[test]
fn a_select_that_another_serves_has_won_that_arm_and_no_other() {
    let (token, time) = CancelToken::manual();
    let [slow, fast] = [10, 20].map(|n| RateLimiter::new(Rate::per_second(n).burst(2)).on(&token));
    assert!(slow.allow_n(2) && fast.allow_n(2));
    let mut both = select2(slow.acquire(1), fast.acquire(1));
    assert!(poll(&mut both).is_pending());
    time.advance(ms(100));
    assert!(!slow.allow(), "hands the slow one over");
    assert!(
        fast.allow(),
        "so the fast one's line is empty, and two are there"
    );
    assert!(matches!(
        poll(&mut both),
        Poll::Ready(Either::First(Ok(())))
    ));
    assert_eq!((slow.available_permits(), fast.available_permits()), (0, 1));
    assert_eq!((slow.waiting(), fast.waiting()), (0, 0));
}

#[test]
fn an_acquire_that_is_not_waited_for_holds_nothing() {
    let (limiter, _token, time) = drained();
    let idle = limiter.acquire(5);
    time.advance(ms(100));
    assert!(limiter.allow());
    drop(idle);
    assert_eq!(limiter.available_permits(), 0);
}

#[test]
fn an_acquire_ended_by_its_timeout_can_be_tried_again() {
    let (limiter, _token, time) = drained();
    let mut acquire = limiter.acquire(2);
    assert!(at_once((&mut acquire).timeout(ms(100))).is_err());
    time.advance(ms(200));
    assert!(at_once(acquire).is_ok());
}
