//! Sets of receivers: what they receive, from whom, in which turn, at what cost, and what they leave
//! behind in their channels.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_select::{
    Closed, Mux, Receiver, Sender,
    channel::{bounded, unbounded},
};
use std::{num::NonZeroU32, time::Instant};
use support::{Count, Dice, poll_once, seed};

/// A set of `n` sources by number, and what feeds them.
fn set(n: usize) -> (Vec<Sender<u32>>, Mux<usize, u32>) {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..n).map(|_| unbounded()).unzip();
    (senders, receivers.into_iter().enumerate().collect())
}

fn weight(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

/// What can be had without waiting.
fn drain(set: &mut Mux<usize, u32>) -> Vec<usize> {
    let next = || Some(poll_once(&mut set.recv())??.0);
    std::iter::from_fn(next).collect()
}

#[test]
fn sets_of_one_and_of_a_hundred_thousand_receive_everything_and_end() {
    for n in [1, 2, 10, 1_000, 100_000] {
        let (senders, mut set) = set(n);
        assert_eq!(set.len(), n);
        for (at, tx) in senders.iter().enumerate() {
            tx.try_send(at as u32).unwrap();
        }
        drop(senders);
        let (mut messages, mut ends) = (vec![0; n], vec![0; n]);
        while let Some((key, event)) = set.recv().wait() {
            match event {
                Ok(message) => {
                    assert_eq!((message as usize, ends[key]), (key, 0));
                    messages[key] += 1;
                }
                Err(Closed) => ends[key] += 1,
            }
        }
        assert!(messages.iter().chain(&ends).all(|&count| count == 1));
        assert!(set.is_empty() && set.recv().wait().is_none());
    }
}

#[test]
fn an_empty_set_yields_none_at_once() {
    assert!(Mux::<u32, u32>::new().recv().wait().is_none());
    assert!(Mux::<u32, u32>::default().is_empty());
}

#[test]
fn a_message_wakes_whoever_waits_for_the_set_once() {
    let (senders, mut set) = set(100);
    let (wakes, waker) = Count::new();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut next = set.recv();
    assert!(std::pin::Pin::new(&mut next).poll(&mut cx).is_pending());
    senders[42].try_send(1).unwrap();
    senders[7].try_send(2).unwrap();
    assert_eq!(wakes.get(), 1);
    assert_eq!(poll_once(&mut next), Some(Some((42, Ok(1)))));
    drop(next);
    assert_eq!(set.recv().wait(), Some((7, Ok(2))));
}

#[test]
fn sources_with_messages_take_turns() {
    let (senders, mut set) = set(3);
    for tx in &senders {
        (0..4).for_each(|n| tx.try_send(n).unwrap());
    }
    let order = drain(&mut set);
    assert_eq!(order, [0, 1, 2].repeat(4));
}

#[test]
fn a_source_that_becomes_ready_waits_for_one_turn_of_the_others_at_most() {
    let (senders, mut set) = set(4);
    for tx in &senders[..3] {
        (0..100).for_each(|n| tx.try_send(n).unwrap());
    }
    for n in 0..50 {
        senders[3].try_send(n).unwrap();
        let before = (0..).find(|_| set.recv().wait().is_some_and(|(key, _)| key == 3));
        assert!(before <= Some(3), "{before:?} others came first");
    }
}

#[test]
fn weights_are_the_messages_of_a_turn_and_bound_the_wait_of_the_others() {
    let mut set = Mux::new();
    let senders: Vec<_> = [3, 1, 2]
        .into_iter()
        .enumerate()
        .map(|(key, n)| {
            let (tx, rx) = unbounded();
            set.insert_weighted(key, rx, weight(n));
            (0..60).for_each(|message| tx.try_send(message).unwrap());
            tx
        })
        .collect();
    let order: Vec<_> = (0..60).map(|_| set.recv().wait().unwrap().0).collect();
    assert_eq!(order, [0, 0, 0, 1, 2, 2].repeat(10));
    drop(senders);
}

#[test]
fn what_a_source_leaves_of_its_turn_it_does_not_save_up() {
    let mut set = Mux::new();
    let (a_tx, a) = unbounded();
    let (b_tx, b) = unbounded();
    set.insert_weighted(0, a, weight(3));
    set.insert_weighted(1, b, weight(1));
    for _ in 0..10 {
        a_tx.try_send(0).unwrap();
        assert_eq!(drain(&mut set), [0], "one of its three");
    }
    (0..8).for_each(|n| a_tx.try_send(n).unwrap());
    (0..2).for_each(|n| b_tx.try_send(n).unwrap());
    assert_eq!(drain(&mut set), [0, 0, 0, 1, 0, 0, 0, 1, 0, 0]);
}

#[test]
fn a_source_that_is_taken_out_hands_its_receiver_back_with_what_is_inside() {
    let (senders, mut set) = set(3);
    senders[1].try_send(7).unwrap();
    let rx = set.remove(&1).expect("it was there");
    assert!(!set.contains(&1) && set.get(&1).is_none() && set.remove(&1).is_none());
    assert_eq!(set.len(), 2);
    assert_eq!(rx.try_recv(), Ok(7));
    senders[1].try_send(8).unwrap();
    assert_eq!(
        poll_once(&mut set.recv()),
        None,
        "its old number is passed over"
    );
    assert_eq!(rx.try_recv(), Ok(8));
}

#[test]
fn a_source_that_is_taken_out_leaves_no_waker_behind() {
    let (tx, rx) = unbounded();
    let mut set: Mux<_, u32> = [((), rx)].into_iter().collect();
    let (wakes, waker) = Count::new();
    let mut cx = std::task::Context::from_waker(&waker);
    let (_keep, other) = unbounded();
    // A second set on the same channel, which stays: it shows that the first one's waker is gone.
    let mut next = set.recv();
    assert!(std::pin::Pin::new(&mut next).poll(&mut cx).is_pending());
    drop(next);
    let rx = set.remove(&()).unwrap();
    set.insert((), other);
    let mut next = set.recv();
    assert!(std::pin::Pin::new(&mut next).poll(&mut cx).is_pending());
    tx.try_send(1).unwrap();
    assert_eq!(wakes.get(), 0);
    assert_eq!(rx.try_recv(), Ok(1));
}

#[test]
fn a_set_that_is_dropped_leaves_no_waker_behind_and_its_clones_go_on() {
    let (tx, rx) = unbounded();
    let mut set: Mux<_, u32> = [((), rx.clone())].into_iter().collect();
    let (wakes, waker) = Count::new();
    let strong = std::sync::Arc::strong_count(&wakes);
    {
        let mut cx = std::task::Context::from_waker(&waker);
        let mut next = set.recv();
        assert!(std::pin::Pin::new(&mut next).poll(&mut cx).is_pending());
    }
    assert_eq!(
        std::sync::Arc::strong_count(&wakes),
        strong,
        "dropped half-way"
    );
    assert_eq!(tx.stats().receivers, 2);
    drop(set);
    assert_eq!(tx.stats().receivers, 1);
    tx.try_send(1).unwrap();
    assert_eq!((wakes.get(), rx.try_recv()), (0, Ok(1)));
}

#[test]
fn a_receiver_of_a_key_that_is_taken_replaces_the_old_one() {
    let (a_tx, a) = unbounded();
    let (b_tx, b) = unbounded();
    let mut set = Mux::new();
    assert!(set.insert("key", a).is_none());
    a_tx.try_send(1).unwrap();
    let a = set.insert("key", b).expect("the old one");
    b_tx.try_send(2).unwrap();
    assert_eq!(set.recv().wait(), Some(("key", Ok(2))));
    assert_eq!(poll_once(&mut set.recv()), None);
    assert_eq!(a.try_recv(), Ok(1));
    assert_eq!((set.len(), set.keys().count()), (1, 1));
    assert!(set.get(&"key").is_some_and(|rx| rx.is_empty()));
    assert_eq!(format!("{set:?}"), r#"{"key"}"#);
}

#[test]
fn a_source_put_in_after_another_was_taken_out_does_not_get_its_turns_too() {
    let (old_tx, old) = unbounded();
    let (other_tx, other) = unbounded();
    let mut set: Mux<_, _> = [("old", old), ("other", other)].into_iter().collect();
    assert_eq!(poll_once(&mut set.recv()), None);
    old_tx.try_send(1).unwrap(); // says so, to the place of "old"
    let _old = set.remove(&"old");
    let (new_tx, new) = unbounded();
    set.insert("new", new); // in the same place
    for n in 0..4 {
        new_tx.try_send(n).unwrap();
        other_tx.try_send(n).unwrap();
    }
    let order: Vec<_> = (0..8).map(|_| set.recv().wait().unwrap().0).collect();
    assert_eq!(order, ["new", "other"].repeat(4));
}

#[test]
fn sources_come_and_go_while_messages_flow_and_none_is_lost() {
    let mut dice = Dice(seed());
    let mut set = Mux::<u64, u64>::new();
    let mut ends: Vec<(u64, Sender<u64>, Option<Receiver<u64>>)> = Vec::new();
    let (mut sent, mut received, mut fresh) = (0_u64, 0_u64, 0_u64);
    for _ in 0..20_000 {
        let pick = dice.roll(ends.len().max(1) as u64) as usize;
        match dice.roll(10) {
            0 => {
                let (tx, rx) = bounded(3);
                set.insert_weighted(fresh, rx, weight(1 + dice.roll(3) as u32));
                ends.push((fresh, tx, None));
                fresh += 1;
            }
            // Out, and perhaps in again later; its messages stay inside.
            1 if !ends.is_empty() => match ends[pick].2.take() {
                Some(rx) => assert!(set.insert(ends[pick].0, rx).is_none()),
                None => ends[pick].2 = Some(set.remove(&ends[pick].0).expect("it is in")),
            },
            2 if ends.len() > 20 => {
                let (key, _, out) = ends.swap_remove(pick);
                let rx = out.or_else(|| set.remove(&key)).expect("in or out");
                received += rx.try_iter().count() as u64;
            }
            3..=6 if !ends.is_empty() => sent += u64::from(ends[pick].1.try_send(sent).is_ok()),
            _ => {
                let event = poll_once(&mut set.recv()).flatten();
                received += u64::from(event.is_some_and(|(_, event)| event.is_ok()));
            }
        }
        let inside: usize = ends.iter().map(|(_, tx, _)| tx.len()).sum();
        assert_eq!(sent, received + inside as u64);
    }
    for (key, _, out) in &mut ends {
        if let Some(rx) = out.take() {
            set.insert(*key, rx);
        }
    }
    ends.clear();
    while let Some((_, event)) = set.recv().wait() {
        received += u64::from(event.is_ok());
    }
    assert_eq!(sent, received);
}

#[test]
fn a_message_of_a_set_of_a_hundred_thousand_costs_about_what_one_of_ten_costs() {
    let messages = |n: usize| {
        let (senders, mut set) = set(n);
        assert_eq!(
            poll_once(&mut set.recv()),
            None,
            "each is asked once in the beginning"
        );
        let round = || {
            let start = Instant::now();
            for n in 0..500 {
                senders[5].try_send(n).unwrap();
                assert_eq!(poll_once(&mut set.recv()), Some(Some((5, Ok(n)))));
            }
            start.elapsed()
        };
        std::iter::repeat_with(round).take(10).min().unwrap()
    };
    let (small, big) = (messages(10), messages(100_000));
    // Ten thousand times as much if each source were asked; the rest is for a busy machine.
    assert!(big < 100 * small, "{small:?} and {big:?}");
}
