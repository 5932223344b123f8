//! A panic in each place where foreign code runs: told once, to the right one, and nothing else
//! stops.
#![cfg(not(loom))]

mod support;

use anabranch_pool::{JobError, JobPanic, Pool};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, mpsc},
    task::{Context, Wake, Waker},
};
use support::{Occupied, quiet_panic};

fn panic_of<T: std::fmt::Debug>(result: Result<T, JobError>) -> JobPanic {
    match result {
        Err(JobError::Panicked(panic)) => panic,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_panic_goes_to_the_handle_with_its_payload_and_the_worker_goes_on() {
    let pool = Pool::new(1);
    let job = pool
        .submit(|| quiet_panic("with a message"))
        .wait()
        .unwrap();
    let panic = panic_of::<()>(job.wait());
    assert_eq!(panic.message(), Some("with a message"));
    assert_eq!(panic.to_string(), "the job panicked: with a message");
    assert_eq!(panic.into_payload().downcast_ref(), Some(&"with a message"));

    let job = pool
        .submit(|| resume_unwind(Box::new(42_u8)))
        .wait()
        .unwrap();
    let panic = panic_of::<()>(job.wait());
    assert_eq!(panic.message(), None);
    let again = catch_unwind(AssertUnwindSafe(|| panic.resume())).unwrap_err();
    assert_eq!(again.downcast_ref(), Some(&42_u8));

    assert_eq!(pool.run(|| 1).wait().unwrap(), 1);
    assert_eq!((pool.workers(), pool.detached_panics()), (1, 0));
}

#[test]
fn jobs_that_all_panic_run_one_after_the_other_on_one_worker() {
    let pool = Pool::builder().workers(1).queue(5).build().unwrap();
    let first = Occupied::new(&pool);
    let jobs: Vec<_> = (0..5)
        .map(|_| pool.submit(|| quiet_panic("one of five")).wait().unwrap())
        .collect();
    first.release();
    for job in jobs {
        panic_of::<()>(job.wait());
    }
    assert_eq!((pool.workers(), pool.stats().panicked), (1, 5));
}

#[test]
fn a_panic_that_no_handle_is_told_of_is_counted() {
    let pool = Pool::new(1);
    // Detached before it panics,
    let first = Occupied::new(&pool);
    drop(pool.submit(|| quiet_panic("detached")).wait().unwrap());
    first.release();
    pool.run(|| ()).wait().unwrap();
    assert_eq!(pool.detached_panics(), 1);
    // and after.
    let job = pool.submit(|| quiet_panic("nobody asks")).wait().unwrap();
    pool.run(|| ()).wait().unwrap();
    assert!(job.is_finished());
    assert_eq!(pool.detached_panics(), 1);
    drop(job);
    assert_eq!(pool.detached_panics(), 2);
}

/// Panics when it is dropped.
struct Spiteful;

impl Drop for Spiteful {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            quiet_panic("in a drop");
        }
    }
}

#[test]
fn a_result_that_panics_in_its_drop_takes_no_worker_with_it() {
    let pool = Pool::new(1);
    let first = Occupied::new(&pool);
    drop(pool.submit(|| Spiteful).wait().unwrap());
    first.release();
    assert_eq!(pool.run(|| 1).wait().unwrap(), 1);
    pool.drain().wait();
    let stats = pool.stats();
    assert_eq!(
        (stats.completed, stats.panicked, stats.detached_panics),
        (3, 0, 1)
    );
}

#[test]
fn a_job_that_panics_in_its_drop_is_cancelled_all_the_same() {
    let pool = Pool::builder().workers(1).queue(9).build().unwrap();
    let first = Occupied::new(&pool);
    let (spite, spite_too) = (Spiteful, Spiteful);
    let one = pool.submit(move || drop(spite)).wait().unwrap();
    let two = pool.submit(move || drop(spite_too)).wait().unwrap();
    one.cancel();
    assert!(matches!(one.wait(), Err(JobError::Cancelled(_))));
    assert_eq!(pool.abort().queued, 1);
    assert!(matches!(two.wait(), Err(JobError::Cancelled(_))));
    assert_eq!(pool.detached_panics(), 2);
    first.release();
    pool.drain().wait();
}

#[test]
fn a_payload_that_panics_in_its_drop_takes_no_worker_with_it() {
    let pool = Pool::new(1);
    let first = Occupied::new(&pool);
    let job = pool.submit(|| -> () { resume_unwind(Box::new(Spiteful)) });
    drop(job.wait().unwrap());
    first.release();
    assert_eq!(pool.run(|| 1).wait().unwrap(), 1);
    assert_eq!((pool.stats().panicked, pool.workers()), (1, 1));
}

#[test]
fn a_waker_that_panics_takes_no_worker_with_it_and_the_result_is_there() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            quiet_panic("a waker");
        }
    }
    let pool = Pool::new(1);
    let (go, gone) = mpsc::channel::<()>();
    let mut job = pool.submit(move || gone.recv().is_ok()).wait().unwrap();
    let bomb = Waker::from(Arc::new(Bomb));
    let poll = std::pin::Pin::new(&mut job).poll(&mut Context::from_waker(&bomb));
    assert!(poll.is_pending());
    drop(go);
    assert_eq!(pool.run(|| 1).wait().unwrap(), 1);
    assert!(job.is_finished());
    assert_eq!(pool.detached_panics(), 1);
    job.wait().unwrap();
}
