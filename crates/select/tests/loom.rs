//! Every interleaving (up to three preemptions) of two or three threads at a channel, a select and a
//! set. Each model counts its iterations and says which outcomes it must have seen; each has a
//! control, the same model with a mistake planted in the crate, that has to fail.
#![cfg(loom)]

use anabranch_models::{explore, must_fail};
use anabranch_select::{
    Mux, Receiver, Sender, TryRecvError,
    channel::{bounded, rendezvous, unbounded},
    control::{self, Mistake},
    task,
    thread::select,
};
use loom::{
    sync::atomic::AtomicBool,
    thread::{self, JoinHandle},
};
use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::Ordering::{Acquire, Release},
    },
    task::{Context, Poll, Waker},
};

/// The channels of a model are small: what they carry says where it came from.
type Ends = (Sender<u32>, Receiver<u32>);

/// Explores `f` and checks that it was explored: at least `floor` iterations, and every outcome
/// in `must_see` returned by one of them.
fn model(floor: usize, must_see: &[&'static str], f: fn() -> &'static str) {
    let _explored = explore(Some(3), f).at_least(floor).saw(must_see);
}

/// The same with a mistake: for a control, in a process of its own.
fn broken(mistake: Mistake, f: fn() -> &'static str) {
    control::plant(mistake);
    let _explored = explore(Some(3), f);
}

/// Polls once, by hand, as a task does.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap()
}

/// Two messages through one place: the second has to wait for the first to be taken.
fn send_against_recv() -> &'static str {
    let (tx, rx) = bounded(1);
    let sender = thread::spawn(move || {
        tx.send(1).wait().unwrap();
        let full = tx.len() == 1;
        tx.send(2).wait().unwrap();
        full
    });
    let early = !rx.is_empty();
    assert_eq!(rx.recv().wait(), Ok(1));
    let full = join(sender);
    assert_eq!(rx.recv().wait(), Ok(2), "the sender did not wait for this");
    match (full, early) {
        (_, true) => "it was there",
        (true, false) => "the sender saw it full",
        (false, false) => "from hand to hand",
    }
}

