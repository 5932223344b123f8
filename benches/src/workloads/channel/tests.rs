//! Channels that keep their promises pass, and others do not.

use super::*;
use crate::channels::{Crossbeam, Flume, StdBounded};

const ASK: Ask = Ask { ops: 10, seed: 1 };
const LOSES: u8 = 0;
const DOUBLES: u8 = 1;
const SWAPS: u8 = 2;
const ENDS: u8 = 3;

/// flume's channel, and what goes wrong with messages 3 and 4 of the first producer.
struct Faulty<const FAULT: u8>;

#[derive(Clone)]
struct FaultySender<const FAULT: u8>(flume::Sender<u64>);

impl<const FAULT: u8> Channel for Faulty<FAULT> {
    type Sender = FaultySender<FAULT>;
    type Receiver = flume::Receiver<u64>;

    fn make(capacity: Capacity) -> Result<(Self::Sender, Self::Receiver)> {
        let (sender, receiver) = Flume::make(capacity)?;
        Ok((FaultySender(sender), receiver))
    }
}

impl<const FAULT: u8> FaultySender<FAULT> {
    /// What is sent instead.
    fn instead(message: u64) -> Vec<u64> {
        match (FAULT, message) {
            (LOSES, 3) => vec![],
            (ENDS, 8..) => vec![],
            (DOUBLES, 3) => vec![3, 3],
            (SWAPS, 3) => vec![4],
            (SWAPS, 4) => vec![3],
            _ => vec![message],
        }
    }
}

impl<const FAULT: u8> BlockingSend for FaultySender<FAULT> {
    fn send(&mut self, message: u64) -> Result<()> {
        let mut messages = Self::instead(message).into_iter();
        messages.try_for_each(|message| Ok(self.0.send(message)?))
    }
}

impl<const FAULT: u8> AsyncSend for FaultySender<FAULT> {
    async fn send(&mut self, message: u64) -> Result<()> {
        Self::instead(message)
            .into_iter()
            .try_for_each(|message| Ok(self.0.send(message)?))
    }
}

fn all_fail<const FAULT: u8>() {
    let capacity = Capacity::Unbounded;
    assert!(thread_to_thread::<Faulty<FAULT>>(ASK, capacity).is_err());
    assert!(thread_to_task::<Faulty<FAULT>>(ASK, capacity).is_err());
    assert!(task_to_task::<Faulty<FAULT>>(ASK, capacity).is_err());
    let ask = Ask { ops: 40, seed: 1 };
    // One consumer, or the two halves of a swap could go to different ones, which is allowed.
    assert!(tasks_to_tasks::<Faulty<FAULT>>(ask, capacity, 1).is_err());
}

#[test]
fn a_channel_that_keeps_its_promises_passes() {
    let capacity = Capacity::Bounded(2);
    let reps = [
        thread_to_thread::<Flume>(ASK, capacity),
        thread_to_task::<Flume>(ASK, capacity),
        task_to_task::<Flume>(ASK, capacity),
        tasks_to_tasks::<Flume>(ASK, capacity, 4),
        one_thread::<Crossbeam>(ASK, |receiver| receiver.receive()),
    ];
    for rep in reps {
        assert_eq!(rep.unwrap().ops, 10);
    }
}

#[test]
fn a_lost_message_fails_the_check() {
    all_fail::<LOSES>();
}

#[test]
fn the_last_messages_lost_fail_the_check() {
    all_fail::<ENDS>();
}

#[test]
fn a_message_that_comes_twice_fails_the_check() {
    all_fail::<DOUBLES>();
}

#[test]
fn a_message_that_overtakes_another_fails_the_check() {
    all_fail::<SWAPS>();
}

#[test]
fn what_a_channel_does_not_have_is_an_error() {
    let rep = thread_to_thread::<StdBounded>(ASK, Capacity::Unbounded);
    assert!(rep.unwrap_err().to_string().contains("bound"));
    let empty = one_thread::<Crossbeam>(ASK, |_| None);
    assert!(empty.unwrap_err().to_string().contains("not there"));
}

#[test]
fn the_shares_add_up() {
    for ops in 0..9 {
        let shares: u64 = (0..4).map(|producer| share(ops, 4, producer)).sum();
        assert_eq!(shares, ops);
    }
}
