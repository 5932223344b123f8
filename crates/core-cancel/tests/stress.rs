//! Many threads, random steps from a seed that a failure prints, and an invariant to the end.
#![cfg(not(loom))]

mod support;

use anabranch_core_cancel::{
    CancelToken,
    select::{Either, select2},
};
use anabranch_models::{Dice, seed};
use std::{
    future::Future,
    pin::pin,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};
use support::{Rendezvous, Semaphore};

#[test]
fn permits_are_conserved_under_timeouts_cancellations_drops_and_selects() {
    const PERMITS: usize = 3;
    let (slots, other) = (Semaphore::new(PERMITS), Semaphore::new(1));
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let root = CancelToken::new();
    let seed = seed();
    thread::scope(|s| {
        for actor in 0..8 {
            let (slots, other, inside, most, root) = (&slots, &other, &inside, &most, &root);
            s.spawn(move || {
                let mut dice = Dice(seed ^ actor);
                for _ in 0..4_000 {
                    let want = 1 + dice.roll(PERMITS as u64) as usize;
                    let micros = Duration::from_micros(dice.roll(40));
                    let got = match dice.roll(6) {
                        0 => Some(slots.acquire(want).wait()),
                        1 => slots.acquire(want).timeout(micros).wait().ok(),
                        2 => {
                            let token = root.child_with_timeout(micros);
                            slots.acquire(want).with_cancel(&token).wait().ok()
                        }
                        3 => pollster::block_on(slots.acquire(want).timeout(micros)).ok(),
                        4 => match select2(slots.acquire(want), other.acquire(1)).wait() {
                            Either::First(permit) => Some(permit),
                            Either::Second(_one) => None,
                        },
                        _ => slots.try_acquire(want),
                    };
                    if got.is_some() {
                        most.fetch_max(inside.fetch_add(want, Relaxed) + want, Relaxed);
                        if dice.roll(4) == 0 {
                            thread::yield_now();
                        }
                        inside.fetch_sub(want, Relaxed);
                    }
                }
            });
        }
    });
    assert!(most.load(Relaxed) <= PERMITS, "{most:?} inside at once");
    assert_eq!((slots.free(), slots.waiting()), (PERMITS, 0));
    assert_eq!((other.free(), other.waiting()), (1, 0));
    assert_eq!(root.watchers(), Default::default());
}

#[test]
fn messages_are_conserved_under_selects_timeouts_and_drops() {
    let channels = [Rendezvous::new(), Rendezvous::new()];
    let (sent, received) = (AtomicU64::new(0), AtomicU64::new(0));
    let done = CancelToken::new();
    let seed = seed();
    thread::scope(|s| {
        let mut senders = Vec::new();
        for actor in 0..8u64 {
            let (channels, sent, received, done) = (&channels, &sent, &received, &done);
            let work = move || {
                let mut dice = Dice(seed ^ actor);
                let mut steps = 0;
                while if actor < 4 {
                    steps < 3_000
                } else {
                    !done.is_cancelled()
                } {
                    steps += 1;
                    let micros = Duration::from_micros(dice.roll(60));
                    let (a, b) = (dice.roll(2) as usize, dice.roll(2) as usize);
                    let value = 1 + dice.roll(1_000);
                    let (mut out, mut came) = (0, 0);
                    match (actor < 4, dice.roll(4)) {
                        (_, 0) => {
                            // Sends on one and receives on the other (or the same), whichever goes.
                            let select = select2(
                                channels[a].send(value).timeout(micros),
                                channels[b].recv().timeout(micros),
                            );
                            match select.wait() {
                                Either::First(Ok(())) => out = value,
                                Either::Second(Ok(message)) => came = message,
                                Either::First(Err(_)) | Either::Second(Err(_)) => {}
                            }
                        }
                        (true, 1) => {
                            let send = channels[a].send(value).timeout(micros);
                            out = if pollster::block_on(send).is_ok() {
                                value
                            } else {
                                0
                            };
                        }
                        (true, _) => {
                            let send = channels[a].send(value).timeout(micros).wait();
                            out = if send.is_ok() { value } else { 0 };
                        }
                        (false, 1) => {
                            // Polled once, then dropped.
                            let select = select2(channels[0].recv(), channels[1].recv());
                            let mut cx = Context::from_waker(Waker::noop());
                            let polled = pin!(select).poll(&mut cx);
                            if let Poll::Ready(Either::First(got) | Either::Second(got)) = polled {
                                came = got;
                            }
                        }
                        (false, _) => {
                            let [one, two] =
                                [0, 1].map(|at: usize| channels[at].recv().timeout(micros));
                            let (Either::First(got) | Either::Second(got)) =
                                select2(one, two).wait();
                            came = got.unwrap_or(0);
                        }
                    }
                    sent.fetch_add(out, Relaxed);
                    received.fetch_add(came, Relaxed);
                }
            };
            if actor < 4 {
                senders.push(s.spawn(work));
            } else {
                s.spawn(work);
            }
        }
        for sender in senders {
            sender.join().unwrap();
        }
        done.cancel();
    });
    for channel in &channels {
        while let Some(message) = channel.take_returned() {
            received.fetch_add(message, Relaxed);
        }
        assert_eq!(channel.waiting(), (0, 0));
    }
    assert_ne!(sent.load(Relaxed), 0);
    assert_eq!(sent.load(Relaxed), received.load(Relaxed));
}

#[test]
fn two_selects_that_keep_meeting_in_opposite_order_do_not_stall() {
    let channels = [Rendezvous::new(), Rendezvous::new()];
    let (a, b) = (&channels[0], &channels[1]);
    let rounds = 20_000;
    let (one, two) = thread::scope(|s| {
        let one = s.spawn(move || {
            (0..rounds)
                .filter(|&n| matches!(select2(a.send(n), b.recv()).wait(), Either::First(())))
                .count()
        });
        let two = s.spawn(move || {
            (0..rounds)
                .filter(|&n| matches!(select2(b.send(n), a.recv()).wait(), Either::First(())))
                .count()
        });
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!(
        one + two,
        rounds,
        "each meeting is one sender and one receiver"
    );
}

#[test]
fn children_come_and_go_on_many_threads_and_leave_nothing_behind() {
    let root = CancelToken::new();
    let seed = seed();
    thread::scope(|s| {
        for actor in 0..4 {
            let root = &root;
            s.spawn(move || {
                let mut dice = Dice(seed ^ actor);
                for _ in 0..20_000 {
                    let child = root.child();
                    match dice.roll(6) {
                        0 => drop(child.child().on_cancel(|| {})),
                        1 => {
                            let _hook = child.on_cancel(|| {});
                            child.cancel();
                        }
                        2 => assert!(child.cancelled().timeout(Duration::ZERO).wait().is_err()),
                        3 => drop(CancelToken::any([&child, root]).child().on_cancel(|| {})),
                        4 => child
                            .child_with_timeout(Duration::ZERO)
                            .cancelled()
                            .wait()
                            .clone_from(
                                &child.child_with_timeout(Duration::ZERO).reason().unwrap(),
                            ),
                        _ => drop(child),
                    }
                }
            });
        }
    });
    assert_eq!(root.watchers(), Default::default());
    assert!(!root.is_cancelled());
}