#[test]
fn what_is_sent_through_one_place_is_received_in_order() {
    let outcomes = [
        "it was there",
        "the sender saw it full",
        "from hand to hand",
    ];
    model(60, &outcomes, send_against_recv);
    must_fail("control_send_against_recv", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by what_is_sent_through_one_place_is_received_in_order"]
fn control_send_against_recv() {
    broken(Mistake::ForgetRoom, send_against_recv);
}

fn rendezvous_send_against_recv() -> &'static str {
    let (tx, rx) = rendezvous();
    let sender = thread::spawn(move || {
        let received = tx.stats().waiting_receivers == 1;
        tx.send(1).wait().unwrap();
        received
    });
    assert_eq!(rx.recv().wait(), Ok(1));
    assert_eq!(rx.len(), 0);
    if join(sender) {
        "the receiver waited"
    } else {
        "the sender came first"
    }
}

#[test]
fn sender_and_receiver_meet_without_a_buffer() {
    let outcomes = ["the receiver waited", "the sender came first"];
    model(30, &outcomes, rendezvous_send_against_recv);
    must_fail("control_rendezvous", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by sender_and_receiver_meet_without_a_buffer"]
fn control_rendezvous() {
    broken(Mistake::LookThenJoin, rendezvous_send_against_recv);
}

/// Sent or returned, whatever a close comes in between; the second message has to wait.
fn close_against_send() -> &'static str {
    let (tx, rx) = bounded(1);
    let sender = thread::spawn(move || {
        let sent = [1, 2].map(|n| tx.send(n).wait());
        sent.map(|sent| sent.map_err(|unsent| unsent.into_inner()))
    });
    rx.close();
    let received: Vec<_> = rx.iter().collect();
    match (join(sender), received.as_slice()) {
        ([Err(1), Err(2)], []) => "neither",
        ([Ok(()), Err(2)], [1]) => "the first",
        other => panic!("not conserved: {other:?}"),
    }
}

#[test]
fn a_close_against_a_send_leaves_each_message_received_or_returned() {
    model(30, &["neither", "the first"], close_against_send);
    must_fail("control_close_against_send", "not conserved");
}

#[test]
#[ignore = "a control that has to fail: run by a_close_against_a_send_leaves_each_message_received_or_returned"]
fn control_close_against_send() {
    broken(Mistake::CloseForgetsSenders, close_against_send);
}

/// The first receiver is dropped, given a message or not, while the second waits for one.
fn dropped_recv_against_a_second() -> &'static str {
    let (tx, rx) = bounded(1);
    let second = thread::spawn({
        let rx = rx.clone();
        move || rx.recv().wait()
    });
    let sender = thread::spawn(move || tx.send(7).wait().unwrap());
    let given = {
        let mut first = rx.recv();
        match poll_once(&mut first) {
            None => {}
            Some(Ok(7)) => {
                join(sender);
                assert!(join(second).is_err());
                return "it was there";
            }
            Some(got) => {
                assert_eq!((got.is_err(), join(second)), (true, Ok(7)));
                return "the second was faster";
            }
        }
        rx.stats().waiting_receivers == 0
    };
    join(sender);
    assert_eq!(join(second), Ok(7));
    assert_eq!((rx.len(), rx.stats().waiting_receivers), (0, 0));
    if given {
        "given and passed on"
    } else {
        "dropped in time, or behind the second"
    }
}

#[test]
fn a_message_given_to_a_receive_that_is_dropped_goes_to_the_next() {
    let outcomes = [
        "it was there",
        "the second was faster",
        "given and passed on",
        "dropped in time, or behind the second",
    ];
    model(100, &outcomes, dropped_recv_against_a_second);
    must_fail("control_dropped_recv", "left: Err(Closed)");
    must_fail("control_dropped_recv_and_the_end", "left: Err(Closed)");
}

#[test]
#[ignore = "a control that has to fail: run by a_message_given_to_a_receive_that_is_dropped_goes_to_the_next"]
fn control_dropped_recv() {
    broken(Mistake::KeepGiven, dropped_recv_against_a_second);
}

#[test]
#[ignore = "a control that has to fail: run by a_message_given_to_a_receive_that_is_dropped_goes_to_the_next"]
fn control_dropped_recv_and_the_end() {
    broken(Mistake::EndTooEarly, dropped_recv_against_a_second);
}

/// A sender that gives up: its message is received, or back in the slot, never both.
fn dropped_send_against_a_recv() -> &'static str {
    let (tx, rx) = rendezvous();
    let sender = thread::spawn(move || {
        let mut slot = Some(7);
        let mut send = tx.send_from(&mut slot);
        let done = poll_once(&mut send);
        assert!(done.is_none_or(|done| done.is_ok()));
        drop(send);
        slot
    });
    let _met = rx.stats(); // the lock: a look without it is no step of its own to loom
    let received = rx.try_recv();
    let slot = join(sender);
    assert_eq!(rx.stats().waiting_senders, 0);
    match (received, slot) {
        (Ok(7), None) => "received",
        (Err(TryRecvError::Empty | TryRecvError::Closed), Some(7)) => "kept",
        other => panic!("lost or doubled: {other:?}"),
    }
}

#[test]
fn a_send_that_is_dropped_has_sent_or_kept_its_message() {
    model(10, &["received", "kept"], dropped_send_against_a_recv);
    must_fail("control_dropped_send", "lost or doubled");
}

#[test]
#[ignore = "a control that has to fail: run by a_send_that_is_dropped_has_sent_or_kept_its_message"]
fn control_dropped_send() {
    broken(Mistake::LoseUnsent, dropped_send_against_a_recv);
}

