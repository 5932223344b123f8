//! Operations that outlive a select: lent to it by `&mut` and kept for the next, or left behind by
//! one that was dropped half-way.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    TryRecvError,
    channel::{rendezvous, unbounded},
    task,
    thread::select,
};
use std::{pin::pin, task::Context};
use support::{Count, poll_once};

#[test]
fn a_message_given_to_a_kept_receive_before_the_select_is_not_lost_when_another_arm_is_chosen() {
    // The select withdrew an arm it had not even asked, and threw away what that one had been given.
    let (tx, rx) = unbounded();
    let (other_tx, other) = unbounded();
    let mut kept = rx.recv();
    assert!(poll_once(&mut kept).is_none());
    tx.try_send(1).unwrap(); // goes to `kept`
    other_tx.try_send(2).unwrap();
    select! {
        biased;
        got = other.recv() => assert_eq!(got, Ok(2)),
        _ = &mut kept => unreachable!("asked before its turn"),
    }
    assert_eq!(kept.wait(), Ok(1));
}

#[test]
fn a_kept_send_that_was_taken_before_the_select_is_not_sent_again_when_another_arm_is_chosen() {
    // As above, for a send: it was withdrawn, and its success forgotten.
    let (tx, rx) = rendezvous();
    let (other_tx, other) = unbounded();
    let mut kept = tx.send(1);
    assert!(poll_once(&mut kept).is_none());
    assert_eq!(rx.try_recv(), Ok(1));
    other_tx.try_send(2).unwrap();
    select! {
        biased;
        got = other.recv() => assert_eq!(got, Ok(2)),
        _ = &mut kept => unreachable!("asked before its turn"),
    }
    assert_eq!(kept.wait(), Ok(()));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_kept_receive_that_lost_can_be_an_arm_again_and_again() {
    let (tx, rx) = unbounded();
    let (other_tx, other) = unbounded();
    let mut kept = rx.recv();
    for n in 0..100 {
        other_tx.try_send(n).unwrap();
        select! {
            got = other.recv() => assert_eq!(got, Ok(n)),
            _ = &mut kept => unreachable!("nothing was sent there yet"),
        }
        assert_eq!(rx.stats().waiting_receivers, 0);
    }
    tx.try_send(7).unwrap();
    select! {
        _ = other.recv() => unreachable!("empty"),
        got = &mut kept => assert_eq!(got, Ok(7)),
    }
    assert_eq!((rx.len(), rx.stats().waiting_receivers), (0, 0));
}

#[test]
fn a_kept_receive_with_a_bound_keeps_its_time_from_one_select_to_the_next() {
    use std::time::Duration;
    let (token, time) = CancelToken::manual();
    let (tx, rx) = unbounded::<u32>();
    let (other_tx, other) = unbounded();
    let mut kept = rx.recv().with_cancel(token.child());
    other_tx.try_send(1).unwrap();
    select! {
        biased;
        _ = &mut kept => unreachable!(),
        got = other.recv() => assert_eq!(got, Ok(1)),
    }
    time.advance(Duration::from_secs(1));
    tx.try_send(2).unwrap();
    assert_eq!(kept.wait().unwrap(), 2);
}
#[test]
fn kept_arms_of_a_select_dropped_half_way_can_be_waited_for_again() {
    // Both arms stayed in line under the claim of a select that was gone: the first message won it
    // for one of them and made the entry of the other void, so that its next wait had no end.
    let (a_tx, a) = unbounded();
    let (b_tx, b) = unbounded();
    let (mut first, mut second) = (a.recv(), b.recv());
    {
        let mut half = pin!(async {
            task::select! {
                got = &mut first => got,
                got = &mut second => got,
            }
        });
        assert!(poll_once(&mut half.as_mut()).is_none());
    }
    assert_eq!(
        (a.stats().waiting_receivers, b.stats().waiting_receivers),
        (0, 0)
    );
    a_tx.try_send(1).unwrap();
    b_tx.try_send(2).unwrap();
    assert_eq!(b.try_recv(), Ok(2));
    assert_eq!(poll_once(&mut first), Some(Ok(1)));
    let (wakes, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    assert!(pin!(&mut second).poll(&mut cx).is_pending());
    b_tx.try_send(3).unwrap();
    assert_eq!(wakes.get(), 1);
    assert_eq!(poll_once(&mut second), Some(Ok(3)));
}

#[test]
fn a_kept_arm_that_had_won_when_its_select_was_dropped_keeps_its_message() {
    let (a_tx, a) = unbounded();
    let (_b_tx, b) = unbounded::<u32>();
    let mut kept = a.recv();
    {
        let mut half = pin!(async {
            task::select! {
                got = &mut kept => got,
                got = b.recv() => got,
            }
        });
        assert!(poll_once(&mut half.as_mut()).is_none());
        a_tx.try_send(1).unwrap();
    }
    assert_eq!(b.stats().waiting_receivers, 0);
    assert_eq!(kept.wait(), Ok(1));
}

#[test]
fn an_owned_arm_that_had_won_when_its_select_was_dropped_gives_its_message_back() {
    let (a_tx, a) = unbounded();
    let (_b_tx, b) = unbounded::<u32>();
    {
        let mut half = pin!(async {
            task::select! {
                got = a.recv() => got,
                got = b.recv() => got,
            }
        });
        assert!(poll_once(&mut half.as_mut()).is_none());
        a_tx.try_send(1).unwrap();
        assert_eq!(a.len(), 0, "it is with the arm");
    }
    assert_eq!(a.try_recv(), Ok(1));
    assert_eq!(a.stats().waiting_receivers, 0);
    assert_eq!(b.stats().waiting_receivers, 0);
}

#[test]
fn a_panic_in_a_foreign_arm_leaves_no_busy_arm_in_line() {
    // The claim of a select that a panic ended stayed busy, and a kept arm of it at the head of a
    // line stopped all those behind it.
    let (tx, rx) = unbounded();
    let mut kept = rx.recv();
    assert!(poll_once(&mut kept).is_none());
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pollster::block_on(async {
            task::select! {
                biased;
                _ = &mut kept => {}
                _ = async {
                    std::future::poll_fn(|_| -> std::task::Poll<()> { panic!("foreign") }).await
                } => {}
            }
        });
    }));
    assert!(panics.is_err());
    let mut behind = rx.recv();
    assert!(poll_once(&mut behind).is_none());
    tx.try_send(1).unwrap();
    assert_eq!(rx.len(), 0, "somebody in line has it");
    assert_eq!(poll_once(&mut behind), Some(Ok(1)));
}

