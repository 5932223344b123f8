//! The capacity changes while permits are held and waited for.
#![cfg(not(loom))]

mod common;

use anabranch_core_cancel::{
    Operation,
    select::{Either, select2},
};
use anabranch_semaphore::{CancelToken, Semaphore};
use common::{Task, at_once};
use std::{pin::Pin, sync::Arc, task::Poll};

#[test]
fn growing_serves_those_in_line_in_their_order() {
    let slots = Semaphore::new(2);
    let _held = slots.try_acquire_many(2).unwrap();
    let mut line = [2, 1, 2].map(|n| Task::waiting(slots.acquire_many(n)));
    slots.resize(5);
    assert_eq!(
        line.each_ref().map(|waiter| waiter.is_woken()),
        [true, true, false]
    );
    let _permits = [line[0].done().unwrap(), line[1].done().unwrap()];
    assert_eq!((slots.held(), slots.capacity(), slots.waiting()), (5, 5, 1));
}

/// Section 15: shrinking below what is held is allowed, and can be seen.
#[test]
fn shrinking_drains_the_deficit_to_the_last_permit() {
    let slots = Semaphore::new(4);
    let mut held = slots.try_acquire_many(4).unwrap();
    let mut waits = Task::waiting(slots.acquire());
    slots.resize(1);
    for left in [3, 2, 1] {
        drop(held.split(1).unwrap());
        assert_eq!((slots.held(), slots.capacity()), (left, 1));
        assert!(waits.poll().is_pending() && slots.try_acquire().is_err());
        assert!(slots.try_acquire_barging().is_err());
    }
    drop(held);
    drop(waits.done());
    assert_eq!((slots.available_permits(), slots.held()), (1, 0));
}

#[test]
fn shrinking_takes_what_is_free_first() {
    let slots = Semaphore::new(4);
    let held = slots.try_acquire().unwrap();
    slots.resize(2);
    assert_eq!((slots.available_permits(), slots.held()), (1, 1));
    slots.resize(1);
    assert_eq!((slots.available_permits(), slots.held()), (0, 1));
    drop(held);
    assert_eq!(slots.available_permits(), 1);
}

#[test]
fn growing_again_pays_the_deficit_before_anybody_is_served() {
    let slots = Semaphore::new(3);
    let held = slots.try_acquire_many(3).unwrap();
    let mut waits = Task::waiting(slots.acquire());
    slots.resize(1);
    slots.resize(3);
    assert!(waits.poll().is_pending());
    slots.resize(4);
    let permit = waits.done();
    assert_eq!((slots.held(), slots.capacity()), (4, 4));
    drop((held, permit));
    assert_eq!(slots.available_permits(), 4);
}

/// Section 15: decided when asked, and again at each resize, wherever in line they stand.
#[test]
fn those_who_want_more_than_is_left_are_refused_and_those_behind_them_served() {
    let slots = Semaphore::new(4);
    let held = slots.try_acquire_many(3).unwrap();
    let mut line = [4, 2, 3, 1].map(|n| Task::waiting(slots.acquire_many(n)));
    slots.resize(2);
    assert_eq!(
        line.each_ref().map(|waiter| waiter.is_woken()),
        [true, false, true, false]
    );
    for large in [0, 2] {
        let exceeds = line[large].done().unwrap_err();
        assert_eq!(exceeds.capacity, 2);
    }
    assert_eq!(slots.waiting(), 2);
    drop(held);
    let two = line[1].done().unwrap();
    assert!(line[3].poll().is_pending());
    drop(two);
    drop(line[3].done().unwrap());
    assert_eq!((slots.available_permits(), slots.held()), (2, 0));
}

#[test]
fn a_refused_head_lets_the_next_have_what_is_free_at_once() {
    let slots = Semaphore::new(4);
    let _held = slots.try_acquire().unwrap();
    let mut large = Task::waiting(slots.acquire_many(4));
    let mut small = Task::waiting(slots.acquire_many(2));
    slots.resize(3);
    assert!(large.is_woken() && small.is_woken());
    assert!(large.done().is_err());
    assert_eq!(small.done().unwrap().count(), 2);
}

#[test]
fn what_was_refused_stays_refused_when_the_capacity_grows_again() {
    let slots = Semaphore::new(2);
    let _held = slots.try_acquire().unwrap();
    let mut large = Task::waiting(slots.acquire_many(2));
    slots.resize(1);
    slots.resize(5);
    assert!(large.done().is_err());
    assert_eq!((slots.available_permits(), slots.waiting()), (4, 0));
}

#[test]
fn a_waiter_that_was_refused_and_is_dropped_or_cancelled_leaves_nothing_behind() {
    let slots = Semaphore::new(2);
    let token = CancelToken::new();
    let held = slots.try_acquire().unwrap();
    let dropped = Task::waiting(slots.acquire_many(2));
    let mut cancelled = Task::waiting(slots.acquire_many(2).with_cancel(&token));
    slots.resize(1);
    token.cancel();
    drop(dropped);
    let error = cancelled.done().unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 permits at once exceed the capacity of 1",
        "it came first"
    );
    drop(held);
    assert_eq!(
        (slots.available_permits(), slots.held(), slots.waiting()),
        (1, 0, 0)
    );
}

#[test]
fn a_plain_acquire_waits_through_a_capacity_of_zero() {
    let slots = Semaphore::new(1);
    let held = slots.try_acquire().unwrap();
    let mut waits = Task::waiting(slots.acquire());
    slots.resize(0);
    drop(held);
    assert!(waits.poll().is_pending());
    slots.resize(1);
    drop(waits.done());
}

#[test]
fn a_select_that_waits_is_refused_through_its_claim() {
    let slots = Semaphore::new(2);
    let other = Semaphore::new(0);
    let _held = slots.try_acquire().unwrap();
    let mut select = Task::waiting(select2(other.acquire(), slots.acquire_many(2)));
    slots.resize(1);
    let Poll::Ready(Either::Second(refused)) = select.poll() else {
        panic!("the second arm is over");
    };
    assert!(refused.is_err());
    assert_eq!((slots.waiting(), other.waiting()), (0, 0));
}

/// A select that looks at its arms just then is passed over, and sees for itself.
#[test]
fn a_select_that_was_looking_during_the_resize_finds_out_at_its_next_look() {
    use anabranch_core_cancel::{Claim, Ticket};
    let slots = Semaphore::new(2);
    let held = slots.try_acquire().unwrap();
    let (waker, claim) = (std::task::Waker::noop(), Claim::new());
    let mut arm = slots.acquire_many(2);
    let mut poll = || {
        let ticket = Ticket::task(waker).arm(&claim, 0);
        Pin::new(&mut arm).poll_arm(&ticket)
    };
    assert!(poll().is_pending());
    slots.resize(1);
    assert!(!claim.open(), "it has to look again");
    let Poll::Ready(Err(exceeds)) = poll() else {
        panic!("refused");
    };
    assert_eq!(exceeds.capacity, 1);
    assert_eq!(slots.waiting(), 0);
    drop(held);
    drop(at_once(slots.acquire()));
}

#[test]
fn an_owned_wait_is_refused_like_any_other() {
    let slots = Arc::new(Semaphore::new(2));
    let _held = slots.try_acquire().unwrap();
    let mut waits = Task::waiting(slots.acquire_many_owned(2));
    slots.resize(1);
    assert!(waits.done().is_err());
    assert_eq!(Arc::strong_count(&slots), 2, "the operation has it still");
    drop(waits);
    assert_eq!(Arc::strong_count(&slots), 1);
}
