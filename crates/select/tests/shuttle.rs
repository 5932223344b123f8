//! Eight actors with random selects over several channels, in many random schedules: what was sent
//! was received, returned to its sender, or is still there, each once; and nobody waits for ever,
//! which the scheduler calls a deadlock.
#![cfg(shuttle)]

use anabranch_models::must_fail;
use anabranch_select::{
    Mux, Receiver, Sender,
    channel::{bounded, rendezvous, unbounded},
    control::{self, Mistake},
    task,
    thread::select,
};
use shuttle::{
    rand::{Rng, thread_rng},
    thread,
};
use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

const ACTORS: u32 = 8;
const STEPS: u32 = 5;
const SCHEDULES: usize = 20_000;

type Ends = (Sender<u32>, Receiver<u32>);

/// What an actor did. Each message has a number of its own.
#[derive(Default)]
struct Log {
    sent: Vec<u32>,
    received: Vec<u32>,
    returned: Vec<u32>,
}

/// An actor's own ends of all channels.
#[derive(Clone)]
struct Channels([Ends; 3]);

impl Channels {
    fn new() -> Self {
        Self([rendezvous(), bounded(1), unbounded()])
    }

    fn any(&self) -> &Ends {
        &self.0[thread_rng().gen_range(0..3)]
    }

    /// One step, with up to two messages of its own to send.
    fn step(&self, n: u32, log: &mut Log) {
        let ((a_tx, a_rx), (b_tx, b_rx)) = (self.any(), self.any());
        let (mut mine, mut other) = (Some(2 * n), Some(2 * n + 1));
        match thread_rng().gen_range(0..8) {
            0 => select! {
                _ = a_tx.send_from(&mut mine) => {}
                _ = b_tx.send_from(&mut other) => {}
            },
            1 => select! {
                got = a_rx.recv() => log.received.extend(got),
                _ = b_tx.send_from(&mut mine) => {}
            },
            2 => select! {
                biased;
                got = a_rx.recv() => log.received.extend(got),
                got = b_rx.recv() => log.received.extend(got),
            },
            3 => select! {
                _ = a_tx.send_from(&mut mine) => {}
                got = b_rx.recv() => log.received.extend(got),
                default => thread::yield_now(),
            },
            4 => {
                // Dropped half-way, with an arm that outlives it.
                let mut kept = a_rx.recv();
                {
                    let mut half = pin!(async {
                        task::select! {
                            got = &mut kept => log.received.extend(got),
                            _ = b_tx.send_from(&mut mine) => {}
                        }
                    });
                    let _ready = poll_once(&mut half.as_mut());
                    thread::yield_now();
                }
                if thread_rng().gen_bool(0.5) {
                    log.received
                        .extend(poll_once(&mut kept).and_then(Result::ok));
                }
            }
            5 => {
                // Out of its slot, and back into it when it is dropped.
                let _sent = poll_once(&mut a_tx.send_from(&mut mine));
                let got = poll_once(&mut b_rx.recv());
                log.received.extend(got.and_then(Result::ok));
            }
            6 => {
                let sent = a_tx.send(mine.take().expect("a new one")).wait();
                mine = sent.err().map(|unsent| unsent.into_inner());
            }
            _ => log.received.extend(a_rx.recv().wait()),
        }
        // An empty slot: sent, whether or not somebody was there to hear of it.
        for (message, n) in [(mine, 2 * n), (other, 2 * n + 1)] {
            let to = if message.is_some() {
                &mut log.returned
            } else {
                &mut log.sent
            };
            to.push(n);
        }
    }
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// One run: six actors that send and receive, one that keeps a set, one that closes everything.
fn actors() {
    let channels = Channels::new();
    let mut actors: Vec<_> = (0..ACTORS - 2)
        .map(|actor| {
            let channels = channels.clone();
            thread::spawn(move || {
                let mut log = Log::default();
                (0..STEPS).for_each(|step| channels.step(actor * STEPS + step, &mut log));
                log
            })
        })
        .collect();
    actors.push(thread::spawn({
        let receivers = channels.0.clone().map(|(_, rx)| rx);
        move || {
            let mut log = Log::default();
            let mut set: Mux<_, _> = receivers.into_iter().enumerate().collect();
            while let Some((_, event)) = set.recv().wait() {
                log.received.extend(event);
            }
            log
        }
    }));
    let closer = thread::spawn({
        let channels = channels.clone();
        move || {
            for (tx, rx) in &channels.0 {
                (0..thread_rng().gen_range(0..20)).for_each(|_| thread::yield_now());
                if thread_rng().gen_bool(0.5) {
                    tx.close()
                } else {
                    rx.close()
                };
            }
        }
    });
    closer.join().unwrap();
    let mut all = Log::default();
    for actor in actors {
        let log = actor.join().unwrap();
        all.sent.extend(log.sent);
        all.received.extend(log.received);
        all.returned.extend(log.returned);
    }
    for (tx, rx) in &channels.0 {
        let stats = tx.stats();
        assert_eq!(
            (stats.waiting_senders, stats.waiting_receivers),
            (0, 0),
            "somebody in line"
        );
        all.received.extend(rx.try_iter());
    }
    let Log {
        mut sent,
        mut received,
        returned,
    } = all;
    sent.sort_unstable();
    received.sort_unstable();
    assert_eq!(sent, received, "sent and not received, or received twice");
    assert!(
        !returned.iter().any(|n| sent.binary_search(n).is_ok()),
        "sent and returned"
    );
}

#[test]
fn nothing_is_lost_or_doubled_in_any_random_schedule() {
    shuttle::check_random(actors, SCHEDULES);
}

#[test]
fn nothing_is_lost_or_doubled_whatever_priorities_the_actors_have() {
    shuttle::check_pct(actors, SCHEDULES, 3);
}

#[test]
fn the_schedules_see_what_a_dropped_receive_takes_along() {
    must_fail("control_keep_given", "sent and not received");
}

#[test]
#[ignore = "a control that has to fail: run by the_schedules_see_what_a_dropped_receive_takes_along"]
fn control_keep_given() {
    control::plant(Mistake::KeepGiven);
    shuttle::check_random(actors, SCHEDULES);
}

#[test]
fn the_schedules_see_a_select_that_sleeps_through_a_visit() {
    must_fail("control_ignore_missed", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by the_schedules_see_a_select_that_sleeps_through_a_visit"]
fn control_ignore_missed() {
    control::plant(Mistake::IgnoreMissed);
    shuttle::check_random(actors, SCHEDULES);
}

#[test]
fn the_schedules_see_a_set_that_looks_and_waits_in_two_steps() {
    must_fail("control_look_then_wait", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by the_schedules_see_a_set_that_looks_and_waits_in_two_steps"]
fn control_look_then_wait() {
    control::plant(Mistake::LookThenWait);
    shuttle::check_random(actors, SCHEDULES);
}
