//! Threads and tasks that really wait, in one line; many of them, with an invariant throughout.
#![cfg(not(loom))]

mod common;

use anabranch_core_cancel::select::{Either, select2};
use anabranch_semaphore::{CancelToken, Semaphore};
use common::{ms, seed};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

/// SM14, threads and tasks in turns.
#[test]
fn threads_and_tasks_are_served_in_the_order_in_which_they_came() {
    let (token, time) = CancelToken::manual();
    let slots = Arc::new(Semaphore::new(3));
    let held = slots.acquire_many_owned(3).wait().unwrap();
    let served = Arc::new(Mutex::new(Vec::new()));
    let (mut threads, mut tasks) = (Vec::new(), Vec::new());
    for who in 0..8 {
        let (slots_, served) = (slots.clone(), served.clone());
        // All three at a time, so that nobody can pass before the one before has written.
        let note = move || served.lock().unwrap().push(who);
        if who % 2 == 0 {
            threads.push(time.spawn(move || {
                let _permits = slots_.acquire_many(3).wait().unwrap();
                note();
            }));
        } else {
            let task = time.task(async move {
                let _permits = slots_.acquire_many(3).await.unwrap();
                note();
            });
            tasks.push(thread::spawn(|| pollster::block_on(task)));
        }
        while slots.waiting() <= who {
            time.settle(); // in line before the next one comes
        }
    }
    drop(held);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    tasks.into_iter().for_each(|task| task.join().unwrap());
    assert_eq!(*served.lock().unwrap(), (0..8).collect::<Vec<_>>());
    assert_eq!(token.clock().armed_timers(), 0);
}

/// SM2.
#[test]
fn a_hammer_of_all_weights_ends_with_all_permits_free() {
    const N: usize = 8;
    let slots = Semaphore::new(N);
    let inside = AtomicUsize::new(0);
    thread::scope(|s| {
        for weight in 1..=N {
            let (slots, inside) = (&slots, &inside);
            s.spawn(move || {
                for _ in 0..4_000 / weight {
                    let permit = slots.acquire_many(weight).wait().unwrap();
                    let now = inside.fetch_add(weight, SeqCst) + weight;
                    assert!(now <= N, "{now} inside");
                    inside.fetch_sub(weight, SeqCst);
                    drop(permit);
                }
            });
        }
    });
    assert_eq!((slots.available_permits(), slots.waiting()), (N, 0));
}

/// SM3: the small ones come again and again, and the large one still gets there.
#[test]
fn a_large_request_is_not_starved_by_small_ones_without_end() {
    let slots = Semaphore::new(4);
    let token = CancelToken::new();
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                while !token.is_cancelled() {
                    drop(slots.acquire().wait());
                }
            });
        }
        let _all = slots.acquire_many(4).wait().unwrap();
        token.cancel();
    });
    assert_eq!(slots.available_permits(), 4);
}

/// X12: the gauge never passes the limit, whatever the limit was when somebody was let in.
#[test]
fn nobody_is_let_in_past_a_limit_that_moves() {
    let seed = seed();
    let slots = Semaphore::new(4);
    let stop = CancelToken::new();
    thread::scope(|s| {
        for n in 0..4 {
            let (slots, stop) = (&slots, &stop);
            s.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed ^ n);
                while !stop.is_cancelled() {
                    let weight = random.usize(1..=3);
                    if let Ok(permit) = slots.acquire_many(weight).with_cancel(stop).wait() {
                        assert_eq!(permit.count(), weight);
                        if random.u8(..) < 8 {
                            let result = std::panic::catch_unwind(move || {
                                let _permit = permit;
                                std::panic::resume_unwind(Box::new("inside"));
                            });
                            assert!(result.is_err());
                        }
                    }
                }
            });
        }
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..3_000 {
            let capacity = random.usize(0..=6);
            slots.resize(capacity);
            // From here until the next resize what is held only shrinks towards the capacity.
            let mut before = slots.held();
            for _ in 0..4 {
                let held = slots.held();
                assert!(
                    held <= before.max(capacity),
                    "{held} after {before} of {capacity}"
                );
                before = held;
            }
        }
        slots.resize(3);
        stop.cancel();
    });
    assert_eq!((slots.held(), slots.waiting()), (0, 0));
    assert_eq!((slots.available_permits(), slots.capacity()), (3, 3));
}

/// X1, X3, X6: whatever happens to the waiters, each permit is held or free; in both modes.
#[test]
fn no_permit_is_lost_or_made_by_waiters_that_come_and_go() {
    conserves(&Semaphore::new(5));
    conserves(&Semaphore::builder(5).barging().build());
}

