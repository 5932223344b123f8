//! Signals, in a process of their own: they reach every test of a binary.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anabranch_scraper::interrupt::{Interrupt, Signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::raise;

/// The only test that lets signals loose in this process.
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

/// Not a test: what the tests below run in a process that may be killed.
#[test]
#[ignore = "a child process of the other tests"]
fn child() {
    let say = |word: &str| writeln!(io::stdout(), "{word}").unwrap();
    let watch = Interrupt::watch(move |_| say("asked")).unwrap();
    if std::env::var_os("CHILD_DROPS_THE_WATCH").is_some() {
        drop(watch);
    }
    say("ready");
    // Far longer than the signals take. Without an end, a signal that does not kill would leave
    // the parent and this process behind for ever.
    thread::sleep(Duration::from_secs(60));
}

fn start(drops_the_watch: bool) -> (Child, impl FnMut(&str)) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["child", "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped());
    if drops_the_watch {
        command.env("CHILD_DROPS_THE_WATCH", "1");
    }
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let wait_for = move |word: &str| {
        assert!(
            lines.any(|line| line.unwrap().ends_with(word)),
            "the child never said {word}"
        );
    };
    (child, wait_for)
}

fn signal(child: &Child) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn the_second_signal_kills() {
    let (mut child, mut wait_for) = start(false);
    wait_for("ready");
    signal(&child);
    wait_for("asked");
    assert_eq!(child.try_wait().unwrap(), None, "the first signal killed");
    signal(&child);
    assert_eq!(child.wait().unwrap().signal(), Some(SIGINT));
}

#[test]
fn the_first_signal_kills_once_the_watch_is_over() {
    let (mut child, mut wait_for) = start(true);
    wait_for("ready");
    signal(&child);
    assert_eq!(child.wait().unwrap().signal(), Some(SIGINT));
}
