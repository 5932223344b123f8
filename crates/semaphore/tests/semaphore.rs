//! What is free, held, handed over and given back; polled by hand.
#![cfg(not(loom))]

mod common;

use anabranch_core_cancel::Operation;
use anabranch_semaphore::{
    AcquireError, CancelToken, ExceedsCapacity, NoPermits, OwnedPermit, Permit, Semaphore,
    TryAcquireError,
};
use common::{Task, at_once, ms, poll};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    thread,
};

/// Free, held, in line, and the capacity.
#[track_caller]
fn assert_state<W>(slots: &Semaphore<W>, free: usize, held: usize, waiting: usize) {
    let state = (slots.available_permits(), slots.held(), slots.waiting());
    assert_eq!(state, (free, held, waiting), "free, held, waiting");
}

/// SM1.
#[test]
fn a_permit_is_there_as_often_as_it_was_given_back() {
    let slots = Semaphore::new(2);
    let first = slots.acquire().wait();
    let second = slots.try_acquire().unwrap();
    let none = slots.try_acquire().unwrap_err();
    assert_eq!(none.available, 0);
    drop((first, second));
    let one = slots.try_acquire().unwrap();
    let _two = at_once(slots.acquire());
    assert!(slots.try_acquire().is_err());
    assert_state(&slots, 0, 2, 0);
    drop(one);
    assert_state(&slots, 1, 1, 0);
}

/// SM1, timed.
#[test]
fn a_timed_acquire_takes_what_is_there_and_else_times_out() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let _in = time.join();
    let slots = Semaphore::new(2);
    let timed = || slots.acquire().with_cancel(&token).timeout(ms(10)).wait();
    let (one, two) = (timed().unwrap(), timed().unwrap());
    assert!(timed().unwrap_err().is_timeout());
    assert_eq!(time.elapsed(), ms(10));
    drop(two);
    let two = timed().unwrap();
    drop((one, two));
    assert_state(&slots, 2, 0, 0);
    assert_eq!(token.clock().armed_timers(), 0);
}

#[test]
fn several_permits_are_taken_at_once_or_not_at_all() {
    let slots = Semaphore::new(4);
    let three = at_once(slots.acquire_many(3)).unwrap();
    assert_eq!(three.count(), 3);
    let none = slots.try_acquire_many(2).unwrap_err();
    assert!(matches!(
        none,
        TryAcquireError::NoPermits(NoPermits { available: 1, .. })
    ));
    assert_state(&slots, 1, 3, 0);
    let one = slots.try_acquire_many(1).unwrap();
    drop(three);
    assert_eq!(slots.try_acquire_many(3).unwrap().count(), 3);
    drop(one);
    assert_state(&slots, 4, 0, 0);
}

/// SM4.
#[test]
fn more_than_the_capacity_is_an_error_at_once_and_nobody_waits_for_it() {
    let slots = Semaphore::new(2);
    let exceeds = at_once(slots.acquire_many(3)).unwrap_err();
    assert_eq!((exceeds.requested, exceeds.capacity), (3, 2));
    assert_eq!(
        exceeds.to_string(),
        "3 permits at once exceed the capacity of 2"
    );
    let error = slots.try_acquire_many(3).unwrap_err();
    assert!(matches!(error, TryAcquireError::ExceedsCapacity(_)));
    let bounded = at_once(slots.acquire_many(3).with_cancel(&CancelToken::new()));
    assert!(matches!(bounded, Err(AcquireError::ExceedsCapacity(_))));
    assert!(at_once(slots.acquire_many(usize::MAX)).is_err());
    assert!(slots.try_acquire_many(usize::MAX).is_err());
    for _ in 0..6 {
        drop(at_once(slots.acquire()));
    }
    assert_state(&slots, 2, 0, 0);
}

