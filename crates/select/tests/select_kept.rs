//! Operations that outlive a select: lent to it by `&mut` and kept for the next, or left behind by
//! one that was dropped half-way.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    TryRecvError,
    channel::{rendezvous, unbounded},
    thread::select,
};
use support::poll_once;

#[test]
fn a_message_given_to_a_kept_receive_before_the_select_is_not_lost_when_another_arm_is_chosen() {
    // The select withdrew an arm it had not even asked, and threw away what that one had been given.
    let (tx, rx) = unbounded();
    let (other_tx, other) = unbounded();
    let mut kept = rx.recv();
    assert!(poll_once(&mut kept).is_none());
    tx.try_send(1).unwrap(); // goes to `kept`
    other_tx.try_send(2).unwrap();
    select! {
        biased;
        got = other.recv() => assert_eq!(got, Ok(2)),
        _ = &mut kept => unreachable!("asked before its turn"),
    }
    assert_eq!(kept.wait(), Ok(1));
}

#[test]
fn a_kept_send_that_was_taken_before_the_select_is_not_sent_again_when_another_arm_is_chosen() {
    // As above, for a send: it was withdrawn, and its success forgotten.
    let (tx, rx) = rendezvous();
    let (other_tx, other) = unbounded();
    let mut kept = tx.send(1);
    assert!(poll_once(&mut kept).is_none());
    assert_eq!(rx.try_recv(), Ok(1));
    other_tx.try_send(2).unwrap();
    select! {
        biased;
        got = other.recv() => assert_eq!(got, Ok(2)),
        _ = &mut kept => unreachable!("asked before its turn"),
    }
    assert_eq!(kept.wait(), Ok(()));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_kept_receive_that_lost_can_be_an_arm_again_and_again() {
    let (tx, rx) = unbounded();
    let (other_tx, other) = unbounded();
    let mut kept = rx.recv();
    for n in 0..100 {
        other_tx.try_send(n).unwrap();
        select! {
            got = other.recv() => assert_eq!(got, Ok(n)),
            _ = &mut kept => unreachable!("nothing was sent there yet"),
        }
        assert_eq!(rx.stats().waiting_receivers, 0);
    }
    tx.try_send(7).unwrap();
    select! {
        _ = other.recv() => unreachable!("empty"),
        got = &mut kept => assert_eq!(got, Ok(7)),
    }
    assert_eq!((rx.len(), rx.stats().waiting_receivers), (0, 0));
}

#[test]
fn a_kept_receive_with_a_bound_keeps_its_time_from_one_select_to_the_next() {
    use std::time::Duration;
    let (token, time) = CancelToken::manual();
    let (tx, rx) = unbounded::<u32>();
    let (other_tx, other) = unbounded();
    let mut kept = rx.recv().with_cancel(token.child());
    other_tx.try_send(1).unwrap();
    select! {
        biased;
        _ = &mut kept => unreachable!(),
        got = other.recv() => assert_eq!(got, Ok(1)),
    }
    time.advance(Duration::from_secs(1));
    tx.try_send(2).unwrap();
    assert_eq!(kept.wait().unwrap(), 2);
}
