//! The manual clock: steps, participants, jumps, deadlocks.
#![cfg(not(loom))]

mod support;

use anabranch_core_cancel::{CancelKind, CancelToken, ManualTime, MissedTicks};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};
use support::Semaphore;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn nested_waits_of_450_seconds_over_several_threads_take_less_than_a_second() {
    let real = Instant::now();
    let (root, time) = CancelToken::manual();
    time.auto_advance();
    let hold = time.hold();
    let threads: Vec<_> = (1..=4u64)
        .map(|n| {
            let (root, inner) = (root.clone(), time.clone());
            time.spawn(move || {
                for _ in 0..10 {
                    let nested = {
                        let root = root.clone();
                        inner.spawn(move || {
                            root.sleep(SECOND * 20).wait().unwrap();
                            root.child_with_timeout(SECOND * 15).cancelled().wait();
                        })
                    };
                    root.sleep(SECOND * (10 + n as u32)).wait().unwrap();
                    nested.join().unwrap();
                    root.after(SECOND * 10).wait();
                }
            })
        })
        .collect();
    drop(hold);
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(time.elapsed(), SECOND * 450);
    assert!(real.elapsed() < SECOND, "{:?}", real.elapsed());
    assert_eq!(root.clock().armed_timers(), 0);
}

#[test]
fn a_timer_is_not_seen_a_nanosecond_early_and_is_seen_on_time() {
    let (root, time) = CancelToken::manual();
    let token = root.child_with_timeout(SECOND * 5);
    let waits = time.spawn(move || token.cancelled().wait().kind());
    time.advance(SECOND * 5 - Duration::from_nanos(1));
    assert!(!waits.is_finished());
    time.advance(Duration::from_nanos(1));
    assert!(
        waits.is_finished(),
        "advance returns when all have done what they could"
    );
    assert_eq!(waits.join().unwrap(), CancelKind::Deadline);
}

#[test]
fn timers_of_one_instant_go_off_in_the_order_of_arming_one_at_a_time() {
    let trace = |time: &ManualTime, root: &CancelToken| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let threads: Vec<_> = (0..8u32)
            .map(|n| {
                let (root, seen) = (root.clone(), seen.clone());
                let thread = time.spawn(move || {
                    for round in 1..=3u32 {
                        root.sleep(SECOND).wait().unwrap();
                        seen.lock().unwrap().push((round, n));
                    }
                });
                time.settle(); // armed before the next one is
                thread
            })
            .collect();
        time.advance(SECOND * 3);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        Arc::into_inner(seen).unwrap().into_inner().unwrap()
    };
    let expected: Vec<_> = (1..=3)
        .flat_map(|round| (0..8).map(move |n| (round, n)))
        .collect();
    for _ in 0..5 {
        let (root, time) = CancelToken::manual();
        assert_eq!(trace(&time, &root), expected);
    }
}

#[test]
fn advancing_steps_through_what_each_timer_sets_going() {
    let (root, time) = CancelToken::manual();
    let mut ticks = root.ticker(SECOND);
    let start = root.clock().now();
    let ticker = time.spawn(move || [(); 5].map(|()| ticks.tick().wait() - start));
    time.advance(SECOND * 5);
    assert_eq!(ticker.join().unwrap(), [1, 2, 3, 4, 5].map(|n| SECOND * n));
}

#[test]
fn missed_ticks_are_skipped_burst_or_delayed_as_asked() {
    let cases = [
        (MissedTicks::Skip, [1, 4, 5]),
        (MissedTicks::Burst, [1, 2, 3]),
        (MissedTicks::Delay, [1, 4, 5]),
    ];
    for (missed, expected) in cases {
        let (root, time) = CancelToken::manual();
        let start = root.clock().now();
        let half = SECOND / 2;
        let mut ticks = root.ticker(SECOND).missed(missed);
        time.advance(SECOND * 3 + half);
        let first = ticks.tick().wait() - start;
        let second = time.clone().spawn(move || {
            let second = ticks.tick().wait() - start;
            (second, ticks.tick().wait() - start)
        });
        time.advance(SECOND * 3);
        let (second, third) = second.join().unwrap();
        let late = if missed == MissedTicks::Delay {
            half
        } else {
            Duration::ZERO
        };
        let [a, b, c] = expected.map(|n| SECOND * n);
        assert_eq!(
            (first, second, third),
            (a, b + late, c + late),
            "{missed:?}"
        );
    }
    assert!(catch_unwind(|| CancelToken::new().ticker(Duration::ZERO)).is_err());
}

#[test]
fn a_participant_that_runs_keeps_the_time_from_jumping() {
    let (root, time) = CancelToken::manual();
    time.auto_advance();
    let (go, gate) = mpsc::channel::<()>();
    let busy = time.spawn(move || gate.recv().unwrap()); // not an operation: counts as running
    let sleeper = time.spawn({
        let root = root.clone();
        move || root.sleep(SECOND).wait()
    });
    assert!(!sleeper.is_finished());
    assert_eq!(time.elapsed(), Duration::ZERO);
    go.send(()).unwrap();
    busy.join().unwrap();
    sleeper.join().unwrap().unwrap();
    assert_eq!(time.elapsed(), SECOND);
}

#[test]
fn when_the_last_participant_has_gone_the_time_stands_still() {
    let (root, time) = CancelToken::manual();
    time.auto_advance();
    let far = root.child_with_timeout(SECOND * 3_600);
    let _alarm = far.on_cancel(|| {});
    time.spawn(move || root.sleep(SECOND).wait())
        .join()
        .unwrap()
        .unwrap();
    drop(time.hold());
    assert_eq!((time.elapsed(), far.is_cancelled()), (SECOND, false));
}

