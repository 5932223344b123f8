//! Many threads count together: with a mutex around the number, and with a channel to the one who
//! owns it.
//!
//! `cargo run -p anabranch-select --example counter`. The version that does neither, and loses counts
//! in other languages, does not compile: see the crate's guide.

use anabranch_select::channel;
use std::{
    sync::{Mutex, PoisonError},
    thread,
};

const THREADS: u64 = 8;
const EACH: u64 = 1_000;

/// The number is shared, and whoever holds the lock has it alone. Right for a state that is looked at
/// and changed in place.
pub(crate) fn with_a_mutex() -> u64 {
    let count = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    *count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                }
            });
        }
    });
    count.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The number has one owner, and the others send it what to do. Right where the owner does more than
/// to count: writes to a file, keeps an order, decides.
pub(crate) fn with_a_channel() -> u64 {
    let (tx, rx) = channel::bounded(64);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let tx = tx.clone();
            // Fails only if the owner is gone, and then there is nothing to count for.
            scope.spawn(move || (0..EACH).try_for_each(|_| tx.send(1).wait()));
        }
        drop(tx); // ours: or the sum would wait for us
        rx.iter().sum()
    })
}

fn main() {
    println!("{} and {}", with_a_mutex(), with_a_channel());
}
