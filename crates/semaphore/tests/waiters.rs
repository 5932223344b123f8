//! A line of limited length: who would be one too many is refused.
#![cfg(not(loom))]

mod common;

use anabranch_semaphore::{AcquireError, CancelToken, Limited, Refused, Semaphore};
use common::{Task, at_once};
use std::sync::Arc;

/// SM2b and SM21.
#[test]
fn the_one_too_many_is_refused_at_once_and_nothing_else_changes() {
    let slots: Semaphore<Limited> = Semaphore::builder(1).max_waiters(2).build();
    let held = slots.acquire().wait().unwrap();
    let mut line = [(); 2].map(|()| Task::waiting(slots.acquire()));
    let refused = at_once(slots.acquire()).unwrap_err();
    assert_eq!(refused.max_waiters, 2);
    assert_eq!(refused.to_string(), "no more than 2 may wait for permits");
    assert_eq!(
        (slots.waiting(), slots.held(), slots.max_waiters()),
        (2, 1, 2)
    );
    drop(held);
    assert_eq!(
        line.each_ref().map(|waiter| waiter.is_woken()),
        [true, false]
    );
    // One was served: there is room in line again.
    let mut third = Task::waiting(slots.acquire());
    let Err(Refused::TooManyWaiters(_)) = at_once(slots.acquire_many(1)) else {
        panic!("two are in line");
    };
    for waiter in line.iter_mut().chain([&mut third]) {
        drop(waiter.done().unwrap());
    }
    assert_eq!((slots.waiting(), slots.available_permits()), (0, 1));
}

#[test]
fn a_free_permit_is_taken_whatever_the_line_may_hold() {
    let slots = Semaphore::builder(2).max_waiters(0).build();
    let one = at_once(slots.acquire()).unwrap();
    let two = at_once(slots.acquire_many(1)).unwrap();
    assert!(at_once(slots.acquire()).is_err());
    drop((one, two));
    assert_eq!(at_once(slots.acquire_many(2)).unwrap().count(), 2);
}

#[test]
fn a_place_that_is_given_up_is_free_for_the_next() {
    let slots = Semaphore::builder(1).max_waiters(1).build();
    let held = slots.try_acquire().unwrap();
    for _ in 0..3 {
        let waits = Task::waiting(slots.acquire());
        assert!(at_once(slots.acquire()).is_err());
        drop(waits);
    }
    let mut waits = Task::waiting(slots.acquire());
    drop(held);
    drop(waits.done().unwrap());
}

#[test]
fn every_kind_of_refusal_says_why() {
    let slots = Arc::new(Semaphore::builder(2).max_waiters(0).build());
    let token = CancelToken::new();
    let _held = slots.try_acquire_owned().unwrap();
    let bounded = at_once(slots.acquire().with_cancel(&token));
    assert!(matches!(
        bounded,
        Err(AcquireError::TooManyWaiters(_)) | Ok(_)
    ));
    let many = at_once(slots.acquire_many(2).with_cancel(&token));
    assert!(matches!(many, Err(AcquireError::TooManyWaiters(_))));
    let large = at_once(slots.acquire_many_owned(3).with_cancel(&token));
    assert!(matches!(large, Err(AcquireError::ExceedsCapacity(_))));
    let large = at_once(slots.acquire_many(3));
    assert!(matches!(large, Err(Refused::ExceedsCapacity(_))));
    assert!(at_once(slots.acquire_many_owned(2)).is_err());
    token.cancel();
    let cancelled = at_once(slots.acquire_owned().with_cancel(&token));
    assert!(matches!(cancelled, Err(AcquireError::Cancelled(_))));
}

#[test]
fn one_that_waits_in_a_limited_line_is_cancelled_like_any_other() {
    let slots = Semaphore::builder(1).max_waiters(1).build();
    let token = CancelToken::new();
    let _held = slots.try_acquire().unwrap();
    let mut waits = Task::waiting(slots.acquire().with_cancel(&token));
    token.cancel();
    assert!(matches!(waits.done(), Err(AcquireError::Cancelled(_))));
    assert_eq!(slots.waiting(), 0);
}

#[test]
fn a_limited_line_may_barge_too() {
    let slots = Semaphore::builder(1).barging().max_waiters(1).build();
    let held = slots.try_acquire().unwrap();
    let mut waits = Task::waiting(slots.acquire());
    assert!(at_once(slots.acquire()).is_err());
    drop(held);
    let barger = at_once(slots.acquire()).unwrap();
    assert!(waits.poll().is_pending());
    drop(barger);
    drop(waits.done().unwrap());
}
