//! Jobs in, results out: order, room, counts.
#![cfg(not(loom))]

mod support;

use anabranch_pool::{CancelToken, JobError, Pool, RunError, SubmitError, TrySubmitError};
use std::{
    panic::{self, catch_unwind},
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};
use support::{Occupied, accounted, poll_once, quiet_panic};

#[test]
fn a_thousand_jobs_on_a_hundred_workers_have_all_run_when_the_drain_is_over() {
    let pool = Pool::new(100);
    let ran = Arc::new(AtomicUsize::new(0));
    for _ in 0..1_000 {
        let ran = ran.clone();
        drop(
            pool.submit(move || ran.fetch_add(1, SeqCst))
                .wait()
                .unwrap(),
        );
    }
    pool.drain().wait();
    assert_eq!(ran.load(SeqCst), 1_000);
    let stats = pool.stats();
    assert_eq!((stats.submitted, stats.completed), (1_000, 1_000));
    assert_eq!((stats.queued, stats.running), (0, 0));
}

#[test]
fn of_ten_thousand_jobs_half_of_which_panic_every_one_is_counted() {
    let pool = Pool::new(4);
    let jobs: Vec<_> = (0..10_000)
        .map(|n| {
            let job = pool.submit(move || if n % 2 == 0 { quiet_panic("even") } else { n });
            job.wait().unwrap()
        })
        .collect();
    let failed = jobs
        .into_iter()
        .map(|job| job.wait())
        .filter(Result::is_err)
        .count();
    assert_eq!(failed, 5_000);
    let stats = pool.stats();
    assert_eq!(
        (stats.submitted, stats.completed, stats.panicked),
        (10_000, 5_000, 5_000)
    );
    assert_eq!(stats.detached_panics, 0);
}

#[test]
fn the_counts_of_one_moment_never_contradict_each_other() {
    let pool = Pool::builder().workers(3).queue(5).build().unwrap();
    let over = AtomicBool::new(false);
    let samples = AtomicUsize::new(0);
    thread::scope(|s| {
        let submitters: Vec<_> = (0..3)
            .map(|_| {
                s.spawn(|| {
                    for n in 0..500_u32 {
                        let job = pool.submit(move || {
                            if n % 7 == 0 {
                                quiet_panic("7")
                            }
                        });
                        let job = job.wait().unwrap();
                        match n % 3 {
                            0 => drop(job),
                            1 => job.cancel(),
                            _ => drop(job.wait()),
                        }
                    }
                })
            })
            .collect();
        s.spawn(|| {
            while !over.load(SeqCst) {
                let stats = pool.stats();
                assert_eq!(stats.submitted, accounted(&stats), "{stats:?}");
                assert!(stats.running <= 3 + 3, "workers and cancellers: {stats:?}");
                assert!(
                    stats.queued <= 5 + 3,
                    "the bound and free workers: {stats:?}"
                );
                samples.fetch_add(1, SeqCst);
            }
        });
        for submitter in submitters {
            submitter.join().unwrap();
        }
        over.store(true, SeqCst);
    });
    assert!(samples.load(SeqCst) > 0);
    pool.drain().wait();
    assert_eq!(pool.stats().submitted, 1_500);
}

#[test]
fn a_result_that_has_been_seen_has_been_counted() {
    let pool = Pool::new(2);
    for n in 1..=1_000 {
        pool.run(|| ()).wait().unwrap();
        assert_eq!((pool.stats().completed, pool.running()), (n, 0));
    }
}

#[test]
fn ten_workers_with_a_queue_of_ten_take_twenty_jobs_and_refuse_the_next() {
    let pool = Pool::builder().workers(10).queue(10).build().unwrap();
    let gate = Arc::new(Barrier::new(11));
    let mut jobs = Vec::new();
    // From the first moment on, whether or not the workers are there yet.
    for n in 0..20 {
        let gate = gate.clone();
        let job = pool.try_submit(move || {
            if n < 10 {
                drop(gate.wait())
            }
        });
        jobs.push(job.unwrap());
    }
    let refused = pool.try_submit(|| ());
    assert!(matches!(refused, Err(TrySubmitError::Full(_))));
    gate.wait();
    pool.drain().wait();
    assert_eq!(pool.stats().completed, 20);
}

#[test]
fn with_a_queue_of_zero_a_second_job_waits_until_the_worker_is_free() {
    let pool = Pool::builder().workers(1).queue(0).build().unwrap();
    let first = Occupied::new(&pool);
    assert!(matches!(
        pool.try_submit(|| ()),
        Err(TrySubmitError::Full(_))
    ));
    let mut second = pool.submit(|| 2);
    assert!(poll_once(&mut second).is_pending());
    assert_eq!(pool.queued(), 0, "it stands in line, not in the queue");
    first.release();
    assert_eq!(second.wait().unwrap().wait().unwrap(), 2);
    // Free again: taken at once.
    drop(pool.try_submit(|| ()).unwrap());
}

