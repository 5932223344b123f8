//! What was committed wins over an end that comes after it, and what was not comes back.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::{CancelToken, Cancelled, Operation};
use anabranch_select::{
    __private::{Arm, Chosen, NoArm, Select},
    Closed, RecvError, SendError,
    channel::{bounded, rendezvous, unbounded},
};
use std::pin::Pin;
use support::poll_once;

fn why() -> Cancelled {
    let token = CancelToken::new();
    token.cancel();
    token.reason().unwrap()
}

fn end<O: Operation + Unpin>(operation: &mut O) -> O::Bounded {
    Pin::new(operation).end(why())
}

#[test]
fn a_receive_that_was_given_a_message_yields_it_when_it_is_ended() {
    let (tx, rx) = unbounded();
    let mut recv = rx.recv();
    assert!(poll_once(&mut recv).is_none());
    tx.try_send(1).unwrap();
    assert_eq!(end(&mut recv).unwrap(), 1);
    assert!(poll_once(&mut recv).is_none());
    assert!(matches!(end(&mut recv), Err(RecvError::Cancelled(_))));
    assert_eq!(rx.stats().waiting_receivers, 0);
}

#[test]
fn a_batch_that_was_given_a_message_yields_it_and_those_behind_it() {
    let (tx, rx) = unbounded();
    let mut batch = Vec::new();
    let mut recv = rx.recv_many(&mut batch, 2);
    assert!(poll_once(&mut recv).is_none());
    tx.send_all(0..4).wait().unwrap();
    assert_eq!(end(&mut recv).unwrap(), 2);
    drop(recv);
    assert_eq!(batch, [0, 1]);
    assert_eq!(rx.len(), 2, "no more than was asked for");
}

#[test]
fn a_send_whose_message_was_taken_is_done_when_it_is_ended() {
    let (tx, rx) = rendezvous();
    let mut send = tx.send(1);
    assert!(poll_once(&mut send).is_none());
    assert_eq!(rx.try_recv(), Ok(1));
    assert!(end(&mut send).is_ok());

    let mut slot = Some(2);
    let mut send = tx.send_from(&mut slot);
    assert!(poll_once(&mut send).is_none());
    assert_eq!(rx.try_recv(), Ok(2));
    assert!(end(&mut send).is_ok());
    drop(send);
    assert_eq!(slot, None);
}

#[test]
fn a_send_that_was_told_the_end_says_so_when_it_is_ended() {
    let (tx, rx) = bounded(1);
    tx.try_send(1).unwrap();
    let mut send = tx.send(2);
    assert!(poll_once(&mut send).is_none());
    rx.close();
    assert!(matches!(end(&mut send), Err(SendError::Closed(2))));
}

#[test]
fn a_select_whose_arm_was_given_a_message_yields_it_when_it_is_ended() {
    let (tx, rx) = unbounded();
    let mut select = Select::new(Arm::new(Some(rx.recv()), NoArm), true);
    assert!(poll_once(&mut select).is_none());
    tx.try_send(1).unwrap();
    let Ok(Chosen::This(got)) = end(&mut select) else {
        panic!("lost");
    };
    assert_eq!(got, Ok::<_, Closed>(1));
}
