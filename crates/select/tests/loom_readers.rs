//! Every interleaving of a sender and its readers: oneshot, watch and broadcast.
#![cfg(loom)]

mod support;

use anabranch_models::{explore, must_fail};
use anabranch_select::{
    Closed, Unsent,
    channel::{Heard, WatchReceiver, bounded, broadcast, oneshot, watch},
    thread::select,
};
use loom::thread;
use support::poll_once;

// Oneshot.

#[test]
fn a_oneshot_message_is_received_or_comes_back() {
    let _explored = explore(Some(3), || {
        let (tx, mut rx) = oneshot();
        let sender = thread::spawn(move || tx.send(1));
        let early = poll_once(&mut rx);
        let got = match early {
            Some(got) => got,
            // Dropped while it may have been given the message, or waited for.
            None => rx.wait(),
        };
        assert_eq!(sender.join().unwrap(), Ok(()));
        assert_eq!(got, Ok(1));
        early.is_some()
    })
    .at_least(8)
    .saw(&[true, false]);
}

#[test]
fn a_oneshot_receiver_that_goes_leaves_the_message_with_the_sender_or_takes_it_along() {
    let _explored = explore(Some(3), || {
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
    })
    .at_least(8)
    .saw(&[(true, false), (false, false), (false, true)]);
}

#[test]
fn a_oneshot_sender_that_goes_ends_the_wait() {
    let _explored = explore(Some(3), || {
        let (tx, rx) = oneshot::<u32>();
        let sender = thread::spawn(move || drop(tx));
        assert_eq!(rx.wait(), Err(Closed));
        sender.join().unwrap();
    })
    .at_least(4);
}

// Watch.

#[test]
fn a_reader_that_waits_sees_the_change() {
    let _explored = explore(Some(3), || {
        let (tx, mut rx) = watch(0);
        let reader = thread::spawn(move || {
            let before = rx.has_changed();
            (before, *rx.changed().wait().unwrap())
        });
        tx.send(1).unwrap();
        let (before, seen) = reader.join().unwrap();
        assert_eq!(seen, 1);
        before
    })
    .at_least(8)
    .saw(&[true, false]);
}

#[test]
fn two_readers_that_wait_both_see_a_change_and_the_end() {
    let _explored = explore(Some(2), || {
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
    })
    .at_least(20);
}

/// The one in front is a select that looks at its arms while the change comes: it sees the change
/// or chooses the other arm, and in both cases the one behind it is told.
#[test]
fn a_select_in_front_does_not_keep_the_change_from_those_behind() {
    let _explored = explore(Some(2), || {
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
    })
    .at_least(50)
    .saw(&[true, false]);
}

#[test]
fn no_modification_is_lost() {
    let _explored = explore(Some(3), || {
        let (tx, rx) = watch(0);
        let other = tx.clone();
        let one = thread::spawn(move || *other.send_modify(|n| *n += 1));
        let two = *tx.send_modify(|n| *n += 1);
        let one = one.join().unwrap();
        assert_eq!(*rx.latest(), 2);
        one < two
    })
    .at_least(4)
    .saw(&[true, false]);
}

// Broadcast.

#[test]
fn a_message_that_was_sent_is_received_or_counted_whatever_is_closed_beside_it() {
    let _explored = explore(Some(3), || {
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
    })
    .at_least(50)
    .saw(&[true, false]);
}

#[test]
fn two_senders_are_heard_by_two_receivers_in_the_same_order() {
    let _explored = explore(Some(2), || {
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
    })
    .at_least(20)
    .saw(&[[Some(1), Some(2)], [Some(2), Some(1)]]);
}

#[test]
fn a_receiver_that_goes_while_it_is_told_leaves_the_others_theirs() {
    let _explored = explore(Some(3), || {
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
    })
    .at_least(8)
    .saw(&[(true, 2), (true, 1), (false, 2)]);
}

// Controls: the same, with a mistake.

/// A reader that looks, and waits by what it saw before: it may wait for a change that has been.
#[test]
#[ignore = "a control that must fail"]
fn control_look_then_wait_without_looking_again() {
    let _explored = explore(Some(3), || {
        let (tx, mut rx) = watch(0);
        let sender = thread::spawn(move || {
            tx.send(1).unwrap();
            tx
        });
        if !rx.has_changed() {
            let _ = rx.see_latest(); // what came in between is taken for known
            drop(rx.changed().wait());
        }
        drop(sender.join());
    })
    .at_least(1);
}

#[test]
fn a_reader_that_takes_a_change_for_known_waits_for_ever() {
    must_fail("control_look_then_wait_without_looking_again", "deadlock");
}

/// Two that read, add one and write, instead of `send_modify`.
#[test]
#[ignore = "a control that must fail"]
fn control_read_then_write() {
    let _explored = explore(Some(3), || {
        let (tx, rx) = watch(0);
        let other = tx.clone();
        let one = thread::spawn(move || other.send(*other.latest() + 1).unwrap());
        tx.send(*tx.latest() + 1).unwrap();
        one.join().unwrap();
        assert_eq!(*rx.latest(), 2, "a modification was lost");
    })
    .at_least(1);
}

#[test]
fn two_that_read_and_write_lose_a_modification() {
    must_fail("control_read_then_write", "a modification was lost");
}
