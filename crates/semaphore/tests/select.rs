//! A permit as an arm of a select: exactly one arm takes effect.
#![cfg(not(loom))]

mod common;

use anabranch_core_cancel::{
    Claim, Operation, Ticket,
    select::{Either, select2},
};
use anabranch_semaphore::{CancelToken, Semaphore};
use common::{Task, at_once};
use std::{
    pin::Pin,
    task::{Poll, Waker},
};

#[test]
fn of_two_free_semaphores_one_is_taken_from() {
    let (here, there) = (Semaphore::new(1), Semaphore::new(1));
    let Either::First(permit) = at_once(select2(here.acquire(), there.acquire())) else {
        panic!("the first is free");
    };
    assert_eq!(
        (here.available_permits(), there.available_permits()),
        (0, 1)
    );
    drop(permit);
}

#[test]
fn a_look_takes_what_is_free_and_joins_no_line() {
    let slots = Semaphore::new(2);
    let ticket = Ticket::task(Waker::noop());
    let mut one = slots.acquire();
    let permit = Pin::new(&mut one).look_arm(&ticket);
    assert!(permit.is_ready());
    let mut two = slots.acquire_many(2);
    assert!(Pin::new(&mut two).look_arm(&ticket).is_pending());
    assert_eq!(slots.waiting(), 0);
    let mut three = slots.acquire_many(3);
    assert!(matches!(
        Pin::new(&mut three).look_arm(&ticket),
        Poll::Ready(Err(_))
    ));
    // In line, a look is as good as a poll.
    assert!(Pin::new(&mut two).poll_arm(&ticket).is_pending());
    assert!(Pin::new(&mut two).look_arm(&ticket).is_pending());
    assert_eq!(slots.waiting(), 1);
    drop(permit);
    let both = Pin::new(&mut two).look_arm(&ticket);
    assert!(matches!(both, Poll::Ready(Ok(_))));
}

#[test]
fn of_two_that_come_free_the_first_one_is_taken_and_the_other_goes_to_the_next() {
    let (here, there) = (Semaphore::new(1), Semaphore::new(1));
    let (held_here, held_there) = (here.try_acquire().unwrap(), there.try_acquire().unwrap());
    let mut select = Task::waiting(select2(here.acquire(), there.acquire()));
    let mut next = Task::waiting(here.acquire());
    drop(held_there);
    drop(held_here);
    assert!(
        next.is_woken(),
        "the select has chosen: its place here is void"
    );
    drop(next.done());
    let Either::Second(permit) = select.done() else {
        panic!("the second came free first");
    };
    assert_eq!((here.waiting(), there.waiting(), there.held()), (0, 0, 1));
    drop(permit);
    assert_eq!(
        (here.available_permits(), there.available_permits()),
        (1, 1)
    );
}

#[test]
fn a_select_over_one_semaphore_twice_takes_one_permit() {
    let slots = Semaphore::new(2);
    let held = slots.try_acquire_many(2).unwrap();
    let mut select = Task::waiting(select2(slots.acquire_many(2), slots.acquire()));
    let mut next = Task::waiting(slots.acquire());
    drop(held);
    let Either::First(permits) = select.done() else {
        panic!("first come, first served");
    };
    assert!(next.poll().is_pending());
    drop(permits);
    drop(next.done());
    assert_eq!((slots.available_permits(), slots.waiting()), (2, 0));
}

#[test]
fn a_select_that_is_dropped_leaves_both_lines_and_what_it_won() {
    let (here, there) = (Semaphore::new(1), Semaphore::new(1));
    let (held_here, _held_there) = (here.try_acquire().unwrap(), there.try_acquire().unwrap());
    let select = Task::waiting(select2(here.acquire(), there.acquire()));
    drop(held_here);
    assert_eq!(here.held(), 1, "won");
    drop(select);
    assert_eq!((here.held(), here.waiting(), there.waiting()), (0, 0, 0));
}

#[test]
fn a_cancelled_token_beside_a_permit_ends_the_select_without_it() {
    let slots = Semaphore::new(1);
    let token = CancelToken::new();
    let held = slots.try_acquire().unwrap();
    let mut select = Task::waiting(select2(slots.acquire(), token.cancelled()));
    token.cancel();
    assert!(matches!(select.done(), Either::Second(_)));
    drop(held);
    assert_eq!((slots.available_permits(), slots.waiting()), (1, 0));
}

/// A select that is looking holds up the line for that instant; whoever leaves the head serves it.
#[test]
fn those_behind_a_select_that_was_looking_are_served_when_it_leaves() {
    let slots = Semaphore::new(2);
    let held = slots.try_acquire_many(2).unwrap();
    let claim = Claim::new();
    let mut arm = slots.acquire();
    let ticket = Ticket::task(Waker::noop()).arm(&claim, 0);
    assert!(Pin::new(&mut arm).poll_arm(&ticket).is_pending());
    let mut next = [(); 2].map(|()| Task::waiting(slots.acquire()));
    drop(held);
    assert!(
        !next[0].is_woken(),
        "the select may take one of the two, or leave"
    );
    assert!(!claim.open(), "it is told to look again");
    assert!(Pin::new(&mut arm).withdraw().is_none());
    assert!(next[0].is_woken() && next[1].is_woken());
    drop(next.each_mut().map(|waiter| waiter.done()));
    assert_eq!((slots.available_permits(), slots.waiting()), (2, 0));
}

#[test]
fn a_select_that_was_looking_takes_what_it_finds_and_the_rest_goes_on() {
    let slots = Semaphore::new(2);
    let held = slots.try_acquire_many(2).unwrap();
    let claim = Claim::new();
    let mut arm = slots.acquire();
    let ticket = Ticket::task(Waker::noop()).arm(&claim, 0);
    assert!(Pin::new(&mut arm).poll_arm(&ticket).is_pending());
    let mut next = [(); 2].map(|()| Task::waiting(slots.acquire()));
    drop(held);
    let permit = Pin::new(&mut arm).poll_arm(&ticket);
    assert!(permit.is_ready());
    assert_eq!(
        next.each_ref().map(|waiter| waiter.is_woken()),
        [true, false]
    );
    drop(permit);
    drop(next.each_mut().map(|waiter| waiter.done()));
    assert_eq!((slots.available_permits(), slots.waiting()), (2, 0));
}
