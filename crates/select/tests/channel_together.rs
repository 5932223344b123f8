//! Threads and tasks in one line: they send to each other, wait beside each other, and are served
//! in the order in which they came.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::CancelToken;
use anabranch_select::channel::{Receiver, Sender, bounded, rendezvous, unbounded};
use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};
use support::until;

const MESSAGES: u32 = 2_000;

#[derive(Clone, Copy, Debug)]
enum World {
    Thread,
    Pollster,
    Smol,
    Tokio,
}

const WORLDS: [World; 4] = [World::Thread, World::Pollster, World::Smol, World::Tokio];

impl World {
    fn send(self, tx: Sender<u32>) {
        let sends = async {
            for n in 0..MESSAGES {
                tx.send(n).await.unwrap();
            }
        };
        match self {
            Self::Thread => (0..MESSAGES).for_each(|n| tx.send(n).wait().unwrap()),
            other => other.run(sends),
        }
    }

    fn receive(self, rx: Receiver<u32>) {
        let receives = async {
            for n in 0..MESSAGES {
                assert_eq!(rx.recv().await, Ok(n));
            }
            assert!(rx.recv().await.is_err());
        };
        match self {
            Self::Thread => assert!(rx.iter().eq(0..MESSAGES)),
            other => other.run(receives),
        }
    }

    fn run(self, task: impl Future<Output = ()>) {
        match self {
            Self::Thread => unreachable!("no runtime"),
            Self::Pollster => pollster::block_on(task),
            Self::Smol => smol::block_on(task),
            Self::Tokio => tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
                .block_on(task),
        }
    }
}

#[test]
fn messages_go_from_every_world_to_every_world() {
    for from in WORLDS {
        for to in WORLDS {
            for capacity in [0, 1, usize::MAX] {
                let (tx, rx) = bounded(capacity);
                let sender = thread::spawn(move || from.send(tx));
                to.receive(rx);
                assert!(
                    sender.join().is_ok(),
                    "{from:?} to {to:?}, capacity {capacity}"
                );
            }
        }
    }
}

#[test]
fn threads_and_tasks_wait_in_one_line_and_are_served_in_turn() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let (tx, rx) = rendezvous();
    let got = Arc::new(Mutex::new([None; 6]));
    let mut threads = Vec::new();
    for place in 0..6 {
        let (rx, got) = (rx.clone(), got.clone());
        if place % 2 == 0 {
            threads.push(thread::spawn(move || {
                let message = rx.recv().wait().ok();
                got.lock().unwrap()[place] = message;
            }));
        } else {
            runtime.spawn(async move {
                let message = rx.recv().await.ok();
                got.lock().unwrap()[place] = message;
            });
        }
        until(|| tx.stats().waiting_receivers == place + 1);
    }
    (0..6).for_each(|n| tx.try_send(n).unwrap());
    until(|| got.lock().unwrap().iter().all(Option::is_some));
    assert_eq!(*got.lock().unwrap(), [0, 1, 2, 3, 4, 5].map(Some));
    threads.into_iter().for_each(|t| t.join().unwrap());
}

#[test]
fn tasks_of_one_thread_talk_to_each_other() {
    let (ping_tx, ping) = rendezvous();
    let (pong_tx, pong) = rendezvous();
    let executor = smol::LocalExecutor::new();
    let echo = executor.spawn(async move {
        while let Ok(n) = ping.recv().await {
            pong_tx.send(n + 1).await.unwrap();
        }
    });
    smol::block_on(executor.run(async {
        for n in 0..100 {
            ping_tx.send(n).await.unwrap();
            assert_eq!(pong.recv().await, Ok(n + 1));
        }
        drop(ping_tx);
        echo.await;
    }));
}

#[test]
fn a_task_that_is_aborted_gives_back_what_it_was_given() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (tx, rx) = unbounded();
    let waiting = runtime.spawn({
        let rx = rx.clone();
        async move { rx.recv().await }
    });
    runtime.block_on(tokio::task::yield_now());
    assert_eq!(rx.stats().waiting_receivers, 1);
    tx.try_send(1).unwrap(); // to the task, which will never look
    waiting.abort();
    assert!(runtime.block_on(waiting).unwrap_err().is_cancelled());
    assert_eq!((rx.try_recv(), rx.stats().waiting_receivers), (Ok(1), 0));
}

#[test]
fn conversation_on_a_manual_clock_takes_the_time_it_says_and_no_more() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let (tx, rx) = bounded(1);
    let hold = time.hold();
    let producer = time.spawn({
        let token = token.clone();
        move || {
            for n in 0..10 {
                token.sleep(Duration::from_secs(60)).wait().unwrap();
                tx.send(n).wait().unwrap();
            }
        }
    });
    let consumer = time.spawn(move || rx.iter().count());
    drop(hold);
    producer.join().unwrap();
    assert_eq!(consumer.join().unwrap(), 10);
    assert_eq!(time.elapsed(), Duration::from_secs(600));
}
