//! A receiver as a stream.
#![cfg(all(feature = "stream", not(any(loom, shuttle))))]

mod support;

use anabranch_select::{
    channel::{bounded, unbounded},
    task::select,
};
use futures_core::Stream;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    thread,
};
use support::poll_once;

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

#[test]
fn a_stream_yields_every_message_and_ends_with_the_channel() {
    for owned in [false, true] {
        let (tx, rx) = bounded(2);
        let sender = thread::spawn(move || tx.send_all(0..500).wait().is_ok());
        pollster::block_on(async {
            if owned {
                let mut stream = rx.into_stream();
                for n in 0..500 {
                    assert_eq!(next(&mut stream).await, Some(n));
                }
                assert_eq!(next(&mut stream).await, None);
                assert_eq!(next(&mut stream).await, None, "it stays at its end");
            } else {
                let mut stream = rx.stream();
                for n in 0..500 {
                    assert_eq!(next(&mut stream).await, Some(n));
                }
                assert_eq!(next(&mut stream).await, None);
            }
        });
        assert!(sender.join().unwrap());
    }
}

#[test]
fn a_stream_that_is_dropped_half_way_gives_back_what_it_was_given() {
    let (tx, rx) = unbounded();
    let other = rx.clone();
    {
        let mut stream = rx.stream();
        assert!(poll_once(&mut pin!(next(&mut stream))).is_none());
        tx.try_send(1).unwrap();
    }
    assert_eq!(other.try_recv(), Ok(1));
    let mut stream = rx.into_stream();
    assert!(poll_once(&mut pin!(next(&mut stream))).is_none());
    assert_eq!(stream.receiver().stats().waiting_receivers, 1);
    tx.try_send(2).unwrap();
    drop(stream);
    assert_eq!(other.try_recv(), Ok(2));
    assert_eq!(
        (other.stats().waiting_receivers, other.stats().receivers),
        (0, 1)
    );
}

#[test]
fn the_next_of_a_stream_is_an_arm_that_loses_nothing() {
    let (tx, rx) = unbounded();
    let (other_tx, other) = unbounded();
    let mut stream = rx.into_stream();
    pollster::block_on(async {
        for n in 0..100 {
            tx.try_send(n).unwrap();
            other_tx.try_send(n).unwrap();
            // One of the two is chosen, and the other is there in the next round.
            let (mut from_stream, mut from_other) = (None, None);
            while from_stream.is_none() || from_other.is_none() {
                select! {
                    got = next(&mut stream), if from_stream.is_none() => from_stream = got,
                    got = other.recv(), if from_other.is_none() => from_other = got.ok(),
                }
            }
            assert_eq!((from_stream, from_other), (Some(n), Some(n)));
        }
    });
}
