//! Waits that are given up: by time, by a token, by a drop. They leave no ghost in line, and a
//! message is sent, received, or back where it came from.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::{CancelToken, Wait};
use anabranch_select::{
    Closed, RecvError, SendError,
    channel::{bounded, rendezvous, unbounded},
};
use std::{thread, time::Duration};
use support::{poll_once, until};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_receive_whose_time_is_up_leaves_no_ghost_in_line() {
    let (token, time) = CancelToken::manual();
    let (tx, rx) = bounded(1);
    let waiting = time.spawn({
        let (rx, token) = (rx.clone(), token.clone());
        move || rx.recv().with_cancel(&token).timeout(SECOND).wait()
    });
    time.settle();
    assert_eq!(rx.stats().waiting_receivers, 1);
    time.advance(SECOND - Duration::from_nanos(1));
    assert_eq!(rx.stats().waiting_receivers, 1);
    time.advance(Duration::from_nanos(1));
    assert!(matches!(
        waiting.join().unwrap(),
        Err(RecvError::Cancelled(_))
    ));
    assert_eq!(rx.stats().waiting_receivers, 0);
    assert_eq!(tx.try_send(1), Ok(()), "into the buffer");
    assert_eq!(rx.try_recv(), Ok(1));
}

#[test]
fn a_send_whose_time_is_up_gives_its_message_back_and_leaves_no_ghost_in_line() {
    let (token, time) = CancelToken::manual();
    let (tx, rx) = bounded(1);
    tx.try_send(1).unwrap();
    let waiting = time.spawn({
        let (tx, token) = (tx.clone(), token.clone());
        move || tx.send(2).with_cancel(&token).timeout(SECOND).wait()
    });
    time.settle();
    assert_eq!(rx.stats().waiting_senders, 1);
    time.advance(SECOND);
    let back = waiting.join().unwrap().unwrap_err();
    assert!(matches!(&back, SendError::Cancelled { .. }));
    assert_eq!(back.into_inner(), 2);
    assert_eq!(rx.stats().waiting_senders, 0);
    assert!(rx.try_iter().eq([1]));
}

#[test]
fn a_token_that_is_cancelled_ends_senders_and_receivers_that_wait() {
    let root = CancelToken::new();
    let (tx, rx) = rendezvous::<u32>();
    let (full, _keep) = bounded(0);
    let receivers: Vec<_> = (0..2)
        .map(|_| {
            let (rx, token) = (rx.clone(), root.child());
            thread::spawn(move || rx.recv().with_cancel(&token).wait().is_err())
        })
        .collect();
    let senders: Vec<_> = (0..2)
        .map(|n| {
            let (full, token) = (full.clone(), root.child());
            thread::spawn(move || {
                full.send(n)
                    .with_cancel(&token)
                    .wait()
                    .unwrap_err()
                    .into_inner()
                    == n
            })
        })
        .collect();
    until(|| rx.stats().waiting_receivers == 2 && full.stats().waiting_senders == 2);
    root.cancel();
    assert!(
        receivers
            .into_iter()
            .chain(senders)
            .all(|t| t.join().unwrap())
    );
    assert_eq!(
        (rx.stats().waiting_receivers, full.stats().waiting_senders),
        (0, 0)
    );
    drop(tx);
}

#[test]
fn a_token_cancelled_before_wins_over_a_message_that_is_ready_and_takes_nothing() {
    let token = CancelToken::new();
    token.cancel();
    let (tx, rx) = bounded(2);
    tx.try_send(1).unwrap();
    assert!(matches!(
        rx.recv().with_cancel(&token).wait(),
        Err(RecvError::Cancelled(_))
    ));
    assert_eq!(
        tx.send(2)
            .with_cancel(&token)
            .wait()
            .unwrap_err()
            .into_inner(),
        2
    );
    assert!(rx.try_iter().eq([1]));
}

#[test]
fn a_message_given_before_the_cancel_wins_over_it() {
    let token = CancelToken::new();
    let (tx, rx) = unbounded();
    let mut waiting = rx.recv().with_cancel(&token);
    assert!(poll_once(&mut waiting).is_none());
    tx.try_send(1).unwrap();
    token.cancel();
    assert_eq!(waiting.wait().unwrap(), 1);

    let token = CancelToken::new();
    let (tx, rx) = rendezvous();
    let mut waiting = tx.send(2).with_cancel(&token);
    assert!(poll_once(&mut waiting).is_none());
    assert_eq!(rx.try_recv(), Ok(2));
    token.cancel();
    assert!(waiting.wait().is_ok(), "it was taken");
}

