//! How a pool ends: drain, drop, abort, and its token.
#![cfg(not(loom))]

mod support;

use anabranch_pool::{CancelToken, JobError, Pool, TrySubmitError};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::Poll,
    thread,
    time::Duration,
};
use support::{Occupied, Rings, accounted, poll_once, poll_with};

#[test]
fn every_way_to_submit_hands_the_job_back_after_the_drain() {
    let pool = Pool::new(1);
    pool.drain().wait();
    assert!(pool.is_closed());
    assert_eq!(pool.submit(|| 1).wait().unwrap_err().into_inner()(), 1);
    let bounded = pool.submit(|| 2).timeout(Duration::from_secs(60)).wait();
    assert_eq!(bounded.unwrap_err().into_inner()(), 2);
    assert_eq!(pool.try_submit(|| 3).unwrap_err().into_inner()(), 3);
    assert_eq!(
        pool.run(|| 4).wait().unwrap_err().into_inner().unwrap()(),
        4
    );
    assert!(pool.submit_with(|_| 5).wait().is_err());
    assert!(pool.try_submit_with(|_| 6).is_err());
    assert_eq!(pool.stats().submitted, 0);
}

#[test]
fn a_job_that_submits_while_its_pool_drains_is_refused_like_anybody() {
    let pool = Arc::new(Pool::new(1));
    let (inner, (go, gone)) = (pool.clone(), mpsc::channel());
    let job = pool.submit(move || {
        gone.recv().unwrap();
        let refused = matches!(inner.try_submit(|| ()), Err(TrySubmitError::Closed(_)));
        (
            refused,
            inner.submit(|| 7).wait().unwrap_err().into_inner()(),
        )
    });
    let job = job.wait().unwrap();
    let mut drain = pool.drain();
    assert!(poll_once(&mut drain).is_pending());
    go.send(()).unwrap();
    drain.wait();
    assert_eq!(job.wait().unwrap(), (true, 7));
}

#[test]
fn a_drain_refuses_the_submitters_in_line_and_runs_what_is_queued() {
    let pool = Pool::builder().workers(1).queue(2).build().unwrap();
    let first = Occupied::new(&pool);
    let queued = [1, 2].map(|n| pool.submit(move || n).wait().unwrap());
    let mut in_line = [3, 4].map(|n| pool.submit(move || n));
    let rings = Arc::new(Rings::default());
    for submit in &mut in_line {
        assert!(poll_with(submit, &rings).is_pending());
    }
    let mut drain = pool.drain();
    assert!(poll_once(&mut drain).is_pending());
    assert_eq!(rings.count(), 2, "each of them is told");
    let refused = in_line.map(|submit| submit.wait().unwrap_err().into_inner()());
    assert_eq!(refused, [3, 4]);
    first.release();
    drain.wait();
    assert!(
        queued.iter().all(|job| job.is_finished()),
        "every handle is ready"
    );
    assert_eq!(queued.map(|job| job.wait().unwrap()), [1, 2]);
    assert_eq!(pool.stats().submitted, 3);
}

#[test]
fn a_drain_does_nothing_until_it_is_waited_for() {
    let pool = Pool::new(1);
    drop(pool.drain());
    assert_eq!(pool.run(|| 1).wait().unwrap(), 1);
}

#[test]
fn a_drain_with_a_time_limit_ends_in_time_and_the_jobs_are_still_counted() {
    let (token, time) = CancelToken::manual();
    let pool = Pool::builder().workers(1).on(&token).build().unwrap();
    let first = Occupied::new(&pool);
    let second = pool.submit(|| 2).wait().unwrap();
    let mut limited = pool.drain().timeout(Duration::from_secs(5));
    assert!(poll_once(&mut limited).is_pending());
    time.advance(Duration::from_secs(5));
    match poll_once(&mut limited) {
        Poll::Ready(Err(why)) => assert!(why.is_timeout()),
        other => panic!("{other:?}"),
    }
    assert_eq!((pool.running(), pool.queued()), (1, 1));
    assert!(pool.is_closed());
    first.release();
    pool.drain().timeout(Duration::from_secs(5)).wait().unwrap();
    assert_eq!(second.wait().unwrap(), 2);
}

#[test]
fn five_drains_at_once_all_end_and_so_does_one_more() {
    let pool = Pool::new(2);
    let first = Occupied::new(&pool);
    thread::scope(|s| {
        for _ in 0..5 {
            s.spawn(|| pool.drain().wait());
        }
        let mut sixth = pool.drain();
        let _ = poll_once(&mut sixth);
        drop(sixth);
        first.release();
    });
    pool.drain().wait();
}

