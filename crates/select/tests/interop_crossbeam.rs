//! Our receivers as crossbeam's, and both in one select: nothing lost, in order, and no thread left
//! behind.
#![cfg(all(feature = "crossbeam", not(any(loom, shuttle))))]

mod support;

use anabranch_select::{
    channel,
    interop::{Incoming, crossbeam::Outgoing},
    thread::select,
};
use crossbeam_channel as crossbeam;
use std::{thread, time::Duration};
use support::{Census, Counted, until};

#[test]
fn every_message_goes_out_in_order_and_then_the_end() {
    let (tx, rx) = channel::bounded(8);
    let outgoing = Outgoing::new(rx);
    let sender = thread::spawn(move || tx.send_all(0..10_000).wait().unwrap());
    assert!(outgoing.iter().eq(0..10_000));
    assert!(outgoing.recv().is_err());
    sender.join().unwrap();
}

#[test]
fn a_task_receives_from_crossbeam_and_crossbeam_selects_on_ours() {
    let (tx, rx) = crossbeam::unbounded();
    tx.send(1).unwrap();
    let incoming = Incoming::new(rx);
    assert_eq!(pollster::block_on(incoming.recv()), Ok(1));

    let (ours, rx) = channel::unbounded();
    ours.try_send(2).unwrap();
    let outgoing = Outgoing::new(rx);
    let (_silent, other) = crossbeam::bounded::<u32>(0);
    let got = crossbeam::select! {
        recv(outgoing) -> got => got,
        recv(other) -> got => got,
    };
    assert_eq!(got, Ok(2));
}

#[test]
fn stop_gives_back_the_receiver_and_the_message_that_was_held() {
    let (tx, rx) = channel::unbounded();
    tx.send_all(0..10).wait().unwrap();
    let outgoing = Outgoing::new(rx.clone());
    assert_eq!(outgoing.recv(), Ok(0));
    until(|| rx.len() == 8);
    let (ours, held) = outgoing.stop();
    assert_eq!(held, Some(1));
    assert!(ours.try_iter().eq(2..10));
}

#[test]
fn a_drop_ends_the_thread_that_gives_to_crossbeam() {
    let census = Census::default();
    let (tx, rx) = channel::unbounded::<Counted>();
    let outgoing = Outgoing::new(rx);
    let clone = outgoing.clone();
    until(|| tx.stats().waiting_receivers == 1); // it waits for a message
    drop(outgoing);
    assert!(tx.is_closed(), "the receiver was the thread's");
    assert!(clone.recv().is_err());

    let (tx, rx) = channel::unbounded();
    let outgoing = Outgoing::new(rx);
    tx.try_send(census.make(0)).unwrap();
    until(|| tx.is_empty()); // it waits, or will, for a taker
    drop(outgoing);
    assert!(tx.try_send(census.make(1)).is_err());
    census.assert_all_gone();
}

#[test]
fn the_end_of_ours_is_the_end_of_theirs() {
    let (tx, rx) = channel::unbounded::<u32>();
    let outgoing = Outgoing::new(rx);
    drop(tx);
    let end = outgoing.recv_timeout(Duration::from_secs(60));
    assert_eq!(end, Err(crossbeam::RecvTimeoutError::Disconnected));
}

#[test]
fn a_select_that_chose_another_arm_leaves_the_message_where_it_is() {
    let (tx, rx) = crossbeam::unbounded();
    tx.send(1).unwrap();
    let incoming = Incoming::new(rx);
    let (other_tx, other) = channel::bounded(1);
    other_tx.try_send(()).unwrap();
    select! {
        biased;
        _ = other.recv() => {}
        _ = incoming.recv() => unreachable!(),
    }
    assert_eq!(incoming.recv().wait(), Ok(1));
}
