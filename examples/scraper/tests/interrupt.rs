//! Signals, in a process of their own: they reach every test of a binary.

use std::sync::mpsc;
use std::time::Duration;

use anabranch_scraper::interrupt::{Interrupt, Signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::raise;

/// One test, so that no other runs while signals fly.
#[test]
fn the_first_signal_calls_back_and_a_new_watch_starts_afresh() {
    for (number, signal) in [(SIGINT, Signal::Interrupt), (SIGTERM, Signal::Terminate)] {
        let (tx, rx) = mpsc::channel();
        let watch = Interrupt::watch(move |signal| tx.send(signal).unwrap()).unwrap();
        raise(number).unwrap();
        assert_eq!(rx.recv_timeout(Duration::from_secs(60)).unwrap(), signal);
        drop(watch);
    }

    // Without a signal the callback is dropped uncalled, and dropping the watch does not hang.
    let (tx, rx) = mpsc::channel::<Signal>();
    drop(Interrupt::watch(move |signal| tx.send(signal).unwrap()).unwrap());
    assert!(rx.recv().is_err());
}
