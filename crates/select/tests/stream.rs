//! A receiver as a stream.
#![cfg(all(feature = "stream", not(any(loom, shuttle))))]

mod support;

use anabranch_select::{
    Closed, Mux,
    channel::{bounded, rendezvous, unbounded},
    task,
};
use futures_core::Stream;
use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    thread,
};
use support::Census;

fn poll<S: Stream>(stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
    stream.poll_next(&mut Context::from_waker(Waker::noop()))
}

async fn collect<S: Stream>(stream: S) -> Vec<S::Item> {
    let mut stream = pin!(stream);
    let mut all = Vec::new();
    while let Some(item) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        all.push(item);
    }
    all
}

#[test]
fn a_stream_yields_every_message_and_then_the_end() {
    let (tx, rx) = bounded(2);
    let sender = thread::spawn(move || tx.send_all(0..100).wait().unwrap());
    let all = pollster::block_on(collect(rx.stream()));
    assert!(all.into_iter().eq(0..100));
    sender.join().unwrap();

    let (tx, rx) = rendezvous();
    let sender = thread::spawn(move || tx.send_all(0..100).wait().unwrap());
    let all = pollster::block_on(collect(rx.into_stream()));
    assert!(all.into_iter().eq(0..100));
    sender.join().unwrap();
}

#[test]
fn a_stream_that_is_dropped_while_it_waits_has_taken_nothing() {
    let census = Census::default();
    let (tx, rx) = unbounded();
    {
        let mut stream = pin!(rx.stream());
        assert!(poll(stream.as_mut()).is_pending());
        tx.try_send(census.make(0)).unwrap(); // given to the stream, which does not look
    }
    assert_eq!(rx.try_recv().unwrap().1, 0);

    let other = rx.clone();
    {
        let mut stream = pin!(rx.into_stream());
        assert!(poll(stream.as_mut()).is_pending());
        tx.try_send(census.make(1)).unwrap();
        assert_eq!(stream.receiver().stats().receivers, 2);
    }
    assert_eq!(other.try_recv().unwrap().1, 1);
    assert_eq!(other.stats().waiting_receivers, 0);
    drop(other);
    assert!(tx.is_closed());
    census.assert_all_gone();
}

#[test]
fn two_streams_share_the_messages_of_one_channel() {
    let (tx, rx) = unbounded();
    let (mut a, mut b) = (pin!(rx.stream()), pin!(rx.stream()));
    assert!(poll(a.as_mut()).is_pending());
    assert!(poll(b.as_mut()).is_pending());
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    assert_eq!(
        poll(a.as_mut()),
        Poll::Ready(Some(1)),
        "first come, first served"
    );
    assert_eq!(poll(b.as_mut()), Poll::Ready(Some(2)));
    drop(tx);
    assert_eq!(poll(a.as_mut()), Poll::Ready(None));
    assert_eq!(poll(a.as_mut()), Poll::Ready(None), "and it stays so");
}

#[test]
fn a_set_yields_what_its_sources_have_and_ends_with_the_last() {
    let (a_tx, a) = unbounded();
    let (b_tx, b) = unbounded();
    let mut set = Mux::from_iter([("a", a), ("b", b)]);
    assert!(poll(Pin::new(&mut set)).is_pending());
    b_tx.try_send(1).unwrap();
    assert_eq!(poll(Pin::new(&mut set)), Poll::Ready(Some(("b", Ok(1)))));
    drop(b_tx);
    assert_eq!(
        poll(Pin::new(&mut set)),
        Poll::Ready(Some(("b", Err(Closed))))
    );
    let sender = thread::spawn(move || a_tx.send_all(0..100).wait().unwrap());
    let all = pollster::block_on(collect(set));
    let expected = (0..100).map(Ok).chain([Err(Closed)]);
    assert!(all.into_iter().eq(expected.map(|event| ("a", event))));
    sender.join().unwrap();
}

#[test]
fn the_next_of_a_stream_is_an_arm_that_loses_nothing() {
    let (tx, rx) = unbounded();
    let (other_tx, other) = unbounded();
    let mut stream = pin!(rx.into_stream());
    pollster::block_on(async {
        for n in 0..100 {
            tx.try_send(n).unwrap();
            other_tx.try_send(n).unwrap();
            // One of the two is chosen, and the other is there in the next round.
            let (mut from_stream, mut from_other) = (None, None);
            while from_stream.is_none() || from_other.is_none() {
                task::select! {
                    got = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)),
                        if from_stream.is_none() => from_stream = got,
                    got = other.recv(), if from_other.is_none() => from_other = got.ok(),
                }
            }
            assert_eq!((from_stream, from_other), (Some(n), Some(n)));
        }
    });
}
