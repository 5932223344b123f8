//! Threads and tasks that really wait: on a manual clock, on the system's, in three runtimes.
#![cfg(not(loom))]

mod common;

use anabranch_ratelimit::{AcquireError, CancelToken, Rate, RateLimiter, Refused};
use common::ms;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

/// RL25, with real waits.
#[test]
fn threads_and_tasks_are_served_in_one_line_each_at_its_moment() {
    let (token, time) = CancelToken::manual();
    let limiter = Arc::new(RateLimiter::new(Rate::per_second(10).burst(3)).on(&token));
    assert!(limiter.allow_n(3));
    let served = Arc::new(Mutex::new(Vec::new()));
    let (mut threads, mut tasks) = (Vec::new(), Vec::new());
    let (mut expected, mut at) = (Vec::new(), 0);
    for who in 0..6 {
        let permits = 1 + who % 3;
        at += 100 * permits;
        expected.push((who, ms(at)));
        let note = {
            let (served, time) = (served.clone(), time.clone());
            move || served.lock().unwrap().push((who, time.elapsed()))
        };
        let limiter = limiter.clone();
        if who % 2 == 0 {
            threads.push(time.spawn(move || {
                limiter.acquire(permits).wait().unwrap();
                note();
            }));
        } else {
            let task = time.task(async move {
                limiter.acquire(permits).await.unwrap();
                note();
            });
            tasks.push(thread::spawn(|| pollster::block_on(task)));
        }
        time.settle(); // in line before the next one comes
    }
    assert_eq!(limiter.waiting(), 6);
    time.advance(ms(at));
    assert_eq!(*served.lock().unwrap(), expected);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    tasks.into_iter().for_each(|task| task.join().unwrap());
    assert_eq!(token.clock().armed_timers(), 0);
}

