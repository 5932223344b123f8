//! Waiting for operations: threads, rayon jobs and tasks of any runtime on one token, bounds, and
//! what is ready at the same time.
#![cfg(not(loom))]

mod support;

use anabranch_core_cancel::{
    CancelKind, CancelToken, Cancelled, Wait, runtime_free,
    select::{Either, select2},
};
use std::{
    future::{Future, pending, poll_fn, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};
use support::{Rendezvous, Semaphore};

const LONG: Duration = Duration::from_secs(60);

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn threads_rayon_jobs_and_tasks_of_three_runtimes_wait_on_one_token() {
    let root = CancelToken::new();
    let all_here = Arc::new(Barrier::new(6));
    let (seen, reasons) = mpsc::channel::<Cancelled>();
    let waiter = || (root.child(), all_here.clone(), seen.clone());

    let (token, here, seen) = waiter();
    thread::spawn(move || {
        here.wait();
        seen.send(token.cancelled().wait()).unwrap();
    });
    let (token, here, seen) = waiter();
    rayon::spawn(move || {
        here.wait();
        seen.send(token.cancelled().wait()).unwrap();
    });
    let (token, here, seen) = waiter();
    thread::spawn(move || {
        here.wait();
        seen.send(pollster::block_on(token.cancelled_owned()))
            .unwrap();
    });
    let (token, here, seen) = waiter();
    smol::spawn(async move {
        here.wait();
        seen.send(token.cancelled().await).unwrap();
    })
    .detach();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let (token, here, seen) = waiter();
    runtime.spawn(async move {
        here.wait();
        seen.send(token.cancelled().await).unwrap();
    });

    all_here.wait();
    let line = line!() + 1;
    root.cancel_with("home time");
    for _ in 0..5 {
        let why = reasons.recv_timeout(LONG).unwrap();
        assert_eq!(why.cause().unwrap().to_string(), "home time");
        assert_eq!(
            (why.location().file(), why.location().line()),
            (file!(), line)
        );
    }
}

#[test]
fn a_cancelled_token_wins_at_entry_over_what_is_ready() {
    let slots = Semaphore::new(1);
    let token = CancelToken::new();
    token.cancel();
    assert!(slots.acquire(1).with_cancel(&token).wait().is_err());
    assert_eq!(slots.free(), 1, "nothing was taken");
    assert!(pollster::block_on(token.run(ready(7))).is_err());
    assert!(token.sleep(Duration::ZERO).wait().is_err());
}

#[test]
fn a_value_that_was_handed_over_wins_over_a_cancellation_that_came_with_it() {
    let slots = Semaphore::new(1);
    let token = CancelToken::new();
    let held = slots.try_acquire(1);
    let mut wait = slots.acquire(1).with_cancel(&token);
    assert!(poll_once(&mut wait).is_pending());
    token.cancel();
    drop(held); // handed over to the waiter, though cancelled
    assert!(matches!(poll_once(&mut wait), Poll::Ready(Ok(_permit))));

    // And at `end` itself: granted between the inner poll and the look at the token.
    let held = slots.try_acquire(1);
    let mut acquire = slots.acquire(1);
    assert!(poll_once(&mut acquire).is_pending());
    drop(held);
    let why = token.reason().unwrap();
    assert!(anabranch_core_cancel::Operation::end(std::pin::Pin::new(&mut acquire), why).is_ok());
}

#[test]
fn run_gives_the_value_that_came_with_the_cancellation() {
    let token = CancelToken::new();
    let cancels = poll_fn(|_| {
        token.cancel();
        Poll::Ready(7)
    });
    assert_eq!(
        poll_once(pin!(token.run(cancels))).map(Result::unwrap),
        Poll::Ready(7)
    );

    let token = CancelToken::new();
    let mut run = pin!(token.clone().run_owned(pending::<()>()));
    assert!(poll_once(run.as_mut()).is_pending());
    token.cancel_with("enough");
    let Poll::Ready(Err(why)) = poll_once(run) else {
        panic!("still pending")
    };
    assert_eq!(why.cause().unwrap().to_string(), "enough");
    assert_eq!(token.watchers().waiting, 0);
}

#[test]
fn bounds_are_flat_in_every_order_and_name_who_ended_it() {
    let slots = Semaphore::new(0);
    let (token, time) = CancelToken::manual();
    let call = token.child_with_timeout(Duration::from_secs(5));
    let both = |first: Duration| {
        let time = time.clone();
        let (one, two) = thread::scope(|s| {
            let one = s.spawn(|| {
                let _in = time.join();
                slots
                    .acquire(1)
                    .with_cancel(&call)
                    .timeout(first)
                    .wait()
                    .map(drop)
            });
            let two = s.spawn(|| {
                let _in = time.join();
                slots
                    .acquire(1)
                    .timeout(first)
                    .with_cancel(&call)
                    .wait()
                    .map(drop)
            });
            while slots.waiting() < 2 {
                thread::yield_now();
            }
            time.advance(Duration::from_secs(3));
            (one.join().unwrap(), two.join().unwrap())
        });
        [one.unwrap_err().kind(), two.unwrap_err().kind()]
    };
    assert_eq!(both(Duration::from_secs(1)), [CancelKind::Timeout; 2]);
    assert_eq!(call.remaining(), Some(Duration::from_secs(2)));
    assert_eq!(both(Duration::from_secs(9)), [CancelKind::Deadline; 2]);
    assert_eq!(slots.waiting(), 0);
    assert_eq!(token.clock().armed_timers(), 0);
}

#[test]
fn a_timeout_by_reference_keeps_the_operation_and_its_place_for_another_try() {
    let slots = Semaphore::new(1);
    let held = slots.try_acquire(1).unwrap();
    let mut first = slots.acquire(1);
    assert!((&mut first).timeout(Duration::ZERO).wait().is_err());
    assert_eq!(slots.waiting(), 0, "ended: out of the line");
    assert!(poll_once(&mut first).is_pending());
    assert_eq!(slots.waiting(), 1);
    drop(held);
    assert!((&mut first).timeout(LONG).wait().is_ok());
}

#[test]
fn a_timeout_counts_from_the_first_poll_and_not_from_its_making() {
    let (token, time) = CancelToken::manual();
    let slots = Semaphore::new(0);
    let mut wait = slots
        .acquire(1)
        .timeout(Duration::from_secs(5))
        .with_cancel(&token);
    time.advance(Duration::from_secs(3));
    assert!(poll_once(&mut wait).is_pending());
    time.advance(Duration::from_secs(5) - Duration::from_nanos(1));
    assert!(poll_once(&mut wait).is_pending());
    time.advance(Duration::from_nanos(1));
    let Poll::Ready(Err(why)) = poll_once(&mut wait) else {
        panic!("late")
    };
    assert_eq!(why.kind(), CancelKind::Timeout);
}

#[test]
fn after_a_cancel_every_further_wait_fails_and_what_does_not_wait_runs_on() {
    let token = CancelToken::new();
    let slots = Semaphore::new(1);
    token.cancel();
    let mut worked = 0;
    for _ in 0..3 {
        worked += 1; // no wait in here: runs to its end
        assert!(token.sleep(LONG).wait().is_err());
        assert!(
            slots
                .acquire(1)
                .with_cancel(&token)
                .timeout(LONG)
                .wait()
                .is_err()
        );
    }
    assert_eq!((worked, slots.free()), (3, 1));
    let shield = token.detached();
    assert!(
        slots.acquire(1).with_cancel(&shield).wait().is_ok(),
        "a detached one goes on"
    );
}

#[test]
fn an_unsent_message_comes_back_when_the_wait_for_its_receiver_ends() {
    let channel = Rendezvous::new();
    let (_why, message) = channel
        .send("mine")
        .timeout(Duration::ZERO)
        .wait()
        .unwrap_err();
    assert_eq!(message, "mine");
    assert_eq!(channel.waiting(), (0, 0));
}

#[test]
fn a_receive_that_timed_out_leaves_no_ghost_and_a_dropped_one_passes_its_message_on() {
    let channel = Rendezvous::new();
    assert!(channel.recv().timeout(Duration::ZERO).wait().is_err());
    let mut gone = channel.recv();
    assert!(poll_once(&mut gone).is_pending());
    channel.send(1).wait();
    drop(gone);
    assert_eq!(channel.recv().timeout(Duration::ZERO).wait().unwrap(), 1);
    assert_eq!((channel.waiting(), channel.take_returned()), ((0, 0), None));
}

#[test]
fn waiters_are_served_in_order_and_a_large_one_is_not_overtaken() {
    let slots = Semaphore::new(2);
    let held = slots.try_acquire(2);
    let (mut big, mut small) = (slots.acquire(2), slots.acquire(1));
    assert!(poll_once(&mut big).is_pending() && poll_once(&mut small).is_pending());
    let one = slots.try_acquire(1);
    assert!(one.is_none());
    drop(held);
    assert!(
        slots.try_acquire(1).is_none(),
        "promised, though nobody has run yet"
    );
    assert!(poll_once(&mut small).is_pending());
    let Poll::Ready(permit) = poll_once(&mut big) else {
        panic!("granted")
    };
    drop(permit);
    assert!(poll_once(&mut small).is_ready());
}

#[test]
fn cancelling_the_head_lets_all_that_fit_behind_it_go() {
    let slots = Semaphore::new(2);
    let held = slots.try_acquire(1);
    let mut line = [slots.acquire(2), slots.acquire(1)];
    for wait in &mut line {
        assert!(poll_once(wait).is_pending());
    }
    let [big, mut small] = line;
    drop(big);
    assert!(poll_once(&mut small).is_ready());
    drop((small, held));
    assert_eq!((slots.free(), slots.waiting()), (2, 0));
}

#[test]
fn a_select_completes_one_arm_and_leaves_the_other_untouched() {
    let (slots, channel) = (Semaphore::new(1), Rendezvous::<u8>::new());
    let Either::First(permit) = select2(slots.acquire(1), channel.recv()).wait() else {
        panic!("only the permit is ready")
    };
    assert_eq!(channel.waiting(), (0, 0));
    let mut select = select2(slots.acquire(1), channel.recv());
    assert!(poll_once(&mut select).is_pending());
    assert_eq!((slots.waiting(), channel.waiting()), (1, (0, 1)));
    channel.send(3).wait();
    assert!(
        channel.send(4).timeout(Duration::ZERO).wait().is_err(),
        "it takes one"
    );
    drop(permit);
    assert!(matches!(
        poll_once(&mut select),
        Poll::Ready(Either::Second(3))
    ));
    assert_eq!(
        (slots.free(), slots.waiting(), channel.waiting()),
        (1, 0, (0, 0))
    );
}

#[test]
fn a_select_that_sends_and_receives_on_one_channel_does_not_meet_itself() {
    let channel = Rendezvous::new();
    let mut select = select2(channel.send(1), channel.recv());
    assert!(poll_once(&mut select).is_pending());
    assert!(poll_once(&mut select).is_pending());
    assert_eq!(channel.recv().wait(), 1);
    assert!(matches!(
        poll_once(&mut select),
        Poll::Ready(Either::First(()))
    ));
}

#[test]
fn a_select_under_a_token_and_a_timeout_leaves_every_queue_when_it_ends() {
    let (root, time) = CancelToken::manual();
    let slots = Semaphore::new(0);
    let mut select = select2(
        slots.acquire(1).with_cancel(&root),
        root.after(Duration::from_secs(3)),
    );
    assert!(poll_once(&mut select).is_pending());
    time.advance(Duration::from_secs(3));
    assert!(matches!(
        poll_once(&mut select),
        Poll::Ready(Either::Second(()))
    ));
    assert_eq!((slots.waiting(), root.watchers().waiting), (0, 0));
}

#[test]
fn a_panicking_waker_keeps_nobody_else_from_being_woken() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("a bad waker");
        }
    }
    #[derive(Default)]
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    let root = CancelToken::new();
    let (mut bad, mut good) = (root.cancelled(), root.cancelled());
    let count = Arc::new(Count::default());
    let (bad_waker, good_waker) = (Waker::from(Arc::new(Bad)), Waker::from(count.clone()));
    assert!(
        pin!(&mut bad)
            .poll(&mut Context::from_waker(&bad_waker))
            .is_pending()
    );
    assert!(
        pin!(&mut good)
            .poll(&mut Context::from_waker(&good_waker))
            .is_pending()
    );
    let panic = catch_unwind(AssertUnwindSafe(|| root.cancel())).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a bad waker"));
    assert_eq!(count.0.load(Relaxed), 1);
    assert!(root.is_cancelled() && root.child().is_cancelled());
}

