//! A million messages through selects of threads and tasks, under random cancellations, timeouts and
//! drops, from a seed that a failure prints: each was received once, or given back, once.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    Receiver, Sender,
    channel::{bounded, rendezvous, unbounded},
    task, thread as threads,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};
use support::{Dice, poll_once, seed};

const MESSAGES: usize = 1_000_000;
const PRODUCERS: usize = 4;
const EACH: usize = MESSAGES / PRODUCERS;
const CHANNELS: usize = 3;

type Ends = (Sender<usize>, Receiver<usize>);

/// What became of each message.
struct Ledger {
    received: Vec<AtomicU8>,
    returned: Vec<AtomicU8>,
    /// Receives that were ended before anything came.
    given_up: AtomicUsize,
}

impl Ledger {
    fn new() -> Arc<Self> {
        let column = || (0..MESSAGES).map(|_| AtomicU8::new(0)).collect();
        Arc::new(Self {
            received: column(),
            returned: column(),
            given_up: AtomicUsize::new(0),
        })
    }

    fn receive(&self, message: usize) {
        assert_eq!(
            self.received[message].fetch_add(1, Relaxed),
            0,
            "{message} twice"
        );
    }

    fn give_back(&self, message: usize) {
        assert_eq!(
            self.returned[message].fetch_add(1, Relaxed),
            0,
            "{message} twice"
        );
    }

    /// Each message went one way, and of both ways there were many.
    fn close(&self) {
        let mut counts = [0, 0];
        for (n, (received, returned)) in self.received.iter().zip(&self.returned).enumerate() {
            let (received, returned) = (received.load(Relaxed), returned.load(Relaxed));
            assert_eq!(
                received + returned,
                1,
                "message {n}: received {received}, returned {returned}"
            );
            counts[usize::from(returned)] += 1;
        }
        let given_up = self.given_up.load(Relaxed);
        println!("{counts:?} received and returned, {given_up} receives given up");
        assert!(
            counts[0] > MESSAGES / 10 && counts[1] > MESSAGES / 1_000,
            "{counts:?}"
        );
        assert!(given_up > 1_000, "{given_up}");
    }
}

