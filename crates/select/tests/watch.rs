//! The latest value: what is news to whom, and that no lock is held while somebody looks at it.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    Closed, RecvError, Unsent,
    channel::{bounded, watch},
    thread::select,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
    time::Duration,
};
use support::{Census, Count, poll_once, until};

#[test]
fn the_first_value_is_no_news_and_several_changes_are_one() {
    let (tx, mut rx) = watch(0);
    assert!(!rx.has_changed());
    assert!(poll_once(&mut rx.changed()).is_none());
    for n in 1..=3 {
        tx.send(n).unwrap();
    }
    assert!(rx.has_changed());
    assert_eq!(*rx.changed().wait().unwrap(), 3);
    assert!(poll_once(&mut rx.changed()).is_none());
}

#[test]
fn every_receiver_that_waits_is_woken_once_and_sees_the_change() {
    let (tx, rx) = watch(0);
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let mut rx = rx.clone();
            thread::spawn(move || *rx.changed().wait().unwrap())
        })
        .collect();
    until(|| tx.waiting() == 4);
    tx.send(7).unwrap();
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap(), 7);
    }
    assert_eq!(tx.waiting(), 0);
}

#[test]
fn the_last_value_is_seen_before_the_end() {
    let (tx, mut rx) = watch("a");
    let second = tx.clone();
    drop(tx);
    assert!(!rx.is_closed());
    second.send("b").unwrap();
    drop(second);
    assert!(rx.is_closed());
    assert_eq!(*rx.changed().wait().unwrap(), "b");
    assert_eq!(rx.changed().wait(), Err(Closed));
    assert_eq!(*rx.latest(), "b");
}

#[test]
fn the_last_sender_wakes_whoever_waits() {
    let (tx, mut rx) = watch(0);
    let waiter = thread::spawn(move || rx.changed().wait());
    until(|| tx.waiting() == 1);
    drop(tx);
    assert_eq!(waiter.join().unwrap(), Err(Closed));
}

#[test]
fn a_value_that_nobody_would_see_comes_back_unless_it_is_to_replace_the_old_in_any_case() {
    let (tx, rx) = watch(1);
    drop(rx);
    assert_eq!(tx.send(2), Err(Unsent(2)));
    assert_eq!(*tx.latest(), 1);
    assert_eq!(*tx.send_replace(3), 1);
    let mut late = tx.subscribe();
    assert_eq!(*late.latest(), 3);
    assert!(!late.has_changed(), "known when it subscribed");
    tx.send(4).unwrap();
    assert_eq!(*late.changed().wait().unwrap(), 4);
    assert_eq!(tx.receivers(), 1);
}

#[test]
fn a_clone_has_seen_what_the_original_has_and_goes_its_own_way() {
    let (tx, mut rx) = watch(0);
    tx.send(1).unwrap();
    let mut clone = rx.clone();
    assert_eq!(*rx.changed().wait().unwrap(), 1);
    assert!(clone.has_changed());
    assert_eq!(*clone.see_latest(), 1);
    assert!(!clone.has_changed());
    assert_eq!(tx.receivers(), 2);
}

#[test]
fn a_look_leaves_the_news_and_a_wait_that_lost_has_seen_nothing() {
    let (tx, mut rx) = watch(0);
    tx.send(1).unwrap();
    assert_eq!(*rx.latest(), 1);
    let (other_tx, other) = bounded(1);
    other_tx.try_send(()).unwrap();
    select! {
        biased;
        _ = other.recv() => {}
        _ = rx.changed() => unreachable!(),
    }
    // Told of it while it waited, and dropped before it looked.
    {
        let mut changed = rx.changed();
        assert_eq!(*poll_once(&mut changed).unwrap().unwrap(), 1);
        assert!(poll_once(&mut changed).is_none());
        tx.send(2).unwrap();
    }
    assert!(rx.has_changed());
    assert_eq!(*rx.changed().wait().unwrap(), 2);
}

#[test]
fn a_change_that_came_before_the_cancellation_wins_and_is_seen_once() {
    let (token, _time) = CancelToken::manual();
    let (tx, mut rx) = watch(0);
    let mut changed = rx.changed().with_cancel(&token);
    assert!(poll_once(&mut changed).is_none());
    tx.send(1).unwrap();
    token.cancel();
    assert_eq!(*poll_once(&mut changed).unwrap().unwrap(), 1);
    drop(changed);
    assert!(!rx.has_changed());
    let ended = rx.changed().with_cancel(&token).wait();
    assert!(matches!(ended, Err(RecvError::Cancelled(_))));
    assert_eq!(tx.waiting(), 0);
}

