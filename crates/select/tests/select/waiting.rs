//! What the selects of threads and of tasks have in common: what ends a wait, and who gets his
//! share. `body!` runs a body, `wait!` waits for an operation, `select!` is the one that is tested.

use super::{select, support::until};
use anabranch_core_cancel::{CancelToken, MissedTicks};
use anabranch_select::{
    Closed,
    channel::{bounded, rendezvous, unbounded},
};
use std::{thread, time::Duration};

#[test]
fn a_select_waits_for_the_first_arm_that_becomes_ready() {
    body!({
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
    });
}

#[test]
fn a_select_of_sends_waits_for_the_first_receiver() {
    body!({
        let (a_tx, a) = rendezvous();
        let (b_tx, b) = rendezvous();
        let receiver = thread::spawn(move || {
            until(|| b.stats().waiting_senders == 1);
            (b.recv().wait(), b)
        });
        select! {
            _ = a_tx.send("a") => unreachable!("nobody receives there"),
            sent = b_tx.send("b") => assert_eq!(sent, Ok(())),
        }
        let (got, _b) = receiver.join().unwrap();
        assert_eq!(got, Ok("b"));
        assert_eq!(a.stats().waiting_senders, 0);
    });
}

#[test]
fn a_thousand_selects_that_lost_leave_nobody_in_line() {
    body!({
        let (_keep, idle) = bounded::<u32>(1);
        let (full, _rx) = rendezvous();
        let (tx, rx) = rendezvous();
        let feeder = thread::spawn(move || (0..1_000).for_each(|n| tx.send(n).wait().unwrap()));
        for n in 0..1_000 {
            select! {
                _ = idle.recv() => unreachable!("nothing is sent there"),
                _ = full.send(n) => unreachable!("nobody receives there"),
                got = rx.recv() => assert_eq!(got, Ok(n)),
            }
        }
        feeder.join().unwrap();
        assert_eq!(idle.stats().waiting_receivers, 0);
        assert_eq!(full.stats().waiting_senders, 0);
    });
}

#[test]
fn a_channel_that_closes_while_a_select_waits_ends_the_wait() {
    body!({
        let (tx, rx) = bounded::<u32>(1);
        let (full, full_rx) = rendezvous();
        let closer = thread::spawn(move || {
            until(|| tx.stats().waiting_receivers == 1);
            drop(tx);
        });
        select! {
            got = rx.recv() => assert_eq!(got, Err(Closed)),
            _ = full.send(1) => unreachable!("nobody receives there"),
        }
        closer.join().unwrap();
        drop(full_rx);
    });
}

#[test]
fn a_select_lets_a_plain_sender_through() {
    body!({
        let (tx, rx) = rendezvous();
        let (other_tx, other) = rendezvous::<u32>();
        let sender = thread::spawn(move || (0..100).for_each(|n| tx.send(n).wait().unwrap()));
        for n in 0..100 {
            if n % 2 == 0 {
                assert_eq!(wait!(rx.recv()), Ok(n));
                continue;
            }
            select! {
                got = rx.recv() => assert_eq!(got, Ok(n)),
                _ = other.recv() => unreachable!(),
            }
        }
        sender.join().unwrap();
        drop(other_tx);
    });
}

#[test]
fn a_loop_that_selects_over_a_token_ends_when_it_is_cancelled() {
    body!({
        let token = CancelToken::new();
        let (tx, rx) = bounded(4);
        let feeder = thread::spawn({
            let token = token.clone();
            move || {
                let sent = (0..)
                    .take_while(|&n| tx.send(n).with_cancel(&token).wait().is_ok())
                    .count();
                (sent, tx)
            }
        });
        let mut received = 0;
        loop {
            select! {
                got = rx.recv() => {
                    assert_eq!(got, Ok(received));
                    received += 1;
                    if received == 100 {
                        token.cancel();
                    }
                }
                _ = token.cancelled() => break,
            }
        }
        let (sent, _tx) = feeder.join().unwrap();
        assert_eq!(sent, received + rx.try_iter().count(), "none was lost");
    });
}

#[test]
fn each_ready_arm_gets_its_share() {
    body!({
        const ROUNDS: usize = 6_000;
        // Ready for ever, all three; the others never.
        let [a, b, c] = [(), (), ()].map(|()| bounded::<u32>(1).1);
        let (_keep, idle) = bounded::<u32>(1);
        let mut chosen = [0_usize; 3];
        for _ in 0..ROUNDS {
            let arm = select! {
                _ = idle.recv() => unreachable!("empty"),
                _ = a.recv() => 0,
                _ = b.recv() => 1,
                _ = idle.recv() => unreachable!("empty"),
                _ = c.recv() => 2,
            };
            chosen[arm] += 1;
        }
        // Two thousand each, with a standard deviation of 37.
        let fair = |n: &usize| n.abs_diff(ROUNDS / 3) < 300;
        assert!(chosen.iter().all(fair), "{chosen:?}");
    });
}

