//! `select!` in tasks, on several runtimes: the bodies of `tests/select.rs`, and foreign futures
//! beside operations.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    channel::{bounded, rendezvous, unbounded},
    task::select,
};
use std::{future::pending, pin::pin, time::Duration};
use support::{Count, poll_once};

fn on_every_runtime<F: Future<Output = ()>>(body: impl Fn() -> F) {
    pollster::block_on(body());
    smol::block_on(body());
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(body());
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap()
        .block_on(body());
}

macro_rules! body {
    ($body:block) => {
        crate::on_every_runtime(|| async { $body })
    };
}

macro_rules! wait {
    ($operation:expr) => {
        $operation.await
    };
}

/// A function that leaves its loop and itself from within an arm.
macro_rules! control_flow {
    ($rx:expr) => {{
        async fn first(rx: &Receiver<u32>) -> Result<u32, Closed> {
            loop {
                select! {
                    got = rx.recv() => match got? {
                        0 => continue,
                        9 => break,
                        n => return Ok(n),
                    },
                }
            }
            Ok(100)
        }
        first(&$rx).await
    }};
}

#[path = "select/bodies.rs"]
mod bodies;
#[path = "select/waiting.rs"]
mod waiting;

fn tokio_paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

#[test]
fn handlers_may_await() {
    body!({
        let (tx, rx) = bounded(1);
        tx.try_send(1).unwrap();
        let (_keep, other) = rendezvous::<u32>();
        let done = select! {
            got = rx.recv() => { tx.send(got.unwrap() + 1).await.unwrap(); rx.recv().await }
            got = other.recv() => got,
        };
        assert_eq!(done, Ok(2));
    });
}

#[test]
fn a_sleep_of_tokio_stands_beside_operations() {
    tokio_paused().block_on(async {
        let (tx, rx) = rendezvous::<u32>();
        let timed_out = select! {
            _ = rx.recv() => false,
            () = tokio::time::sleep(Duration::from_secs(5)) => true,
        };
        assert!(timed_out);
        assert_eq!(rx.stats().waiting_receivers, 0);
        let sender = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            tx.send(7).await.unwrap();
        });
        let got = select! {
            got = rx.recv() => got.ok(),
            () = tokio::time::sleep(Duration::from_secs(5)) => None,
        };
        assert_eq!(got, Some(7));
        sender.await.unwrap();
    });
}

#[test]
fn a_channel_of_tokio_stands_beside_ours_and_loses_nothing() {
    tokio_paused().block_on(async {
        const EACH: u32 = 1_000;
        let (tx, rx) = bounded(2);
        let (theirs_tx, mut theirs) = tokio::sync::mpsc::channel(2);
        let feeders = [
            tokio::spawn(async move {
                for n in 0..EACH {
                    tx.send(n).await.unwrap();
                }
            }),
            tokio::spawn(async move {
                for n in 0..EACH {
                    theirs_tx.send(n).await.unwrap();
                }
            }),
        ];
        let (mut ours, mut other) = (Vec::new(), Vec::new());
        let mut open = [true; 2];
        while open != [false; 2] {
            select! {
                got = rx.recv(), if open[0] => match got {
                    Ok(n) => ours.push(n),
                    Err(_) => open[0] = false,
                },
                got = theirs.recv(), if open[1] => match got {
                    Some(n) => other.push(n),
                    None => open[1] = false,
                },
            }
        }
        assert!(ours.into_iter().eq(0..EACH) && other.into_iter().eq(0..EACH));
        for feeder in feeders {
            feeder.await.unwrap();
        }
    });
}

#[test]
fn futures_that_must_not_move_are_arms_as_they_are() {
    body!({
        let (tx, rx) = unbounded();
        tx.try_send(1).unwrap();
        let twice = select! {
            () = pending() => unreachable!("never ready"),
            twice = async {
                let one = rx.recv().await.unwrap();
                let borrowed = &one;
                std::future::ready(()).await;
                *borrowed * 2
            } => twice,
        };
        assert_eq!(twice, 2);
    });
}

#[test]
fn a_foreign_future_may_be_lent_and_goes_on_in_the_next_select() {
    tokio_paused().block_on(async {
        let (tx, rx) = unbounded();
        let mut nap = pin!(tokio::time::sleep(Duration::from_secs(3)));
        let mut work = pin!(async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            "done"
        });
        tx.try_send(1).unwrap();
        let mut seen = Vec::new();
        for _ in 0..3 {
            select! {
                biased;
                got = rx.recv() => seen.push(if got == Ok(1) { "message" } else { "?" }),
                done = &mut work, if !seen.contains(&"done") => seen.push(done),
                () = nap.as_mut() => seen.push("nap"),
            }
        }
        assert_eq!(seen, ["message", "done", "nap"]);
    });
}

