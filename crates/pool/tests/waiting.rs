//! What one can do with a handle, in threads and in tasks.
#![cfg(not(loom))]

mod support;

use anabranch_core_cancel::{
    Claim, Operation, Ticket,
    select::{Either, select2},
};
use anabranch_models::Dice;
use anabranch_pool::{CancelToken, JobError, Pool, TrySubmitError, Wait};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Poll, Waker},
    thread,
    time::Duration,
};
use support::{Occupied, Rings, accounted, poll_once, poll_with, quiet_panic};

#[test]
fn tokio_smol_and_pollster_each_await_a_handle() {
    async fn sum(pool: &Pool) -> i32 {
        let job = pool.submit(|| 20).await.unwrap();
        let more = pool
            .submit(|| 20)
            .timeout(Duration::from_secs(60))
            .await
            .unwrap();
        job.await.unwrap() + more.await.unwrap() + pool.run(|| 2).await.unwrap()
    }
    let pool = Arc::new(Pool::builder().workers(2).queue(0).build().unwrap());
    assert_eq!(pollster::block_on(sum(&pool)), 42);
    assert_eq!(smol::block_on(sum(&pool)), 42);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let sums = runtime.block_on(async {
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move { sum(&pool).await })
            })
            .collect();
        let mut sums = 0;
        for task in tasks {
            sums += task.await.unwrap();
        }
        sums
    });
    assert_eq!(sums, 50 * 42);
}

#[test]
fn a_wait_given_up_by_reference_keeps_the_handle() {
    let pool = Pool::new(1);
    let (go, gone) = mpsc::channel();
    let mut job = pool.submit(move || gone.recv().unwrap()).wait().unwrap();
    let why = (&mut job).timeout(Duration::ZERO).wait();
    assert!(matches!(why, Err(JobError::GaveUp(why)) if why.is_timeout()));
    let token = CancelToken::new();
    token.cancel();
    let why = (&mut job).with_cancel(&token).wait();
    assert!(matches!(why, Err(JobError::GaveUp(why)) if !why.is_timeout()));
    go.send(9).unwrap();
    assert_eq!(job.wait().unwrap(), 9);
}

#[test]
fn a_waiter_is_woken_once_by_the_end_of_the_job() {
    let pool = Pool::new(2);
    let (go, gone) = mpsc::channel::<()>();
    let mut job = pool.submit(move || gone.recv().is_ok()).wait().unwrap();
    let rings = Arc::new(Rings::default());
    for _ in 0..3 {
        assert!(poll_with(&mut job, &rings).is_pending());
    }
    drop(go);
    pool.drain().wait();
    assert_eq!(rings.count(), 1);
    assert!(matches!(poll_once(&mut job), Poll::Ready(Ok(false))));
}

#[test]
fn a_queued_job_that_is_cancelled_never_runs_and_its_room_is_free() {
    let pool = Pool::builder().workers(1).queue(1).build().unwrap();
    let first = Occupied::new(&pool);
    let ran = Arc::new(AtomicBool::new(false));
    let queued = pool.submit({
        let ran = ran.clone();
        move || ran.store(true, SeqCst)
    });
    let queued = queued.wait().unwrap();
    let mut next = pool.submit(|| 2);
    assert!(poll_once(&mut next).is_pending());
    let line = line!() + 1;
    queued.cancel();
    assert_eq!(Arc::strong_count(&ran), 1, "its closure is gone");
    let next = match poll_once(&mut next) {
        Poll::Ready(Ok(job)) => job,
        other => panic!("{other:?}"),
    };
    queued.cancel(); // once more, to no effect
    match queued.wait() {
        Err(JobError::Cancelled(why)) => assert_eq!(why.location().line(), line),
        other => panic!("{other:?}"),
    }
    first.release();
    assert_eq!(next.wait().unwrap(), 2);
    assert!(!ran.load(SeqCst));
    assert_eq!(pool.stats().cancelled, 1);
}

#[test]
fn a_running_job_that_is_cancelled_sees_its_token_and_its_value_counts() {
    let pool = Pool::new(2);
    let (begun, has_begun) = mpsc::channel();
    let one = pool.submit_with(move |cx| {
        begun.send(()).unwrap();
        cx.token().cancelled().wait();
        "told"
    });
    let one = one.wait().unwrap();
    let two = Occupied::new(&pool);
    has_begun.recv().unwrap();
    one.cancel();
    assert_eq!(one.wait().unwrap(), "told");
    assert!(!two.job.is_finished(), "its neighbour was not");
    two.job.cancel(); // a job that does not look goes on
    two.release();
    assert_eq!(pool.stats().completed, 2);
}

