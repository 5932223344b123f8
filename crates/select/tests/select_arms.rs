//! Arms of every kind: whatever can be waited for, of this family or of one's own, and as many as
//! there may be.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::{CancelToken, Cancelled, Operation, Ticket, operation, runtime_free};
use anabranch_pool::Pool;
use anabranch_ratelimit::{Rate, RateLimiter};
use anabranch_select::{
    Mux,
    channel::{bounded, rendezvous, unbounded},
    thread::select,
};
use anabranch_semaphore::Semaphore;
use std::{pin::Pin, task::Poll, thread, time::Duration};
use support::until;

#[test]
fn a_permit_is_taken_only_if_its_arm_is_chosen() {
    let slots = Semaphore::new(1);
    let (tx, rx) = unbounded();
    tx.try_send(1).unwrap();
    let mut permits = 0;
    for _ in 0..100 {
        select! {
            _permit = slots.acquire() => permits += 1,
            got = rx.recv() => tx.try_send(got.unwrap()).unwrap(),
        }
        assert_eq!(
            (slots.available_permits(), slots.waiting(), rx.len()),
            (1, 0, 1)
        );
    }
    assert!(
        (1..100).contains(&permits),
        "{permits}: both are ready, each time"
    );
}

#[test]
fn a_permit_that_is_given_back_ends_the_wait_of_a_select() {
    let slots = Semaphore::new(1);
    let held = slots.acquire().wait();
    let (_keep, rx) = bounded::<u32>(1);
    thread::scope(|s| {
        let selecting = s.spawn(|| {
            select! {
                permit = slots.acquire() => drop(permit),
                _ = rx.recv() => unreachable!("empty"),
            }
        });
        until(|| slots.waiting() == 1);
        drop(held);
        selecting.join().unwrap();
    });
    assert_eq!(
        (slots.available_permits(), rx.stats().waiting_receivers),
        (1, 0)
    );
}

#[test]
fn a_select_that_chose_another_arm_leaves_the_line_for_permits_to_the_next() {
    let slots = Semaphore::new(1);
    let held = slots.acquire().wait();
    let (tx, rx) = rendezvous();
    thread::scope(|s| {
        let selecting = s.spawn(|| {
            select! {
                _ = slots.acquire() => unreachable!("it is held"),
                got = rx.recv() => assert_eq!(got, Ok(1)),
            }
        });
        until(|| slots.waiting() == 1);
        let next = s.spawn(|| drop(slots.acquire().wait()));
        until(|| slots.waiting() == 2);
        tx.send(1).wait().unwrap();
        selecting.join().unwrap();
        assert_eq!(slots.waiting(), 1);
        drop(held);
        next.join().unwrap();
    });
}

#[test]
fn a_job_of_a_pool_is_an_arm() {
    let pool = Pool::builder().workers(1).queue(4).build().unwrap();
    let (go, gate) = rendezvous::<()>();
    let mut job = pool
        .submit(move || gate.recv().wait().map(|()| 7))
        .wait()
        .unwrap();
    let (tx, rx) = unbounded();
    tx.try_send(1).unwrap();
    let mut done = None;
    while done.is_none() {
        select! {
            outcome = &mut job => done = Some(outcome.unwrap()),
            got = rx.recv() => { assert_eq!(got, Ok(1)); go.send(()).wait().unwrap(); }
        }
    }
    assert_eq!(done, Some(Ok(7)));
    let (_keep, idle) = bounded::<u32>(1);
    let ran = select! {
        ran = pool.run(|| 8) => ran.unwrap(),
        _ = idle.recv() => unreachable!("empty"),
    };
    assert_eq!(ran, 8);
}

#[test]
fn a_job_that_waits_for_room_goes_on_to_its_result_in_one_select() {
    let pool = Pool::builder().workers(1).queue(0).build().unwrap();
    let (go, gate) = rendezvous::<()>();
    let first = pool.submit(move || gate.recv().wait()).wait().unwrap();
    let (_keep, idle) = bounded::<u32>(1);
    thread::scope(|s| {
        let selecting = s.spawn(|| {
            select! {
                ran = pool.run(|| 8) => assert_eq!(ran.unwrap(), 8),
                _ = idle.recv() => unreachable!("empty"),
            }
        });
        until(|| idle.stats().waiting_receivers == 1);
        go.send(()).wait().unwrap();
        selecting.join().unwrap();
    });
    assert!(first.wait().is_ok());
}

