//! A thread sends one message, another receives it.
//!
//! `cargo run -p anabranch-select --example greeting`

use anabranch_select::{Closed, Unsent, channel};
use std::thread;

pub(crate) fn run() -> Result<(String, Result<(), Unsent<String>>), Closed> {
    let (tx, rx) = channel::rendezvous();
    let greeter = thread::spawn(move || tx.send("hello from a thread".to_string()).wait());
    let greeting = rx.recv().wait()?; // waits until it is there: no sleep, no guess
    let sent = greeter.join().expect("the greeter does not panic");
    Ok((greeting, sent))
}

fn main() -> Result<(), Closed> {
    let (greeting, sent) = run()?;
    println!("{greeting} (sent: {sent:?})");
    Ok(())
}