#[test]
fn a_job_that_drains_its_own_pool_is_told_that_it_would_wait_for_itself() {
    let pool = Arc::new(Pool::new(1));
    let inner = pool.clone();
    let job = pool.run(move || {
        let drained = catch_unwind(AssertUnwindSafe(|| inner.drain().wait()));
        drained
            .unwrap_err()
            .downcast_ref::<&str>()
            .map(ToString::to_string)
    });
    let said = job.wait().unwrap().unwrap();
    assert!(said.contains("waits for its own pool"), "{said}");
    assert!(!pool.is_closed(), "and the pool goes on");
}

#[test]
fn dropping_a_pool_runs_what_is_queued_and_joins_the_workers() {
    let ran = Arc::new(AtomicUsize::new(0));
    let pool = Pool::builder().workers(2).name("dropped").build().unwrap();
    for _ in 0..100 {
        let ran = ran.clone();
        drop(
            pool.submit(move || ran.fetch_add(1, SeqCst))
                .wait()
                .unwrap(),
        );
    }
    drop(pool);
    assert_eq!(ran.load(SeqCst), 100);
    assert_eq!(Arc::strong_count(&ran), 1, "nothing of the jobs is left");
    assert!(!threads_are_left("dropped-"));
}

#[test]
fn no_thread_and_no_hook_is_left_when_pools_are_gone() {
    let token = CancelToken::new();
    for _ in 0..20 {
        let pool = Pool::builder()
            .workers(3)
            .name("leaky")
            .on(&token)
            .build()
            .unwrap();
        let job = pool.submit(|| 1).wait().unwrap();
        drop(pool);
        assert!(!threads_are_left("leaky-"));
        // A handle may outlive its pool, and is the last to hold anything of it.
        assert_eq!(job.wait().unwrap(), 1);
        assert_eq!(token.watchers(), Default::default());
    }
}

/// Whether threads of this process have a name that begins like this. A thread that has been joined
/// may be listed for a moment; where nothing is listed, there are none.
fn threads_are_left(prefix: &str) -> bool {
    let listed = || {
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
        tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
            .any(|name| name.starts_with(prefix))
    };
    (0..10_000).all(|_| {
        thread::yield_now();
        listed()
    })
}

#[test]
fn a_pool_dropped_by_its_own_job_does_not_wait_for_itself() {
    let pool = Arc::new(Pool::builder().workers(1).build().unwrap());
    let (send, receive) = mpsc::channel::<Arc<Pool>>();
    let (after, is_after) = mpsc::channel();
    let last = pool.submit(move || {
        drop(receive.recv().unwrap()); // the last handle on the pool
        after.send(()).unwrap();
    });
    let last = last.wait().unwrap();
    let queued = pool.submit(|| 5).wait().unwrap();
    send.send(pool).unwrap();
    is_after.recv().unwrap();
    last.wait().unwrap();
    assert_eq!(
        queued.wait().unwrap(),
        5,
        "what was queued is run all the same"
    );
}

#[test]
fn an_abort_hands_back_what_is_queued_and_tells_what_runs() {
    let pool = Pool::builder().workers(2).queue(100).build().unwrap();
    let (begun, has_begun) = mpsc::channel();
    let running: Vec<_> = (0..2)
        .map(|_| {
            let begun = begun.clone();
            let job = pool.submit_with(move |cx| {
                begun.send(()).unwrap();
                cx.token().cancelled().wait()
            });
            job.wait().unwrap()
        })
        .collect();
    has_begun.iter().take(2).for_each(drop);
    let queued: Vec<_> = (0..62)
        .map(|_| pool.submit(|| ()).wait().unwrap())
        .collect();
    let line = line!() + 1;
    let left = pool.abort();
    assert_eq!((left.queued, left.running), (62, 2));
    for job in queued {
        assert!(job.is_finished(), "at once");
        match job.wait() {
            Err(JobError::Cancelled(why)) => {
                assert_eq!(
                    (why.location().file(), why.location().line()),
                    (file!(), line)
                );
            }
            other => panic!("{other:?}"),
        }
    }
    for job in running {
        assert_eq!(job.wait().unwrap().location().line(), line);
    }
    pool.drain().wait();
    let stats = pool.stats();
    assert_eq!(
        (stats.submitted, stats.completed, stats.cancelled),
        (64, 2, 62)
    );
    let again = pool.abort();
    assert_eq!((again.queued, again.running), (0, 0));
    assert!(matches!(
        pool.try_submit(|| ()),
        Err(TrySubmitError::Closed(_))
    ));
}