#[test]
fn a_rate_limiter_gives_its_permits_only_to_the_arm_that_is_chosen() {
    let (token, time) = CancelToken::manual();
    let limiter = RateLimiter::new(Rate::per_second(1).burst(1)).on(&token);
    let (tx, rx) = unbounded();
    assert!(limiter.allow(), "the burst");
    for n in 0..10 {
        tx.try_send(n).unwrap();
        select! {
            biased;
            _ = limiter.acquire(1) => unreachable!("a second has not passed"),
            got = rx.recv() => assert_eq!(got, Ok(n)),
        }
    }
    time.advance(Duration::from_secs(1));
    select! {
        biased;
        done = limiter.acquire(1) => assert!(done.is_ok(), "nothing was taken before"),
        _ = rx.recv() => unreachable!("empty"),
    }
    assert!(!limiter.allow());
}

#[test]
fn a_thread_on_a_manual_clock_sleeps_in_a_select_until_its_first_timer() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let (_keep, rx) = bounded::<u32>(1);
    let limiter = RateLimiter::new(Rate::per_second(1).burst(1)).on(&token);
    assert!(limiter.allow());
    let seen = time.spawn(move || {
        let mut ticks = token.ticker(Duration::from_millis(700));
        let mut seen = Vec::new();
        while seen.len() < 5 {
            select! {
                _ = rx.recv() => unreachable!("empty"),
                _ = limiter.acquire(1) => seen.push("permit"),
                _ = ticks.tick() => seen.push("tick"),
                _ = token.after(Duration::from_millis(650)) => seen.push("idle"),
            }
        }
        seen
    });
    // At 650, 700, 1000, 1400, 2000 (idle would have been at 2050) ms.
    assert_eq!(
        seen.join().unwrap(),
        ["idle", "tick", "permit", "tick", "permit"]
    );
    assert_eq!(time.elapsed(), Duration::from_secs(2));
}

#[test]
fn tokens_end_a_select_by_cancel_by_deadline_and_by_drain() {
    let (token, time) = CancelToken::manual();
    let (_keep, rx) = bounded::<u32>(1);
    let waits = [
        (token.child(), "cancelled"),
        (token.child_with_timeout(Duration::from_secs(1)), "cancelled"),
        (token.child(), "draining"),
        (token.child(), "asleep"),
    ]
    .map(|(token, ends)| {
        let rx = rx.clone();
        let handle = time.spawn({
            let token = token.clone();
            move || {
                let ended = select! {
                    _ = rx.recv() => unreachable!("empty"),
                    _ = token.cancelled() => "cancelled",
                    () = token.draining() => if token.is_cancelled() { "cancelled" } else { "draining" },
                    slept = token.sleep(Duration::from_secs(2)) => match slept {
                        Ok(()) => "asleep",
                        Err(_) => "cancelled",
                    },
                };
                assert_eq!(ended, ends);
            }
        });
        (token, handle)
    });
    time.settle();
    waits[0].0.cancel();
    waits[2].0.drain();
    time.advance(Duration::from_secs(2));
    for (_, handle) in waits {
        handle.join().unwrap();
    }
    assert_eq!(rx.stats().waiting_receivers, 0);
}

#[test]
fn foreign_futures_that_need_no_runtime_are_arms_of_a_thread() {
    let (tx, rx) = tokio::sync::oneshot::channel();
    let (_keep, idle) = bounded::<u32>(1);
    let sender = thread::spawn({
        let idle = idle.clone();
        move || {
            until(|| idle.stats().waiting_receivers == 1);
            tx.send(7).unwrap();
        }
    });
    let got = select! {
        got = runtime_free(rx) => got.ok(),
        got = idle.recv() => got.ok(),
    };
    assert_eq!(got, Some(7));
    sender.join().unwrap();
}

/// An operation of one's own, of two steps: a permit first, then a message.
#[must_use]
struct Permitted<'a> {
    permit: anabranch_semaphore::ops::Acquire<'a>,
    held: Option<anabranch_semaphore::Permit<'a>>,
    recv: anabranch_select::ops::Recv<'a, u32>,
}

