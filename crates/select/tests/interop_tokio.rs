//! tokio's channels as ours, and ours as tokio's: nothing lost, in order, and no task left behind.
#![cfg(all(feature = "tokio", not(any(loom, shuttle))))]

mod support;

use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    Closed, RecvError, channel,
    interop::tokio::{Incoming, outgoing},
    task, thread as threads,
};
use std::{thread, time::Duration};
use support::{Census, poll_once};
use tokio::sync::mpsc;

#[test]
fn a_thread_receives_from_tokio_in_order_without_a_runtime() {
    let (tx, rx) = mpsc::channel(8);
    let mut incoming = Incoming::from(rx);
    let sender = thread::spawn(move || (0..10_000).for_each(|n| tx.blocking_send(n).unwrap()));
    for n in 0..10_000 {
        assert_eq!(incoming.recv().wait(), Ok(n));
    }
    assert_eq!(incoming.recv().wait(), Err(Closed));
    sender.join().unwrap();
}

#[test]
fn an_unbounded_one_and_a_closed_one_are_received_to_the_end() {
    let (tx, rx) = mpsc::unbounded_channel();
    let mut incoming = Incoming::from(rx);
    tx.send(1).unwrap();
    incoming.close();
    assert!(tx.send(2).is_err());
    assert_eq!(incoming.recv().wait(), Ok(1));
    assert_eq!(incoming.recv().wait(), Err(Closed));
}

#[test]
fn a_wait_for_tokio_ends_with_a_token_and_a_time_and_takes_nothing() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let _in = time.join();
    let (tx, rx) = mpsc::channel(1);
    let mut incoming = Incoming::from(rx);
    let second = Duration::from_secs(1);
    let ended = incoming.recv().with_cancel(&token).timeout(second).wait();
    assert!(matches!(ended, Err(RecvError::Cancelled(_))));
    assert_eq!(time.elapsed(), second);
    tx.try_send(1).unwrap();
    token.cancel();
    assert!(incoming.recv().with_cancel(&token).wait().is_err());
    assert_eq!(incoming.recv().wait(), Ok(1));
}

#[test]
fn an_arm_that_lost_leaves_the_message_with_tokio() {
    let (tx, rx) = mpsc::channel(1);
    tx.try_send(1).unwrap();
    let mut incoming = Incoming::from(rx);
    let (other_tx, other) = channel::bounded(1);
    other_tx.try_send(()).unwrap();
    threads::select! {
        biased;
        _ = other.recv() => {}
        _ = incoming.recv() => unreachable!(),
    }
    assert_eq!(incoming.recv().wait(), Ok(1));
}

#[test]
fn a_message_that_comes_while_a_select_waits_wakes_it() {
    let (tx, rx) = mpsc::channel(1);
    let mut incoming = Incoming::from(rx);
    let (_silent, other) = channel::bounded::<u32>(1);
    let waiter = thread::spawn(move || {
        threads::select! {
            got = incoming.recv() => got,
            got = other.recv() => got,
        }
    });
    tx.blocking_send(5).unwrap();
    assert_eq!(waiter.join().unwrap(), Ok(5));
}

#[tokio::test]
async fn every_message_goes_out_in_order_and_then_the_end() {
    let (tx, rx) = channel::bounded(8);
    let mut theirs = outgoing(rx, 4);
    let sender = thread::spawn(move || tx.send_all(0..10_000).wait().unwrap());
    for n in 0..10_000 {
        assert_eq!(theirs.recv().await, Some(n));
    }
    assert_eq!(theirs.recv().await, None);
    sender.join().unwrap();
}

#[tokio::test]
async fn a_task_in_between_holds_no_message_and_ends_with_either_side() {
    let census = Census::default();
    let (tx, rx) = channel::unbounded();
    (0..10).for_each(|n| tx.try_send(census.make(n)).unwrap());
    let mut theirs = outgoing(rx.clone(), 1);
    assert_eq!(theirs.recv().await.unwrap().1, 0);
    theirs.close(); // nothing more is taken; what was under way is still received
    let mut received = 1;
    while theirs.recv().await.is_some() {
        received += 1;
    }
    while tx.stats().receivers > 1 {
        tokio::task::yield_now().await; // until the task has ended
    }
    assert_eq!(rx.len(), 10 - received, "the rest is where it was");
    drop((theirs, rx));
    census.assert_all_gone();

    // While it waits for a message.
    let (tx, rx) = channel::unbounded::<u32>();
    let theirs = outgoing(rx, 1);
    while tx.stats().waiting_receivers == 0 {
        tokio::task::yield_now().await;
    }
    drop(theirs);
    while !tx.is_closed() {
        tokio::task::yield_now().await;
    }
    assert_eq!(tx.stats().receivers, 0);
}

#[tokio::test]
async fn a_task_selects_over_both_kinds() {
    let (tx, rx) = mpsc::channel(1);
    let mut incoming = Incoming::from(rx);
    let (_silent, other) = channel::bounded::<u32>(1);
    tx.send(3).await.unwrap();
    let got = task::select! {
        got = incoming.recv() => got,
        got = other.recv() => got,
    };
    assert_eq!(got, Ok(3));
    assert!(poll_once(&mut incoming.recv()).is_none());
}