/// SM5 and SM14.
#[test]
fn while_somebody_waits_nobody_overtakes_even_where_there_is_enough() {
    let slots = Semaphore::new(3);
    let held = slots.try_acquire().unwrap();
    let mut large = Task::waiting(slots.acquire_many(3));
    assert_state(&slots, 0, 1, 1);
    assert_eq!(slots.try_acquire().unwrap_err().available, 0);
    assert!(slots.try_acquire_many(2).is_err());
    let mut small = Task::waiting(slots.acquire());
    assert!(
        small.poll().is_pending(),
        "two are free, and not for who looks again"
    );
    drop(held);
    assert!(large.is_woken() && !small.is_woken());
    assert!(
        slots.try_acquire().is_err(),
        "what was given back belongs to the large one"
    );
    assert!(small.poll().is_pending());
    drop(large.done());
    assert!(small.is_woken());
    drop(small.done());
    assert_state(&slots, 3, 0, 0);
}

#[test]
fn who_barges_by_name_takes_what_is_free_past_those_who_wait() {
    let slots = Semaphore::new(3);
    let held = slots.try_acquire().unwrap();
    let mut large = Task::waiting(slots.acquire_many(3));
    let little = slots.try_acquire_barging().unwrap();
    assert!(slots.try_acquire_many_barging(2).is_err());
    drop(held);
    assert!(large.poll().is_pending());
    drop(little);
    let all = large.done().unwrap();
    assert_eq!(all.count(), 3);
    assert!(slots.try_acquire_barging().is_err());
}

/// SM14 and SM19.
#[test]
fn what_was_handed_over_belongs_to_the_waiter_before_it_runs() {
    let slots = Semaphore::new(1);
    let held = slots.try_acquire().unwrap();
    let mut line = [(); 3].map(|()| Task::waiting(slots.acquire()));
    let mut next = held;
    for waiter in &mut line {
        drop(next);
        assert!(waiter.is_woken());
        // Nobody can steal it, whatever the name.
        assert!(slots.try_acquire().is_err() && slots.try_acquire_barging().is_err());
        assert_eq!(slots.held(), 1);
        next = waiter.done();
        assert_eq!(waiter.wakes(), 1);
    }
    drop(next);
    assert_state(&slots, 1, 0, 0);
}

/// X10: ten thousand grants among five who come again and again.
#[test]
fn those_who_come_again_and_again_are_served_in_turn() {
    let slots = Semaphore::new(2);
    let mut held: VecDeque<_> = (0..2).map(|_| slots.try_acquire().unwrap()).collect();
    let mut line: VecDeque<_> = (0..5)
        .map(|who| (who, Task::waiting(slots.acquire())))
        .collect();
    let mut served = [0; 5];
    for _ in 0..10_000 {
        drop(held.pop_front());
        let (who, mut waiter) = line.pop_front().unwrap();
        held.push_back(waiter.done());
        served[who] += 1;
        line.push_back((who, Task::waiting(slots.acquire())));
    }
    assert_eq!(served, [2_000; 5]);
}

/// X2: the large one, wherever it stands, and those behind it that fit.
#[test]
fn when_the_head_of_the_line_goes_all_who_fit_now_are_served() {
    let slots = Semaphore::new(3);
    let _held = slots.try_acquire().unwrap();
    let large = Task::waiting(slots.acquire_many(3));
    let mut small = [1, 1, 1].map(|n| Task::waiting(slots.acquire_many(n)));
    drop(large);
    assert_eq!(
        small.each_ref().map(|waiter| waiter.is_woken()),
        [true, true, false]
    );
    let _permits = [small[0].done().unwrap(), small[1].done().unwrap()];
    assert!(small[2].poll().is_pending());
    assert_state(&slots, 0, 3, 1);
}

/// SM15.
#[test]
fn a_waiter_that_goes_from_the_middle_wakes_nobody_and_leaves_no_trace() {
    let slots = Semaphore::new(2);
    let held = slots.try_acquire_many(1).unwrap();
    let mut first = Task::waiting(slots.acquire_many(2));
    let second = Task::waiting(slots.acquire());
    let third = Task::waiting(slots.acquire());
    drop(second);
    assert!(!first.is_woken() && !third.is_woken());
    assert_state(&slots, 0, 1, 2);
    drop(third);
    assert_state(&slots, 0, 1, 1);
    drop(held);
    drop(first.done());
    assert_state(&slots, 2, 0, 0);
}