/// RL24: a cancelled thread, in whatever place, and those behind it.
#[test]
fn a_thread_cancelled_anywhere_in_line_lets_the_others_move_up() {
    for gone in 0..4_u64 {
        let (token, time) = CancelToken::manual();
        let limiter = Arc::new(RateLimiter::new(Rate::per_second(10)).on(&token));
        assert!(limiter.allow());
        let call = token.child();
        let threads: Vec<_> = (0..4)
            .map(|who| {
                let (limiter, time_) = (limiter.clone(), time.clone());
                let token = if who == gone {
                    call.clone()
                } else {
                    token.clone()
                };
                let thread = time.spawn(move || {
                    let done = limiter.acquire(1).with_cancel(&token).wait();
                    done.map(|()| time_.elapsed())
                });
                time.settle();
                thread
            })
            .collect();
        time.advance(ms(50));
        call.cancel();
        time.advance(ms(1_000));
        let mut moments = Vec::new();
        for (who, thread) in (0..4).zip(threads) {
            match thread.join().unwrap() {
                Ok(at) => moments.push(at),
                Err(AcquireError::Cancelled(_)) => assert_eq!(who, gone),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(moments, [ms(100), ms(200), ms(300)]);
    }
}

#[test]
fn a_program_of_a_minute_takes_no_time_on_a_clock_that_moves_by_itself() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let limiter = Arc::new(RateLimiter::new(Rate::per_second(1)).on(&token));
    let worker = || {
        let limiter = limiter.clone();
        time.spawn(move || (0..20).for_each(|_| limiter.acquire(1).wait().unwrap()))
    };
    let hold = time.hold();
    let workers = [worker(), worker(), worker()];
    drop(hold);
    workers
        .into_iter()
        .for_each(|worker| worker.join().unwrap());
    assert_eq!(
        time.elapsed(),
        Duration::from_secs(59),
        "sixty calls, the first at once"
    );
}

/// X1: whatever happens to the waiters, each permit is used or still there.
#[test]
fn no_permit_is_lost_or_made_by_waiters_that_come_and_go() {
    let seed = std::collections::hash_map::RandomState::new();
    let seed = std::hash::BuildHasher::hash_one(&seed, 0);
    println!("seed {seed:#x}");
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    // More room than will ever flow in, and nothing in it: so nothing overflows.
    let burst = 1_000_000;
    let limiter = Arc::new(RateLimiter::new(Rate::per_second(1_000).burst(burst)).on(&token));
    assert!(limiter.allow_n(burst));
    let taken = Arc::new(AtomicU64::new(0));
    let hold = time.hold();
    let threads: Vec<_> = (1..=6)
        .map(|n| {
            let (limiter, taken, token) = (limiter.clone(), taken.clone(), token.clone());
            let mut random = seed ^ n;
            let mut next = move |below: u64| {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(n);
                (random >> 33) % below
            };
            time.spawn(move || {
                for _ in 0..400 {
                    let permits = 1 + next(7);
                    let call = token.child();
                    let done = match next(8) {
                        0 => limiter.acquire(permits).wait().is_ok(),
                        1 => limiter
                            .acquire(permits)
                            .timeout(ms(next(30)))
                            .wait()
                            .is_ok(),
                        2 => {
                            // Not a deadline, so that it joins the line and is then cancelled.
                            let ends = token.after(ms(next(9)));
                            use anabranch_core_cancel::select::{Either, select2};
                            matches!(
                                select2(limiter.acquire(permits), ends).wait(),
                                Either::First(_)
                            )
                        }
                        3 => limiter.allow_n(permits),
                        4 => {
                            let mut dropped = limiter.acquire(permits).with_cancel(&call);
                            let ready = common::poll(&mut dropped).is_ready();
                            let _ = token.sleep(ms(next(4))).wait();
                            ready
                        }
                        5 => {
                            let slot = limiter.reserve(permits).unwrap();
                            let _ = token.sleep(ms(next(40))).wait();
                            // Before its moment or after: it was not used.
                            slot.cancel();
                            false
                        }
                        6 => match limiter.reserve_within(permits, ms(next(60))) {
                            Ok(slot) => {
                                let _ = token.sleep(slot.delay()).wait();
                                assert!(slot.delay().is_zero());
                                true
                            }
                            Err(denied) => {
                                assert!(!denied.is_final());
                                false
                            }
                        },
                        _ => {
                            let mut ended = limiter.acquire(permits).with_cancel(&call);
                            let ready = common::poll(&mut ended).is_ready();
                            let _ = token.sleep(ms(next(4))).wait();
                            call.cancel();
                            ready || ended.wait().is_ok()
                        }
                    };
                    taken.fetch_add(if done { permits } else { 0 }, SeqCst);
                }
            })
        })
        .collect();
    drop(hold);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    let flowed_in = u64::try_from(time.elapsed().as_millis()).unwrap();
    let taken = taken.load(SeqCst);
    assert!(taken > 1_000, "{taken}: the line was used");
    assert_eq!(limiter.waiting(), 0);
    assert_eq!(limiter.available_permits() + taken, flowed_in);
    assert_eq!(token.clock().armed_timers(), 0);
}

/// RL25, many: each at its own moment, whoever looks first.
#[test]
fn a_thousand_waiters_are_served_in_their_order_each_at_its_moment() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(20_000)).on(&token);
    assert!(limiter.allow());
    let mut line: Vec<_> = (0..1_000).map(|_| limiter.acquire(1)).collect();
    assert!(
        line.iter_mut()
            .all(|acquire| common::poll(acquire).is_pending())
    );
    for turn in 0..1_000 {
        time.advance(Duration::from_micros(50));
        // The last in line looks first, and serves the one whose turn it is.
        let last = line.last_mut().unwrap();
        assert_eq!(common::poll(last).is_ready(), turn == 999);
        if turn < 999 {
            assert_eq!(limiter.waiting(), 999 - turn);
            assert!(common::poll(&mut line[turn]).is_ready());
            assert!(common::poll(&mut line[turn + 1]).is_pending());
        }
    }
    assert_eq!((limiter.waiting(), limiter.available_permits()), (0, 0));
    drop(line);
    assert_eq!(token.clock().armed_timers(), 0);
}

#[test]
fn real_threads_in_real_time_are_held_to_the_rate() {
    let limiter = RateLimiter::new(Rate::per_second(1_000).burst(5));
    let start = Instant::now();
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| (0..10).for_each(|_| limiter.acquire(1).wait().unwrap()));
        }
    });
    assert!(start.elapsed() >= ms(35), "forty, five of them at once");
}

fn two_each() -> (Arc<RateLimiter>, impl Future<Output = Result<(), Refused>>) {
    let limiter = Arc::new(RateLimiter::new(Rate::per_second(200)));
    let shared = limiter.clone();
    let task = async move {
        shared.acquire(1).await?;
        shared.acquire(1).await
    };
    (limiter, task)
}

#[test]
fn a_task_of_tokio_waits_its_turn() {
    let start = Instant::now();
    let (limiter, task) = two_each();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async { tokio::spawn(task).await.unwrap().unwrap() });
    assert!(start.elapsed() >= ms(5));
    assert_eq!(limiter.waiting(), 0);
}

#[test]
fn a_task_of_smol_waits_its_turn() {
    let start = Instant::now();
    let (limiter, task) = two_each();
    smol::block_on(async { smol::spawn(task).await.unwrap() });
    assert!(start.elapsed() >= ms(5));
    assert_eq!(limiter.waiting(), 0);
}

#[test]
fn a_task_without_a_runtime_waits_its_turn() {
    let start = Instant::now();
    let (limiter, task) = two_each();
    pollster::block_on(task).unwrap();
    assert!(start.elapsed() >= ms(5));
    assert_eq!(limiter.waiting(), 0);
}