#[test]
fn a_close_before_the_cancel_wins_over_it() {
    let token = CancelToken::new();
    let (tx, rx) = rendezvous();
    let mut send = tx.send(1).with_cancel(&token);
    assert!(poll_once(&mut send).is_none());
    rx.close();
    token.cancel();
    assert!(matches!(send.wait(), Err(SendError::Closed(1))));
    let token = CancelToken::new();
    let (tx, rx) = rendezvous::<u32>();
    let mut recv = rx.recv().with_cancel(&token);
    assert!(poll_once(&mut recv).is_none());
    drop(tx);
    token.cancel();
    assert!(matches!(recv.wait(), Err(RecvError::Closed(Closed))));
}

#[test]
fn counts_go_back_to_zero_after_a_thousand_waits_given_up() {
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    let (_keep, empty) = bounded::<u32>(1);
    for n in 0..1_000 {
        let mut send = tx.send(n);
        let mut recv = empty.recv();
        assert!(poll_once(&mut send).is_none() && poll_once(&mut recv).is_none());
        if n % 2 == 0 {
            assert_eq!(
                send.timeout(Duration::ZERO)
                    .wait()
                    .unwrap_err()
                    .into_inner(),
                n
            );
            assert!(recv.timeout(Duration::ZERO).wait().is_err());
        }
    }
    let (full, empty) = (rx.stats(), empty.stats());
    assert_eq!((full.waiting_senders, full.len, full.peak), (0, 1, 1));
    assert_eq!((empty.waiting_receivers, empty.len), (0, 0));
}

#[test]
fn an_operation_that_was_lent_to_a_bound_may_be_tried_again() {
    let (tx, rx) = unbounded();
    let (mut kept, mut later) = (rx.recv(), rx.recv());
    let mut bounded = Wait::timeout(&mut kept, Duration::MAX);
    assert!(poll_once(&mut bounded).is_none());
    assert!(poll_once(&mut later).is_none());
    let _loan = bounded.into_inner();
    tx.try_send(1).unwrap();
    assert_eq!(poll_once(&mut kept), Some(Ok(1)), "it stayed first in line");
    assert!(poll_once(&mut later).is_none());

    let token = CancelToken::new();
    token.cancel();
    assert!(Wait::with_cancel(&mut later, &token).wait().is_err());
    assert_eq!(rx.stats().waiting_receivers, 0);
    tx.try_send(2).unwrap();
    assert_eq!(later.wait(), Ok(2), "the same operation, in line anew");
}

#[test]
fn a_message_in_a_slot_stays_there_until_it_is_sent() {
    let (tx, rx) = bounded(1);
    let mut slot = Some(1);
    assert_eq!(tx.send_from(&mut slot).wait(), Ok(()));
    assert_eq!(slot, None);

    slot = Some(2);
    assert!(
        tx.send_from(&mut slot)
            .timeout(Duration::ZERO)
            .wait()
            .is_err()
    );
    assert_eq!(slot, Some(2), "its time was up");

    let mut dropped = tx.send_from(&mut slot);
    assert!(poll_once(&mut dropped).is_none());
    assert_eq!(tx.stats().waiting_senders, 1);
    drop(dropped);
    assert_eq!(
        (slot, tx.stats().waiting_senders),
        (Some(2), 0),
        "it was dropped"
    );

    let mut taken = tx.send_from(&mut slot);
    assert!(poll_once(&mut taken).is_none());
    assert!(rx.try_iter().eq([1, 2]));
    drop(taken);
    assert_eq!(slot, None, "it was taken");

    slot = Some(3);
    tx.try_send(0).unwrap();
    let mut refused = tx.send_from(&mut slot);
    assert!(poll_once(&mut refused).is_none());
    rx.close();
    assert_eq!(poll_once(&mut refused), Some(Err(Closed)));
    drop(refused);
    assert_eq!(slot, Some(3), "the channel closed");
}

#[test]
#[should_panic(expected = "the slot is empty")]
fn a_send_from_an_empty_slot_panics() {
    let (tx, _rx) = bounded::<u32>(1);
    drop(tx.send_from(&mut None));
}