#[test]
fn jobs_begin_in_the_order_in_which_their_submitters_came() {
    let pool = Pool::builder().workers(1).queue(1).build().unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = |n: usize| {
        let order = order.clone();
        move || order.lock().unwrap().push(n)
    };
    let first = Occupied::new(&pool);
    let queued = pool.submit(note(0)).wait().unwrap();
    // These stand in line, in this order.
    let mut waiting: Vec<_> = (1..10).map(|n| pool.submit(note(n))).collect();
    assert!(
        waiting
            .iter_mut()
            .all(|submit| poll_once(submit).is_pending())
    );
    let late = pool.try_submit(note(99));
    assert!(
        matches!(late, Err(TrySubmitError::Full(_))),
        "it does not overtake"
    );
    // The order in which they look again is not the order in which they are served.
    let submitted = thread::scope(|s| {
        let threads: Vec<_> = waiting
            .into_iter()
            .rev()
            .map(|w| s.spawn(|| w.wait().unwrap()))
            .collect();
        first.release();
        threads
            .into_iter()
            .map(|t| t.join().unwrap())
            .collect::<Vec<_>>()
    });
    submitted.into_iter().for_each(|job| job.wait().unwrap());
    queued.wait().unwrap();
    assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
}

#[test]
fn never_more_jobs_run_than_there_are_workers() {
    let pool = Pool::builder().workers(3).queue(4).build().unwrap();
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..300 {
        let (inside, most) = (inside.clone(), most.clone());
        let job = pool.submit(move || {
            most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
            thread::yield_now();
            inside.fetch_sub(1, SeqCst);
        });
        drop(job.wait().unwrap());
    }
    pool.drain().wait();
    assert!((1..=3).contains(&most.load(SeqCst)), "{most:?}");
}

#[test]
fn a_submitter_that_gives_up_gets_its_job_back_and_has_queued_nothing() {
    let (token, time) = CancelToken::manual();
    let pool = Pool::builder()
        .workers(1)
        .queue(0)
        .on(&token)
        .build()
        .unwrap();
    let first = Occupied::new(&pool);
    let call = token.child();

    let mut bounded = pool.submit(|| 1).with_cancel(&call);
    assert!(poll_once(&mut bounded).is_pending());
    call.cancel_with("changed my mind");
    match bounded.wait() {
        Err(SubmitError::GaveUp(job, why)) => {
            assert_eq!(why.cause().unwrap().to_string(), "changed my mind");
            assert_eq!(job(), 1);
        }
        other => panic!("{other:?}"),
    }

    let mut timed = pool.submit(|| 2).timeout(Duration::from_secs(1));
    assert!(poll_once(&mut timed).is_pending());
    time.advance(Duration::from_secs(1));
    match timed.wait() {
        Err(SubmitError::GaveUp(job, why)) => {
            assert!(why.is_timeout());
            assert_eq!(job(), 2);
        }
        other => panic!("{other:?}"),
    }

    let dead = pool.submit(|| 3).with_cancel(&call).wait();
    assert_eq!(dead.unwrap_err().into_inner()(), 3);

    assert_eq!(pool.stats().submitted, 1);
    first.release();
    assert_eq!(
        pool.run(|| 4).wait().unwrap(),
        4,
        "nobody stands in line any more"
    );
    assert_eq!(pool.stats().submitted, 2);
}

#[test]
fn a_submit_dropped_in_line_passes_its_place_on() {
    let pool = Pool::builder().workers(1).queue(0).build().unwrap();
    let first = Occupied::new(&pool);
    let ran = Arc::new(AtomicBool::new(false));
    let mut gone = pool.submit({
        let ran = ran.clone();
        move || ran.store(true, SeqCst)
    });
    let mut next = pool.submit(|| 2);
    assert!(poll_once(&mut gone).is_pending() && poll_once(&mut next).is_pending());
    drop(gone);
    assert_eq!(Arc::strong_count(&ran), 1, "its job went with it");
    first.release();
    assert_eq!(next.wait().unwrap().wait().unwrap(), 2);
    assert!(!ran.load(SeqCst));
}

#[test]
fn a_submit_dropped_after_its_job_was_accepted_takes_the_job_back() {
    let pool = Pool::builder().workers(1).queue(1).build().unwrap();
    let first = Occupied::new(&pool);
    let (begun, has_begun) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let second = pool.submit(move || {
        begun.send(()).unwrap();
        let _ = gone.recv();
    });
    let second = second.wait().unwrap();
    let ran = Arc::new(AtomicBool::new(false));
    let mut third = pool.submit({
        let ran = ran.clone();
        move || ran.store(true, SeqCst)
    });
    assert!(poll_once(&mut third).is_pending());
    first.release();
    has_begun.recv().unwrap();
    assert_eq!(
        pool.queued(),
        1,
        "the third has been accepted, and does not know it yet"
    );
    drop(third);
    assert_eq!((pool.queued(), pool.stats().cancelled), (0, 1));
    drop(go);
    second.wait().unwrap();
    pool.drain().wait();
    assert!(!ran.load(SeqCst) && Arc::strong_count(&ran) == 1);
}

