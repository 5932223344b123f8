//! Who closes a channel, and what then becomes of messages, senders and receivers.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_select::{
    Closed, Mux, SendError, TryRecvError, TrySendError, Unsent,
    channel::{bounded, rendezvous, unbounded},
};
use std::{pin::Pin, task::Context, thread, time::Duration};
use support::{Census, Count, poll_once, until};

#[test]
fn after_a_close_what_is_inside_is_received_and_then_the_end() {
    let (tx, rx) = bounded(2);
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    assert!(tx.close());
    assert!(!tx.close() && !rx.close(), "it is closed already");
    assert!(tx.is_closed() && rx.is_closed());
    assert_eq!(tx.try_send(3), Err(TrySendError::Closed(3)));
    assert_eq!(tx.send(3).wait(), Err(Unsent(3)));
    assert_eq!(rx.recv().wait(), Ok(1));
    assert_eq!(rx.try_recv(), Ok(2));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(rx.recv().wait(), Err(Closed));
    assert_eq!(rx.recv().wait(), Err(Closed), "the end stays");
}

#[test]
fn a_receiver_may_close_and_still_receives_what_is_inside() {
    let (tx, rx) = unbounded();
    tx.try_send(1).unwrap();
    assert!(rx.close());
    assert_eq!(tx.try_send(2), Err(TrySendError::Closed(2)));
    assert_eq!(rx.recv().wait(), Ok(1));
    assert_eq!(rx.recv().wait(), Err(Closed));
}

#[test]
fn the_last_sender_that_goes_closes_the_channel() {
    let (tx, rx) = bounded(1);
    let second = tx.clone();
    drop(tx);
    assert!(!rx.is_closed());
    second.try_send(1).unwrap();
    drop(second);
    assert!(rx.is_closed());
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn the_last_receiver_that_goes_closes_the_channel_and_drops_what_is_inside() {
    let census = Census::default();
    let (tx, rx) = bounded(3);
    let second = rx.clone();
    tx.try_send(census.make(1)).unwrap();
    tx.try_send(census.make(2)).unwrap();
    drop(rx);
    assert!(!tx.is_closed());
    assert_eq!(census.dropped(), 0);
    drop(second);
    assert!(tx.is_closed());
    assert_eq!((census.dropped(), tx.len()), (2, 0));
    let refused = tx.try_send(census.make(3)).unwrap_err();
    assert_eq!((refused.is_closed(), refused.into_inner().1), (true, 3));
    census.assert_all_gone();
}

#[test]
fn senders_that_wait_get_their_messages_back_when_the_last_receiver_goes() {
    for capacity in [0, 1] {
        let (tx, rx) = bounded(capacity);
        (0..capacity).for_each(|n| tx.try_send(n).unwrap());
        let waiting: Vec<_> = (10..13)
            .map(|n| {
                let tx = tx.clone();
                thread::spawn(move || tx.send(n).wait())
            })
            .collect();
        until(|| tx.stats().waiting_senders == 3);
        drop(rx);
        let mut back: Vec<_> = waiting
            .into_iter()
            .map(|sender| sender.join().unwrap().unwrap_err().into_inner())
            .collect();
        back.sort_unstable();
        assert_eq!(back, [10, 11, 12]);
        assert_eq!(tx.stats().waiting_senders, 0);
    }
}

#[test]
fn a_close_wakes_every_receiver_that_waits() {
    let (tx, rx) = bounded::<u32>(1);
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let rx = rx.clone();
            thread::spawn(move || rx.recv().wait())
        })
        .collect();
    until(|| rx.stats().waiting_receivers == 3);
    drop(tx);
    for receiver in waiting {
        assert_eq!(receiver.join().unwrap(), Err(Closed));
    }
    assert_eq!(rx.stats().waiting_receivers, 0);
}

#[test]
fn a_close_from_the_senders_side_gives_waiting_senders_their_messages_back() {
    let (tx, rx) = bounded(1);
    tx.try_send(1).unwrap();
    let mut waiting = tx.send(2);
    assert!(poll_once(&mut waiting).is_none());
    assert!(tx.close());
    assert_eq!(tx.stats().waiting_senders, 0);
    assert_eq!(poll_once(&mut waiting), Some(Err(Unsent(2))));
    assert_eq!(rx.recv().wait(), Ok(1));
    assert_eq!(rx.recv().wait(), Err(Closed), "the second was not accepted");
}

#[test]
fn a_message_given_to_a_receiver_is_received_though_the_channel_closes_before_it_looks() {
    let (tx, rx) = unbounded();
    let mut waiting = rx.recv();
    assert!(poll_once(&mut waiting).is_none());
    tx.try_send(1).unwrap();
    drop(tx);
    assert_eq!(waiting.wait(), Ok(1));
    assert_eq!(rx.recv().wait(), Err(Closed));
}

#[test]
fn a_message_that_comes_back_after_the_close_is_still_received() {
    let (tx, rx) = unbounded();
    let mut waiting = rx.recv();
    assert!(poll_once(&mut waiting).is_none());
    tx.try_send(1).unwrap();
    drop(tx);
    drop(waiting); // it had the message and never looked
    assert_eq!(rx.recv().wait(), Ok(1));
    assert_eq!(rx.recv().wait(), Err(Closed));
}

