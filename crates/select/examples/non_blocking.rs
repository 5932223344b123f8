//! Send and receive only if it can be done at once: `default` in a select, `try_` for one channel.
//!
//! `cargo run -p anabranch-select --example non_blocking`

use anabranch_select::{channel, thread::select};

pub(crate) fn run() -> Vec<String> {
    let (tx, rx) = channel::rendezvous::<&str>();
    let (signals_tx, signals) = channel::bounded::<&str>(1);
    let mut log = Vec::new();

    log.push(select! {
        got = rx.recv() => format!("received {got:?}"),
        default => "no message".to_string(),
    });
    log.push(select! {
        _ = tx.send("hi") => "sent".to_string(),
        default => "not sent: nobody is receiving".to_string(),
    });
    log.push(select! {
        got = rx.recv() => format!("received {got:?}"),
        got = signals.recv() => format!("signal {got:?}"),
        default => "no activity".to_string(),
    });

    // For one channel there is a method.
    log.push(format!("{:?}", signals_tx.try_send("reload")));
    log.push(format!("{:?}", signals_tx.try_send("again")));
    log.push(select! {
        got = rx.recv() => format!("received {got:?}"),
        got = signals.recv() => format!("signal {got:?}"),
        default => "no activity".to_string(),
    });
    log.push(format!("{:?}", signals.try_recv()));
    log
}

fn main() {
    for line in run() {
        println!("{line}");
    }
}
