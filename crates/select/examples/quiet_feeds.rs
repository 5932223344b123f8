//! Listens to two feeds, and stops when neither has said anything for three seconds.
//!
//! `cargo run -p anabranch-select --example quiet_feeds` takes five seconds; the same code takes none
//! in `tests/examples.rs`, where the token comes with a clock of its own.

use anabranch_select::{CancelToken, Closed, Receiver, channel::bounded, thread::select};
use std::{
    thread::{self, JoinHandle},
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

/// Says `word` after `pause`, and nothing more until the token is cancelled.
fn feed(
    token: &CancelToken,
    word: &'static str,
    pause: Duration,
) -> (Receiver<&'static str>, JoinHandle<()>) {
    let (tx, rx) = bounded(1);
    let token = token.clone();
    // On a manual clock this thread takes part: time stands still while it can run.
    let member = token.clock().participant(word);
    let thread = thread::spawn(move || {
        let _in = member.enter();
        if token.sleep(pause).wait().is_ok() && tx.send(word).wait().is_ok() {
            let _silence = token.cancelled().wait();
        }
    });
    (rx, thread)
}

pub(crate) fn run(token: &CancelToken) -> Result<Vec<&'static str>, Closed> {
    let feeds = token.child();
    let _stop = feeds.guard(); // however we leave, they stop
    let (one, first) = feed(&feeds, "one", SECOND);
    let (two, second) = feed(&feeds, "two", 2 * SECOND);
    let mut heard = Vec::new();
    loop {
        select! {
            word = one.recv() => heard.push(word?),
            word = two.recv() => heard.push(word?),
            // Counted anew in each round. A limit for all rounds: `token.until(moment)`.
            _ = token.after(3 * SECOND) => break,
        }
        println!("{heard:?}");
    }
    println!("nothing for three seconds");
    feeds.cancel();
    for thread in [first, second] {
        thread.join().expect("a feed does not panic");
    }
    Ok(heard)
}

fn main() -> Result<(), Closed> {
    run(&CancelToken::new()).map(drop)
}
