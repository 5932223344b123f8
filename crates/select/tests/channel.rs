//! What goes into a channel comes out of it: in order, once, as much as there is room for.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_select::{
    Closed, TryRecvError, TrySendError,
    channel::{self, bounded, rendezvous, unbounded},
};
use proptest::prelude::*;
use std::{collections::VecDeque, thread};
use support::{poll_once, until};

#[test]
fn two_messages_fit_into_two_places_and_come_out_in_order() {
    let (tx, rx) = bounded(2);
    assert_eq!(tx.try_send(1), Ok(()));
    assert_eq!(tx.try_send(2), Ok(()));
    assert_eq!(tx.try_send(3), Err(TrySendError::Full(3)));
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(rx.try_recv(), Ok(2));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn without_places_a_message_is_sent_when_it_is_taken() {
    let (tx, rx) = rendezvous();
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    let mut send = tx.send(2);
    assert!(poll_once(&mut send).is_none());
    assert_eq!(rx.len(), 0, "it is still the sender's");
    assert_eq!(rx.try_recv(), Ok(2));
    assert_eq!(poll_once(&mut send), Some(Ok(())));
}

#[test]
fn without_places_try_send_succeeds_if_a_receiver_waits() {
    let (tx, rx) = rendezvous();
    let mut recv = rx.recv();
    assert!(poll_once(&mut recv).is_none());
    assert_eq!(tx.try_send(1), Ok(()));
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)), "it has one");
    assert_eq!(recv.wait(), Ok(1));
}

#[test]
fn a_capacity_of_zero_is_a_rendezvous() {
    let (tx, rx) = bounded(0);
    assert_eq!(tx.capacity(), Some(0));
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
    let sender = spawn_wait_send(tx, 2);
    assert_eq!(rx.recv().wait(), Ok(2));
    assert_eq!(sender.join().unwrap(), Ok(()));
}

fn spawn_wait_send<T: Send + 'static>(
    tx: channel::Sender<T>,
    message: T,
) -> thread::JoinHandle<Result<(), anabranch_select::Unsent<T>>> {
    thread::spawn(move || tx.send(message).wait())
}

#[test]
fn an_unbounded_channel_takes_everything_and_has_no_capacity() {
    let (tx, rx) = unbounded();
    assert_eq!((tx.capacity(), rx.capacity()), (None, None));
    for n in 0..10_000 {
        assert_eq!(poll_once(&mut tx.send(n)), Some(Ok(())));
    }
    assert_eq!((tx.len(), rx.stats().peak), (10_000, 10_000));
    assert!(rx.try_iter().eq(0..10_000));
}

#[test]
fn a_sender_waits_while_there_is_no_room_and_then_goes_in_its_turn() {
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    let mut waiting: Vec<_> = (1..=3).map(|n| tx.send(n)).collect();
    for send in &mut waiting {
        assert!(poll_once(send).is_none());
    }
    assert_eq!(tx.stats().waiting_senders, 3);
    for n in 0..=3 {
        assert_eq!(rx.try_recv(), Ok(n));
        let let_in = waiting.iter_mut().filter_map(poll_once).count();
        assert_eq!(let_in, usize::from(n < 3), "after message {n}");
        waiting.drain(..let_in);
    }
}

#[test]
fn nobody_overtakes_a_sender_in_line() {
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    let mut first = tx.send(1);
    assert!(poll_once(&mut first).is_none());
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(
        tx.try_send(2),
        Err(TrySendError::Full(2)),
        "the room is taken"
    );
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(poll_once(&mut first), Some(Ok(())));
}

#[test]
fn nobody_overtakes_a_receiver_in_line() {
    let (tx, rx) = unbounded();
    let (mut first, mut second) = (rx.recv(), rx.recv());
    assert!(poll_once(&mut first).is_none());
    assert!(poll_once(&mut second).is_none());
    tx.try_send(1).unwrap();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "the first has it");
    assert!(poll_once(&mut second).is_none());
    tx.try_send(2).unwrap();
    assert_eq!(poll_once(&mut second), Some(Ok(2)));
    assert_eq!(poll_once(&mut first), Some(Ok(1)));
}

#[test]
fn the_counts_say_what_goes_on() {
    let (tx, rx) = bounded(2);
    let other = tx.clone();
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    let mut send = tx.send(3);
    assert!(poll_once(&mut send).is_none());
    let stats = rx.stats();
    assert_eq!((stats.len, stats.capacity, stats.peak), (2, Some(2), 2));
    assert_eq!((stats.waiting_senders, stats.waiting_receivers), (1, 0));
    assert_eq!(
        (stats.senders, stats.receivers, stats.closed),
        (2, 1, false)
    );
    assert_eq!((tx.len(), rx.len(), tx.is_empty()), (2, 2, false));

    assert_eq!(rx.try_iter().count(), 3);
    assert_eq!(poll_once(&mut send), Some(Ok(())));
    drop(other);
    let mut recv = rx.recv();
    assert!(poll_once(&mut recv).is_none());
    let stats = tx.stats();
    assert_eq!((stats.len, stats.peak), (0, 2), "draining keeps the peak");
    assert_eq!((stats.waiting_senders, stats.waiting_receivers), (0, 1));
    assert_eq!(stats.senders, 1);
    drop(recv);
    assert_eq!(tx.stats().waiting_receivers, 0);
}