#[test]
fn an_arm_that_becomes_ready_is_served_beside_one_that_always_is() {
    body!({
        let (tx, rx) = unbounded();
        let (_, always) = bounded::<u32>(1);
        let mut longest = 0;
        for n in 0..500 {
            tx.try_send(n).unwrap();
            let mut rounds = 1;
            while select! { _ = always.recv() => true, got = rx.recv() => { assert_eq!(got, Ok(n)); false } }
            {
                rounds += 1;
            }
            longest = longest.max(rounds);
        }
        // Each round is a coin: fifty tails in a row would take longer than there has been time.
        assert!(longest < 50, "waited {longest} rounds");
    });
}

#[test]
fn a_timer_that_is_lent_runs_though_another_arm_is_ready_each_time() {
    // A select that found another arm ready only looked at the timer, which did not start it: a
    // deadline in a busy loop never came.
    body!({
        let (token, time) = CancelToken::manual();
        let (_, always) = bounded::<u32>(1);
        let mut deadline = token.after(Duration::from_secs(3));
        let mut rounds = 0;
        loop {
            select! {
                biased;
                _ = &mut deadline => break,
                _ = always.recv() => time.advance(Duration::from_secs(1)),
            }
            rounds += 1;
            assert!(rounds <= 3, "it never started");
        }
        assert_eq!(rounds, 3);
        let mut nap = token.after(Duration::from_secs(2));
        for _ in 0..2 {
            select! {
                _ = &mut nap => unreachable!("not yet"),
                default => time.advance(Duration::from_secs(1)),
            }
        }
        select! {
            _ = &mut nap => {}
            default => unreachable!("it never started"),
        }
    });
}

#[test]
fn a_ticker_delivers_each_of_its_ticks_once() {
    body!({
        let (token, time) = CancelToken::manual();
        let (_keep, rx) = bounded::<u32>(1);
        let mut ticks = token
            .ticker(Duration::from_secs(10))
            .missed(MissedTicks::Burst);
        let mut seen = String::new();
        for _ in 0..9 {
            select! {
                _ = rx.recv() => unreachable!("empty"),
                _ = ticks.tick() => seen.push('t'),
                default => {
                    seen.push('-');
                    time.advance(Duration::from_secs(25));
                }
            }
        }
        assert_eq!(seen, "-tt-ttt-t");
    });
}

#[test]
fn arms_with_bounds_of_their_own_end_by_them() {
    body!({
        let (token, time) = CancelToken::manual();
        let (_keep, rx) = bounded::<u32>(1);
        let child = token.child_with_timeout(Duration::from_secs(1));
        time.advance(Duration::from_secs(1));
        let (full, _full_rx) = rendezvous();
        select! {
            got = rx.recv().with_cancel(&child) => assert!(got.is_err()),
            _ = full.send(1) => unreachable!("nobody receives there"),
        }
        select! {
            _ = rx.recv() => unreachable!("empty"),
            sent = full.send(1).timeout(Duration::ZERO) => assert_eq!(sent.unwrap_err().into_inner(), 1),
        }
        assert_eq!(rx.stats().waiting_receivers, 0);
        assert_eq!(full.stats().waiting_senders, 0);
    });
}

#[test]
fn many_messages_of_two_channels_come_through_one_select_in_their_order() {
    body!({
        const EACH: u32 = 2_000;
        let (a_tx, a) = bounded(3);
        let (b_tx, b) = rendezvous();
        let feed = |tx: anabranch_select::Sender<u32>| {
            thread::spawn(move || (0..EACH).for_each(|n| tx.send(n).wait().unwrap()))
        };
        let feeders = [feed(a_tx), feed(b_tx)];
        let mut next = [0; 2];
        let mut open = [true; 2];
        while open != [false; 2] {
            let (arm, got): (usize, Result<u32, Closed>) = select! {
                got = a.recv(), if open[0] => (0, got),
                got = b.recv(), if open[1] => (1, got),
            };
            match got {
                Ok(n) => {
                    assert_eq!(n, next[arm]);
                    next[arm] += 1;
                }
                Err(Closed) => open[arm] = false,
            }
        }
        assert_eq!(next, [EACH; 2]);
        feeders
            .into_iter()
            .for_each(|feeder| feeder.join().unwrap());
    });
}