#[test]
fn a_wait_inside_a_wait_has_a_sleeping_place_of_its_own() {
    let outer = Semaphore::new(0);
    let nested = poll_fn(|cx| {
        // The outer wait's waker is the outer parker; this one blocks on a second.
        assert!(
            outer
                .acquire(1)
                .timeout(Duration::from_millis(1))
                .wait()
                .is_err()
        );
        cx.waker().wake_by_ref();
        if outer.waiting() == 0 {
            Poll::Ready(7)
        } else {
            Poll::Pending
        }
    });
    assert_eq!(runtime_free(nested).timeout(LONG).wait().unwrap(), 7);
}

#[test]
fn a_users_unpark_neither_disturbs_a_wait_nor_is_swallowed_by_one() {
    let token = CancelToken::new();
    let (handle, ready) = (thread::current(), Arc::new(Barrier::new(2)));
    let other = thread::spawn({
        let (token, ready) = (token.clone(), ready.clone());
        move || {
            ready.wait();
            handle.unpark();
            token.cancel();
        }
    });
    ready.wait();
    token.cancelled().wait();
    other.join().unwrap();
    thread::park(); // the user's own token is still there: returns at once
}

#[test]
fn a_cancelled_waiter_costs_its_canceller_nothing_and_leaves_no_trace_after_a_million() {
    let root = CancelToken::new();
    let slots = Semaphore::new(1);
    let _held = slots.try_acquire(1);
    for _ in 0..100_000 {
        let mut wait = slots.acquire(1).with_cancel(&root);
        assert!(poll_once(&mut wait).is_pending());
        drop(wait);
    }
    assert_eq!((slots.waiting(), root.watchers().waiting), (0, 0));
}