#[test]
fn handles_know_their_channel() {
    let (tx, rx) = bounded::<u32>(1);
    let (other_tx, other_rx) = bounded::<u32>(1);
    assert!(tx.same_channel(&tx.clone()) && rx.same_channel(&rx.clone()));
    assert!(!tx.same_channel(&other_tx) && !rx.same_channel(&other_rx));
    let shown = format!("{tx:?} {rx:?}");
    assert!(shown.contains("capacity: Some(1)"), "{shown}");
}

#[test]
fn iterators_end_with_the_channel_and_stay_ended() {
    let (tx, rx) = bounded(2);
    let sender = thread::spawn(move || (0..100).for_each(|n| tx.send(n).wait().unwrap()));
    let mut messages = rx.iter();
    assert!(messages.by_ref().take(50).eq(0..50));
    let mut sum = 0;
    for n in &rx {
        sum += n;
    }
    assert_eq!(sum, (50..100).sum::<u32>());
    sender.join().unwrap();
    assert_eq!((messages.next(), messages.next()), (None, None));
    assert_eq!(rx.try_iter().next(), None);
    assert_eq!(rx.into_iter().next(), None);
}

#[test]
fn an_iterator_that_never_waits_ends_where_nothing_is_left() {
    let (tx, rx) = unbounded();
    (0..3).for_each(|n| tx.try_send(n).unwrap());
    assert!(rx.try_iter().eq(0..3));
    tx.try_send(3).unwrap();
    assert!(rx.try_iter().eq([3]));
}

#[test]
fn a_receiver_that_iterates_by_value_closes_the_channel_when_it_is_dropped() {
    let (tx, rx) = unbounded();
    (0..3).for_each(|n| tx.try_send(n).unwrap());
    let mut all = rx.into_iter();
    assert_eq!(all.next(), Some(0));
    drop(all);
    assert_eq!(tx.try_send(4), Err(TrySendError::Closed(4)));
}

#[test]
fn many_senders_and_many_receivers_lose_and_double_nothing() {
    const EACH: usize = 2_000;
    for capacity in [0, 1, 7, usize::MAX] {
        let (tx, rx) = bounded(capacity);
        let receivers: Vec<_> = (0..4)
            .map(|_| {
                let rx = rx.clone();
                thread::spawn(move || rx.iter().collect::<Vec<usize>>())
            })
            .collect();
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let tx = tx.clone();
                thread::spawn(move || {
                    for n in 0..EACH {
                        tx.send(sender * EACH + n).wait().unwrap();
                    }
                })
            })
            .collect();
        drop((tx, rx));
        senders.into_iter().for_each(|s| s.join().unwrap());
        let mut all = Vec::new();
        for receiver in receivers {
            let got = receiver.join().unwrap();
            for sender in 0..4 {
                let from = got.iter().filter(|&n| n / EACH == sender);
                assert!(from.is_sorted(), "one sender's messages stay in order");
            }
            all.extend(got);
        }
        all.sort_unstable();
        assert!(all.into_iter().eq(0..4 * EACH), "capacity {capacity}");
    }
}

#[test]
fn a_thread_that_waits_is_woken_by_the_message() {
    let (tx, rx) = bounded(1);
    let receiver = thread::spawn({
        let rx = rx.clone();
        move || rx.recv().wait()
    });
    until(|| rx.stats().waiting_receivers == 1);
    tx.try_send(7).unwrap();
    assert_eq!(receiver.join().unwrap(), Ok(7));
}

#[test]
fn messages_may_be_anything_that_is_sent() {
    let (tx, rx) = bounded::<Box<dyn FnOnce() -> u32 + Send>>(1);
    let sender = spawn_wait_send(tx, Box::new(|| 7));
    assert_eq!(rx.recv().wait().unwrap()(), 7);
    assert!(sender.join().unwrap().is_ok());
    assert!(matches!(rx.recv().wait(), Err(Closed)));
}

/// One step on a channel, without waiting.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    Recv,
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => Just(Step::Send),
        8 => Just(Step::Recv),
        1 => Just(Step::Close),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    /// Without waiting, a channel is a queue with a limit and an end.
    #[test]
    fn agrees_with_a_deque(steps in steps(), capacity in 1_usize..5) {
        let (tx, rx) = bounded(capacity);
        let mut model = VecDeque::new();
        let (mut closed, mut peak) = (false, 0);
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Send => {
                    let expected = if closed {
                        Err(TrySendError::Closed(n))
                    } else if model.len() == capacity {
                        Err(TrySendError::Full(n))
                    } else {
                        model.push_back(n);
                        Ok(())
                    };
                    prop_assert_eq!(tx.try_send(n), expected);
                }
                Step::Recv => {
                    let nothing = if closed { TryRecvError::Closed } else { TryRecvError::Empty };
                    prop_assert_eq!(rx.try_recv(), model.pop_front().ok_or(nothing));
                }
                Step::Close => prop_assert_eq!(tx.close(), !std::mem::replace(&mut closed, true)),
            }
            peak = peak.max(model.len());
            let stats = rx.stats();
            prop_assert_eq!((stats.len, stats.peak, stats.closed), (model.len(), peak, closed));
        }
    }
}
