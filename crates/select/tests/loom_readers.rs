//! Every interleaving of a sender and its readers: oneshot, watch and broadcast. Each model says how
//! often it has to run and what it must have seen; the rules of each kind have controls, the same
//! models with a mistake planted in the crate, that have to fail.
#![cfg(loom)]

mod support;

use anabranch_models::{explore, must_fail};
use anabranch_select::{
    Closed, TryRecvError, Unsent,
    channel::{Heard, WatchReceiver, bounded, broadcast, oneshot, watch},
    control::{self, Mistake},
    thread::select,
};
use loom::thread;
use std::fmt::Debug;
use support::poll_once;

/// Explores `f` up to so many preemptions and checks that it was explored.
fn model<T: Ord + Debug + Send + 'static>(
    preemptions: usize,
    floor: usize,
    must_see: &[T],
    f: fn() -> T,
) {
    let _explored = explore(Some(preemptions), f).at_least(floor).saw(must_see);
}

/// The same with a mistake: for a control, in a process of its own.
fn broken<T: Ord + Debug + Send + 'static>(preemptions: usize, mistake: Mistake, f: fn() -> T) {
    control::plant(mistake);
    let _explored = explore(Some(preemptions), f);
}

// Oneshot.

fn oneshot_send_against_recv() -> bool {
    let (tx, mut rx) = oneshot();
    let sender = thread::spawn(move || tx.send(1));
    let early = poll_once(&mut rx);
    let got = early.unwrap_or_else(|| rx.wait());
    assert_eq!(sender.join().unwrap(), Ok(()));
    assert_eq!(got, Ok(1));
    early.is_some()
}

