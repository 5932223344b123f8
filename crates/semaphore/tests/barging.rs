//! Throughput before order: what is free is anybody's, and nobody is forgotten.
#![cfg(not(loom))]

mod common;

use anabranch_semaphore::Semaphore;
use common::{Task, at_once};

fn barging(permits: usize) -> Semaphore {
    Semaphore::builder(permits).barging().build()
}

#[test]
fn what_is_given_back_is_anybodys_until_the_waiter_that_was_woken_looks() {
    let slots = barging(1);
    let held = slots.try_acquire().unwrap();
    let mut waits = Task::waiting(slots.acquire());
    drop(held);
    assert!(waits.is_woken());
    assert_eq!(
        (slots.available_permits(), slots.waiting(), slots.held()),
        (1, 1, 0)
    );
    let barger = at_once(slots.acquire());
    assert!(waits.poll().is_pending());
    drop(barger);
    assert_eq!(waits.wakes(), 2);
    drop(waits.done());
    assert_eq!((slots.available_permits(), slots.waiting()), (1, 0));
}

#[test]
fn the_first_in_line_is_woken_once_and_wakes_the_next_when_there_is_more() {
    let slots = barging(3);
    let mut held = slots.try_acquire_many(3).unwrap();
    let mut line = [(); 3].map(|()| Task::waiting(slots.acquire()));
    drop(held.split(1));
    drop(held);
    let wakes = |line: &[Task<_>; 3]| line.each_ref().map(|waiter| waiter.wakes());
    assert_eq!(wakes(&line), [1, 0, 0], "the first looks on behalf of all");
    let _one = line[0].done();
    assert_eq!(wakes(&line), [1, 1, 0]);
    let _two = line[1].done();
    assert_eq!(wakes(&line), [1, 1, 1]);
    let _three = line[2].done();
    assert_eq!((slots.held(), slots.waiting()), (3, 0));
}

#[test]
fn a_waiter_that_was_woken_and_goes_away_passes_the_word_on() {
    let slots = barging(1);
    let held = slots.try_acquire().unwrap();
    let first = Task::waiting(slots.acquire());
    let mut second = Task::waiting(slots.acquire());
    drop(held);
    assert!(first.is_woken() && !second.is_woken());
    drop(first);
    assert!(second.is_woken());
    drop(second.done());
    assert_eq!((slots.available_permits(), slots.waiting()), (1, 0));
}

#[test]
fn a_large_request_is_woken_when_there_is_enough_for_it_and_not_before() {
    let slots = barging(3);
    let mut held = slots.try_acquire_many(3).unwrap();
    let mut large = Task::waiting(slots.acquire_many(2));
    drop(held.split(1));
    assert!(!large.is_woken());
    drop(held.split(1));
    assert!(large.is_woken());
    assert_eq!(large.done().unwrap().count(), 2);
}

#[test]
fn a_resize_that_refuses_the_one_that_was_woken_wakes_the_next() {
    let slots = barging(3);
    let held = slots.try_acquire_many(3).unwrap();
    let mut large = Task::waiting(slots.acquire_many(3));
    let mut small = Task::waiting(slots.acquire_many(2));
    drop(held);
    assert!(large.is_woken() && !small.is_woken());
    slots.resize(2);
    assert!(small.is_woken());
    assert!(large.done().is_err());
    assert_eq!(small.done().unwrap().count(), 2);
    assert_eq!((slots.available_permits(), slots.waiting()), (2, 0));
}

/// A waiter that is polled for another reason does not take the word from the one that was woken.
#[test]
fn whoever_looks_first_leaves_the_rest_to_the_others() {
    let slots = barging(2);
    let held = slots.try_acquire_many(2).unwrap();
    let mut first = Task::waiting(slots.acquire());
    let mut second = Task::waiting(slots.acquire());
    drop(held);
    assert!(first.is_woken() && !second.is_woken());
    let _two = second.done();
    let _one = first.done();
    assert_eq!((slots.held(), slots.waiting()), (2, 0));
}
