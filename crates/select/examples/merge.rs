//! Two inputs become one output, which ends when both have ended: an input that has ended is
//! switched off by the guard of its arm.
//!
//! `cargo run -p anabranch-select --example merge`. For any number of inputs: `Mux`.

use anabranch_select::{
    Receiver, Sender, Unsent,
    channel::{bounded, rendezvous},
    thread::select,
};
use std::thread;

/// Carries everything from both inputs to `out`, until both have ended or nobody receives.
fn merge<T>(a: &Receiver<T>, b: &Receiver<T>, out: &Sender<T>) -> Result<(), Unsent<T>> {
    let (mut a_open, mut b_open) = (true, true);
    while a_open || b_open {
        select! {
            got = a.recv(), if a_open => match got {
                Ok(message) => out.send(message).wait()?,
                Err(_closed) => a_open = false,
            },
            got = b.recv(), if b_open => match got {
                Ok(message) => out.send(message).wait()?,
                Err(_closed) => b_open = false,
            },
        }
    }
    Ok(())
}

/// Sends the numbers from a thread of its own, and goes away.
fn numbers(from: u32, count: u32) -> Receiver<u32> {
    let (tx, rx) = rendezvous();
    thread::spawn(move || tx.send_all(from..from + count).wait());
    rx
}

pub(crate) fn run() -> Vec<u32> {
    let (out, merged) = bounded(4);
    let (few, many) = (numbers(0, 3), numbers(100, 10));
    let merger = thread::spawn(move || merge(&few, &many, &out));
    let all = merged.iter().collect();
    let done = merger.join().expect("the merger does not panic");
    assert!(done.is_ok(), "we received until the end");
    all
}

fn main() {
    println!("{:?}", run());
}