/// SM20: granted, and dropped before it looked.
#[test]
fn a_permit_granted_to_a_waiter_that_is_dropped_goes_to_the_next_or_back() {
    let slots = Semaphore::new(2);
    let held = slots.try_acquire_many(2).unwrap();
    let first = Task::waiting(slots.acquire_many(2));
    let mut second = Task::waiting(slots.acquire());
    let third = Task::waiting(slots.acquire());
    drop(held);
    assert!(first.is_woken() && !second.is_woken());
    drop(first);
    assert!(second.is_woken() && third.is_woken());
    drop(third);
    drop(second.done());
    assert_state(&slots, 2, 0, 0);
}

/// SM7.
#[test]
fn a_token_that_is_cancelled_already_wins_over_a_free_permit() {
    let slots = Arc::new(Semaphore::new(2));
    let token = CancelToken::new();
    token.cancel();
    assert!(at_once(slots.acquire().with_cancel(&token)).is_err());
    assert!(at_once(slots.acquire_owned().with_cancel(&token)).is_err());
    let many = at_once(slots.acquire_many(2).with_cancel(&token));
    assert!(matches!(many, Err(AcquireError::Cancelled(_))));
    assert_eq!(slots.try_acquire_many(2).unwrap().count(), 2);
}

/// SM7 and SM11: cancelled before enough was there, and what there was is not leaked.
#[test]
fn a_cancelled_or_timed_out_wait_has_taken_nothing() {
    let (token, time) = CancelToken::manual();
    let slots = Semaphore::new(2);
    let held = slots.try_acquire().unwrap();
    let call = token.child();
    let mut cancelled = Task::waiting(slots.acquire_many(2).with_cancel(&call));
    call.cancel_with("enough");
    let Err(AcquireError::Cancelled(why)) = cancelled.done() else {
        panic!("it was cancelled");
    };
    assert_eq!(why.cause().unwrap().to_string(), "enough");
    let mut late = Task::waiting(slots.acquire_many(2).with_cancel(&token).timeout(ms(10)));
    let mut next = Task::waiting(slots.acquire());
    time.advance(ms(10));
    assert!(late.is_woken());
    let Err(AcquireError::Cancelled(why)) = late.done() else {
        panic!("it timed out");
    };
    assert!(why.is_timeout());
    assert!(next.is_woken(), "the one that is free is for it");
    drop(next.done());
    drop(held);
    assert_eq!(slots.try_acquire_many(2).unwrap().count(), 2);
    assert_eq!(token.clock().armed_timers(), 0);
}

#[test]
fn a_permit_that_was_handed_over_wins_over_a_cancellation_that_comes_after() {
    let slots = Semaphore::new(1);
    let token = CancelToken::new();
    let held = slots.try_acquire().unwrap();
    let mut waiter = Task::waiting(slots.acquire().with_cancel(&token));
    drop(held);
    token.cancel();
    assert_eq!(waiter.done().unwrap().count(), 1);
    drop(waiter);
    assert_state(&slots, 1, 0, 0);
}

/// The end of a bounded wait that comes after the hand-over and before the next look.
#[test]
fn ending_a_wait_that_was_served_yields_its_permits_and_else_the_reason() {
    let slots = Arc::new(Semaphore::new(2));
    let token = CancelToken::new();
    token.cancel();
    let why = || token.reason().unwrap();
    let mut held = slots.try_acquire_many(2).unwrap();
    let mut one = Task::waiting(slots.acquire());
    let mut many = Task::waiting(slots.acquire_many(1));
    let mut owned = Task::waiting(slots.acquire_owned());
    let mut many_owned = Task::waiting(slots.acquire_many_owned(1));
    drop(held.split(1));
    drop(held);
    let one = Pin::new(&mut one.future).end(why()).unwrap();
    let many = Pin::new(&mut many.future).end(why()).unwrap();
    assert!(Pin::new(&mut owned.future).end(why()).is_err());
    drop(one);
    let many_owned = Pin::new(&mut many_owned.future).end(why()).unwrap();
    assert_eq!((many.count(), many_owned.count()), (1, 1));
    assert_state(&slots, 0, 2, 0);
}