#[test]
fn run_yields_the_result_and_says_why_there_is_none() {
    let pool = Pool::new(2);
    assert_eq!(pool.run(|| 6 * 7).wait().unwrap(), 42);
    assert_eq!(
        pool.run_with(|cx| cx.token().is_cancelled())
            .wait()
            .unwrap(),
        false
    );
    match pool.run(|| quiet_panic("broken")).wait() {
        Err::<(), _>(RunError::Panicked(panic)) => assert_eq!(panic.message(), Some("broken")),
        other => panic!("{other:?}"),
    }
    pool.drain().wait();
    match pool.run(|| 5).wait() {
        Err(RunError::Closed(job)) => assert_eq!(job(), 5),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_that_is_given_up_takes_back_a_job_that_has_not_begun() {
    let pool = Pool::builder().workers(1).queue(1).build().unwrap();
    let first = Occupied::new(&pool);
    let queued = pool.run(|| 1).timeout(Duration::ZERO).wait();
    let in_line = {
        let _filler = pool.submit(|| ()).wait().unwrap();
        pool.run(|| 2).timeout(Duration::ZERO).wait()
    };
    assert_eq!(queued.unwrap_err().into_inner().unwrap()(), 1);
    assert_eq!(in_line.unwrap_err().into_inner().unwrap()(), 2);
    let stats = pool.stats();
    assert_eq!((stats.submitted, stats.cancelled, stats.queued), (3, 1, 1));
    first.release();
}

#[test]
fn a_run_that_is_given_up_or_dropped_cancels_a_job_that_runs() {
    let pool = Pool::new(1);
    for dropped in [false, true] {
        let (begun, has_begun) = mpsc::channel();
        let (go, gone) = mpsc::channel::<()>();
        let mut run = pool.run_with(move |cx| {
            begun.send(()).unwrap();
            cx.token().cancelled().wait(); // would hang if nobody told it
            let _ = gone.recv();
        });
        assert!(poll_once(&mut run).is_pending());
        has_begun.recv().unwrap();
        if dropped {
            drop(run);
        } else {
            match run.timeout(Duration::ZERO).wait() {
                Err(RunError::GaveUp(None, why)) => assert!(why.is_timeout()),
                other => panic!("{other:?}"),
            }
        }
        drop(go);
    }
    pool.drain().wait();
    assert_eq!(pool.stats().completed, 2);
}

#[test]
fn zero_workers_panic_at_the_callers_line() {
    static SEEN: Mutex<Option<(String, u32)>> = Mutex::new(None);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() == Some("a pool needs at least one worker") {
            let at = info.location().unwrap();
            *SEEN.lock().unwrap() = Some((at.file().into(), at.line()));
        } else {
            before(info);
        }
    }));
    let line = line!() + 1;
    assert!(catch_unwind(|| Pool::new(0)).is_err());
    assert_eq!(SEEN.lock().unwrap().take(), Some((file!().into(), line)));
    let line = line!() + 1;
    assert!(catch_unwind(|| Pool::builder().workers(0)).is_err());
    assert_eq!(SEEN.lock().unwrap().take(), Some((file!().into(), line)));
}

#[test]
fn a_thread_that_the_system_refuses_is_an_error() {
    let refused = Pool::builder()
        .workers(2)
        .stack_size(usize::MAX / 4)
        .build();
    let refused = refused.unwrap_err();
    assert_eq!(refused.started(), 0);
    assert!(std::error::Error::source(&refused).is_some());
}

#[test]
fn workers_carry_the_pools_name() {
    let pool = Pool::builder().workers(1).name("render").build().unwrap();
    let name = pool
        .run(|| thread::current().name().map(String::from))
        .wait()
        .unwrap();
    assert_eq!(name.as_deref(), Some("render-0"));
}

#[test]
fn every_error_goes_into_anyhow_if_the_job_does() {
    fn all(pool: &Pool) -> anyhow::Result<i32> {
        let job = pool.submit(|| 20).wait()?;
        let more = pool.try_submit(|| 20)?;
        let rest = pool.run(|| 2).timeout(Duration::from_secs(60)).wait()?;
        Ok(job.wait()? + more.wait()? + rest)
    }
    fn error<E: std::error::Error + Send + Sync + 'static>() {}
    error::<JobError>();
    error::<RunError<fn()>>();
    let pool = Pool::new(1);
    assert_eq!(all(&pool).unwrap(), 42);
    pool.drain().wait();
    assert_eq!(
        all(&pool).unwrap_err().to_string(),
        "the pool takes no more jobs"
    );
}