#[test]
fn dropping_a_handle_lets_the_job_run() {
    let pool = Pool::new(1);
    let first = Occupied::new(&pool);
    let ran = Arc::new(AtomicBool::new(false));
    let job = pool.submit({
        let ran = ran.clone();
        move || ran.store(true, SeqCst)
    });
    drop(job.wait().unwrap());
    first.release();
    pool.drain().wait();
    assert!(ran.load(SeqCst));
}

#[test]
fn a_result_nobody_fetched_is_dropped_with_its_handle() {
    let pool = Pool::new(1);
    let witness = Arc::new(());
    let job = {
        let witness = witness.clone();
        pool.submit(move || witness).wait().unwrap()
    };
    pool.drain().wait();
    assert_eq!(Arc::strong_count(&witness), 2);
    drop(job);
    assert_eq!(Arc::strong_count(&witness), 1);
}

#[test]
fn a_handle_that_loses_in_a_select_keeps_its_result() {
    let pool = Pool::new(1);
    let first = Occupied::new(&pool);
    let mut job = pool.submit(|| 5).wait().unwrap();
    let token = CancelToken::new();
    token.cancel();
    match select2(&mut job, token.cancelled()).wait() {
        Either::Second(_) => {}
        Either::First(done) => panic!("{done:?}"),
    }
    first.release();
    let never = CancelToken::new();
    match select2(&mut job, never.cancelled()).wait() {
        Either::First(done) => assert_eq!(done.unwrap(), 5),
        Either::Second(_) => panic!("nobody cancelled"),
    }
}

#[test]
fn a_submit_that_loses_in_a_select_has_queued_nothing_and_one_that_wins_has() {
    let pool = Pool::builder().workers(1).queue(0).build().unwrap();
    let first = Occupied::new(&pool);
    let token = CancelToken::new();
    let mut submit = pool.submit(|| 5);
    let other = thread::scope(|s| {
        let select = s.spawn(|| {
            matches!(
                select2(&mut submit, token.cancelled()).wait(),
                Either::Second(_)
            )
        });
        token.cancel();
        select.join().unwrap()
    });
    assert!(other);
    first.release();
    assert_eq!(pool.stats().submitted, 1);
    let second = Occupied::new(&pool);
    let never = CancelToken::new();
    thread::scope(|s| {
        let select = s.spawn(|| match select2(&mut submit, never.cancelled()).wait() {
            Either::First(job) => job.unwrap().wait().unwrap(),
            Either::Second(_) => panic!("nobody cancelled"),
        });
        second.release();
        assert_eq!(select.join().unwrap(), 5);
    });
}

#[test]
fn a_run_in_a_select_is_chosen_when_its_job_is_done_not_when_it_is_accepted() {
    let pool = Pool::builder().workers(1).queue(0).build().unwrap();
    let first = Occupied::new(&pool);
    let never = CancelToken::new();
    thread::scope(|s| {
        let select = s.spawn(|| match select2(pool.run(|| 5), never.cancelled()).wait() {
            Either::First(done) => done.unwrap(),
            Either::Second(_) => panic!("nobody cancelled"),
        });
        first.release();
        assert_eq!(select.join().unwrap(), 5);
    });
}

#[test]
fn a_run_whose_job_was_accepted_in_a_select_does_not_keep_the_other_arm_from_winning() {
    let pool = Pool::builder().workers(1).queue(0).build().unwrap();
    let first = Occupied::new(&pool);
    let (begun, has_begun) = mpsc::channel();
    let token = CancelToken::new();
    let run = pool.run_with(move |cx| {
        begun.send(()).unwrap();
        cx.token().cancelled().wait();
    });
    let mut select = select2(run, token.cancelled());
    assert!(poll_once(&mut select).is_pending());
    first.release();
    has_begun.recv().unwrap();
    assert!(poll_once(&mut select).is_pending(), "accepted is not done");
    token.cancel();
    assert!(matches!(
        poll_once(&mut select),
        Poll::Ready(Either::Second(_))
    ));
    drop(select); // and with it the run, whose job is told
    pool.drain().wait();
}