#[test]
fn a_wait_that_timed_out_keeps_its_operation_for_another_try() {
    let (token, time) = CancelToken::manual();
    let slots = Semaphore::new(1);
    let held = slots.try_acquire().unwrap();
    let mut acquire = slots.acquire();
    {
        use anabranch_semaphore::Wait;
        let mut first = Task::waiting((&mut acquire).with_cancel(&token).timeout(ms(1)));
        time.advance(ms(1));
        assert!(first.done().is_err());
    }
    assert_eq!(slots.waiting(), 0);
    let mut again = Task::waiting(acquire);
    drop(held);
    drop(again.done());
}

/// SM9.
#[test]
fn none_at_all_pass_at_once_whoever_waits() {
    let slots = Semaphore::new(0);
    let _waits = Task::waiting(slots.acquire());
    assert_eq!(at_once(slots.acquire_many(0)).unwrap().count(), 0);
    assert_eq!(slots.try_acquire_many(0).unwrap().count(), 0);
    let mut none = slots.try_acquire_many(0).unwrap();
    assert_eq!(none.split(0).unwrap().count(), 0);
    none.forget();
    assert_eq!((slots.capacity(), slots.waiting()), (0, 1));
}

/// SM13.
#[test]
fn permits_come_back_however_the_scope_ends() {
    let slots = Semaphore::new(1);
    let returns = || -> Result<(), NoPermits> {
        let _one = slots.try_acquire()?;
        let _two = slots.try_acquire()?;
        Ok(())
    };
    assert!(returns().is_err());
    assert_eq!(slots.available_permits(), 1);
    let panics = catch_unwind(AssertUnwindSafe(|| {
        let _permit = slots.try_acquire().unwrap();
        panic!("inside");
    }));
    assert!(panics.is_err());
    assert_eq!(slots.available_permits(), 1);
    let mut future = Box::pin(async {
        let _permit = slots.acquire().await;
        std::future::pending::<()>().await;
    });
    assert!(poll(&mut future).is_pending());
    assert_eq!(slots.available_permits(), 0);
    drop(future);
    assert_eq!(slots.available_permits(), 1);
}

/// SM23.
#[test]
fn permits_are_split_and_merged_and_their_sum_stays() {
    let slots = Semaphore::new(5);
    let mut all = slots.try_acquire_many(5).unwrap();
    let mut two = all.split(2).unwrap();
    assert!(all.split(4).is_none());
    assert_eq!((all.count(), two.count()), (3, 2));
    let one = two.split(1).unwrap();
    drop(two);
    assert_eq!(slots.available_permits(), 1);
    all.merge(one);
    assert_eq!((all.count(), slots.available_permits()), (4, 1));
    let mut all_of_it = all.split(4).unwrap();
    assert_eq!(all.count(), 0);
    all_of_it.merge(all);
    drop(all_of_it);
    assert_state(&slots, 5, 0, 0);
}

/// SM23, owned.
#[test]
fn owned_permits_keep_their_semaphore_and_go_to_other_threads() {
    let slots = Arc::new(Semaphore::new(3));
    let mut two: OwnedPermit = slots.acquire_many_owned(2).wait().unwrap();
    let mut one = slots.try_acquire_owned().unwrap();
    assert!(slots.try_acquire_owned().is_err());
    assert!(slots.try_acquire_many_owned(1).is_err());
    one.merge(two.split(1).unwrap());
    assert_eq!((one.count(), two.count()), (2, 1));
    assert!(Arc::ptr_eq(one.semaphore(), &slots));
    let weak = Arc::downgrade(&slots);
    let mut waits = Task::waiting(slots.acquire_owned());
    drop(slots);
    thread::spawn(move || drop(one)).join().unwrap();
    let last = waits.done();
    assert_eq!(weak.upgrade().unwrap().held(), 2);
    drop((last, two, waits));
    assert!(weak.upgrade().is_none());
}

#[test]
fn merging_the_permits_of_two_semaphores_panics_and_gives_them_back() {
    let (here, there) = (Semaphore::new(1), Semaphore::new(1));
    let mut permit = here.try_acquire().unwrap();
    let other = there.try_acquire().unwrap();
    let merged = catch_unwind(AssertUnwindSafe(|| permit.merge(other)));
    assert!(merged.is_err());
    assert_eq!((permit.count(), there.available_permits()), (1, 1));
}