#[test]
fn a_oneshot_message_is_received_whether_or_not_the_receiver_waits() {
    model(3, 8, &[true, false], oneshot_send_against_recv);
    must_fail("control_oneshot_send_against_recv", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by a_oneshot_message_is_received_whether_or_not_the_receiver_waits"]
fn control_oneshot_send_against_recv() {
    broken(3, Mistake::TellNobody, oneshot_send_against_recv);
}

/// The receiver stands in line, and looks.
fn oneshot_send_against_try_recv() -> bool {
    let (tx, mut rx) = oneshot();
    assert_eq!(poll_once(&mut rx), None);
    let sender = thread::spawn(move || tx.send(1));
    let early = rx.try_recv();
    assert_eq!(sender.join().unwrap(), Ok(()));
    if early == Err(TryRecvError::Empty) {
        assert_eq!(rx.try_recv(), Ok(1));
        return false;
    }
    assert_eq!(early, Ok(1));
    true
}

#[test]
fn a_look_at_a_oneshot_finds_what_its_wait_was_told_of() {
    model(3, 4, &[true, false], oneshot_send_against_try_recv);
    must_fail("control_oneshot_send_against_try_recv", "Closed");
}

#[test]
#[ignore = "a control that has to fail: run by a_look_at_a_oneshot_finds_what_its_wait_was_told_of"]
fn control_oneshot_send_against_try_recv() {
    broken(3, Mistake::EndBeforeLast, oneshot_send_against_try_recv);
}

fn oneshot_send_against_drop() -> (bool, bool) {
    let (tx, mut rx) = oneshot();
    let message = std::sync::Arc::new(());
    let watched = std::sync::Arc::downgrade(&message);
    let sender = thread::spawn(move || tx.send(message).map_err(Unsent::into_inner));
    let polled = poll_once(&mut rx).is_some();
    drop(rx);
    let sent = sender.join().unwrap();
    assert!(!(polled && sent.is_err()), "received, and yet it came back");
    let back = sent.is_err();
    drop(sent);
    assert_eq!(watched.strong_count(), 0, "dropped, once");
    (polled, back)
}

#[test]
fn a_oneshot_receiver_that_goes_leaves_the_message_with_the_sender_or_takes_it_along() {
    model(
        3,
        8,
        &[(true, false), (false, false), (false, true)],
        oneshot_send_against_drop,
    );
}

fn oneshot_recv_against_drop() {
    let (tx, rx) = oneshot::<u32>();
    let sender = thread::spawn(move || drop(tx));
    assert_eq!(rx.wait(), Err(Closed));
    sender.join().unwrap();
}

#[test]
fn a_oneshot_sender_that_goes_ends_the_wait() {
    model(3, 4, &[()], oneshot_recv_against_drop);
}

// Watch.

fn watch_send_against_changed() -> bool {
    let (tx, mut rx) = watch(0);
    let reader = thread::spawn(move || {
        let before = rx.has_changed();
        (before, *rx.changed().wait().unwrap())
    });
    tx.send(1).unwrap();
    let (before, seen) = reader.join().unwrap();
    assert_eq!(seen, 1);
    before
}

#[test]
fn a_reader_that_waits_sees_the_change() {
    model(3, 8, &[true, false], watch_send_against_changed);
    must_fail("control_watch_send_against_changed", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by a_reader_that_waits_sees_the_change"]
fn control_watch_send_against_changed() {
    broken(3, Mistake::TellNobody, watch_send_against_changed);
}

fn watch_end_against_two_readers() {
    let (tx, rx) = watch(0);
    let read = |mut rx: WatchReceiver<u32>| {
        thread::spawn(move || {
            let first = *rx.changed().wait().unwrap();
            (first, rx.changed().wait())
        })
    };
    let readers = [read(rx.clone()), read(rx)];
    tx.send(1).unwrap();
    drop(tx);
    for reader in readers {
        assert_eq!(reader.join().unwrap(), (1, Err(Closed)));
    }
}

#[test]
fn two_readers_that_wait_both_see_a_change_and_the_end() {
    model(2, 20, &[()], watch_end_against_two_readers);
    must_fail("control_watch_end_against_two_readers", "Closed");
}

#[test]
#[ignore = "a control that has to fail: run by two_readers_that_wait_both_see_a_change_and_the_end"]
fn control_watch_end_against_two_readers() {
    broken(2, Mistake::EndBeforeLast, watch_end_against_two_readers);
}

/// The one in front is a select that looks at its arms while the change comes: it sees the change
/// or chooses the other arm, and in both cases the one behind it is told.
fn watch_send_against_a_select_in_front() -> bool {
    let (tx, mut rx) = watch(0);
    let (other_tx, other) = bounded(1);
    let mut front = rx.clone();
    let select = thread::spawn(move || {
        select! {
            biased;
            got = front.changed() => got.map(|_| true),
            _ = other.recv() => Ok(false),
        }
    });
    let sender = thread::spawn(move || {
        other_tx.try_send(()).unwrap();
        tx.send(1).unwrap();
    });
    assert_eq!(*rx.changed().wait().unwrap(), 1);
    sender.join().unwrap();
    select.join().unwrap().unwrap()
}

#[test]
fn a_select_in_front_does_not_keep_the_change_from_those_behind() {
    model(2, 50, &[true, false], watch_send_against_a_select_in_front);
    must_fail("control_watch_send_against_a_select_in_front", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by a_select_in_front_does_not_keep_the_change_from_those_behind"]
fn control_watch_send_against_a_select_in_front() {
    broken(2, Mistake::TellOnce, watch_send_against_a_select_in_front);
}

fn watch_modify_against_modify() -> bool {
    let (tx, rx) = watch(0);
    let other = tx.clone();
    let one = thread::spawn(move || *other.send_modify(|n| *n += 1));
    let two = *tx.send_modify(|n| *n += 1);
    let one = one.join().unwrap();
    assert_eq!(*rx.latest(), 2);
    one < two
}

#[test]
fn no_modification_is_lost() {
    model(3, 4, &[true, false], watch_modify_against_modify);
    must_fail("control_watch_modify_against_modify", "assertion");
}

#[test]
#[ignore = "a control that has to fail: run by no_modification_is_lost"]
fn control_watch_modify_against_modify() {
    broken(3, Mistake::OverwriteModified, watch_modify_against_modify);
}

// Broadcast.

fn broadcast_send_against_close() -> bool {
    let (tx, mut rx) = broadcast(1);
    let other = tx.clone();
    let sender = thread::spawn(move || tx.send(1).is_ok());
    let closer = thread::spawn(move || {
        let sent = other.send(2).is_ok();
        other.close();
        sent
    });
    let mut accounted = 0;
    loop {
        match rx.recv().wait() {
            Ok(Heard::Message(_)) => accounted += 1,
            Ok(Heard::Lagged(n)) => accounted += n,
            Err(Closed) => break,
        }
    }
    let first = sender.join().unwrap();
    let sent = u64::from(first) + u64::from(closer.join().unwrap());
    assert_eq!(sent, accounted);
    first
}

#[test]
fn a_message_that_was_sent_is_received_or_counted_whatever_is_closed_beside_it() {
    model(3, 50, &[true, false], broadcast_send_against_close);
    must_fail("control_broadcast_send_against_close", "assertion");
}

#[test]
#[ignore = "a control that has to fail: run by a_message_that_was_sent_is_received_or_counted_whatever_is_closed_beside_it"]
fn control_broadcast_send_against_close() {
    broken(3, Mistake::LagInSilence, broadcast_send_against_close);
}

fn broadcast_two_senders_two_receivers() -> [Option<u32>; 2] {
    let (tx, mut a) = broadcast(2);
    let mut b = tx.subscribe();
    let other = tx.clone();
    let sender = thread::spawn(move || other.send(1).unwrap());
    let reader =
        thread::spawn(move || [(); 2].map(|()| b.recv().wait().unwrap().message().map(|n| *n)));
    tx.send(2).unwrap();
    let mine = [(); 2].map(|()| a.recv().wait().unwrap().message().map(|n| *n));
    sender.join().unwrap();
    assert_eq!(reader.join().unwrap(), mine);
    mine
}

#[test]
fn two_senders_are_heard_by_two_receivers_in_the_same_order() {
    model(
        2,
        20,
        &[[Some(1), Some(2)], [Some(2), Some(1)]],
        broadcast_two_senders_two_receivers,
    );
    must_fail("control_broadcast_two_senders_two_receivers", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by two_senders_are_heard_by_two_receivers_in_the_same_order"]
fn control_broadcast_two_senders_two_receivers() {
    broken(
        2,
        Mistake::JumpToLatest,
        broadcast_two_senders_two_receivers,
    );
}

fn broadcast_send_against_drop() -> (bool, usize) {
    let (tx, mut gone) = broadcast(1);
    let mut stays = tx.subscribe();
    let sender = thread::spawn(move || {
        let receivers = tx.send(std::sync::Arc::new(())).unwrap();
        (receivers, tx)
    });
    let waits = poll_once(&mut gone.recv()).is_none();
    drop(gone);
    let message = stays.recv().wait().unwrap().message().unwrap();
    let (receivers, tx) = sender.join().unwrap();
    assert_eq!(tx.len(), 0);
    assert_eq!(std::sync::Arc::strong_count(&message), 1);
    (waits, receivers)
}

#[test]
fn a_receiver_that_goes_while_it_is_told_leaves_the_others_theirs() {
    model(
        3,
        8,
        &[(true, 2), (true, 1), (false, 2)],
        broadcast_send_against_drop,
    );
    must_fail("control_broadcast_send_against_drop", "assertion");
}

#[test]
#[ignore = "a control that has to fail: run by a_receiver_that_goes_while_it_is_told_leaves_the_others_theirs"]
fn control_broadcast_send_against_drop() {
    broken(3, Mistake::StayCounted, broadcast_send_against_drop);
}
