//! With a buffer of three, three messages wait for a receiver and the fourth sender waits for room;
//! without a buffer every sender waits for its receiver.
//!
//! `cargo run -p anabranch-select --example buffered`

use anabranch_select::{
    TrySendError,
    channel::{bounded, rendezvous},
};
use std::{error::Error, thread};

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Messages that the buffer took with nobody there to receive.
    pub(crate) buffered: usize,
    /// The one for which there was no room.
    pub(crate) refused: Option<u32>,
    /// All that was received in the end, in order.
    pub(crate) received: Vec<u32>,
    /// What came back from a channel without a buffer while nobody was there to take it.
    pub(crate) nobody_there: Option<u32>,
    /// What went from hand to hand.
    pub(crate) handed_over: u32,
}

pub(crate) fn run() -> Result<Report, Box<dyn Error>> {
    let (tx, rx) = bounded(3);
    for n in 1..=3 {
        tx.send(n).wait()?; // does not wait: there is room
    }
    let buffered = tx.len();
    let refused = full(tx.try_send(4)); // `send` would wait here, for ever: nobody receives yet
    println!("the buffer holds {buffered}, {refused:?} is refused");

    let fourth = thread::spawn(move || tx.send(4).wait());
    let received: Vec<_> = rx.iter().collect(); // the fourth follows as soon as there is room
    fourth.join().expect("the sender does not panic")?;
    println!("received {received:?}");

    let (tx, rx) = rendezvous();
    let nobody_there = full(tx.try_send(5));
    let sender = thread::spawn(move || tx.send(6).wait());
    let handed_over = rx.recv().wait()?;
    // Once `send` has returned, the receiver has the message: that is what a rendezvous is for.
    sender.join().expect("the sender does not panic")?;
    println!("without a buffer {nobody_there:?} came back, {handed_over} was handed over");

    Ok(Report {
        buffered,
        refused,
        received,
        nobody_there,
        handed_over,
    })
}

/// The message that came back because the channel was full.
fn full(sent: Result<(), TrySendError<u32>>) -> Option<u32> {
    match sent {
        Err(TrySendError::Full(message)) => Some(message),
        Ok(()) | Err(TrySendError::Closed(_)) => None,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    run().map(drop)
}
