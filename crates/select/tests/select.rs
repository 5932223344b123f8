//! `select!` in threads: which arm is chosen, what the others have done (nothing), and what
//! handlers may do.
#![cfg(not(any(loom, shuttle)))]

mod support;

use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    Closed, TryRecvError,
    channel::{self, bounded, rendezvous, unbounded},
    thread::select,
};
use std::{thread, time::Duration};

#[test]
fn the_arm_that_is_ready_is_chosen() {
    let (tx, rx) = bounded(1);
    let (_keep, other) = bounded::<u32>(1);
    tx.try_send(7).unwrap();
    let got = select! {
        got = other.recv() => got,
        got = rx.recv() => got,
    };
    assert_eq!(got, Ok(7));
}

#[test]
fn a_select_waits_for_the_first_arm_that_becomes_ready() {
    let (tx, rx) = rendezvous();
    let (_keep, other) = bounded::<u32>(1);
    let sender = thread::spawn(move || tx.send(7).wait());
    let got = select! {
        got = other.recv() => got,
        got = rx.recv() => got,
    };
    assert_eq!(got, Ok(7));
    sender.join().unwrap().unwrap();
    assert_eq!(other.stats().waiting_receivers, 0);
}

#[test]
fn default_runs_if_nothing_is_ready_and_only_then() {
    let (tx, rx) = bounded(1);
    let (full, _keep) = bounded(1);
    full.try_send(0).unwrap();
    let look = || {
        select! {
            got = rx.recv() => Some(got),
            _ = full.send(1) => None,
            default => Some(Err(Closed)),
        }
    };
    assert_eq!(look(), Some(Err(Closed)));
    tx.try_send(3).unwrap();
    assert_eq!(look(), Some(Ok(3)));
    assert_eq!(rx.stats().waiting_receivers, 0);
    assert_eq!(full.stats().waiting_senders, 0);
}

#[test]
fn an_arm_that_is_switched_off_is_not_even_evaluated() {
    let (tx, rx) = bounded(1);
    tx.try_send(1).unwrap();
    let open = false;
    select! {
        _ = { unreachable!("evaluated"); #[allow(unreachable_code)] rx.recv() }, if open => unreachable!(),
        got = rx.recv(), if !open => assert_eq!(got, Ok(1)),
    }
}

#[test]
#[should_panic(expected = "every arm is switched off")]
fn a_select_that_nothing_could_end_panics() {
    let (_tx, rx) = bounded::<u32>(1);
    select! {
        _ = rx.recv(), if false => {}
    }
}

#[test]
fn control_flow_leaves_the_function_or_the_loop_that_selects() {
    fn first(rx: &channel::Receiver<u32>) -> Result<u32, Closed> {
        loop {
            select! {
                got = rx.recv() => match got? {
                    0 => continue,
                    9 => break,
                    n => return Ok(n),
                },
            }
        }
        Ok(100)
    }
    let (tx, rx) = unbounded();
    for n in [0, 0, 5, 0, 9] {
        tx.try_send(n).unwrap();
    }
    assert_eq!(first(&rx), Ok(5));
    assert_eq!(first(&rx), Ok(100));
    drop(tx);
    assert_eq!(first(&rx), Err(Closed));
}

#[test]
fn a_send_that_lost_leaves_its_message_with_its_owner() {
    let (tx, _rx) = rendezvous::<String>();
    let token = CancelToken::new();
    token.cancel();
    let mut pending = Some("order".to_string());
    select! {
        _ = tx.send_from(&mut pending), if pending.is_some() => unreachable!(),
        _ = token.cancelled() => pending.as_mut().unwrap().push('!'),
    }
    assert_eq!(pending.as_deref(), Some("order!"));
}

#[test]
fn a_receive_that_lost_leaves_its_message_in_the_channel() {
    for _ in 0..100 {
        let (a_tx, a) = bounded(1);
        let (b_tx, b) = bounded(1);
        a_tx.try_send(1).unwrap();
        b_tx.try_send(2).unwrap();
        let left = select! {
            got = a.recv() => { assert_eq!(got, Ok(1)); b.try_recv() }
            got = b.recv() => { assert_eq!(got, Ok(2)); a.try_recv() }
        };
        assert!(left.is_ok());
        assert_eq!(a.try_recv(), Err(TryRecvError::Empty));
    }
}

#[test]
fn send_and_receive_on_one_channel_do_not_meet_each_other() {
    let (tx, rx) = rendezvous();
    let mut mine = Some(1);
    let token = CancelToken::new();
    select! {
        _ = tx.send_from(&mut mine) => unreachable!("met itself"),
        _ = rx.recv() => unreachable!("met itself"),
        _ = token.after(Duration::from_millis(5)) => {}
    }
    assert_eq!(mine, Some(1));
}

#[test]
fn a_select_that_waits_does_not_wake_itself() {
    // Both lines of a channel without a buffer had members, its own, and so each look at the channel
    // told it to look again: it never slept.
    let (tx, rx) = rendezvous();
    let (wakes, waker) = support::counting_waker();
    let mut both = std::pin::pin!(async {
        anabranch_select::task::select! {
            _ = tx.send(1) => unreachable!("met itself"),
            _ = rx.recv() => unreachable!("met itself"),
        }
    });
    for _ in 0..3 {
        assert!(
            both.as_mut()
                .poll(&mut std::task::Context::from_waker(&waker))
                .is_pending()
        );
    }
    assert_eq!(wakes.get(), 0);
}