#[test]
fn an_abort_whose_hooks_panic_ends_what_is_queued_all_the_same() {
    let pool = Pool::builder().workers(1).build().unwrap();
    let (begun, has_begun) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let running = pool.submit_with(move |cx| {
        let _hook = cx.token().on_cancel(|| support::quiet_panic("a hook"));
        begun.send(()).unwrap();
        let _ = gone.recv();
    });
    let running = running.wait().unwrap();
    has_begun.recv().unwrap();
    let queued = pool.submit(|| ()).wait().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| pool.abort())).is_err());
    assert!(matches!(queued.wait(), Err(JobError::Cancelled(_))));
    drop(go);
    running.wait().unwrap();
    pool.drain().wait();
}

#[test]
fn a_draining_token_refuses_new_jobs_and_those_in_line_but_runs_the_queue() {
    let token = CancelToken::new();
    let pool = Pool::builder()
        .workers(1)
        .queue(1)
        .on(&token)
        .build()
        .unwrap();
    let first = Occupied::new(&pool);
    let queued = pool.submit(|| 2).wait().unwrap();
    let mut in_line = pool.submit(|| 3);
    let rings = Arc::new(Rings::default());
    assert!(poll_with(&mut in_line, &rings).is_pending());
    token.drain();
    assert_eq!(rings.count(), 1, "it is told");
    assert_eq!(in_line.wait().unwrap_err().into_inner()(), 3);
    assert!(matches!(
        pool.try_submit(|| ()),
        Err(TrySubmitError::Closed(_))
    ));
    assert!(pool.submit(|| ()).wait().is_err());
    first.release();
    assert_eq!(queued.wait().unwrap(), 2);
}

#[test]
fn a_cancelled_token_ends_what_is_queued_and_tells_what_runs() {
    let token = CancelToken::new();
    let pool = Pool::builder()
        .workers(1)
        .queue(1)
        .on(&token)
        .build()
        .unwrap();
    let (begun, has_begun) = mpsc::channel();
    let running = pool.submit_with(move |cx| {
        begun.send(()).unwrap();
        cx.token().cancelled().wait().cause().unwrap().to_string()
    });
    let running = running.wait().unwrap();
    has_begun.recv().unwrap();
    let queued = pool.submit(|| ()).wait().unwrap();
    let mut in_line = pool.submit(|| 3);
    assert!(poll_once(&mut in_line).is_pending());
    token.cancel_with("enough");
    match queued.wait() {
        Err(JobError::Cancelled(why)) => assert_eq!(why.cause().unwrap().to_string(), "enough"),
        other => panic!("{other:?}"),
    }
    assert_eq!(in_line.wait().unwrap_err().into_inner()(), 3);
    assert_eq!(running.wait().unwrap(), "enough");
    pool.drain().wait(); // returns promptly with a cancelled token and jobs that were queued
    assert!(pool.try_submit(|| ()).is_err());
}

/// A cancellation wakes its waiters before it calls its hooks, and the pool's is one of those: what
/// happens in between is made to happen here, in a hook that comes first.
#[test]
fn between_a_cancellation_and_the_pools_hook_nothing_begins_and_nobody_is_let_in() {
    let token = CancelToken::new();
    type Scene = Box<dyn FnOnce() + Send>;
    let scene: Arc<Mutex<Option<Scene>>> = Arc::default();
    let hook = token.on_cancel({
        let scene = scene.clone();
        move || scene.lock().unwrap().take().unwrap()()
    });
    let pool = Pool::builder()
        .workers(1)
        .queue(1)
        .on(&token)
        .build()
        .unwrap();
    let pool: &'static Pool = Box::leak(Box::new(pool));
    let first = Occupied::new(pool);
    let ran = Arc::new(AtomicBool::new(false));
    let queued = pool.submit({
        let ran = ran.clone();
        move || ran.store(true, SeqCst)
    });
    let queued = queued.wait().unwrap();
    let mut in_line = pool.submit(|| 3);
    assert!(poll_once(&mut in_line).is_pending());
    let (told, tells) = mpsc::channel();
    *scene.lock().unwrap() = Some(Box::new(move || {
        // The worker is free, and takes what is queued; that makes room.
        first.release();
        told.send((queued.wait(), in_line.wait())).unwrap();
    }));
    token.cancel();
    let (queued, in_line) = tells.recv().unwrap();
    assert!(matches!(queued, Err(JobError::Cancelled(_))), "{queued:?}");
    assert_eq!(in_line.unwrap_err().into_inner()(), 3);
    assert!(!ran.load(SeqCst));
    hook.forget();
    pool.drain().wait();
}