/// The word that is read without the lock may be late, but not for what came before.
fn hint_against_send() -> &'static str {
    let (tx, rx) = unbounded();
    let sent = Arc::new(AtomicBool::new(false));
    let sender = thread::spawn({
        let sent = sent.clone();
        move || {
            tx.try_send(7).unwrap();
            sent.store(true, Release);
            tx // not closed: that would be a reason to look
        }
    });
    let before = sent.load(Acquire);
    let received = rx.try_recv();
    drop(join(sender));
    match (before, received) {
        (_, Ok(7)) if !before => "meanwhile",
        (true, Ok(7)) => "before",
        (false, Err(TryRecvError::Empty)) => "not yet",
        other => panic!("overlooked: {other:?}"),
    }
}

#[test]
fn a_message_that_was_sent_before_is_not_overlooked_without_the_lock() {
    model(5, &["before", "meanwhile", "not yet"], hint_against_send);
    must_fail("control_hint", "overlooked");
}

#[test]
#[ignore = "a control that has to fail: run by a_message_that_was_sent_before_is_not_overlooked_without_the_lock"]
fn control_hint() {
    broken(Mistake::StaleHint, hint_against_send);
}

/// Each sends on one and receives on the other: they meet on one of the two, once.
fn selects_in_opposite_order() -> &'static str {
    let ((a_tx, a_rx), (b_tx, b_rx)): (Ends, Ends) = (rendezvous(), rendezvous());
    let one = thread::spawn({
        let (a_tx, b_rx) = (a_tx.clone(), b_rx.clone());
        move || {
            select! {
                sent = a_tx.send(1) => { sent.unwrap(); "sent" }
                got = b_rx.recv() => { assert_eq!(got, Ok(2)); "received" }
            }
        }
    });
    let two = select! {
        sent = b_tx.send(2) => { sent.unwrap(); "sent" }
        got = a_rx.recv() => { assert_eq!(got, Ok(1)); "received" }
    };
    let one = join(one);
    for (tx, rx) in [(a_tx, a_rx), (b_tx, b_rx)] {
        let stats = rx.stats();
        assert_eq!((stats.waiting_senders, stats.waiting_receivers), (0, 0));
        drop(tx);
    }
    match (one, two) {
        ("sent", "received") => "on a",
        ("received", "sent") => "on b",
        other => panic!("not one meeting: {other:?}"),
    }
}