impl Operation for Permitted<'_> {
    type Bounded = Result<Option<u32>, Cancelled>;

    fn bound(&self, done: Option<u32>) -> Self::Bounded {
        Ok(done)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        assert!(self.as_mut().withdraw().is_none());
        Err(why)
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Option<u32>> {
        let this = &mut *self;
        if this.held.is_none() {
            let Poll::Ready(permit) = Pin::new(&mut this.permit).poll_arm(ticket) else {
                return Poll::Pending;
            };
            this.held = Some(permit);
        }
        Pin::new(&mut this.recv).poll_arm(ticket).map(Result::ok)
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Option<u32>> {
        let this = &mut *self;
        if this.held.is_none() {
            this.held = Pin::new(&mut this.permit).withdraw();
        }
        Pin::new(&mut this.recv).withdraw().map(Result::ok)
    }
}

operation! { ['a] Permitted<'a> => Option<u32> }

#[test]
fn an_operation_of_ones_own_may_take_several_steps() {
    let slots = Semaphore::new(1);
    let (tx, rx) = unbounded();
    let (_keep, idle) = bounded::<u32>(1);
    let held = slots.acquire().wait();
    thread::scope(|s| {
        let selecting = s.spawn(|| {
            let both = Permitted {
                permit: slots.acquire(),
                held: None,
                recv: rx.recv(),
            };
            select! {
                got = both => got,
                _ = idle.recv() => unreachable!("empty"),
            }
        });
        until(|| slots.waiting() == 1);
        drop(held); // the first step is done
        until(|| rx.stats().waiting_receivers == 1);
        tx.try_send(7).unwrap();
        assert_eq!(selecting.join().unwrap(), Some(7));
    });
    assert_eq!(
        (slots.available_permits(), idle.stats().waiting_receivers),
        (1, 0)
    );
}

#[test]
fn forty_arms_work_and_each_of_them_can_be_chosen() {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..40).map(|_| unbounded::<usize>()).unzip();
    let r = &receivers;
    for (n, tx) in senders.iter().enumerate() {
        tx.try_send(n).unwrap();
        let got = select! {
            got = r[0].recv() => got, got = r[1].recv() => got, got = r[2].recv() => got,
            got = r[3].recv() => got, got = r[4].recv() => got, got = r[5].recv() => got,
            got = r[6].recv() => got, got = r[7].recv() => got, got = r[8].recv() => got,
            got = r[9].recv() => got, got = r[10].recv() => got, got = r[11].recv() => got,
            got = r[12].recv() => got, got = r[13].recv() => got, got = r[14].recv() => got,
            got = r[15].recv() => got, got = r[16].recv() => got, got = r[17].recv() => got,
            got = r[18].recv() => got, got = r[19].recv() => got, got = r[20].recv() => got,
            got = r[21].recv() => got, got = r[22].recv() => got, got = r[23].recv() => got,
            got = r[24].recv() => got, got = r[25].recv() => got, got = r[26].recv() => got,
            got = r[27].recv() => got, got = r[28].recv() => got, got = r[29].recv() => got,
            got = r[30].recv() => got, got = r[31].recv() => got, got = r[32].recv() => got,
            got = r[33].recv() => got, got = r[34].recv() => got, got = r[35].recv() => got,
            got = r[36].recv() => got, got = r[37].recv() => got, got = r[38].recv() => got,
            got = r[39].recv() => got,
        };
        assert_eq!(got, Ok(n));
    }
    assert!(receivers.iter().all(|rx| rx.stats().waiting_receivers == 0));
}

#[test]
fn a_set_a_batch_and_a_bounded_send_are_arms() {
    let (tx, rx) = unbounded();
    let mut set: Mux<_, u32> = [("a", unbounded().1)].into_iter().collect();
    let (full, _full_rx) = rendezvous();
    let mut batch = Vec::new();
    (0..3).for_each(|n| tx.try_send(n).unwrap());
    select! {
        biased;
        sent = full.send(1).timeout(Duration::MAX) => unreachable!("{sent:?}"),
        taken = rx.recv_many(&mut batch, 2) => assert_eq!(taken, Ok(2)),
        event = set.recv() => unreachable!("{event:?}"),
    }
    assert_eq!(batch, [0, 1]);
    select! {
        biased;
        event = set.recv() => assert_eq!(event.unwrap().0, "a", "its channel is closed"),
        taken = rx.recv_many(&mut batch, 2) => unreachable!("{taken:?}"),
    }
    assert_eq!((batch, rx.len()), (vec![0, 1], 1));
}