#[test]
fn nobody_overtakes_a_select_that_is_looking_at_its_arms() {
    let pool = Pool::builder().workers(1).queue(0).build().unwrap();
    let first = Occupied::new(&pool);
    // A select's own hand: its claim is busy from the first poll until it is opened.
    let claim = Claim::new();
    let mut submit = pool.submit(|| 1);
    let mut look = || {
        let ticket = Ticket::task(Waker::noop()).arm(&claim, 0);
        std::pin::Pin::new(&mut submit).poll_arm(&ticket)
    };
    assert!(look().is_pending());
    let mut behind = pool.submit(|| 2);
    assert!(poll_once(&mut behind).is_pending());
    first.release();
    // There is room, and the first in line has not been given it yet.
    assert!(matches!(
        pool.try_submit(|| 3),
        Err(TrySubmitError::Full(_))
    ));
    assert!(poll_once(&mut behind).is_pending());
    assert!(!claim.open(), "somebody came by");
    let Poll::Ready(Ok(job)) = look() else {
        panic!("the room was its");
    };
    assert_eq!(job.wait().unwrap(), 1);
    assert_eq!(behind.wait().unwrap().wait().unwrap(), 2);
}

#[test]
fn a_select_that_leaves_the_head_of_the_line_lets_the_next_one_in() {
    let pool = Pool::builder().workers(1).queue(0).build().unwrap();
    let first = Occupied::new(&pool);
    let claim = Claim::new();
    let mut submit = pool.submit(|| 1);
    let ticket = Ticket::task(Waker::noop()).arm(&claim, 0);
    assert!(
        std::pin::Pin::new(&mut submit)
            .poll_arm(&ticket)
            .is_pending()
    );
    let mut behind = pool.submit(|| 2);
    let rings = Arc::new(Rings::default());
    assert!(poll_with(&mut behind, &rings).is_pending());
    first.release();
    assert_eq!(rings.count(), 0);
    assert!(std::pin::Pin::new(&mut submit).withdraw().is_none());
    assert_eq!(rings.count(), 1);
    assert_eq!(behind.wait().unwrap().wait().unwrap(), 2);
    assert_eq!(
        submit.wait().unwrap().wait().unwrap(),
        1,
        "it may try again"
    );
}

/// Whatever is dropped, given up, cancelled or waited for, in whatever order, on three threads:
/// every job that was accepted ends in one way, and nothing is left.
#[test]
fn after_any_mixture_of_drops_and_cancellations_everything_is_accounted_for() {
    let seed = anabranch_models::seed();
    let pool = Pool::builder().workers(2).queue(3).build().unwrap();
    let (ran, alive) = (Arc::new(AtomicUsize::new(0)), Arc::new(()));
    let seen = AtomicUsize::new(0);
    thread::scope(|s| {
        for t in 0..3 {
            let (pool, ran, alive, seen) = (&pool, &ran, &alive, &seen);
            s.spawn(move || {
                let mut random = Dice(seed.wrapping_add(t));
                for _ in 0..3_000 {
                    let (ran, alive) = (ran.clone(), alive.clone());
                    let fails = random.roll(8) == 0;
                    let mut submit = pool.submit_with(move |cx| {
                        let _alive = alive;
                        ran.fetch_add(1, SeqCst);
                        if fails {
                            quiet_panic("one in eight");
                        }
                        cx.token().is_cancelled()
                    });
                    if random.roll(4) == 0 {
                        // Dropped in line, or after it was accepted unseen, or with its handle.
                        drop(poll_once(&mut submit).map(Result::unwrap));
                        continue;
                    }
                    let Ok(mut job) = submit.timeout(Duration::from_millis(random.roll(2))).wait()
                    else {
                        continue;
                    };
                    match random.roll(5) {
                        0 => drop(job),
                        1 => job.cancel(),
                        2 => drop(poll_once(&mut job)),
                        3 => drop(job.timeout(Duration::ZERO).wait()),
                        _ => {
                            seen.fetch_add(1, SeqCst);
                            drop(job.wait());
                        }
                    }
                }
            });
        }
    });
    pool.drain().wait();
    let stats = pool.stats();
    assert_eq!((stats.queued, stats.running), (0, 0));
    assert_eq!(stats.submitted, accounted(&stats));
    assert_eq!(stats.completed + stats.panicked, ran.load(SeqCst) as u64);
    assert_eq!(Arc::strong_count(&alive), 1);
    assert!(
        stats.cancelled > 0 && stats.panicked > 0 && seen.load(SeqCst) > 0,
        "{stats:?}"
    );
}
