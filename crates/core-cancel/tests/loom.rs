//! Every interleaving (up to three preemptions) of two or three threads, for each of the parts
//! the family stands on. Each model counts its iterations, says which outcomes it must have seen,
//! and has a control that has to fail.
#![cfg(loom)]

mod support;

use anabranch_core_cancel::{
    CancelToken,
    select::{Either, select2},
};
use anabranch_models::{explore, must_fail};
use loom::thread;
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Waker},
    time::Duration,
};
use support::{Rendezvous, Semaphore};

/// Explores `f` and checks that it was explored: at least `floor` iterations, and every outcome
/// in `must_see` returned by one of them.
fn model(
    floor: usize,
    must_see: &[&'static str],
    f: impl Fn() -> &'static str + Sync + Send + 'static,
) {
    let _explored = explore(Some(3), f).at_least(floor).saw(must_see);
}

/// Threads of a model need `'static`; a model is small and short.
fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// Polls once, by hand, as a task does.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(done) => Some(done),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn a_waiter_that_registers_while_the_token_is_cancelled_wakes() {
    model(20, &["before", "after"], || {
        let root = CancelToken::new();
        let canceller = thread::spawn({
            let root = root.clone();
            move || root.cancel()
        });
        let waiter = thread::spawn({
            let child = root.child();
            move || {
                let seen = if child.is_cancelled() {
                    "before"
                } else {
                    "after"
                };
                child.cancelled().wait();
                seen
            }
        });
        canceller.join().unwrap();
        waiter.join().unwrap()
    });
}

#[test]
fn a_hook_on_a_child_made_while_the_parent_is_cancelled_runs_exactly_once() {
    model(10, &["at once", "by the canceller"], || {
        let root = CancelToken::new();
        let canceller = thread::spawn({
            let root = root.clone();
            move || root.cancel_with("parent")
        });
        let maker = thread::spawn({
            let root = root.clone();
            move || {
                let here = thread::current().id();
                let runs = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
                let child = root.child();
                let hook = child.on_cancel({
                    let runs = runs.clone();
                    move || {
                        runs.0.fetch_add(1, Relaxed);
                        runs.1
                            .fetch_add(usize::from(thread::current().id() == here), Relaxed);
                    }
                });
                (child, hook, runs)
            }
        });
        canceller.join().unwrap();
        let (child, hook, runs) = maker.join().unwrap();
        assert!(child.is_cancelled());
        assert_eq!(
            child.reason().unwrap().cause().unwrap().to_string(),
            "parent"
        );
        assert_eq!(runs.0.load(Relaxed), 1);
        assert!(!hook.stop());
        if runs.1.load(Relaxed) == 1 {
            "at once"
        } else {
            "by the canceller"
        }
    });
}

#[test]
fn stopping_a_hook_and_running_it_exclude_one_another() {
    model(10, &["stopped", "ran"], || {
        let root = CancelToken::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let hook = root.on_cancel({
            let runs = runs.clone();
            move || {
                runs.fetch_add(1, Relaxed);
            }
        });
        let canceller = thread::spawn({
            let root = root.clone();
            move || root.cancel()
        });
        let stopper = thread::spawn(move || hook.stop());
        canceller.join().unwrap();
        let stopped = stopper.join().unwrap();
        assert_eq!(usize::from(stopped) + runs.load(Relaxed), 1);
        if stopped { "stopped" } else { "ran" }
    });
}

#[test]
fn parent_and_child_cancelled_at_once_agree_with_what_a_reader_saw() {
    model(10, &["parent", "child"], || {
        let root = CancelToken::new();
        let child = root.child();
        let parent = thread::spawn({
            let root = root.clone();
            move || root.cancel_with("parent")
        });
        let own = thread::spawn({
            let child = child.clone();
            move || {
                child.cancel_with("child");
                child.reason().unwrap().cause().unwrap().to_string()
            }
        });
        let seen = own.join().unwrap();
        parent.join().unwrap();
        assert_eq!(child.reason().unwrap().cause().unwrap().to_string(), seen);
        if seen == "parent" { "parent" } else { "child" }
    });
}

#[test]
fn a_permit_handed_to_a_waiter_that_is_dropped_goes_to_the_next() {
    model(20, &["granted, dropped", "dropped, granted"], || {
        let slots = leak(Semaphore::new(1));
        let held = slots.try_acquire(1);
        let mut first = slots.acquire(1);
        assert!(poll_once(&mut first).is_none());
        let releaser = thread::spawn(move || drop(held));
        let next = thread::spawn(move || drop(slots.acquire(1).wait()));
        let granted = slots.waiting() == 0;
        drop(first);
        releaser.join().unwrap();
        next.join().unwrap();
        assert_eq!((slots.free(), slots.waiting()), (1, 0));
        if granted {
            "granted, dropped"
        } else {
            "dropped, granted"
        }
    });
}

#[test]
fn two_selects_in_opposite_order_over_two_rendezvous_meet_exactly_once() {
    model(100, &["a", "b"], || {
        let channels = leak((Rendezvous::new(), Rendezvous::new()));
        let one = thread::spawn(move || select2(channels.0.send(1), channels.1.recv()).wait());
        let two = thread::spawn(move || select2(channels.1.send(2), channels.0.recv()).wait());
        let (one, two) = (one.join().unwrap(), two.join().unwrap());
        assert_eq!(channels.0.waiting(), (0, 0));
        assert_eq!(channels.1.waiting(), (0, 0));
        match (one, two) {
            (Either::First(()), Either::Second(1)) => "a",
            (Either::Second(2), Either::First(())) => "b",
            other => panic!("not one meeting: {other:?}"),
        }
    });
}