#[test]
fn a_pool_on_a_token_that_is_cancelled_already_takes_nothing_and_ends() {
    let token = CancelToken::new();
    token.cancel();
    let pool = Pool::builder().workers(2).on(&token).build().unwrap();
    assert!(matches!(
        pool.try_submit(|| ()),
        Err(TrySubmitError::Closed(_))
    ));
    pool.drain().wait();
}

#[test]
fn the_pool_is_not_its_token_an_abort_leaves_the_callers_alone() {
    let token = CancelToken::new();
    let pool = Pool::builder().workers(1).on(&token).build().unwrap();
    pool.abort();
    assert!(!token.is_cancelled());
}

/// Producers wait for room, jobs wait in the queue, a worker waits in a job, handles are waited
/// for: whatever ends the pool, all of them end.
#[test]
fn with_everything_blocked_every_way_to_end_ends_everything() {
    for way in 0..4 {
        let token = CancelToken::new();
        let pool = Pool::builder()
            .workers(1)
            .queue(1)
            .on(&token)
            .build()
            .unwrap();
        let (begun, has_begun) = mpsc::channel();
        let running = pool.submit_with(move |cx| {
            begun.send(()).unwrap();
            let stop = cx.token().cancelled().wait();
            drop(stop);
        });
        let running = running.wait().unwrap();
        has_begun.recv().unwrap();
        let queued = pool.submit(|| ()).wait().unwrap();
        let ends = Mutex::new(Vec::new());
        thread::scope(|s| {
            let mut in_line = [(); 2].map(|()| pool.submit(|| ()));
            assert!(
                in_line
                    .iter_mut()
                    .all(|submit| poll_once(submit).is_pending())
            );
            for submit in in_line {
                s.spawn(|| submit.wait().map(drop).unwrap_err());
            }
            for job in [running, queued] {
                let ends = &ends;
                s.spawn(move || {
                    let end = job.wait();
                    ends.lock().unwrap().push(end.is_ok());
                });
            }
            match way {
                0 => drop(pool.abort()),
                1 => drop(token.cancel()),
                2 => {
                    assert!(pool.drain().timeout(Duration::ZERO).wait().is_err());
                    pool.abort();
                }
                _ => {
                    token.drain();
                    token.cancel();
                }
            }
        });
        let mut ends = ends.into_inner().unwrap();
        ends.sort_unstable();
        assert_eq!(
            ends,
            [false, true],
            "way {way}: one was cancelled, one returned"
        );
        pool.drain().wait();
        let stats = pool.stats();
        assert_eq!((stats.submitted, accounted(&stats)), (2, 2));
    }
}

#[test]
fn submits_that_race_with_the_end_are_run_or_refused_each_exactly_once() {
    for round in 0..20 {
        let pool = Pool::builder().workers(2).queue(8).build().unwrap();
        let ran: Arc<Vec<AtomicUsize>> = Arc::new((0..500).map(|_| AtomicUsize::new(0)).collect());
        let refused: Vec<AtomicBool> = (0..500).map(|_| AtomicBool::new(false)).collect();
        let submitted = AtomicUsize::new(0);
        thread::scope(|s| {
            for t in 0..2 {
                let (pool, ran, refused, submitted) = (&pool, &ran, &refused, &submitted);
                s.spawn(move || {
                    for n in (t..500).step_by(2) {
                        let ran = ran.clone();
                        let job = move || ran[n].fetch_add(1, SeqCst);
                        match pool.submit(job).wait() {
                            Ok(job) => drop(job),
                            Err(_job_back) => refused[n].store(true, SeqCst),
                        }
                        submitted.fetch_add(1, SeqCst);
                    }
                });
            }
            // Somewhere in the middle, and not at the same place each time.
            while submitted.load(SeqCst) < round * 20 {
                thread::yield_now();
            }
            pool.drain().wait();
        });
        for n in 0..500 {
            let runs = ran[n].load(SeqCst);
            assert_eq!(runs + usize::from(refused[n].load(SeqCst)), 1, "job {n}");
        }
        let runs: usize = ran.iter().map(|n| n.load(SeqCst)).sum();
        assert_eq!(pool.stats().submitted, runs as u64);
    }
}
