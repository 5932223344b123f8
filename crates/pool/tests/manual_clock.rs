//! Pools under a token with a manual clock: workers take part in it, from before they start.
#![cfg(not(loom))]

mod support;

use anabranch_pool::{CancelToken, JobError, Pool};
use std::{
    sync::{Arc, mpsc},
    time::Duration,
};
use support::Occupied;

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn a_job_that_sleeps_an_hour_is_done_at_once() {
    let (token, time) = CancelToken::manual();
    let _in = time.join();
    time.auto_advance();
    let pool = Pool::builder().workers(2).on(&token).build().unwrap();
    let jobs: Vec<_> = (1..=3)
        .map(|n| {
            let job = pool.submit_with(move |cx| cx.token().sleep(n * HOUR).wait().is_ok());
            job.wait().unwrap()
        })
        .collect();
    assert!(jobs.into_iter().all(|job| job.wait().unwrap()));
    // Two workers: the third began when the first had slept its hour.
    assert_eq!(time.elapsed(), 4 * HOUR);
    drop(pool);
    assert_eq!(token.clock().armed_timers(), 0);
}

#[test]
fn workers_without_a_job_are_no_deadlock() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let pool = Pool::builder().workers(3).on(&token).build().unwrap();
    time.settle(); // all of them wait, and there is no timer: nobody panics
    assert_eq!(pool.run(|| 1).wait().unwrap(), 1);
    assert_eq!(pool.workers(), 3);
}

#[test]
fn a_job_that_waits_for_what_never_comes_is_a_deadlock_and_its_pool_lives_on() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let hold = time.hold();
    let pool = Pool::builder()
        .workers(1)
        .name("stuck")
        .on(&token)
        .build()
        .unwrap();
    let never = CancelToken::new();
    let job = pool
        .submit(move || drop(never.cancelled().wait()))
        .wait()
        .unwrap();
    drop(hold);
    match job.wait() {
        Err(JobError::Panicked(panic)) => {
            let report = panic.message().unwrap();
            assert!(
                report.contains("deadlock") && report.contains("stuck-0"),
                "{report}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(pool.run(|| 1).wait().unwrap(), 1);
}

#[test]
fn the_clock_stands_still_while_a_job_runs_and_before_it_begins() {
    let (token, time) = CancelToken::manual();
    let pool = Arc::new(Pool::builder().workers(1).on(&token).build().unwrap());
    let (go, gone) = mpsc::channel::<()>();
    let job = pool.submit_with(move |cx| {
        let _ = gone.recv(); // not one of our operations: it counts as running
        cx.token().clock().now()
    });
    let job = job.wait().unwrap();
    let start = token.clock().now();
    let moved = std::thread::spawn({
        let time = time.clone();
        move || time.advance(HOUR)
    });
    drop(go);
    assert_eq!(job.wait().unwrap(), start, "the clock moved under its feet");
    moved.join().unwrap();
    assert_eq!(token.clock().now() - start, HOUR);
}

#[test]
fn time_limits_of_submits_handles_and_drains_run_on_the_pools_clock() {
    let (token, time) = CancelToken::manual();
    let _in = time.join();
    time.auto_advance();
    let pool = Pool::builder()
        .workers(1)
        .queue(0)
        .on(&token)
        .build()
        .unwrap();
    let slow = pool
        .submit_with(|cx| cx.token().sleep(10 * HOUR).wait())
        .wait()
        .unwrap();
    let refused = pool.submit(|| ()).timeout(HOUR).wait();
    assert!(refused.is_err());
    assert_eq!(time.elapsed(), HOUR);
    let mut slow = slow;
    let early = anabranch_pool::Wait::timeout(&mut slow, HOUR).wait();
    assert!(matches!(early, Err(JobError::GaveUp(_))));
    assert_eq!(time.elapsed(), 2 * HOUR);
    assert!(pool.drain().timeout(HOUR).wait().is_err());
    assert_eq!(time.elapsed(), 3 * HOUR);
    drop(pool); // waits as an operation: the clock moves on to the end of the job
    assert_eq!(time.elapsed(), 10 * HOUR);
    slow.wait().unwrap().unwrap();
}

#[test]
fn a_deadline_on_the_pools_token_ends_it() {
    let (token, time) = CancelToken::manual();
    let pool_token = token.child_with_timeout(HOUR);
    let pool = Pool::builder().workers(1).on(&pool_token).build().unwrap();
    let first = Occupied::new(&pool);
    let queued = pool.submit(|| ()).wait().unwrap();
    time.advance(HOUR);
    match queued.wait() {
        Err(JobError::Cancelled(why)) => assert!(why.is_timeout()),
        other => panic!("{other:?}"),
    }
    assert!(pool.is_closed());
    first.release();
}