#[test]
fn a_permit_granted_while_the_other_arm_is_ready_is_taken_or_back() {
    model(50, &["permit", "message"], || {
        let things = leak((Semaphore::new(1), Rendezvous::new()));
        let held = things.0.try_acquire(1);
        let sender = thread::spawn(move || things.1.send(7).timeout(Duration::MAX).wait().is_ok());
        let selector = thread::spawn({
            move || match select2(things.0.acquire(1), things.1.recv()).wait() {
                Either::First(_permit) => true,
                Either::Second(message) => {
                    assert_eq!(message, 7);
                    false
                }
            }
        });
        drop(held);
        let permit = selector.join().unwrap();
        if permit {
            // The message was not touched: it is still there for somebody else.
            assert_eq!(things.1.recv().wait(), 7);
        }
        assert!(sender.join().unwrap());
        assert_eq!((things.0.free(), things.0.waiting()), (1, 0));
        if permit { "permit" } else { "message" }
    });
}

#[test]
fn a_select_dropped_half_way_has_taken_nothing() {
    model(10, &["chosen, dropped", "dropped first"], || {
        let things = leak((Semaphore::new(1), Semaphore::new(0)));
        let held = things.0.try_acquire(1);
        let dropper = thread::spawn({
            move || {
                let mut select = select2(things.0.acquire(1), things.1.acquire(1));
                let first = poll_once(&mut select).is_some();
                let waiting = things.0.waiting();
                drop(select);
                first || waiting == 0
            }
        });
        drop(held);
        let chosen = dropper.join().unwrap();
        assert_eq!((things.0.free(), things.0.waiting()), (1, 0));
        assert_eq!((things.1.free(), things.1.waiting()), (0, 0));
        if chosen {
            "chosen, dropped"
        } else {
            "dropped first"
        }
    });
}

#[test]
fn a_deadline_armed_while_the_time_passes_ends_the_wait() {
    model(20, &["already over", "waited"], || {
        let (root, time) = CancelToken::manual();
        let token = root.child_with_timeout(Duration::from_secs(1));
        let mover = thread::spawn(move || time.advance(Duration::from_secs(1)));
        let waiter = thread::spawn(move || {
            let over = token.is_cancelled();
            token.cancelled().wait();
            if over { "already over" } else { "waited" }
        });
        mover.join().unwrap();
        waiter.join().unwrap()
    });
}

#[test]
fn a_drain_and_a_cancel_at_once_wake_who_waits_for_the_drain() {
    model(20, &["drained"], || {
        let root = CancelToken::new();
        let drainer = thread::spawn({
            let root = root.clone();
            move || root.drain()
        });
        let waiter = thread::spawn({
            let child = root.child();
            move || child.draining().wait()
        });
        root.cancel();
        drainer.join().unwrap();
        waiter.join().unwrap();
        "drained"
    });
}

#[test]
fn the_models_see_a_lost_wake_up() {
    must_fail("control_lost_wake_up", "deadlock");
}

#[test]
#[ignore = "a control that has to fail: run by the_models_see_a_lost_wake_up"]
fn control_lost_wake_up() {
    // Looks at the flag, then registers, without looking again: what every wait here avoids.
    model(1, &[], || {
        use loom::sync::{Mutex, atomic::AtomicBool};
        let shared = loom::sync::Arc::new((AtomicBool::new(false), Mutex::new(None::<Waker>)));
        let other = shared.clone();
        let waker = thread::spawn(move || {
            other.0.store(true, std::sync::atomic::Ordering::SeqCst);
            let waker = other.1.lock().unwrap().take();
            waker.into_iter().for_each(Waker::wake);
        });
        let wait = std::future::poll_fn(|cx| {
            if shared.0.load(std::sync::atomic::Ordering::SeqCst) {
                return std::task::Poll::Ready(());
            }
            *shared.1.lock().unwrap() = Some(cx.waker().clone());
            std::task::Poll::Pending
        });
        anabranch_core_cancel::runtime_free(wait).wait();
        waker.join().unwrap();
        "done"
    });
}

#[test]
fn the_models_see_a_select_that_takes_both() {
    must_fail("control_select_without_a_claim", "took both");
}

#[test]
#[ignore = "a control that has to fail: run by the_models_see_a_select_that_takes_both"]
fn control_select_without_a_claim() {
    // Two plain waits side by side: without a claim both may be granted before either is dropped.
    model(1, &[], || {
        let things = leak((Semaphore::new(1), Semaphore::new(1)));
        let held = (things.0.try_acquire(1), things.1.try_acquire(1));
        let naive = thread::spawn({
            move || {
                let (mut a, mut b) = (things.0.acquire(1), things.1.acquire(1));
                let (a, b) = (poll_once(&mut a), poll_once(&mut b));
                thread::yield_now();
                (a.is_some(), b.is_some())
            }
        });
        drop(held);
        assert_ne!(naive.join().unwrap(), (true, true), "took both");
        "one"
    });
}
