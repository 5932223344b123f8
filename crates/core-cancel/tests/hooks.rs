//! Hooks, guards, the two levels of ending, and `done`.
#![cfg(not(loom))]

use anabranch_core_cancel::{CancelKind, CancelToken};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

fn counter() -> (Arc<AtomicUsize>, impl Fn() + Clone + Send + 'static) {
    let count = Arc::new(AtomicUsize::new(0));
    (count.clone(), move || {
        count.fetch_add(1, Relaxed);
    })
}

#[test]
fn a_hook_runs_exactly_once_on_cancel_and_on_a_deadline() {
    let (count, bump) = counter();
    let root = CancelToken::new();
    let _hook = root.child().child().on_cancel(bump.clone());
    root.cancel();
    root.cancel();
    assert_eq!(count.load(Relaxed), 1);

    let (root, time) = CancelToken::manual();
    let _hook = root
        .child_with_timeout(Duration::from_secs(1))
        .child()
        .on_cancel(bump);
    time.advance(Duration::from_secs(1));
    assert_eq!(count.load(Relaxed), 2);
}

#[test]
fn a_hook_on_a_cancelled_token_runs_at_once_on_this_thread() {
    let root = CancelToken::new();
    root.cancel();
    let ran_on = Arc::new(Mutex::new(None));
    let hook = root.child().on_cancel({
        let ran_on = ran_on.clone();
        move || *ran_on.lock().unwrap() = Some(thread::current().id())
    });
    assert_eq!(*ran_on.lock().unwrap(), Some(thread::current().id()));
    assert!(!hook.stop());
}

#[test]
fn stop_and_drop_take_a_hook_back_and_forget_keeps_it() {
    let (count, bump) = counter();
    let root = CancelToken::new();
    assert!(root.on_cancel(bump.clone()).stop());
    drop(root.on_cancel(bump.clone()));
    root.on_cancel(bump).forget();
    root.cancel();
    assert_eq!(count.load(Relaxed), 1);
}

#[test]
fn hooks_run_in_order_after_everything_below_is_cancelled() {
    let root = CancelToken::new();
    let leaf = root.child().child();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hooks: Vec<_> = (0..3)
        .map(|n| {
            let (seen, leaf) = (seen.clone(), leaf.clone());
            root.on_cancel(move || seen.lock().unwrap().push((n, leaf.is_cancelled())))
        })
        .collect();
    root.cancel();
    assert_eq!(*seen.lock().unwrap(), [(0, true), (1, true), (2, true)]);
    assert!(hooks.into_iter().all(|hook| !hook.stop()));
}

#[test]
fn a_panicking_hook_stops_no_other_and_reaches_the_canceller() {
    let (count, bump) = counter();
    let root = CancelToken::new();
    let _one = root.on_cancel(|| panic!("a bad hook"));
    let _two = root.child().on_cancel(bump);
    let panic = catch_unwind(AssertUnwindSafe(|| root.cancel())).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a bad hook"));
    assert_eq!(count.load(Relaxed), 1);
    assert!(root.is_cancelled() && root.watchers() == Default::default());
}

#[test]
fn a_panicking_hook_on_a_deadline_stops_no_timer_of_others() {
    let root = CancelToken::new();
    let bad = root.child_with_timeout(Duration::from_millis(1));
    let _hook = bad.on_cancel(|| panic!("a bad hook on the timer thread"));
    let good = root.child_with_timeout(Duration::from_millis(30));
    assert_eq!(
        pollster::block_on(bad.cancelled()).kind(),
        CancelKind::Deadline
    );
    assert_eq!(
        pollster::block_on(good.cancelled()).kind(),
        CancelKind::Deadline
    );
}

#[test]
fn a_token_cancelled_waited_for_and_hooked_inside_its_own_hook_does_not_deadlock() {
    let (count, bump) = counter();
    let root = CancelToken::new();
    let again = root.clone();
    let _hook = root.on_cancel(move || {
        assert!(!again.cancel());
        again.cancelled().wait();
        again.child().cancelled().wait();
        drop(again.on_cancel(bump));
        drop(CancelToken::any([&again]));
    });
    root.cancel();
    assert_eq!(count.load(Relaxed), 1);
}

