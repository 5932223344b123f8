//! Many messages at once: received as far as they are there, sent as far as there is room.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    Closed, RecvError, SendError, Unsent,
    channel::{bounded, rendezvous, unbounded},
};
use std::{thread, time::Duration};
use support::{Census, poll_once, until};

#[test]
fn a_batch_is_what_is_there_and_no_more_than_was_asked_for() {
    let (tx, rx) = unbounded();
    (0..5).for_each(|n| tx.try_send(n).unwrap());
    let mut batch = vec![100];
    assert_eq!(rx.recv_many(&mut batch, 3).wait(), Ok(3));
    assert_eq!(batch, [100, 0, 1, 2], "at the end of what was in it");
    assert_eq!(rx.recv_many(&mut batch, 3).wait(), Ok(2));
    assert_eq!(batch.len(), 6);
    assert_eq!(
        rx.recv_many(&mut batch, 0).wait(),
        Ok(0),
        "at once, on an empty channel too"
    );
    tx.close();
    assert_eq!(rx.recv_many(&mut batch, 3).wait(), Err(Closed));
    assert_eq!(batch, [100, 0, 1, 2, 3, 4]);
}

#[test]
fn a_batch_waits_for_its_first_message_and_for_no_other() {
    let (tx, rx) = unbounded();
    let mut batch = Vec::new();
    let mut many = rx.recv_many(&mut batch, 10);
    assert!(poll_once(&mut many).is_none());
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    assert_eq!(many.wait(), Ok(2));
    assert_eq!(batch, [1, 2]);
}

#[test]
fn a_batch_takes_from_senders_that_wait_in_their_order() {
    for capacity in [0, 2] {
        let (tx, rx) = bounded(capacity);
        let mut sends: Vec<_> = (0..5).map(|n| tx.send(n)).collect();
        let accepted = sends.iter_mut().filter_map(poll_once).count();
        assert_eq!(accepted, capacity);
        let mut batch = Vec::new();
        let mut taken = 0;
        while taken < 5 {
            taken += rx.recv_many(&mut batch, 3).wait().unwrap();
        }
        assert_eq!(batch, [0, 1, 2, 3, 4], "capacity {capacity}");
        assert!(
            sends[capacity..]
                .iter_mut()
                .all(|send| poll_once(send) == Some(Ok(())))
        );
    }
}

#[test]
fn a_batch_that_is_given_up_has_taken_nothing() {
    let (tx, rx) = unbounded();
    let mut batch = Vec::new();
    let mut many = rx.recv_many(&mut batch, 10);
    assert!(poll_once(&mut many).is_none());
    tx.try_send(1).unwrap();
    drop(many);
    assert!(batch.is_empty());
    let late = rx.recv_many(&mut batch, 10).timeout(Duration::ZERO).wait();
    assert_eq!((late.unwrap(), batch.as_slice()), (1, &[1][..]));
    let late = rx.recv_many(&mut batch, 10).timeout(Duration::ZERO).wait();
    assert!(matches!(late, Err(RecvError::Cancelled(_))));
    assert_eq!((batch.len(), rx.stats().waiting_receivers), (1, 0));
}

#[test]
fn a_batch_whose_first_message_was_given_before_the_cancel_is_received() {
    let token = CancelToken::new();
    let (tx, rx) = unbounded();
    let mut batch = Vec::new();
    let mut many = rx.recv_many(&mut batch, 10).with_cancel(&token);
    assert!(poll_once(&mut many).is_none());
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    token.cancel();
    assert_eq!(many.wait().unwrap(), 2);
    assert_eq!(batch, [1, 2]);
}

#[test]
fn send_all_sends_everything_in_order_as_room_comes() {
    for capacity in [0, 1, 7, usize::MAX] {
        let (tx, rx) = bounded(capacity);
        let sender = thread::spawn(move || tx.send_all(0..1_000).wait().is_ok());
        assert!(rx.iter().eq(0..1_000), "capacity {capacity}");
        assert!(sender.join().unwrap());
    }
}

#[test]
fn send_all_of_nothing_is_done_even_on_a_closed_channel() {
    let (tx, rx) = bounded::<u32>(1);
    rx.close();
    assert!(tx.send_all([]).wait().is_ok());
}

#[test]
fn what_was_not_sent_comes_back_as_an_iterator_in_order_when_the_channel_closes() {
    let (tx, rx) = bounded(2);
    let sending = thread::spawn({
        let tx = tx.clone();
        move || tx.send_all(0..100).wait()
    });
    assert_eq!(rx.recv().wait(), Ok(0));
    until(|| rx.stats().waiting_senders == 1 && rx.len() == 2);
    rx.close();
    let Err(Unsent(rest)) = sending.join().unwrap() else {
        panic!("there is no room for all")
    };
    assert_eq!(rest.size_hint(), (97, Some(97)));
    assert!(rest.eq(3..100));
    assert!(rx.iter().eq(1..3));
}

#[test]
fn what_was_not_sent_comes_back_when_the_wait_is_given_up() {
    let token = CancelToken::new();
    let (tx, rx) = bounded(2);
    let mut sending = tx.send_all(0..100).with_cancel(&token);
    assert!(poll_once(&mut sending).is_none());
    assert_eq!(rx.try_recv(), Ok(0)); // room, which the third one gets
    token.cancel();
    let Err(SendError::Cancelled { message: rest, .. }) = sending.wait() else {
        panic!("it was cancelled")
    };
    let sent: Vec<_> = rx.try_iter().collect();
    assert_eq!(sent, [1, 2]);
    assert!(rest.eq(3..100), "what was in line is first");
    assert_eq!(tx.stats().waiting_senders, 0);
}

#[test]
fn messages_of_two_send_alls_keep_their_own_order() {
    let (tx, rx) = bounded(3);
    let other = tx.clone();
    let senders = [
        thread::spawn(move || tx.send_all((0..500).map(|n| (0, n))).wait().is_ok()),
        thread::spawn(move || other.send_all((0..500).map(|n| (1, n))).wait().is_ok()),
    ];
    let mut next = [0; 2];
    for (from, n) in &rx {
        assert_eq!(n, next[from]);
        next[from] += 1;
    }
    assert_eq!(next, [500; 2]);
    assert!(senders.into_iter().all(|sender| sender.join().unwrap()));
}

#[test]
fn a_dropped_send_all_drops_what_it_has_not_sent_once() {
    let census = Census::default();
    let (tx, rx) = bounded(3);
    let mut sending = tx.send_all((0..100).map(|n| census.make(n)));
    assert!(poll_once(&mut sending).is_none());
    drop(sending);
    assert_eq!((tx.stats().waiting_senders, rx.len()), (0, 3));
    assert_eq!(census.made() - census.dropped(), 3);
    assert!(rx.try_iter().map(|message| message.1).eq(0..3));
    census.assert_all_gone();
}

#[test]
fn an_iterator_may_use_the_channel_it_feeds() {
    // It is called without the channel's lock.
    let (tx, rx) = rendezvous();
    let sender = thread::spawn(move || {
        let seen = tx.clone();
        tx.send_all((0..50).inspect(|_| assert_eq!(seen.capacity(), Some(0))))
            .wait()
            .is_ok()
    });
    assert!(rx.iter().eq(0..50));
    assert!(sender.join().unwrap());
}
