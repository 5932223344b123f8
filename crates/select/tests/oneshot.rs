//! One message, once: to whom it goes, and what is left when either side goes first.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    Closed, RecvError, TryRecvError, Unsent, Wait,
    channel::{bounded, oneshot},
    thread::select,
};
use std::{thread, time::Duration};
use support::{Census, poll_once};

#[test]
fn a_thread_and_a_task_wait_for_the_one_message() {
    let (tx, rx) = oneshot();
    let waiter = thread::spawn(move || rx.wait());
    assert_eq!(tx.send(1), Ok(()));
    assert_eq!(waiter.join().unwrap(), Ok(1));

    let (tx, rx) = oneshot();
    assert_eq!(tx.send(2), Ok(()));
    assert_eq!(pollster::block_on(rx), Ok(2));
}

#[test]
fn a_sender_that_goes_without_a_message_ends_the_wait() {
    let (tx, mut rx) = oneshot::<u32>();
    assert!(poll_once(&mut rx).is_none());
    drop(tx);
    assert!(rx.is_closed());
    assert_eq!(rx.wait(), Err(Closed));
}

#[test]
fn a_message_for_a_receiver_that_is_gone_comes_back() {
    let (tx, mut rx) = oneshot();
    assert!(poll_once(&mut rx).is_none());
    assert!(!tx.is_closed());
    drop(rx);
    assert!(tx.is_closed());
    assert_eq!(tx.send(5), Err(Unsent(5)));
}

#[test]
fn a_closed_receiver_refuses_the_message_but_keeps_one_that_was_sent_before() {
    let (tx, mut rx) = oneshot();
    assert!(rx.close());
    assert_eq!(tx.send(5), Err(Unsent(5)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));

    let (tx, mut rx) = oneshot();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(tx.send(6), Ok(()));
    rx.close();
    assert_eq!(rx.try_recv(), Ok(6));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_wait_that_ran_out_of_time_leaves_the_receiver_for_another() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let _in = time.join();
    let (tx, mut rx) = oneshot();
    let second = Duration::from_secs(1);
    let ended = (&mut rx).with_cancel(&token).timeout(second).wait();
    assert!(matches!(ended, Err(RecvError::Cancelled(_))), "{ended:?}");
    assert_eq!(time.elapsed(), second);
    assert_eq!(tx.send(7), Ok(()));
    assert_eq!(rx.wait(), Ok(7));
}

#[test]
fn a_message_given_to_a_wait_that_is_taken_up_otherwise_is_not_lost() {
    let (tx, mut rx) = oneshot();
    assert!(poll_once(&mut rx).is_none());
    assert_eq!(tx.send(8), Ok(()));
    assert_eq!(rx.try_recv(), Ok(8), "by a look");

    let (tx, mut rx) = oneshot();
    assert!(poll_once(&mut rx).is_none());
    assert_eq!(tx.send(9), Ok(()));
    let got = select! { got = &mut rx => got };
    assert_eq!(got, Ok(9), "by a select");

    let (token, _time) = CancelToken::manual();
    let (tx, mut rx) = oneshot();
    let mut bounded = (&mut rx).with_cancel(&token);
    assert!(poll_once(&mut bounded).is_none());
    assert_eq!(tx.send(10), Ok(()));
    token.cancel();
    let got = poll_once(&mut bounded).expect("it was given before the token was cancelled");
    assert_eq!(got.unwrap(), 10);
}

#[test]
fn a_select_that_chose_another_arm_leaves_the_message_with_the_receiver() {
    let (tx, mut rx) = oneshot();
    let (other_tx, other) = bounded(1);
    other_tx.try_send("other").unwrap();
    assert_eq!(tx.send("answer"), Ok(()));
    select! {
        biased;
        got = other.recv() => assert_eq!(got, Ok("other")),
        _ = &mut rx => unreachable!(),
    }
    assert_eq!(rx.wait(), Ok("answer"));
}

#[test]
fn a_message_that_nobody_takes_is_dropped_once_with_its_receiver() {
    let census = Census::default();
    let (tx, rx) = oneshot();
    tx.send(census.make(0)).unwrap();
    drop(rx);

    let (tx, mut rx) = oneshot();
    assert!(poll_once(&mut rx).is_none());
    tx.send(census.make(1)).unwrap(); // given to a receiver in line
    drop(rx);

    let (tx, rx) = oneshot();
    drop(rx);
    drop(tx.send(census.make(2)));

    assert_eq!(census.made(), 3);
    census.assert_all_gone();
}