/// The body of a producer and of a consumer, in a thread or in a task: they differ in the `select!`
/// and in how they wait.
macro_rules! actors {
    ($mode:ident, [$($wait:tt)+], $($async:tt)?) => {
        /// Sends the messages from `first` on.
        pub(super) $($async)? fn produce(channels: &[Sender<usize>], first: usize, ledger: &Ledger, mut dice: Dice) {
            let root = CancelToken::new();
            for n in first..first + EACH {
                let mut slot = Some(n);
                let (a, b) = (dice.roll(CHANNELS as u64) as usize, dice.roll(CHANNELS as u64) as usize);
                let (a, b) = (&channels[a], &channels[b]);
                match dice.roll(10) {
                    0 => {
                        let token = root.child_with_timeout(Duration::from_micros(dice.roll(30)));
                        $mode::select! {
                            _ = a.send_from(&mut slot) => {}
                            _ = token.cancelled() => {}
                        }
                    }
                    1 => {
                        let token = root.child();
                        if dice.roll(4) == 0 {
                            token.cancel();
                        }
                        let _sent = a.send_from(&mut slot).with_cancel(&token).timeout(Duration::from_micros(20)) $($wait)+;
                    }
                    2 => {
                        let mut half = std::pin::pin!(async {
                            task::select! {
                                _ = a.send_from(&mut slot) => {}
                                _ = root.cancelled() => {}
                            }
                        });
                        let _ready = poll_once(&mut half.as_mut());
                    }
                    3 => $mode::select! {
                        _ = a.send_from(&mut slot) => {}
                        default => {}
                    },
                    // Two arms, of which one takes the message and the other has none to take.
                    _ => {
                        let mut none = None;
                        let (one, two) = if n % 2 == 0 { (&mut slot, &mut none) } else { (&mut none, &mut slot) };
                        let which = one.is_some();
                        $mode::select! {
                            _ = a.send_from(one), if which => {}
                            _ = b.send_from(two), if !which => {}
                            _ = root.cancelled() => unreachable!("nobody cancels this one"),
                        }
                    }
                }
                if let Some(back) = slot {
                    ledger.give_back(back);
                }
            }
        }

        /// Receives until all channels are closed.
        pub(super) $($async)? fn consume(channels: &[Receiver<usize>], ledger: &Ledger, mut dice: Dice) {
            let root = CancelToken::new();
            let mut open = [true; CHANNELS];
            let [a, b, c] = channels else { unreachable!() };
            while open != [false; CHANNELS] {
                let token = if dice.roll(3) == 0 {
                    root.child_with_timeout(Duration::from_micros(dice.roll(20)))
                } else {
                    CancelToken::never()
                };
                if dice.roll(8) == 0 {
                    let mut half = std::pin::pin!(async {
                        task::select! {
                            got = a.recv() => got.ok(),
                            got = b.recv() => got.ok(),
                        }
                    });
                    if let Some(Some(message)) = poll_once(&mut half.as_mut()) {
                        ledger.receive(message);
                    }
                    // Whatever it was given since goes back.
                }
                let (got, from) = $mode::select! {
                    got = a.recv(), if open[0] => (got.ok(), 0),
                    got = b.recv(), if open[1] => (got.ok(), 1),
                    got = c.recv(), if open[2] => (got.ok(), 2),
                    _ = token.cancelled() => {
                        ledger.given_up.fetch_add(1, Relaxed);
                        continue;
                    }
                };
                match got {
                    Some(message) => ledger.receive(message),
                    None => open[from] = false,
                }
            }
        }
    };
}

mod in_threads {
    use super::threads as mode;
    use super::*;
    actors! { mode, [.wait()], }
}

mod in_tasks {
    use super::task as mode;
    use super::*;
    actors! { mode, [.await], async }
}

#[test]
fn a_million_messages_through_selects_are_received_or_returned() {
    let seed = seed();
    let ledger = Ledger::new();
    let ends: [Ends; CHANNELS] = [rendezvous(), bounded(8), unbounded()];
    let senders: Vec<_> = ends.iter().map(|(tx, _)| tx.clone()).collect();
    let receivers: Vec<_> = ends.iter().map(|(_, rx)| rx.clone()).collect();
    drop(ends);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let (mut threads, mut tasks) = (Vec::new(), Vec::new());
    for actor in 0..PRODUCERS {
        let (senders, ledger) = (senders.clone(), ledger.clone());
        let dice = Dice(seed ^ actor as u64);
        if actor % 2 == 0 {
            threads.push(thread::spawn(move || {
                in_threads::produce(&senders, actor * EACH, &ledger, dice);
            }));
        } else {
            tasks.push(runtime.spawn(async move {
                in_tasks::produce(&senders, actor * EACH, &ledger, dice).await;
            }));
        }
    }
    for actor in 0..4 {
        let (receivers, ledger) = (receivers.clone(), ledger.clone());
        let dice = Dice(seed ^ (100 + actor));
        if actor % 2 == 0 {
            threads.push(thread::spawn(move || {
                in_threads::consume(&receivers, &ledger, dice)
            }));
        } else {
            tasks.push(runtime.spawn(async move {
                in_tasks::consume(&receivers, &ledger, dice).await;
            }));
        }
    }
    drop(senders);
    threads.into_iter().for_each(|actor| actor.join().unwrap());
    for actor in tasks {
        runtime.block_on(actor).unwrap();
    }
    for rx in receivers {
        let stats = rx.stats();
        assert_eq!(
            (stats.len, stats.waiting_senders, stats.waiting_receivers),
            (0, 0, 0)
        );
    }
    ledger.close();
}
