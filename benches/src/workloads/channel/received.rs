//! What came out of a channel, beside what should have.

use anyhow::{Context, Result, ensure};

use crate::channels::AsyncReceive;

/// What came out of a channel into which the numbers from 0 went.
#[derive(Debug, Default)]
pub(super) struct InOrder {
    next: u64,
    sum: u64,
}

impl InOrder {
    pub(super) fn take(&mut self, message: u64) -> Result<()> {
        let due = self.next;
        ensure!(message == due, "message {message} came instead of {due}");
        self.next += 1;
        self.sum = self.sum.wrapping_add(message);
        Ok(())
    }

    pub(super) fn check(&self, ops: u64) -> Result<()> {
        let sum = (0..ops).fold(0, u64::wrapping_add);
        ensure!(
            (self.next, self.sum) == (ops, sum),
            "{} of {ops} messages came, and they add up to {}",
            self.next,
            self.sum
        );
        Ok(())
    }
}

/// A message that says who sent it.
pub(super) fn label(producer: u64, number: u64) -> u64 {
    producer << 48 | number
}

/// What one of several consumers received.
pub(super) struct Labelled {
    pub(super) count: u64,
    pub(super) sum: u64,
}

/// Receives until the channel is closed and empty. What one producer sends must not be overtaken
/// by what it sends later, whoever else receives.
pub(super) async fn receive_labelled(
    mut receiver: impl AsyncReceive,
    producers: u64,
) -> Result<Labelled> {
    let mut next = vec![0; usize::try_from(producers)?];
    let mut received = Labelled { count: 0, sum: 0 };
    while let Some(message) = receiver.receive().await {
        let (producer, number) = (usize::try_from(message >> 48)?, message & ((1 << 48) - 1));
        let next = next.get_mut(producer).context("nobody sent that")?;
        ensure!(
            number >= *next,
            "producer {producer}: message {number} came late"
        );
        *next = number + 1;
        received.count += 1;
        received.sum = received.sum.wrapping_add(message);
    }
    Ok(received)
}
