//! What comes by while a select looks at its arms: who stands behind it is told when it leaves.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_select::{channel::rendezvous, task::select};
use std::{
    cell::Cell,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
};
use support::{Count, poll_once};

/// One poll of a future that is dropped after it.
fn poll_now<T>(future: impl Future<Output = T>) -> Option<T> {
    poll_once(&mut pin!(future))
}

#[test]
fn a_receiver_behind_a_select_that_leaves_is_told_of_the_sender_that_came_meanwhile() {
    let (tx, rx) = rendezvous();
    let (wakes, waker) = Count::new();
    let (mut behind, mut send) = (rx.recv(), tx.send(1));
    let polls = Cell::new(0);
    let left = poll_now(async {
        select! {
            biased;
            _ = rx.recv() => unreachable!("the other arm is ready"),
            // In the second round the first arm stands in line, and its select is busy.
            _ = poll_fn(|_| {
                polls.set(polls.get() + 1);
                if polls.get() < 2 {
                    return Poll::Pending;
                }
                let mut cx = Context::from_waker(&waker);
                assert!(Pin::new(&mut behind).poll(&mut cx).is_pending());
                assert!(poll_once(&mut send).is_none(), "the first in line is busy");
                Poll::Ready(())
            }) => {}
        }
    });
    assert!(left.is_some());
    assert_eq!(wakes.get(), 1);
    assert_eq!(poll_once(&mut behind), Some(Ok(1)));
    assert_eq!(poll_once(&mut send), Some(Ok(())));
}

#[test]
fn a_receiver_is_told_of_the_sender_behind_a_select_that_leaves() {
    let (tx, rx) = rendezvous();
    let (wakes, waker) = Count::new();
    let (mut behind, mut recv) = (tx.send(1), rx.recv());
    let polls = Cell::new(0);
    let left = poll_now(async {
        select! {
            biased;
            _ = tx.send(0) => unreachable!("the other arm is ready"),
            _ = poll_fn(|_| {
                polls.set(polls.get() + 1);
                if polls.get() < 2 {
                    return Poll::Pending;
                }
                assert!(poll_once(&mut behind).is_none());
                let mut cx = Context::from_waker(&waker);
                assert!(Pin::new(&mut recv).poll(&mut cx).is_pending(), "the first in line is busy");
                Poll::Ready(())
            }) => {}
        }
    });
    assert!(left.is_some());
    assert_eq!(wakes.get(), 1);
    assert_eq!(poll_once(&mut recv), Some(Ok(1)));
    assert_eq!(poll_once(&mut behind), Some(Ok(())));
}

#[test]
fn a_message_that_comes_while_a_select_looks_is_taken_by_it_or_by_the_next() {
    for leaves in [false, true] {
        let (tx, rx) = anabranch_select::channel::bounded(1);
        let mut behind = rx.recv();
        let polls = Cell::new(0);
        let got = poll_now(async {
            select! {
                biased;
                got = rx.recv() => got.ok(),
                _ = poll_fn(|_| {
                    polls.set(polls.get() + 1);
                    if polls.get() == 2 {
                        assert!(poll_once(&mut behind).is_none());
                        tx.try_send(1).unwrap();
                        if leaves {
                            return Poll::Ready(());
                        }
                    }
                    Poll::Pending
                }) => None,
            }
        });
        assert_eq!(
            got,
            Some((!leaves).then_some(1)),
            "it is told to look again"
        );
        assert_eq!(poll_once(&mut behind), leaves.then_some(Ok(1)));
    }
}
