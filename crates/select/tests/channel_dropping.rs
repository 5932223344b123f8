//! Operations that are dropped half-way: what they were given goes on, in its order.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_select::{
    TryRecvError, TrySendError,
    channel::{bounded, rendezvous, unbounded},
};
use support::{Census, Count, poll_once};

#[test]
fn a_dropped_receive_passes_its_message_on_to_the_next_in_line() {
    let (tx, rx) = rendezvous();
    let mut first = rx.recv();
    assert!(poll_once(&mut first).is_none());
    let (wakes, waker) = Count::new();
    let mut second = rx.recv();
    assert!(poll_with(&mut second, &waker).is_none());
    tx.try_send(1).unwrap();
    assert_eq!(wakes.get(), 0);
    drop(first);
    assert_eq!(wakes.get(), 1);
    assert_eq!(poll_once(&mut second), Some(Ok(1)));
}

fn poll_with<F: Future + Unpin>(future: &mut F, waker: &std::task::Waker) -> Option<F::Output> {
    let mut cx = std::task::Context::from_waker(waker);
    match std::pin::Pin::new(future).poll(&mut cx) {
        std::task::Poll::Ready(done) => Some(done),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn messages_given_and_returned_in_either_order_come_out_in_the_order_in_which_they_were_sent() {
    for first_leaves_first in [true, false] {
        for capacity in [0, 4, usize::MAX] {
            let (tx, rx) = bounded(capacity);
            let (mut first, mut second) = (rx.recv(), rx.recv());
            assert!(poll_once(&mut first).is_none());
            assert!(poll_once(&mut second).is_none());
            tx.try_send(1).unwrap();
            tx.try_send(2).unwrap();
            if capacity > 0 {
                tx.try_send(3).unwrap();
            }
            if first_leaves_first {
                drop(first);
                drop(second);
            } else {
                drop(second);
                drop(first);
            }
            let rest = if capacity > 0 {
                vec![1, 2, 3]
            } else {
                vec![1, 2]
            };
            assert_eq!(rx.len(), rest.len());
            assert_eq!(rx.try_iter().collect::<Vec<_>>(), rest);
        }
    }
}

#[test]
fn a_returned_message_keeps_its_place_when_it_is_given_and_returned_again() {
    let (tx, rx) = unbounded();
    let mut waits: Vec<_> = (0..3).map(|_| rx.recv()).collect();
    waits
        .iter_mut()
        .for_each(|w| assert!(poll_once(w).is_none()));
    (1..=3).for_each(|n| tx.try_send(n).unwrap());
    let mut next = rx.recv();
    assert!(poll_once(&mut next).is_none());
    drop(waits.remove(1)); // the second message goes to the next in line
    drop(waits.remove(0)); // the first comes back
    drop(next); // the second comes back, behind the first
    tx.try_send(4).unwrap();
    drop(waits); // the third comes back, before the fourth
    assert!(rx.try_iter().eq(1..=4));
}

#[test]
fn a_returned_message_takes_no_room_from_the_buffer_and_leaves_it_its_capacity() {
    let (tx, rx) = bounded(1);
    let mut given = rx.recv();
    assert!(poll_once(&mut given).is_none());
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    assert_eq!(tx.try_send(3), Err(TrySendError::Full(3)));
    drop(given);
    assert_eq!(rx.len(), 2, "one returned, one in the buffer");
    assert_eq!(tx.try_send(3), Err(TrySendError::Full(3)));
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(
        tx.try_send(3),
        Err(TrySendError::Full(3)),
        "the buffer is still full"
    );
    assert_eq!(rx.try_recv(), Ok(2));
    assert_eq!(tx.try_send(3), Ok(()));
    assert_eq!(rx.stats().peak, 1);
}

#[test]
fn a_dropped_send_takes_its_message_along_and_lets_the_next_in_line_go_first() {
    let census = Census::default();
    let (tx, rx) = rendezvous();
    let mut first = tx.send(census.make(1));
    let mut second = tx.send(census.make(2));
    assert!(poll_once(&mut first).is_none() && poll_once(&mut second).is_none());
    drop(first);
    assert_eq!(census.dropped(), 1);
    assert_eq!(tx.stats().waiting_senders, 1);
    assert_eq!(rx.try_recv().unwrap().1, 2);
    assert!(matches!(poll_once(&mut second), Some(Ok(()))));
    assert!(matches!(rx.try_recv(), Err(TryRecvError::Empty)));
    census.assert_all_gone();
}

#[test]
fn a_send_that_was_taken_and_is_dropped_before_it_looked_has_sent() {
    let census = Census::default();
    let (tx, rx) = rendezvous();
    let mut send = tx.send(census.make(1));
    assert!(poll_once(&mut send).is_none());
    let taken = rx.try_recv().unwrap();
    drop(send);
    assert_eq!(census.dropped(), 0);
    drop(taken);
    census.assert_all_gone();
}

#[test]
fn a_waker_is_woken_once_for_what_it_waits_for_and_not_for_others() {
    let (tx, rx) = unbounded();
    let wakers: [(_, _); 2] = [Count::new(), Count::new()];
    let counts = || {
        wakers
            .each_ref()
            .map(|(count, _): &(std::sync::Arc<Count>, _)| count.get())
    };
    let (mut a, mut b) = (rx.recv(), rx.recv());
    assert!(poll_with(&mut a, &wakers[0].1).is_none());
    assert!(poll_with(&mut b, &wakers[1].1).is_none());
    tx.try_send(1).unwrap();
    assert_eq!(counts(), [1, 0]);
    tx.try_send(2).unwrap();
    assert_eq!(counts(), [1, 1]);
    tx.try_send(3).unwrap();
    assert_eq!(counts(), [1, 1]);
    assert_eq!(
        (poll_once(&mut a), poll_once(&mut b)),
        (Some(Ok(1)), Some(Ok(2)))
    );
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    let (tx, rx) = unbounded();
    let (old, old_waker) = Count::new();
    let (new, new_waker) = Count::new();
    let mut recv = rx.recv();
    assert!(poll_with(&mut recv, &old_waker).is_none());
    assert!(poll_with(&mut recv, &new_waker).is_none());
    tx.try_send(1).unwrap();
    assert_eq!((old.get(), new.get()), (0, 1));
    assert_eq!(poll_once(&mut recv), Some(Ok(1)));
}
