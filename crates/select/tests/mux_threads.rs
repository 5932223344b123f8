//! Sets of receivers that wait: woken from other threads, beside other receivers, as arms of selects.
#![cfg(not(any(loom, shuttle)))]

use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    Closed, Mux, Sender,
    channel::{bounded, rendezvous, unbounded},
    thread::select,
};
use std::{thread, time::Duration};

/// A set of `n` sources by number, and what feeds them.
fn set(n: usize) -> (Vec<Sender<u32>>, Mux<usize, u32>) {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..n).map(|_| unbounded()).unzip();
    (senders, receivers.into_iter().enumerate().collect())
}

#[test]
fn a_thread_that_waits_for_a_set_is_woken_by_any_source() {
    let (senders, mut set) = set(50);
    let (seen_tx, seen) = rendezvous();
    let receiver = thread::spawn(move || {
        while let Some((key, Ok(_))) = set.recv().wait() {
            seen_tx.send(key).wait().unwrap();
        }
    });
    for key in [3, 49, 0, 3, 17] {
        senders[key].send(1).wait().unwrap();
        assert_eq!(seen.recv().wait(), Ok(key));
    }
    drop(senders);
    receiver.join().unwrap();
}

#[test]
fn several_sets_and_receivers_share_a_channel_and_each_message_goes_to_one() {
    const MESSAGES: u32 = 3_000;
    let (tx, rx) = bounded(4);
    let mut takers: Vec<thread::JoinHandle<Vec<u32>>> = (0..2)
        .map(|_| {
            let mut set: Mux<_, _> = [((), rx.clone())].into_iter().collect();
            thread::spawn(move || {
                let next = || set.recv().wait();
                std::iter::from_fn(next)
                    .filter_map(|(_, event)| event.ok())
                    .collect()
            })
        })
        .collect();
    takers.push(thread::spawn({
        let rx = rx.clone();
        move || rx.iter().collect()
    }));
    drop(rx);
    (0..MESSAGES).for_each(|n| tx.send(n).wait().unwrap());
    drop(tx);
    let mut all: Vec<_> = takers
        .into_iter()
        .flat_map(|taker| taker.join().unwrap())
        .collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..MESSAGES));
}

#[test]
fn senders_without_a_buffer_meet_a_set() {
    const EACH: u32 = 500;
    let mut set = Mux::new();
    let senders: Vec<_> = (0..3)
        .map(|key| {
            let (tx, rx) = rendezvous();
            set.insert(key, rx);
            thread::spawn(move || (0..EACH).for_each(|n| tx.send(n).wait().unwrap()))
        })
        .collect();
    let mut next = [0; 3];
    while let Some((key, event)) = set.recv().wait() {
        match event {
            Ok(n) => {
                assert_eq!(n, next[key]);
                next[key] += 1;
            }
            Err(Closed) => assert_eq!(next[key], EACH),
        }
    }
    senders
        .into_iter()
        .for_each(|sender| sender.join().unwrap());
    assert_eq!(next, [EACH; 3]);
}

#[test]
fn a_select_that_sends_without_a_buffer_meets_a_set() {
    let (tx, rx) = rendezvous();
    let (_keep, never) = bounded::<u32>(1);
    let mut set: Mux<_, _> = [((), rx)].into_iter().collect();
    let sender = thread::spawn(move || {
        for n in 0..500 {
            select! {
                sent = tx.send(n) => sent.unwrap(),
                _ = never.recv() => unreachable!("nothing is sent there"),
            }
        }
    });
    for n in 0..500 {
        assert_eq!(set.recv().wait(), Some(((), Ok(n))));
    }
    sender.join().unwrap();
}

#[test]
fn a_set_is_an_arm_of_a_select() {
    let (senders, mut set) = set(10);
    let (tx, rx) = unbounded();
    senders[4].try_send(1).unwrap();
    let chosen = select! {
        event = set.recv() => event,
        _ = rx.recv() => unreachable!("empty"),
    };
    assert_eq!(chosen, Some((4, Ok(1))));
    tx.try_send(2).unwrap();
    for _ in 0..2 {
        select! {
            event = set.recv() => assert_eq!(event, Some((5, Ok(3)))),
            got = rx.recv() => { assert_eq!(got, Ok(2)); senders[5].try_send(3).unwrap(); }
        }
    }
    let feeder = thread::spawn(move || {
        (0..1_000).for_each(|n| senders[n as usize % 10].try_send(n).unwrap());
        tx.try_send(9).unwrap();
        (senders, tx)
    });
    let (mut events, mut nine) = (0, false);
    while events < 1_000 || !nine {
        select! {
            event = set.recv() => events += usize::from(event.is_some()),
            got = rx.recv() => nine = got == Ok(9),
        }
    }
    drop(feeder.join().unwrap());
}

#[test]
fn a_wait_for_a_set_that_is_given_up_has_taken_nothing() {
    let (token, time) = CancelToken::manual();
    let (senders, mut set) = set(3);
    let waiting = time.spawn({
        let token = token.clone();
        move || {
            let event = set
                .recv()
                .with_cancel(&token)
                .timeout(Duration::from_secs(1))
                .wait();
            (event.is_err(), set)
        }
    });
    time.settle();
    time.advance(Duration::from_secs(1));
    let (given_up, mut set) = waiting.join().unwrap();
    assert!(given_up);
    senders[2].try_send(5).unwrap();
    token.cancel();
    assert!(
        set.recv().with_cancel(&token).wait().is_err(),
        "cancelled before"
    );
    assert_eq!(set.recv().wait(), Some((2, Ok(5))));
}
