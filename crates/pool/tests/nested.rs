//! Jobs that submit to their own pool and wait for what they submitted.
#![cfg(not(loom))]

mod support;

use anabranch_pool::{JobError, Pool, TrySubmitError};
use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};
use support::Occupied;

fn shared(workers: usize, queue: usize) -> Arc<Pool> {
    Arc::new(
        Pool::builder()
            .workers(workers)
            .queue(queue)
            .build()
            .unwrap(),
    )
}

/// The number of leaves of a binary tree of that depth: two nested jobs at each node.
fn leaves(pool: &Arc<Pool>, depth: u32) -> u32 {
    if depth == 0 {
        return 1;
    }
    let submit = || {
        let inner = pool.clone();
        let job = pool.submit(move || leaves(&inner, depth - 1));
        job.wait().unwrap()
    };
    let (left, right) = (submit(), submit());
    left.wait().unwrap() + right.wait().unwrap()
}

#[test]
fn nested_waits_end_at_any_depth_with_any_bound_and_a_single_worker() {
    for workers in [1, 2] {
        for queue in [0, 1, 2, 100] {
            let pool = shared(workers, queue);
            let inner = pool.clone();
            let all = pool.run(move || leaves(&inner, 6)).wait().unwrap();
            assert_eq!(all, 64, "{workers} workers, a queue of {queue}");
            let stats = pool.stats();
            assert_eq!((stats.submitted, stats.completed), (127, 127));
        }
    }
}

#[test]
fn a_worker_that_waits_for_a_job_nobody_has_begun_runs_it_itself() {
    let pool = shared(1, 10);
    let inner = pool.clone();
    let (outside, inside) = pool
        .run(move || {
            let job = inner.submit(|| thread::current().id()).wait().unwrap();
            assert_eq!(
                (inner.queued(), inner.running()),
                (1, 1),
                "it is queued first"
            );
            (thread::current().id(), job.wait().unwrap())
        })
        .wait()
        .unwrap();
    assert_eq!(outside, inside);
}

#[test]
fn a_worker_that_waits_runs_only_the_job_it_waits_for() {
    let pool = shared(1, 10);
    let inner = pool.clone();
    let ran = Arc::new(AtomicUsize::new(0));
    let foreign = ran.clone();
    let seen = pool
        .run(move || {
            let before = inner.submit({
                let foreign = foreign.clone();
                move || foreign.fetch_add(1, SeqCst)
            });
            let before = before.wait().unwrap();
            let mine = inner.submit(|| ()).wait().unwrap();
            mine.wait().unwrap();
            (foreign.load(SeqCst), before)
        })
        .wait()
        .unwrap();
    assert_eq!(seen.0, 0, "the older job was not run on a blocked stack");
    assert_eq!(seen.1.wait().unwrap(), 0);
    assert_eq!(ran.load(SeqCst), 1);
}

#[test]
fn a_workers_submit_to_its_own_full_pool_runs_the_job_on_the_spot() {
    let pool = shared(1, 1);
    let inner = pool.clone();
    let (me, first, second, tried) = pool
        .run(move || {
            let first = inner.submit(|| thread::current().id()).wait().unwrap();
            let tried = matches!(inner.try_submit(|| ()), Err(TrySubmitError::Full(_)));
            let second = inner.submit(|| thread::current().id()).wait().unwrap();
            assert!(second.is_finished(), "the queue was full");
            assert_eq!((inner.queued(), inner.running()), (1, 1), "the bound holds");
            (thread::current().id(), first, second, tried)
        })
        .wait()
        .unwrap();
    assert!(tried, "try_submit says so instead");
    assert_eq!(second.wait().unwrap(), me);
    assert_eq!(first.wait().unwrap(), me);
}

#[test]
fn all_workers_may_wait_for_nested_jobs_at_once() {
    let pool = shared(4, 2);
    let together = Arc::new(Barrier::new(4));
    let jobs: Vec<_> = (0..4)
        .map(|n| {
            let (inner, together) = (pool.clone(), together.clone());
            let job = pool.submit(move || {
                together.wait(); // no worker is free from here on
                let nested: Vec<_> = (0..5)
                    .map(|m| inner.submit(move || n * 10 + m).wait().unwrap())
                    .collect();
                nested
                    .into_iter()
                    .map(|job| job.wait().unwrap())
                    .sum::<i32>()
            });
            job.wait().unwrap()
        })
        .collect();
    let sums: Vec<_> = jobs.into_iter().map(|job| job.wait().unwrap()).collect();
    assert_eq!(sums, [10, 60, 110, 160]);
}

#[test]
fn a_bounded_wait_of_a_worker_runs_the_job_too() {
    let pool = shared(1, 10);
    let inner = pool.clone();
    let result = pool
        .run(move || {
            let job = inner.submit(|| 7).wait().unwrap();
            job.timeout(Duration::from_secs(60)).wait()
        })
        .wait()
        .unwrap();
    assert_eq!(result.unwrap(), 7);
}

#[test]
fn a_panic_in_a_job_run_on_the_spot_goes_to_its_handle_only() {
    let pool = shared(1, 10);
    let inner = pool.clone();
    let nested = pool.run(move || inner.run(|| support::quiet_panic("inner")).wait().is_err());
    assert!(nested.wait().unwrap());
    let stats = pool.stats();
    assert_eq!((stats.completed, stats.panicked, stats.running), (1, 1, 0));
}

#[test]
fn a_worker_of_another_pool_waits_as_anybody_does() {
    let (outer, inner) = (shared(1, 1), shared(1, 1));
    let busy = Occupied::new(&inner);
    let job = inner.submit(thread_id).wait().unwrap();
    let (begun, has_begun) = mpsc::channel();
    let waits = outer.submit(move || {
        begun.send(()).unwrap();
        (thread_id(), job.wait().unwrap())
    });
    let waits = waits.wait().unwrap();
    has_begun.recv().unwrap();
    busy.release();
    let (outside, inside) = waits.wait().unwrap();
    assert_ne!(outside, inside);
}

fn thread_id() -> thread::ThreadId {
    thread::current().id()
}

#[test]
fn a_nested_job_is_cancelled_like_any_other() {
    let pool = shared(1, 10);
    let inner = pool.clone();
    let cancelled = pool.run(move || {
        let job = inner.submit(|| 1).wait().unwrap();
        job.cancel();
        matches!(job.wait(), Err(JobError::Cancelled(_)))
    });
    assert!(cancelled.wait().unwrap());
}