#[test]
fn an_arm_that_takes_several_steps_does_not_end_the_select_at_its_first() {
    // The first message of a `send_all` that was taken won the claim for an arm that was not done:
    // an assertion failed, and without assertions the select never ended.
    let (tx, rx) = rendezvous();
    let (_keep, other) = rendezvous::<u32>();
    let got = std::thread::scope(|s| {
        let taker = s.spawn(|| rx.iter().take(3).collect::<Vec<u32>>());
        select! {
            sent = tx.send_all([1, 2, 3]) => assert!(sent.is_ok()),
            _ = other.recv() => unreachable!("nothing is sent there"),
        }
        taker.join().unwrap()
    });
    assert_eq!(got, [1, 2, 3]);
    assert_eq!(other.stats().waiting_receivers, 0);
}

#[test]
fn another_arm_can_still_be_chosen_after_a_step_of_a_longer_one() {
    let (tx, rx) = rendezvous();
    let (other_tx, other) = rendezvous::<u32>();
    std::thread::scope(|s| {
        s.spawn(|| {
            assert_eq!(rx.recv().wait(), Ok(1));
            other_tx.send(9).wait().unwrap();
        });
        select! {
            _ = tx.send_all([1, 2, 3]) => unreachable!("nobody takes the second"),
            got = other.recv() => assert_eq!(got, Ok(9)),
        }
    });
    assert_eq!(tx.stats().waiting_senders, 0);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}
