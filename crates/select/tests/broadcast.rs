//! Every message to every receiver: one order, exact lag, and what an end leaves to be received.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    Closed, RecvError, TryRecvError, Unsent,
    channel::{BroadcastReceiver, Heard, bounded, broadcast},
    thread::select,
};
use std::{sync::Arc, thread, time::Duration};
use support::{Census, Dice, poll_once, seed, until};

fn hear<T>(rx: &mut BroadcastReceiver<T>) -> Arc<T> {
    rx.recv().wait().unwrap().message().expect("no lag")
}

#[test]
fn every_receiver_hears_every_message_in_one_order() {
    let (tx, first) = broadcast(8);
    let mut all = vec![tx.subscribe(), first, tx.subscribe()];
    for n in 0..5 {
        assert_eq!(tx.send(n), Ok(3));
    }
    for rx in &mut all {
        assert_eq!(
            (0..5).map(|_| *hear(rx)).collect::<Vec<_>>(),
            [0, 1, 2, 3, 4]
        );
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
    assert!(tx.is_empty());
}

#[test]
fn a_late_subscriber_hears_what_is_sent_from_then_on() {
    let (tx, mut early) = broadcast(8);
    tx.send(1).unwrap();
    let (mut late, mut later) = (tx.subscribe(), early.subscribe());
    tx.send(2).unwrap();
    assert_eq!(early.behind(), 2);
    assert_eq!((*hear(&mut late), *hear(&mut later)), (2, 2));
    assert_eq!((*hear(&mut early), *hear(&mut early)), (1, 2));
}

#[test]
fn a_slow_receiver_is_told_exactly_how_many_it_missed_and_goes_on() {
    let (tx, mut slow) = broadcast(3);
    let mut fast = tx.subscribe();
    for n in 0..10 {
        tx.send(n).unwrap();
        assert_eq!(*hear(&mut fast), n);
    }
    assert_eq!((slow.behind(), tx.len()), (10, 3));
    assert_eq!(slow.recv().wait(), Ok(Heard::Lagged(7)));
    tx.send(10).unwrap(); // pushes out 7, which it was about to receive
    assert_eq!(slow.recv().wait(), Ok(Heard::Lagged(1)));
    assert_eq!(
        (8..=10).map(|_| *hear(&mut slow)).collect::<Vec<_>>(),
        [8, 9, 10]
    );
    assert_eq!(slow.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn what_was_sent_before_the_end_is_heard_after_it() {
    let (tx, mut rx) = broadcast(4);
    tx.send(1).unwrap();
    let second = tx.clone();
    drop(tx);
    second.send(2).unwrap();
    assert!(second.close());
    assert!(!second.close());
    assert_eq!(second.send(3), Err(Unsent(3)));
    assert!(rx.is_closed());
    assert_eq!((*hear(&mut rx), *hear(&mut rx)), (1, 2));
    assert_eq!(rx.recv().wait(), Err(Closed));
    assert_eq!(rx.subscribe().try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_message_for_nobody_comes_back() {
    let (tx, rx) = broadcast(1);
    drop(rx);
    assert_eq!(tx.receivers(), 0);
    assert_eq!(tx.send(1), Err(Unsent(1)));
    let mut rx = tx.subscribe();
    assert_eq!(tx.send(2), Ok(1));
    assert_eq!(*hear(&mut rx), 2);
}

#[test]
fn every_receiver_that_waits_is_woken_by_one_message_and_by_the_end() {
    let (tx, _keep) = broadcast(1);
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let mut rx = tx.subscribe();
            thread::spawn(move || (*hear(&mut rx), rx.recv().wait()))
        })
        .collect();
    until(|| tx.waiting() == 4);
    tx.send(7).unwrap();
    until(|| tx.waiting() == 4);
    drop(tx);
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap(), (7, Err(Closed)));
    }
}

#[test]
fn an_arm_that_lost_has_received_nothing() {
    let (tx, mut rx) = broadcast(1);
    let (other_tx, other) = bounded(1);
    tx.send(1).unwrap();
    other_tx.try_send(()).unwrap();
    select! {
        biased;
        _ = other.recv() => {}
        _ = rx.recv() => unreachable!(),
    }
    assert_eq!(*hear(&mut rx), 1);
    // Told of a message while it waited, and dropped before it looked.
    {
        let mut recv = rx.recv();
        assert!(poll_once(&mut recv).is_none());
        tx.send(2).unwrap();
    }
    assert_eq!(*hear(&mut rx), 2);
    assert_eq!(tx.waiting(), 0);
}

#[test]
fn a_message_told_before_the_cancellation_wins() {
    let (token, time) = CancelToken::manual();
    let (tx, mut rx) = broadcast(1);
    let mut recv = rx
        .recv()
        .with_cancel(&token)
        .timeout(Duration::from_secs(1));
    assert!(poll_once(&mut recv).is_none());
    tx.send(1).unwrap();
    token.cancel();
    assert_eq!(
        poll_once(&mut recv).unwrap().unwrap(),
        Heard::Message(1.into())
    );
    drop(recv);
    let ended = rx.recv().with_cancel(&token).wait();
    assert!(matches!(ended, Err(RecvError::Cancelled(_))));
    assert_eq!((tx.waiting(), time.clock().armed_timers()), (0, 0));
}

#[test]
fn a_message_is_kept_no_longer_than_somebody_has_to_receive_it() {
    let census = Census::default();
    let (tx, mut quick) = broadcast(100);
    let slow = tx.subscribe();
    for n in 0..10 {
        tx.send(census.make(n)).unwrap();
    }
    (0..10).for_each(|_| drop(hear(&mut quick)));
    assert_eq!((tx.len(), census.dropped()), (10, 0));
    drop(slow);
    assert_eq!((tx.len(), census.dropped()), (0, 10));
    drop(tx.send(census.make(10)));
    drop((tx, quick));
    census.assert_all_gone();
}

#[test]
#[should_panic(expected = "at least one message")]
fn a_broadcast_that_keeps_nothing_is_refused() {
    broadcast::<u32>(0);
}

/// Senders, receivers that come and go, and one that is slow: all see the same order, and each
/// receiver hears or counts all that was sent between its subscription and its end.
#[test]
fn concurrent_senders_are_heard_by_all_in_the_same_order_and_nothing_is_uncounted() {
    const SENDERS: u64 = 3;
    const EACH: u64 = 5_000;
    let seed = seed();
    let (tx, first) = broadcast(64);
    let receivers: Vec<_> = (0..4).map(|_| tx.subscribe()).chain([first]).collect();
    let heard: Vec<Vec<Option<u64>>> = thread::scope(|scope| {
        let listeners: Vec<_> = receivers
            .into_iter()
            .enumerate()
            .map(|(at, mut rx)| {
                let mut dice = Dice(seed.wrapping_add(at as u64));
                scope.spawn(move || {
                    // By number in the order of all; `None` where it lagged.
                    let mut heard = Vec::new();
                    loop {
                        if dice.roll(8) == 0 {
                            thread::yield_now();
                        }
                        match rx.recv().wait() {
                            Ok(Heard::Message(n)) => heard.push(Some(*n)),
                            Ok(Heard::Lagged(n)) => heard.extend((0..n).map(|_| None)),
                            Err(Closed) => return heard,
                        }
                    }
                })
            })
            .collect();
        for sender in 0..SENDERS {
            let tx = tx.clone();
            scope.spawn(move || {
                for n in 0..EACH {
                    tx.send(sender * EACH + n).unwrap();
                }
            });
        }
        drop(tx);
        listeners.into_iter().map(|l| l.join().unwrap()).collect()
    });
    let mut order = vec![None; (SENDERS * EACH) as usize];
    for heard in &heard {
        assert_eq!(heard.len(), order.len(), "heard and missed");
        for (at, message) in heard.iter().enumerate() {
            if let Some(message) = message {
                assert_eq!(*order[at].get_or_insert(*message), *message, "at {at}");
            }
        }
    }
    // One who sends in order is heard in order.
    for sender in 0..SENDERS {
        let of = |n: &&u64| **n / EACH == sender;
        assert!(order.iter().flatten().filter(of).is_sorted());
    }
}
