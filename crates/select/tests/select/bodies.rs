//! What the selects of threads and of tasks have in common: which arm is chosen, and what handlers
//! may do. `body!` runs a body, `select!` is the one that is tested.

use super::select;
use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    Closed, TryRecvError,
    channel::{Receiver, bounded, rendezvous, unbounded},
};
use std::{cell::RefCell, time::Duration};

#[test]
fn the_arm_that_is_ready_is_chosen() {
    body!({
        let (tx, rx) = bounded(1);
        let (_keep, other) = bounded::<u32>(1);
        tx.try_send(7).unwrap();
        let got = select! {
            got = other.recv() => got,
            got = rx.recv() => got,
        };
        assert_eq!(got, Ok(7));
    });
}

#[test]
fn default_runs_if_nothing_is_ready_and_only_then() {
    body!({
        let (tx, rx) = bounded(1);
        let (full, _keep) = bounded(1);
        full.try_send(0).unwrap();
        for ready in [false, true, false] {
            if ready {
                tx.try_send(3).unwrap();
            }
            let seen = select! {
                got = rx.recv() => Some(got),
                _ = full.send(1) => None,
                default => Some(Err(Closed)),
            };
            assert_eq!(seen, Some(if ready { Ok(3) } else { Err(Closed) }));
        }
        assert_eq!(rx.stats().waiting_receivers, 0);
        assert_eq!(full.stats().waiting_senders, 0);
    });
}

#[test]
fn default_may_stand_anywhere_and_runs_if_every_arm_is_switched_off() {
    body!({
        let (_tx, rx) = bounded::<u32>(1);
        let mut ran = 0;
        select! {
            default => ran += 1,
            _ = rx.recv(), if false => unreachable!(),
        }
        select! {
            default => { ran += 1 }
            _ = rx.recv() => unreachable!("empty"),
        }
        assert_eq!(ran, 2);
    });
}

#[test]
fn an_arm_that_is_switched_off_is_not_even_evaluated() {
    body!({
        let (tx, rx) = bounded(1);
        tx.try_send(1).unwrap();
        let open = false;
        select! {
            _ = { unreachable!("evaluated"); #[allow(unreachable_code)] rx.recv() }, if open => unreachable!(),
            got = rx.recv(), if !open => assert_eq!(got, Ok(1)),
        }
    });
}

#[test]
fn guards_and_operations_are_evaluated_once_each_in_the_order_written() {
    body!({
        let (tx, rx) = unbounded();
        tx.try_send(1).unwrap();
        let seen = RefCell::new(Vec::new());
        let note = |what| {
            seen.borrow_mut().push(what);
            true
        };
        let recv = |what| {
            note(what);
            rx.recv()
        };
        select! {
            _ = recv("first"), if note("guard 1") => {}
            _ = recv("second"), if !note("guard 2") => {}
            _ = recv("third") => {}
        }
        let _done = recv;
        assert_eq!(seen.take(), ["guard 1", "first", "guard 2", "third"]);
    });
}

#[test]
#[should_panic(expected = "every arm is switched off")]
fn a_select_that_nothing_could_end_panics() {
    body!({
        let (_tx, rx) = bounded::<u32>(1);
        select! {
            _ = rx.recv(), if false => {}
        }
    });
}

#[test]
fn a_send_that_lost_leaves_its_message_with_its_owner() {
    body!({
        let (tx, _rx) = rendezvous::<String>();
        let token = CancelToken::new();
        token.cancel();
        let mut pending = Some("order".to_string());
        select! {
            _ = tx.send_from(&mut pending), if pending.is_some() => unreachable!(),
            _ = token.cancelled() => pending.as_mut().unwrap().push('!'),
        }
        assert_eq!(pending.as_deref(), Some("order!"));
    });
}

#[test]
fn a_receive_that_lost_leaves_its_message_in_the_channel() {
    body!({
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
    });
}

#[test]
fn a_select_that_lost_on_a_bounded_channel_leaves_it_its_capacity() {
    body!({
        let (tx, rx) = bounded(2);
        let (other_tx, other) = unbounded();
        for n in 0..10 {
            tx.try_send(n).unwrap();
            tx.try_send(n).unwrap();
            other_tx.try_send(n).unwrap();
            select! {
                _ = tx.send(99) => unreachable!("full"),
                got = other.recv() => assert_eq!(got, Ok(n)),
            }
            assert_eq!(tx.stats().waiting_senders, 0);
            assert!(rx.try_iter().eq([n, n]));
        }
    });
}

#[test]
fn a_closed_channel_is_ready_for_its_receivers_and_its_senders() {
    body!({
        let (tx, rx) = bounded(1);
        let (_keep, other) = bounded::<u32>(1);
        tx.try_send(1).unwrap();
        tx.close();
        for expected in [Ok(1), Err(Closed), Err(Closed)] {
            select! {
                got = rx.recv() => assert_eq!(got, expected),
                _ = other.recv() => unreachable!("empty"),
            }
        }
        let mut mine = Some(2);
        select! {
            sent = tx.send_from(&mut mine) => assert_eq!(sent, Err(Closed)),
            _ = other.recv() => unreachable!("empty"),
        }
        select! {
            sent = tx.send(3) => assert_eq!(sent.unwrap_err().into_inner(), 3),
            _ = other.recv() => unreachable!("empty"),
        }
        assert_eq!(mine, Some(2));
    });
}

#[test]
fn control_flow_leaves_the_function_or_the_loop_that_selects() {
    body!({
        let (tx, rx) = unbounded();
        for n in [0, 0, 5, 0, 9] {
            tx.try_send(n).unwrap();
        }
        let first = control_flow!(rx);
        assert_eq!(first, Ok(5));
        assert_eq!(control_flow!(rx), Ok(100));
        drop(tx);
        assert_eq!(control_flow!(rx), Err(Closed));
    });
}

#[test]
fn a_label_may_be_broken_out_of_and_a_select_may_stand_in_a_handler() {
    body!({
        let (tx, rx) = unbounded();
        let (inner_tx, inner) = unbounded();
        (1..=3).for_each(|n| tx.try_send(n).unwrap());
        inner_tx.try_send(10).unwrap();
        let sum = 'outer: loop {
            select! {
                got = rx.recv() => {
                    let got = got.unwrap();
                    select! {
                        biased;
                        more = inner.recv() => assert_eq!((got, more), (1, Ok(10))),
                        // The channel of the outer select is free again.
                        more = rx.recv() => break 'outer got + more.unwrap(),
                    }
                }
            }
        };
        assert_eq!(sum, 2 + 3);
    });
}