#[test]
fn a_timeout_leaves_no_place_in_line() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let _in = time.join();
    let (tx, mut rx) = watch(0);
    let limit = Duration::from_secs(9);
    assert!(
        rx.changed()
            .with_cancel(&token)
            .timeout(limit)
            .wait()
            .is_err()
    );
    assert_eq!(time.elapsed(), limit);
    assert_eq!(tx.waiting(), 0);
}

#[test]
fn a_snapshot_may_be_kept_while_the_value_changes_and_while_one_sends() {
    let (tx, mut rx) = watch(vec![1]);
    let held = rx.latest();
    tx.send(vec![2]).unwrap();
    let newer = rx.changed().wait().unwrap();
    tx.send_modify(|list| {
        // Whatever is called from here finds no lock held.
        list.push(tx.latest().len() + rx.latest().len());
        assert_eq!(tx.receivers(), 1);
    });
    assert_eq!((&*held, &*newer), (&vec![1], &vec![2]));
    assert_eq!(*rx.latest(), [2, 2]);
}

#[test]
fn no_change_of_concurrent_senders_is_lost() {
    const EACH: u64 = 2_000;
    let (tx, rx) = watch(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            let tx = tx.clone();
            scope.spawn(move || (0..EACH).for_each(|_| drop(tx.send_modify(|n| *n += 1))));
        }
    });
    assert_eq!(*rx.latest(), 4 * EACH);
}

#[test]
fn a_panic_while_the_value_is_modified_changes_nothing() {
    let (tx, rx) = watch(1);
    let panic = catch_unwind(AssertUnwindSafe(|| tx.send_modify(|_| panic!("no")))).map(drop);
    assert!(panic.is_err());
    assert_eq!(*rx.latest(), 1);
    assert!(!rx.has_changed());
    tx.send(2).unwrap();
    assert_eq!(*rx.latest(), 2);
}

#[test]
fn every_value_is_dropped_once() {
    let census = Census::default();
    let (tx, mut rx) = watch(census.make(0));
    tx.send(census.make(1)).unwrap();
    let seen = rx.changed().wait().unwrap();
    drop(tx.send_replace(census.make(2)));
    assert_eq!(census.dropped(), 1, "one is held by who saw it");
    drop((seen, rx));
    drop(tx.send(census.make(3)));
    drop(tx);
    assert_eq!(census.made(), 4);
    census.assert_all_gone();
}

#[test]
fn a_wait_that_moves_to_another_task_wakes_the_new_one() {
    let (tx, mut rx) = watch(0);
    let ((old, old_waker), (new, new_waker)) = (Count::new(), Count::new());
    let mut changed = rx.changed();
    for waker in [&old_waker, &new_waker] {
        let poll = Pin::new(&mut changed).poll(&mut Context::from_waker(waker));
        assert!(poll.is_pending());
    }
    tx.send(1).unwrap();
    assert_eq!((old.get(), new.get()), (0, 1));
}

#[test]
fn an_operation_that_is_kept_waits_anew_after_each_change() {
    let (tx, mut rx) = watch(0);
    let (count, waker) = Count::new();
    let mut changed = rx.changed();
    let mut poll = || Pin::new(&mut changed).poll(&mut Context::from_waker(&waker));
    for n in 1..=3 {
        assert!(poll().is_pending());
        tx.send(n).unwrap();
        assert_eq!(count.get(), n);
        assert_eq!(poll(), Poll::Ready(Ok(Arc::new(n))));
    }
    assert_eq!(tx.waiting(), 0);
}

#[test]
fn readers_never_see_the_value_go_back() {
    let (tx, rx) = watch(0_u32);
    thread::scope(|scope| {
        for _ in 0..3 {
            let mut rx = rx.clone();
            scope.spawn(move || {
                let mut last = 0;
                while let Ok(value) = rx.changed().wait() {
                    assert!(*value > last, "{value} after {last}");
                    last = *value;
                }
                assert_eq!(last, 10_000);
            });
        }
        (1..=10_000).for_each(|n| tx.send(n).unwrap());
        let last: Arc<u32> = tx.latest();
        drop(tx);
        assert_eq!(*last, 10_000);
    });
}
