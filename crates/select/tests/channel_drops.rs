//! Each message is dropped once, wherever it is when things end, and never under a lock: a message
//! may do anything in its drop, panic included.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_select::{
    Receiver, Sender,
    channel::{bounded, rendezvous, unbounded},
    thread::select,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};
use support::{Census, poll_once, until};

#[test]
fn every_message_is_dropped_once_wherever_it_is() {
    let census = Census::default();
    let (tx, rx) = bounded(2);
    let mut given = rx.recv();
    assert!(poll_once(&mut given).is_none());
    tx.try_send(census.make(0)).unwrap(); // given
    tx.try_send(census.make(1)).unwrap(); // in the buffer
    tx.try_send(census.make(2)).unwrap();
    let mut waiting = tx.send(census.make(3)); // in line
    assert!(poll_once(&mut waiting).is_none());
    let unpolled = tx.send(census.make(4));
    let refused = tx.try_send(census.make(5)).unwrap_err();
    drop(given); // returned
    drop(rx.try_recv()); // received
    assert_eq!(census.dropped(), 1);
    drop((waiting, unpolled, refused));
    assert_eq!(census.dropped(), 4);
    drop((tx, rx));
    census.assert_all_gone();
}

#[test]
fn messages_through_threads_and_selects_are_dropped_once_each() {
    let census = Census::default();
    let (a_tx, a) = rendezvous();
    let (b_tx, b) = bounded(2);
    thread::scope(|s| {
        s.spawn({
            let census = &census;
            move || {
                for n in 0..500 {
                    let mut one = Some(census.make(n));
                    select! {
                        _ = a_tx.send_from(&mut one) => {}
                        _ = b_tx.send(census.make(n)) => {}
                    }
                }
            }
        });
        s.spawn(|| {
            let mut open = [true; 2];
            while open != [false; 2] {
                let (arm, got) = select! {
                    got = a.recv(), if open[0] => (0, got),
                    got = b.recv(), if open[1] => (1, got),
                };
                open[arm] = got.is_ok();
            }
        });
    });
    assert_eq!(census.made(), 1_000);
    census.assert_all_gone();
}

/// Panics when it is dropped, if it is told to.
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.0 || thread::panicking(), "boom");
    }
}

fn booms(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

#[test]
fn a_message_that_panics_when_it_is_dropped_poisons_nothing() {
    let (tx, rx) = bounded(2);
    let other = rx.clone();
    tx.try_send(Bomb(true)).unwrap_or_else(|_| unreachable!());
    assert!(booms(|| drop(rx.try_recv())));
    let mut waiting = rx.recv();
    assert!(poll_once(&mut waiting).is_none());
    tx.try_send(Bomb(false)).unwrap_or_else(|_| unreachable!());
    assert!(waiting.wait().is_ok());

    // Dropped with its send, while that stands in line.
    tx.try_send(Bomb(false)).unwrap_or_else(|_| unreachable!());
    tx.try_send(Bomb(false)).unwrap_or_else(|_| unreachable!());
    let mut send = tx.send(Bomb(true));
    assert!(poll_once(&mut send).is_none());
    assert!(booms(|| drop(send)));
    assert_eq!((rx.stats().waiting_senders, rx.try_iter().count()), (0, 2));

    // With the last receiver: the channel is closed all the same, and its senders know.
    tx.try_send(Bomb(true)).unwrap_or_else(|_| unreachable!());
    drop(other);
    assert!(booms(|| drop(rx)));
    assert!(tx.is_closed() && tx.is_empty());
}

#[test]
fn senders_that_wait_are_woken_though_the_messages_inside_panic() {
    let (tx, rx) = bounded(1);
    tx.try_send(Bomb(true)).unwrap_or_else(|_| unreachable!());
    let waiting = thread::spawn({
        let tx = tx.clone();
        move || tx.send(Bomb(false)).wait().is_err()
    });
    until(|| tx.stats().waiting_senders == 1);
    assert!(booms(|| drop(rx)));
    assert!(waiting.join().unwrap(), "it got its message back");
}

/// Looks at its own channel when it is dropped: a deadlock, were a lock held.
struct Curious(Option<(Sender<Curious>, Receiver<Curious>)>);

impl Drop for Curious {
    fn drop(&mut self) {
        if let Some((tx, rx)) = self.0.take() {
            let _ = (tx.stats(), rx.len());
            let _ = tx.try_send(Curious(None));
            let _ = rx.try_recv().map(drop);
        }
    }
}

#[test]
fn a_message_may_use_its_channel_when_it_is_dropped() {
    let ends = unbounded();
    let curious = || Curious(Some(ends.clone()));
    ends.0
        .try_send(curious())
        .unwrap_or_else(|_| unreachable!());
    drop(ends.1.try_recv());
    // In a receive that was given it, ended and dropped.
    let mut waiting = ends.1.recv();
    assert!(poll_once(&mut waiting).is_none());
    ends.0
        .try_send(curious())
        .unwrap_or_else(|_| unreachable!());
    drop(waiting);
    drop(ends.1.recv().timeout(Duration::ZERO).wait());
    // In a send that stands in line.
    let (full, rx) = rendezvous();
    let mut send = full.send(Curious(Some((full.clone(), rx.clone()))));
    assert!(poll_once(&mut send).is_none());
    drop(send);
    assert_eq!(rx.stats().waiting_senders, 0);
    // With the end of the channel: it keeps its own channel alive, so it is taken out first.
    ends.0.close();
    drop(ends.1.try_recv());
}