#[test]
fn thirty_messages_from_ten_senders_that_leave_are_thirty_messages_and_the_end() {
    for capacity in [0, 1, 5] {
        let (tx, rx) = bounded(capacity);
        let senders: Vec<_> = (0..10)
            .map(|sender| {
                let tx = tx.clone();
                thread::spawn(move || (0..3).for_each(|n| tx.send(3 * sender + n).wait().unwrap()))
            })
            .collect();
        drop(tx);
        let mut all: Vec<_> = rx.iter().collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..30));
        senders.into_iter().for_each(|s| s.join().unwrap());
    }
}

#[test]
fn a_weak_sender_keeps_nothing_open_and_sends_while_another_is_left() {
    let (tx, rx) = bounded(2);
    let weak = tx.downgrade();
    let strong = weak.upgrade().expect("one is left");
    assert_eq!(rx.stats().senders, 2);
    strong.try_send(1).unwrap();
    drop(strong);
    assert!(!rx.is_closed());
    let other_weak = weak.clone();
    drop(tx);
    assert!(rx.is_closed(), "weak senders do not count");
    assert!(weak.upgrade().is_none(), "a closed channel is not reopened");
    assert_eq!(rx.recv().wait(), Ok(1));
    drop(rx);
    assert!(other_weak.upgrade().is_none());
}

#[test]
fn a_weak_sender_of_a_channel_closed_by_hand_sends_nothing() {
    let (tx, rx) = bounded(1);
    let weak = tx.downgrade();
    tx.close();
    let strong = weak.upgrade().expect("its sender is alive");
    assert_eq!(strong.try_send(1), Err(TrySendError::Closed(1)));
    assert_eq!(rx.recv().wait(), Err(Closed));
}

#[test]
fn a_weak_sender_keeps_no_message_alive() {
    let census = Census::default();
    let (tx, rx) = bounded(1);
    let weak = tx.downgrade();
    tx.try_send(census.make(1)).unwrap();
    drop((tx, rx));
    census.assert_all_gone();
    assert!(weak.upgrade().is_none());
}

#[test]
fn the_error_of_a_send_that_could_not_be_says_why_and_has_the_message() {
    let (tx, rx) = rendezvous();
    let late = tx.send(1).timeout(Duration::ZERO).wait().unwrap_err();
    assert!(!late.is_closed());
    assert!(late.to_string().contains("time"), "{late}");
    assert_eq!(late.into_inner(), 1);
    drop(rx);
    let closed = tx.send(2).timeout(Duration::MAX).wait().unwrap_err();
    assert!(closed.is_closed());
    assert_eq!(closed.to_string(), "the channel is closed");
    assert!(matches!(closed, SendError::Closed(2)));
    let unsent = tx.send(3).wait().unwrap_err();
    assert_eq!(
        (unsent.to_string().as_str(), unsent.0),
        ("the channel is closed", 3)
    );
    let refused = tx.try_send(4).unwrap_err();
    assert_eq!(
        (refused.to_string().as_str(), refused.into_inner()),
        ("the channel is closed", 4)
    );
}

#[test]
fn errors_can_be_shown_without_their_message() {
    struct Opaque;
    let (tx, rx) = bounded(1);
    tx.try_send(Opaque).unwrap_or_else(|_| unreachable!());
    let full = tx.try_send(Opaque).err().unwrap();
    assert_eq!(
        (format!("{full:?}"), full.to_string()),
        ("Full(..)".into(), "the channel is full".into())
    );
    let late = tx
        .send(Opaque)
        .timeout(Duration::ZERO)
        .wait()
        .err()
        .unwrap();
    assert!(format!("{late:?}").starts_with("Cancelled("), "{late:?}");
    drop(rx);
    assert_eq!(
        format!("{:?}", tx.send(Opaque).wait().err().unwrap()),
        "Unsent(..)"
    );
    assert_eq!(
        format!("{:?}", tx.try_send(Opaque).err().unwrap()),
        "Closed(..)"
    );
}

#[test]
fn nobody_hears_of_the_end_while_a_message_may_still_come_back() {
    // A receiver that was given the last message and dropped before it looked returned it to a
    // channel whose other receivers had gone home.
    let (tx, rx) = unbounded();
    let (mut first, mut second) = (rx.recv(), rx.recv());
    assert!(poll_once(&mut first).is_none() && poll_once(&mut second).is_none());
    tx.try_send(1).unwrap();
    drop(tx);
    assert!(poll_once(&mut second).is_none());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "not yet the end");
    drop(first);
    assert_eq!(poll_once(&mut second), Some(Ok(1)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn the_end_is_told_when_the_last_message_has_been_looked_at() {
    let (tx, rx) = unbounded();
    let (mut first, mut second) = (rx.recv(), rx.recv());
    let mut set: Mux<_, _> = [((), rx.clone())].into_iter().collect();
    assert!(poll_once(&mut first).is_none() && poll_once(&mut second).is_none());
    tx.try_send(1).unwrap();
    drop(tx);
    let (wakes, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut second).poll(&mut cx).is_pending());
    let mut next = set.recv();
    assert!(Pin::new(&mut next).poll(&mut cx).is_pending());
    assert_eq!(wakes.get(), 0);
    assert_eq!(poll_once(&mut first), Some(Ok(1)));
    assert_eq!(wakes.get(), 2, "the receiver in line, and the set");
    assert_eq!(poll_once(&mut second), Some(Err(Closed)));
    assert_eq!(poll_once(&mut next), Some(Some(((), Err(Closed)))));
}