#[test]
fn a_generic_function_waits_with_any_operation() {
    fn first<O: Wait<Output = u32>>(operation: O) -> u32 {
        operation.wait()
    }
    assert_eq!(first(runtime_free(ready(3))), 3);
    assert_eq!(first(Box::pin(runtime_free(ready(4))).as_mut()), 4);
}

#[test]
fn errors_travel_under_anyhow_style_boxes_between_threads() {
    fn assert_error<E: std::error::Error + Send + Sync + 'static>(_: &E) {}
    let token = CancelToken::new();
    token.cancel_with(std::io::Error::other("disk"));
    let why = token.check().unwrap_err();
    assert_error(&why);
    assert!(why.downcast_cause::<std::io::Error>().is_some());
    assert!(why.to_string().starts_with("cancelled at "));
    assert!(format!("{why:#}").ends_with(": disk"));
    let boxed: Box<dyn std::error::Error + Send + Sync> = why.into();
    assert_eq!(boxed.source().unwrap().to_string(), "disk");
}

#[test]
fn real_deadlines_end_real_waits_in_threads_and_tasks() {
    // The system's clock, for once: no more is asserted than that it ends, and for which reason.
    let root = CancelToken::new();
    let short = root.child_with_timeout(Duration::from_millis(50));
    assert_eq!(short.cancelled().wait().kind(), CancelKind::Deadline);
    let short = root.child_with_timeout(Duration::from_millis(50));
    assert_eq!(
        pollster::block_on(short.child().cancelled()).kind(),
        CancelKind::Deadline
    );
    let slots = Semaphore::new(0);
    let timed = slots.acquire(1).timeout(Duration::from_millis(20));
    assert_eq!(
        pollster::block_on(timed).map(drop).unwrap_err().kind(),
        CancelKind::Timeout
    );
    pollster::block_on(root.sleep(Duration::from_millis(5))).unwrap();
    assert!(root.sleep(Duration::from_millis(5)).wait().is_ok());
    let mut ticks = root.ticker(Duration::from_millis(2));
    let (one, two) = (ticks.tick().wait(), pollster::block_on(ticks.tick()));
    assert!(two > one);
}

#[test]
fn until_is_ready_at_its_moment_and_at_once_when_that_has_passed() {
    let (root, time) = CancelToken::manual();
    let at = root.clock().now() + Duration::from_secs(5);
    let mut until = root.until(at);
    assert!(poll_once(&mut until).is_pending());
    time.advance(Duration::from_secs(5) - Duration::from_nanos(1));
    assert!(poll_once(&mut until).is_pending());
    time.advance(Duration::from_nanos(1));
    assert!(poll_once(&mut until).is_ready());
    assert!(poll_once(&mut root.until(at)).is_ready(), "in the past");
    assert_eq!(root.clock().armed_timers(), 0);
}
