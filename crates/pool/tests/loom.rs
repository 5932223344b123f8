//! Every interleaving (up to a bound of preemptions) of the slot that carries a result, and of a
//! whole pool with one worker. Each model counts its iterations and says which outcomes it must
//! have seen; the controls have to fail.
#![cfg(loom)]
#![allow(
    unreachable_pub,
    dead_code,
    unused_imports,
    reason = "the slot's own files, with all that is in them"
)]

// The slot alone, without a pool around it: all interleavings of it fit into one model.
#[path = "../src/error.rs"]
mod error;
#[path = "../src/slot.rs"]
mod slot;
#[path = "../src/sync.rs"]
mod sync;

use anabranch_core_cancel::{Ticket, Wakes, runtime_free};
use anabranch_models::{explore, must_fail};
use anabranch_pool::{JobError, Pool, TrySubmitError};
use loom::thread;
use slot::Slot;
use std::{future::poll_fn, sync::Arc};

/// Explores `f` and checks that it was explored: at least `floor` iterations, and every outcome
/// in `must_see` returned by one of them.
fn model(
    preemptions: usize,
    floor: usize,
    must_see: &[&'static str],
    f: impl Fn() -> &'static str + Sync + Send + 'static,
) {
    let _explored = explore(Some(preemptions), f).at_least(floor).saw(must_see);
}

/// What a worker does with a job's outcome.
fn finish<T>(slot: &Slot<T>, outcome: slot::Outcome<T>) -> bool {
    slot.decide(outcome);
    let mut wakes = Wakes::new();
    let lost = slot.publish(&mut wakes);
    wakes.wake();
    lost
}

/// What a handle does.
fn wait<T>(slot: &Slot<T>) -> slot::Outcome<T> {
    runtime_free(poll_fn(|cx| slot.poll(&Ticket::task(cx.waker())))).wait()
}

#[test]
fn whoever_waits_gets_the_outcome_whenever_it_comes() {
    model(4, 20, &["ready at once", "had to wait"], || {
        let slot = Arc::new(Slot::new());
        let worker = thread::spawn({
            let slot = slot.clone();
            move || finish(&slot, Ok(7))
        });
        let waiter = thread::spawn(move || {
            let early = slot.is_published();
            assert_eq!(wait(&slot).unwrap(), 7);
            if early {
                "ready at once"
            } else {
                "had to wait"
            }
        });
        assert!(!worker.join().unwrap());
        waiter.join().unwrap()
    });
}

#[test]
fn a_panic_is_told_to_the_handle_or_counted_never_both_and_never_neither() {
    let must_see = ["told to the handle's drop", "counted by the worker"];
    model(4, 10, &must_see, || {
        let slot = Arc::new(Slot::<()>::new());
        let worker = thread::spawn({
            let slot = slot.clone();
            move || {
                let panic = error::JobPanic::new(Box::new("a panic"));
                finish(&slot, Err(error::JobError::Panicked(panic)))
            }
        });
        let handle = thread::spawn(move || slot.detach().is_some());
        match (worker.join().unwrap(), handle.join().unwrap()) {
            (false, true) => "told to the handle's drop",
            (true, false) => "counted by the worker",
            both => panic!("(counted, told) = {both:?}"),
        }
    });
}

#[test]
fn a_wait_given_up_leaves_no_waker_and_takes_nothing() {
    let must_see = ["the outcome", "nothing yet"];
    model(4, 10, &must_see, || {
        let slot = Arc::new(Slot::new());
        let worker = thread::spawn({
            let slot = slot.clone();
            move || finish(&slot, Ok(7))
        });
        let waiter = thread::spawn({
            let slot = slot.clone();
            move || {
                let waker = std::task::Waker::noop();
                let first = slot.poll(&Ticket::task(waker));
                slot.leave();
                first.is_ready()
            }
        });
        worker.join().unwrap();
        let fetched = waiter.join().unwrap();
        assert_eq!(
            slot.take().is_some(),
            !fetched,
            "it is there for the next wait"
        );
        if fetched {
            "the outcome"
        } else {
            "nothing yet"
        }
    });
}

#[test]
fn a_pool_hands_the_result_to_a_waiter_and_joins_its_worker() {
    model(3, 50, &["done"], || {
        let pool = Pool::builder().workers(1).queue(1).build().unwrap();
        let job = pool.submit(|| 7).wait().unwrap();
        assert_eq!(job.wait().unwrap(), 7);
        drop(pool);
        "done"
    });
}

#[test]
fn a_queued_job_that_is_cancelled_while_a_worker_comes_for_it_runs_or_does_not() {
    model(3, 50, &["ran", "cancelled"], || {
        let pool = Pool::builder().workers(1).queue(1).build().unwrap();
        let job = pool.submit(|| 7).wait().unwrap();
        job.cancel();
        let outcome = job.wait();
        drop(pool);
        match outcome {
            Ok(7) => "ran",
            Err(JobError::Cancelled(_)) => "cancelled",
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_submit_that_races_with_an_abort_is_refused_or_ends_as_cancelled_or_runs() {
    model(3, 500, &["refused", "cancelled", "ran"], || {
        let pool = Arc::new(Pool::builder().workers(1).queue(0).build().unwrap());
        let aborter = thread::spawn({
            let pool = pool.clone();
            move || pool.abort().queued
        });
        let seen = match pool.try_submit(|| 7) {
            Err(TrySubmitError::Closed(_)) => "refused",
            Err(TrySubmitError::Full(_)) => panic!("the worker is free"),
            Ok(job) => match job.wait() {
                Ok(7) => "ran",
                Err(JobError::Cancelled(_)) => "cancelled",
                other => panic!("{other:?}"),
            },
        };
        aborter.join().unwrap();
        pool.drain().wait();
        let stats = pool.stats();
        assert_eq!(stats.submitted, stats.completed + stats.cancelled);
        drop(pool);
        seen
    });
}

#[test]
fn a_submitter_in_line_gets_room_or_is_refused_when_the_pool_drains() {
    model(3, 1_000, &["refused", "ran"], || {
        let pool = Arc::new(Pool::builder().workers(1).queue(0).build().unwrap());
        let first = pool.submit(|| ()).wait().unwrap();
        let submitter = thread::spawn({
            let pool = pool.clone();
            move || match pool.submit(|| 7).wait() {
                Ok(job) => {
                    assert_eq!(job.wait().unwrap(), 7);
                    "ran"
                }
                Err(closed) => {
                    assert_eq!(closed.into_inner()(), 7);
                    "refused"
                }
            }
        });
        pool.drain().wait();
        assert!(first.is_finished());
        let seen = submitter.join().unwrap();
        assert_eq!(pool.stats().submitted, if seen == "ran" { 2 } else { 1 });
        drop(pool);
        seen
    });
}

#[test]
fn the_models_see_a_result_published_without_a_wake_up() {
    must_fail("control_publish_without_a_wake_up", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by the_models_see_a_result_published_without_a_wake_up"]
fn control_publish_without_a_wake_up() {
    model(4, 1, &[], || {
        let slot = Arc::new(Slot::new());
        let worker = thread::spawn({
            let slot = slot.clone();
            move || {
                slot.decide(Ok(7));
                let mut wakes = Wakes::new();
                slot.publish(&mut wakes);
                std::mem::forget(wakes); // the mistake
            }
        });
        assert_eq!(wait(&slot).unwrap(), 7);
        worker.join().unwrap();
        "done"
    });
}

#[test]
fn the_models_see_a_waiter_that_looks_and_registers_in_two_steps() {
    must_fail("control_look_then_register", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by the_models_see_a_waiter_that_looks_and_registers_in_two_steps"]
fn control_look_then_register() {
    model(4, 1, &[], || {
        use loom::sync::{Mutex, atomic::AtomicBool};
        let shared = Arc::new((Slot::new(), AtomicBool::new(false), Mutex::new(None)));
        let worker = thread::spawn({
            let shared = shared.clone();
            move || {
                finish(&shared.0, Ok(7));
                shared.1.store(true, std::sync::atomic::Ordering::SeqCst);
                let waker: Option<std::task::Waker> = shared.2.lock().unwrap().take();
                waker.into_iter().for_each(std::task::Waker::wake);
            }
        });
        let naive = poll_fn(|cx| {
            if shared.1.load(std::sync::atomic::Ordering::SeqCst) {
                return std::task::Poll::Ready(shared.0.take().unwrap().unwrap());
            }
            *shared.2.lock().unwrap() = Some(cx.waker().clone()); // and no second look
            std::task::Poll::Pending
        });
        assert_eq!(runtime_free(naive).wait(), 7);
        worker.join().unwrap();
        "done"
    });
}