fn conserves(slots: &Semaphore) {
    let seed = seed();
    let other = Semaphore::new(1);
    let inside = AtomicUsize::new(0);
    let root = CancelToken::new();
    thread::scope(|s| {
        for n in 0..6 {
            let (other, inside, root) = (&other, &inside, &root);
            s.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed ^ n);
                for _ in 0..3_000 {
                    let weight = random.usize(0..=5);
                    let call = root.child();
                    let permit = match random.u8(0..9) {
                        0 => Some(slots.acquire().wait()),
                        1 => slots.acquire_many(weight).wait().ok(),
                        2 => slots.try_acquire_many(weight).ok(),
                        3 => {
                            let short = Duration::from_micros(random.u64(0..60));
                            slots.acquire_many(weight).timeout(short).wait().ok()
                        }
                        4 => {
                            let mut dropped = slots.acquire_many(weight);
                            let _first_look = common::poll(&mut dropped);
                            None
                        }
                        5 => {
                            // Cancelled by somebody else while it waits, or granted.
                            thread::scope(|s| {
                                s.spawn(|| call.cancel());
                                slots.acquire_many(weight).with_cancel(&call).wait().ok()
                            })
                        }
                        6 => slots.try_acquire_many_barging(weight).ok(),
                        7 => match select2(slots.acquire(), other.acquire()).wait() {
                            Either::First(permit) => Some(permit),
                            Either::Second(_) => None,
                        },
                        _ => pollster::block_on(slots.acquire_many(weight)).ok(),
                    };
                    if let Some(mut permit) = permit {
                        let now = inside.fetch_add(permit.count(), SeqCst) + permit.count();
                        assert!(now <= 5, "{now} inside");
                        if let Some(half) = permit.split(permit.count() / 2) {
                            inside.fetch_sub(half.count(), SeqCst);
                            drop(half);
                        }
                        inside.fetch_sub(permit.count(), SeqCst);
                        drop(permit);
                    }
                }
            });
        }
    });
    assert_eq!((slots.held(), slots.waiting(), other.waiting()), (0, 0, 0));
    assert_eq!(
        (slots.available_permits(), other.available_permits()),
        (5, 1)
    );
}

/// X4: a token ends all waits, threads and tasks alike.
#[test]
fn cancelling_a_token_ends_every_wait_and_guards_still_give_back() {
    let token = CancelToken::new();
    let slots = Arc::new(Semaphore::new(2));
    let held = slots.try_acquire_many_owned(2).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let (slots, token) = (slots.clone(), token.clone());
            thread::spawn(move || match n % 2 {
                0 => slots.acquire().with_cancel(&token).wait().is_err(),
                _ => pollster::block_on(slots.acquire_many(2).with_cancel(&token)).is_err(),
            })
        })
        .collect();
    while slots.waiting() < 4 {
        thread::yield_now();
    }
    token.cancel();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    assert_eq!((slots.held(), slots.waiting()), (2, 0));
    drop(held);
    assert_eq!(slots.available_permits(), 2);
}

#[test]
fn a_timeout_of_a_thread_runs_on_the_clock_of_its_token() {
    let (token, time) = CancelToken::manual();
    let slots = Arc::new(Semaphore::new(0));
    let waiter = time.spawn({
        let (slots, token) = (slots.clone(), token.clone());
        move || {
            slots
                .acquire()
                .with_cancel(&token)
                .timeout(ms(500))
                .wait()
                .is_err()
        }
    });
    time.advance(ms(499));
    assert_eq!(slots.waiting(), 1);
    time.advance(ms(1));
    assert!(waiter.join().unwrap());
    assert_eq!(slots.waiting(), 0);
}

async fn three_at_two(slots: Arc<Semaphore>) -> usize {
    let _one = slots.acquire().await;
    let two = slots.acquire_many_owned(2).await.unwrap();
    two.count()
}

#[test]
fn a_thread_and_a_task_of_each_runtime_share_one_semaphore() {
    let slots = Arc::new(Semaphore::new(3));
    let held = slots.try_acquire_many_owned(3).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let on_tokio = runtime.spawn(three_at_two(slots.clone()));
    while slots.waiting() < 1 {
        thread::yield_now();
    }
    let on_smol = smol::spawn(three_at_two(slots.clone()));
    let on_thread = thread::spawn({
        let slots = slots.clone();
        move || pollster::block_on(three_at_two(slots))
    });
    while slots.waiting() < 3 {
        thread::yield_now();
    }
    // One permit at a time is asked for first: two of them at once would block one another.
    slots.resize(9);
    assert_eq!(runtime.block_on(on_tokio).unwrap(), 2);
    assert_eq!(smol::block_on(on_smol), 2);
    assert_eq!(on_thread.join().unwrap(), 2);
    drop(held);
    assert_eq!((slots.available_permits(), slots.waiting()), (9, 0));
}