/// SM23: forgotten permits lower the size for good.
#[test]
fn forgotten_permits_are_gone_until_a_resize() {
    let slots = Semaphore::new(3);
    let mut two = slots.try_acquire_many(2).unwrap();
    two.split(1).unwrap().forget();
    assert_eq!(slots.capacity(), 2);
    assert_state(&slots, 1, 1, 0);
    let mut large = Task::waiting(slots.acquire_many(2));
    let mut small = Task::waiting(slots.acquire());
    two.forget();
    let ExceedsCapacity {
        requested,
        capacity,
        ..
    } = large.done().unwrap_err();
    assert_eq!((requested, capacity), (2, 1));
    drop(small.done());
    assert_state(&slots, 1, 0, 0);
    slots.resize(3);
    assert_state(&slots, 3, 0, 0);
}

#[test]
fn forgotten_permits_pay_back_what_the_capacity_is_short_of() {
    let slots = Semaphore::new(8);
    let mut eight = slots.try_acquire_many(8).unwrap();
    slots.resize(2);
    eight.split(5).unwrap().forget();
    assert_eq!((slots.capacity(), slots.held()), (0, 3));
    slots.resize(4);
    assert_state(&slots, 1, 3, 0);
    drop(eight);
    assert_state(&slots, 4, 0, 0);
}

#[test]
fn a_semaphore_of_none_lets_a_plain_acquire_wait_and_refuses_one_with_a_result() {
    let slots = Semaphore::new(0);
    assert!(at_once(slots.acquire_many(1)).is_err());
    let mut waits = Task::waiting(slots.acquire());
    slots.resize(1);
    drop(waits.done());
    assert_state(&slots, 1, 0, 0);
}

#[test]
#[should_panic(expected = "MAX_PERMITS")]
fn more_permits_than_there_can_be_are_refused_with_a_panic() {
    let _too_many = Semaphore::new(Semaphore::MAX_PERMITS + 1);
}

#[test]
fn the_most_permits_there_can_be_are_counted_exactly() {
    let slots = Semaphore::new(Semaphore::MAX_PERMITS);
    let all = slots.try_acquire_many(Semaphore::MAX_PERMITS).unwrap();
    assert_state(&slots, 0, Semaphore::MAX_PERMITS, 0);
    slots.resize(0);
    assert_eq!(
        (slots.capacity(), slots.held()),
        (0, Semaphore::MAX_PERMITS)
    );
    drop(all);
    assert_state(&slots, 0, 0, 0);
    slots.resize(Semaphore::MAX_PERMITS);
    assert_eq!(slots.available_permits(), Semaphore::MAX_PERMITS);
}

/// SM8: nothing but a guard gives permits back, so no more can come back than were taken.
#[test]
fn what_crosses_threads_can() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}
    is_send::<Permit<'static>>();
    is_sync::<Permit<'static>>();
    is_send::<OwnedPermit>();
    is_sync::<Semaphore>();
    is_send::<anabranch_semaphore::ops::Acquire<'static>>();
    is_send::<anabranch_semaphore::ops::AcquireManyOwned>();
    is_send::<AcquireError>();
    is_sync::<AcquireError>();
}

#[test]
fn what_is_printed_says_what_it_is() {
    let slots = Semaphore::new(2);
    let permit = slots.try_acquire().unwrap();
    assert_eq!(format!("{permit:?}"), "Permit { count: 1, .. }");
    assert_eq!(
        format!("{slots:?}"),
        "Semaphore { available_permits: 1, capacity: 2, .. }"
    );
    let waits = Task::waiting(slots.acquire_many(2));
    assert_eq!(
        format!("{:?}", waits.future),
        "AcquireMany { permits: 2, in_line: true, .. }"
    );
}

#[test]
#[should_panic(expected = "polled after it has finished")]
fn an_owned_acquire_is_not_polled_after_it_has_finished() {
    let slots = Arc::new(Semaphore::new(2));
    let mut acquire = slots.acquire_owned();
    assert!(poll(&mut acquire).is_ready());
    let _ = poll(&mut acquire);
}