#[test]
fn a_hold_keeps_the_time_from_jumping_and_settle_comes_before_the_jump() {
    let (root, time) = CancelToken::manual();
    time.auto_advance();
    let me = time.join();
    let sleeper = time.spawn({
        let root = root.clone();
        move || root.sleep(SECOND * 9).wait()
    });
    time.settle();
    assert_eq!(
        (time.elapsed(), sleeper.is_finished()),
        (Duration::ZERO, false)
    );
    let hold = time.hold();
    drop(me);
    assert_eq!(time.elapsed(), Duration::ZERO);
    drop(hold);
    sleeper.join().unwrap().unwrap();
    assert_eq!(time.elapsed(), SECOND * 9);
}

#[test]
fn all_waiting_without_a_timer_is_a_deadlock_that_says_who_waits_for_what() {
    let (_root, time) = CancelToken::manual();
    let hold = time.hold();
    time.auto_advance();
    let slots = Arc::new(Semaphore::new(0));
    let thread = time.spawn({
        let slots = slots.clone();
        move || drop(slots.acquire(1).wait())
    });
    let task = time.task({
        let slots = slots.clone();
        async move { drop(slots.acquire(1).await) }
    });
    let task = thread::spawn(move || pollster::block_on(task));
    drop(hold);
    for panic in [thread.join().unwrap_err(), task.join().unwrap_err()] {
        let report = panic.downcast_ref::<String>().expect("a report");
        assert!(report.contains("deadlock on the manual clock"), "{report}");
        assert!(report.contains("a spawned thread waits for") && report.contains("Acquire"));
        assert!(
            report.contains("a task waits for") && report.contains(file!()),
            "{report}"
        );
    }
    assert_eq!(slots.waiting(), 0);
}

#[test]
fn idle_participants_alone_are_no_deadlock() {
    let (root, time) = CancelToken::manual();
    time.auto_advance();
    let worker = root.clock().participant("worker");
    let stop = root.child();
    let idle = thread::spawn({
        let stop = stop.clone();
        move || {
            let me = worker.enter();
            me.idle(|| stop.cancelled().wait())
        }
    });
    time.settle(); // the worker waits, for ever if need be
    stop.cancel_with("done");
    assert_eq!(idle.join().unwrap().cause().unwrap().to_string(), "done");
}

#[test]
fn tasks_of_a_runtime_with_several_threads_run_on_the_clock_too() {
    let (root, time) = CancelToken::manual();
    time.auto_advance();
    let hold = time.hold();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let tasks: Vec<_> = (1..=20u32)
        .map(|n| {
            let token = root.child_with_timeout(SECOND * n);
            runtime.spawn(
                time.task(async move { token.sleep(SECOND * 3_600).await.unwrap_err().kind() }),
            )
        })
        .collect();
    drop(hold);
    for task in tasks {
        assert_eq!(runtime.block_on(task).unwrap(), CancelKind::Deadline);
    }
    assert_eq!(time.elapsed(), SECOND * 20);
}

#[test]
fn a_task_that_waits_for_something_foreign_counts_as_running() {
    let (root, time) = CancelToken::manual();
    time.auto_advance();
    let (send, receive) = tokio::sync::oneshot::channel::<()>();
    let (polled, was_polled) = mpsc::channel();
    let foreign = time.task(async move {
        polled.send(()).unwrap();
        receive.await.unwrap();
    });
    let foreign = thread::spawn(move || pollster::block_on(foreign));
    was_polled.recv().unwrap();
    let sleeper = time.spawn(move || root.sleep(SECOND).wait());
    assert_eq!(time.elapsed(), Duration::ZERO);
    assert!(!sleeper.is_finished());
    send.send(()).unwrap();
    foreign.join().unwrap();
    sleeper.join().unwrap().unwrap();
    assert_eq!(time.elapsed(), SECOND);
}

#[test]
fn a_dropped_task_no_longer_takes_part() {
    let (root, time) = CancelToken::manual();
    time.auto_advance();
    let never_polled = time.task(std::future::pending::<()>());
    let sleeper = time.spawn(move || root.sleep(SECOND).wait());
    assert_eq!(time.elapsed(), Duration::ZERO);
    drop(never_polled);
    sleeper.join().unwrap().unwrap();
}

#[test]
fn a_hook_that_panics_on_a_step_reaches_who_advances_after_the_time_has_moved() {
    let (root, time) = CancelToken::manual();
    let bad = root.child_with_timeout(SECOND);
    let _hook = bad.on_cancel(|| panic!("a bad hook"));
    let good = root.child_with_timeout(SECOND * 2);
    let panic = catch_unwind(AssertUnwindSafe(|| time.advance(SECOND * 3))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a bad hook"));
    assert!(good.is_cancelled());
    assert_eq!(time.elapsed(), SECOND * 3);
}

#[test]
fn a_jump_of_years_and_one_of_nothing_are_both_fine() {
    let (root, time) = CancelToken::manual();
    let late = root.child_with_timeout(SECOND * 86_400 * 365 * 100);
    time.advance(Duration::ZERO);
    time.advance(SECOND * 86_400 * 365 * 100);
    assert!(late.is_cancelled());
    time.advance(Duration::MAX);
    assert!(!root.is_cancelled());
    assert!(!root.child_with_timeout(Duration::MAX).is_cancelled());
    assert!(root.child_with_timeout(Duration::ZERO).is_cancelled());
}

#[cfg(debug_assertions)]
#[test]
fn an_object_on_one_clock_bounded_by_a_token_on_another_panics() {
    let (root, _time) = CancelToken::manual();
    let other = CancelToken::new();
    let mixed = || {
        root.sleep(SECOND)
            .with_cancel(&other)
            .timeout(Duration::ZERO)
            .wait()
    };
    assert!(catch_unwind(AssertUnwindSafe(mixed)).is_err());
}