#[test]
fn a_guard_cancels_on_drop_also_while_panicking_unless_disarmed() {
    let root = CancelToken::new();
    let job = root.child();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = job.guard();
        panic!("work");
    }));
    assert!(panicked.is_err() && job.is_cancelled() && !root.is_cancelled());
    assert_eq!(job.reason().unwrap().location().file(), file!());
    let kept = root.guard().disarm();
    assert!(!root.is_cancelled());
    assert_eq!(kept, root);
}

#[test]
fn a_guard_whose_hook_panics_while_a_panic_unwinds_does_not_abort() {
    let root = CancelToken::new();
    let _hook = root.on_cancel(|| panic!("a second panic"));
    let first = catch_unwind(AssertUnwindSafe(|| {
        let _guard = root.guard();
        panic!("the first");
    }));
    assert_eq!(
        first.unwrap_err().downcast_ref::<&str>(),
        Some(&"the first")
    );
}

#[test]
fn draining_is_seen_below_and_fails_nothing() {
    let root = CancelToken::new();
    let (child, other) = (root.child(), root.child());
    let merged = CancelToken::any([&child, &CancelToken::new()]);
    let waits = thread::spawn({
        let leaf = merged.child();
        move || leaf.draining().wait()
    });
    child.drain();
    waits.join().unwrap();
    assert!(child.is_draining() && child.child().is_draining() && merged.child().is_draining());
    assert!(!root.is_draining() && !other.is_draining());
    assert!(child.check().is_ok() && child.sleep(Duration::ZERO).wait().is_ok());
    assert!(
        CancelToken::any([&child]).is_draining(),
        "merged afterwards"
    );
    let linked_later = child.child();
    drop(linked_later.on_cancel(|| {}));
    assert!(
        linked_later
            .draining()
            .timeout(Duration::ZERO)
            .wait()
            .is_ok()
    );
}

#[test]
fn cancelling_implies_draining_and_wakes_who_waits_for_it() {
    let root = CancelToken::new();
    let waits = thread::spawn({
        let leaf = root.child();
        move || leaf.draining().wait()
    });
    root.cancel();
    waits.join().unwrap();
    assert!(root.is_draining());
}

#[test]
fn a_grace_period_turns_draining_into_cancelling_at_exactly_its_end() {
    let (root, time) = CancelToken::manual();
    let job = root.child_with_timeout(Duration::from_secs(60)).child();
    let line = line!() + 1;
    root.drain_within(Duration::from_secs(10));
    assert!(job.is_draining() && !job.is_cancelled());
    assert_eq!(job.remaining(), Some(Duration::from_secs(10)));
    time.advance(Duration::from_secs(10) - Duration::from_nanos(1));
    assert!(!job.is_cancelled());
    time.advance(Duration::from_nanos(1));
    let why = job.reason().unwrap();
    assert_eq!(
        (why.kind(), why.location().line()),
        (CancelKind::Deadline, line)
    );
    root.drain();
    assert_eq!(root.clock().armed_timers(), 0);
}

#[test]
fn a_second_shorter_grace_period_counts_and_a_longer_one_does_not() {
    let (root, time) = CancelToken::manual();
    root.drain_within(Duration::from_secs(10));
    root.drain_within(Duration::from_secs(60));
    root.drain_within(Duration::from_secs(5));
    assert_eq!(root.clock().armed_timers(), 1);
    time.advance(Duration::from_secs(5));
    assert!(root.is_cancelled());
    let now = CancelToken::new();
    now.drain_within(Duration::ZERO);
    assert!(now.is_cancelled());
}

#[cfg(feature = "crossbeam")]
#[test]
fn done_is_an_arm_of_crossbeams_select_and_disconnects_on_cancel_and_deadline() {
    let root = CancelToken::new();
    let child = root.child();
    let (_keep, messages) = crossbeam_channel::bounded::<u8>(1);
    let waits = thread::spawn({
        let child = child.clone();
        move || {
            crossbeam_channel::select! {
                recv(child.done()) -> done => done.is_err(),
                recv(messages) -> _ => false,
            }
        }
    });
    root.cancel();
    assert!(waits.join().unwrap());
    assert!(child.child().done().recv().is_err(), "made after the end");
    assert!(
        CancelToken::never()
            .done()
            .try_recv()
            .unwrap_err()
            .is_empty()
    );

    let timed = CancelToken::new()
        .child_with_timeout(Duration::from_millis(20))
        .child();
    assert!(timed.done().recv().is_err());
}