#[test]
fn patterns_take_apart_what_an_arm_yields() {
    body!({
        let nothing = unbounded::<u32>();
        let pair = anabranch_core_cancel::runtime_free(std::future::ready((1, Some("one"))));
        let sum = select! {
            (mut n, Some(_) | None) = pair => { n += 1; n }
            Ok(_) | Err(Closed) = nothing.1.recv() => unreachable!("empty"),
        };
        assert_eq!(sum, 2);
    });
}

#[test]
fn send_and_receive_on_one_channel_do_not_meet_each_other() {
    body!({
        for capacity in [0, 1] {
            let (tx, rx) = bounded(capacity);
            (0..capacity).for_each(|n| tx.try_send(n).unwrap());
            let (token, time) = CancelToken::manual();
            let mut mine = Some(7);
            let mut rounds = 0;
            while rounds < 3 {
                let more = select! {
                    biased;
                    _ = tx.send_from(&mut mine), if mine.is_some() => false,
                    got = rx.recv() => { assert_ne!(got, Ok(7), "met itself"); true }
                    default => { time.advance(Duration::from_secs(1)); rounds += 1; true }
                };
                if !more {
                    break;
                }
            }
            assert_eq!(mine.is_some(), capacity == 0, "only a buffer takes it");
            drop(token);
        }
    });
}

#[test]
fn biased_asks_in_the_order_written() {
    body!({
        let (a_tx, a) = unbounded();
        let (b_tx, b) = unbounded();
        for n in 0..50 {
            a_tx.try_send(n).unwrap();
            b_tx.try_send(n).unwrap();
        }
        let mut order = Vec::new();
        for _ in 0..100 {
            select! {
                biased;
                _ = a.recv() => order.push('a'),
                _ = b.recv() => order.push('b'),
            }
            if order.len() == 50 {
                assert!(order.iter().all(|&arm| arm == 'a'), "{order:?}");
                drop(a_tx.clone());
                break;
            }
        }
        assert_eq!((a.len(), b.len()), (0, 50));
    });
}