#[test]
fn a_join_handle_of_tokio_and_a_token_are_arms() {
    tokio_paused().block_on(async {
        let token = CancelToken::new();
        let task = tokio::spawn(async { 7 });
        let got = select! {
            got = task => got.unwrap(),
            _ = token.cancelled() => unreachable!("not cancelled"),
        };
        assert_eq!(got, 7);
        let sleeper = tokio::spawn(tokio::time::sleep(Duration::from_secs(60)));
        token.cancel();
        select! {
            _ = sleeper => unreachable!("it sleeps"),
            _ = token.cancelled() => {}
        }
    });
}

#[test]
fn in_generic_code_any_future_is_an_arm() {
    async fn either<A: Future, B: Future<Output = A::Output>>(a: A, b: B) -> A::Output {
        select! {
            done = a => done,
            done = b => done,
        }
    }
    body!({
        let (tx, rx) = unbounded();
        tx.try_send(1).unwrap();
        let got = either(rx.recv(), pending()).await;
        assert_eq!(got, Ok(1));
        assert_eq!(either(pending(), async { 2 }).await, 2);
    });
}

#[test]
fn what_can_be_awaited_without_being_a_future_is_an_arm() {
    struct Soon;
    impl IntoFuture for Soon {
        type Output = u32;
        type IntoFuture = std::future::Ready<u32>;
        fn into_future(self) -> Self::IntoFuture {
            std::future::ready(7)
        }
    }
    body!({
        let (_keep, rx) = unbounded::<u32>();
        let got = select! {
            got = Soon => Ok(got),
            got = rx.recv() => got,
        };
        assert_eq!(got, Ok(7));
    });
}

#[test]
fn an_operation_beside_a_foreign_future_is_still_exact() {
    // A message that comes while the future becomes ready is taken by the select, or still there.
    body!({
        let (tx, rx) = unbounded();
        let mut foreign_first = 0;
        for n in 0..200 {
            let (woken, waker) = Count::new();
            let (done_tx, done) = tokio::sync::oneshot::channel();
            let mut select = pin!(async {
                select! {
                    got = rx.recv() => got.ok(),
                    _ = done => None,
                }
            });
            let mut cx = std::task::Context::from_waker(&waker);
            assert!(select.as_mut().poll(&mut cx).is_pending());
            tx.try_send(n).unwrap();
            done_tx.send(()).unwrap();
            assert!(woken.get() >= 1);
            match poll_once(&mut select.as_mut()).expect("both are ready") {
                Some(got) => assert_eq!(got, n),
                None => {
                    foreign_first += 1;
                    assert_eq!(rx.try_recv(), Ok(n));
                }
            }
            assert!(rx.is_empty());
        }
        assert_eq!(foreign_first, 0, "the message came first and won");
    });
}

#[test]
fn a_select_that_waits_does_not_wake_itself() {
    // Both lines of a channel without a buffer had members, its own, and so each look at the channel
    // told it to look again: it never slept.
    let (tx, rx) = rendezvous();
    let (wakes, waker) = Count::new();
    let mut both = pin!(async {
        select! {
            _ = tx.send(1) => unreachable!("met itself"),
            _ = rx.recv() => unreachable!("met itself"),
        }
    });
    for _ in 0..3 {
        let mut cx = std::task::Context::from_waker(&waker);
        assert!(both.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(wakes.get(), 0);
}

#[test]
fn a_select_moves_between_threads_with_its_task() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (tx, rx) = rendezvous();
        let (_keep, other) = rendezvous::<u32>();
        let task = tokio::spawn(async move {
            let mut sum = 0;
            loop {
                select! {
                    got = rx.recv() => match got {
                        Ok(n) => sum += n,
                        Err(_) => break sum,
                    },
                    _ = other.recv() => unreachable!("nothing is sent there"),
                }
                tokio::task::yield_now().await;
            }
        });
        for n in 0..500 {
            tx.send(n).await.unwrap();
        }
        drop(tx);
        assert_eq!(task.await.unwrap(), (0..500).sum::<u32>());
    });
}