#[test]
fn two_selects_in_opposite_order_over_two_rendezvous_meet_exactly_once() {
    model(1_000, &["on a", "on b"], selects_in_opposite_order);
    must_fail("control_selects", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by two_selects_in_opposite_order_over_two_rendezvous_meet_exactly_once"]
fn control_selects() {
    broken(Mistake::IgnoreMissed, selects_in_opposite_order);
}

/// Two senders and a select over both channels: one message is received, the other is still there.
fn select_against_two_senders() -> &'static str {
    let ((a_tx, a_rx), (b_tx, b_rx)): (Ends, Ends) = (bounded(1), bounded(1));
    let senders = [(a_tx, 1), (b_tx, 2)].map(|(tx, n)| {
        thread::spawn(move || {
            tx.send(n).wait().unwrap();
            tx
        })
    });
    let (got, other) = select! {
        got = a_rx.recv() => (got, b_rx.recv().wait()),
        got = b_rx.recv() => (got, a_rx.recv().wait()),
    };
    drop(senders.map(join));
    assert_eq!(
        (a_rx.try_recv(), b_rx.try_recv()),
        (Err(TryRecvError::Closed), Err(TryRecvError::Closed))
    );
    match (got, other) {
        (Ok(1), Ok(2)) => "a",
        (Ok(2), Ok(1)) => "b",
        other => panic!("not conserved: {other:?}"),
    }
}

#[test]
fn a_select_takes_one_message_and_leaves_the_other() {
    model(500, &["a", "b"], select_against_two_senders);
    must_fail("control_select_against_two_senders", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by a_select_takes_one_message_and_leaves_the_other"]
fn control_select_against_two_senders() {
    broken(Mistake::IgnoreMissed, select_against_two_senders);
}

/// A task's select is dropped after one poll, with arms that outlive it and whatever they were given.
fn select_dropped_half_way() -> &'static str {
    let ((a_tx, a_rx), (b_tx, b_rx)): (Ends, Ends) = (unbounded(), unbounded());
    let (mut a, mut b) = (a_rx.recv(), b_rx.recv());
    let sender = thread::spawn(move || {
        a_tx.try_send(1).unwrap();
        a_tx
    });
    let got = {
        let mut half = pin!(async {
            task::select! {
                got = &mut a => got,
                got = &mut b => got,
            }
        });
        let got = poll_once(&mut half.as_mut());
        thread::yield_now();
        got
    };
    let a_tx = join(sender);
    let waiting = (
        a_rx.stats().waiting_receivers,
        b_rx.stats().waiting_receivers,
    );
    assert_eq!(waiting, (0, 0), "left in line");
    let left = a_rx.try_recv().is_ok();
    let kept = poll_once(&mut a).is_some();
    drop((a_tx, b_tx));
    match (got, left, kept) {
        (Some(Ok(1)), false, false) => "chosen",
        (None, true, false) => "left in its channel",
        (None, false, true) => "with the arm that outlived the select",
        other => panic!("not conserved: {other:?}"),
    }
}

#[test]
fn a_select_dropped_half_way_has_taken_nothing() {
    let outcomes = [
        "chosen",
        "left in its channel",
        "with the arm that outlived the select",
    ];
    model(50, &outcomes, select_dropped_half_way);
    must_fail("control_select_dropped", "left in line");
}

#[test]
#[ignore = "a control that has to fail: run by a_select_dropped_half_way_has_taken_nothing"]
fn control_select_dropped() {
    broken(Mistake::StayInLine, select_dropped_half_way);
}

/// A set that waits is woken by a message to one of its sources.
fn mux_against_send() -> &'static str {
    let ((a_tx, a_rx), (b_tx, b_rx)): (Ends, Ends) = (bounded(1), rendezvous());
    let mut set: Mux<_, _> = [("a", a_rx), ("b", b_rx)].into_iter().collect();
    let senders = [(a_tx, 1), (b_tx, 2)].map(|(tx, n)| thread::spawn(move || tx.send(n).wait()));
    let mut got = Vec::new();
    while let Some((key, event)) = set.recv().wait() {
        got.extend(event.ok().map(|n| (key, n)));
    }
    assert!(senders.into_iter().all(|sender| join(sender).is_ok()));
    match got.as_slice() {
        [("a", 1), ("b", 2)] => "a, b",
        [("b", 2), ("a", 1)] => "b, a",
        other => panic!("lost: {other:?}"),
    }
}

#[test]
fn a_set_loses_no_wake_up() {
    model(500, &["a, b", "b, a"], mux_against_send);
    must_fail("control_mux", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by a_set_loses_no_wake_up"]
fn control_mux() {
    broken(Mistake::LookThenWait, mux_against_send);
}

/// A set and a plain receiver at one channel: the message goes to one of them, and the end to both.
fn mux_against_recv() -> &'static str {
    let (tx, rx): Ends = unbounded();
    let mut set = Mux::new();
    set.insert((), rx.clone());
    let receiver = thread::spawn(move || rx.recv().wait());
    let sender = thread::spawn(move || tx.try_send(1).unwrap());
    let mut got = 0;
    while let Some(((), event)) = set.recv().wait() {
        got += event.unwrap_or(0);
    }
    join(sender);
    match (got, join(receiver)) {
        (1, Err(_)) => "the set",
        (0, Ok(1)) => "the receiver",
        other => panic!("lost or doubled: {other:?}"),
    }
}

#[test]
fn a_set_and_a_receiver_share_a_channel() {
    model(100, &["the set", "the receiver"], mux_against_recv);
    must_fail("control_mux_against_recv", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by a_set_and_a_receiver_share_a_channel"]
fn control_mux_against_recv() {
    broken(Mistake::LookThenWait, mux_against_recv);
}
