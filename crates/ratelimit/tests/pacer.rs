//! Even spacing: slots, slack, lateness, order, deadlines; on a manual clock.
#![cfg(not(loom))]

mod common;

use anabranch_ratelimit::{CancelToken, Pacer, Rate};
use common::{at_once, ms, poll};
use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// Ten a second, at those moments in ms: for each how long it waits in ms, if it asks alone.
fn waits(slack: u64, comes_at: &[u64]) -> Vec<u64> {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let _in = time.join();
    let pacer = Pacer::new(Rate::per_second(10).burst(7))
        .slack(slack)
        .on(&token);
    let mut waits = Vec::new();
    for &at in comes_at {
        let before = ms(at).saturating_sub(time.elapsed());
        token.sleep(before).wait().unwrap();
        let came = time.elapsed();
        pacer.next().wait();
        waits.push((time.elapsed() - came).as_millis() as u64);
    }
    waits
}

/// RL32, the second half.
#[test]
fn the_first_goes_at_once_and_each_other_an_interval_after_the_one_before() {
    assert_eq!(waits(0, &[0; 5]), [0, 100, 100, 100, 100]);
    assert_eq!(waits(0, &[0, 30, 60, 170]), [0, 70, 100, 100]);
    assert_eq!(
        waits(3, &[0; 5]),
        [0, 100, 100, 100, 100],
        "at first there is nothing to catch up"
    );
}

#[test]
fn without_slack_what_is_missed_is_lost() {
    // Late by 50 ms, then by nine intervals: the next one still keeps its distance.
    assert_eq!(waits(0, &[0, 150, 150]), [0, 0, 100]);
    assert_eq!(waits(0, &[0, 1_000, 1_000, 1_000]), [0, 0, 100, 100]);
}

#[test]
fn with_slack_so_many_missed_intervals_are_caught_up_and_no_more() {
    // At 1 s ten slots have passed: the one that is due, and two of those that were missed.
    assert_eq!(
        waits(2, &[0, 1_000, 1_000, 1_000, 1_000]),
        [0, 0, 0, 0, 100]
    );
    // Late by half an interval: the next one makes up for it.
    assert_eq!(waits(2, &[0, 150, 150, 150]), [0, 0, 50, 100]);
}

#[test]
fn threads_and_tasks_are_spaced_in_the_order_in_which_they_came() {
    let (token, time) = CancelToken::manual();
    let pacer = Arc::new(Pacer::new(Rate::per_second(10)).on(&token));
    let went = Arc::new(Mutex::new(Vec::new()));
    let (mut threads, mut tasks) = (Vec::new(), Vec::new());
    for who in 0..6_u64 {
        let (pacer, went, clock) = (pacer.clone(), went.clone(), time.clone());
        let note = move || went.lock().unwrap().push((who, clock.elapsed()));
        if who % 2 == 0 {
            threads.push(time.spawn(move || {
                pacer.next().wait();
                note();
            }));
        } else {
            let task = time.task(async move {
                pacer.next().await;
                note();
            });
            tasks.push(thread::spawn(|| pollster::block_on(task)));
        }
        time.settle(); // in line before the next one comes
    }
    assert_eq!(pacer.waiting(), 5);
    time.advance(ms(500));
    threads.into_iter().for_each(|t| t.join().unwrap());
    tasks.into_iter().for_each(|t| t.join().unwrap());
    let expected: Vec<_> = (0..6).map(|who| (who, ms(100 * who))).collect();
    assert_eq!(*went.lock().unwrap(), expected);
    assert_eq!(token.clock().armed_timers(), 0);
}

#[test]
fn who_gives_up_has_taken_no_slot_and_those_behind_move_up() {
    let (token, time) = CancelToken::manual();
    let pacer = Pacer::new(Rate::per_second(10)).on(&token);
    at_once(pacer.next());
    let (mut gives_up, mut next) = (pacer.next(), pacer.next());
    assert!(poll(&mut gives_up).is_pending() && poll(&mut next).is_pending());
    drop(gives_up);
    time.advance(ms(100));
    assert!(poll(&mut next).is_ready());
}

#[test]
fn a_slot_behind_the_deadline_fails_at_once() {
    let (token, time) = CancelToken::manual();
    let pacer = Pacer::new(Rate::per_second(10)).on(&token);
    at_once(pacer.next());
    assert!(at_once(pacer.next().timeout(ms(99))).is_err());
    let call = token.child_with_timeout(ms(50));
    let why = at_once(pacer.next().with_cancel(&call)).unwrap_err();
    assert!(why.is_timeout());
    assert!(
        at_once(pacer.next().with_cancel(&{
            token.cancel();
            token
        }))
        .is_err()
    );
    time.advance(ms(100));
    at_once(pacer.next());
}

#[test]
fn who_does_not_wait_is_told_when_the_next_slot_is() {
    let (token, time) = CancelToken::manual();
    let pacer = Pacer::new(Rate::per_second(10)).on(&token);
    assert!(pacer.try_next().is_ok());
    time.advance(ms(40));
    assert_eq!(pacer.try_next().unwrap_err().retry_after, ms(60));
    time.advance(ms(60));
    assert!(pacer.try_next().is_ok());
}

#[test]
fn the_extremes_are_defined() {
    let free = Pacer::new(Rate::UNLIMITED).slack(u64::MAX);
    (0..1_000).for_each(|_| at_once(free.next()));
    let (token, time) = CancelToken::manual();
    let once = Pacer::new(Rate::per_second(0)).slack(u64::MAX).on(&token);
    at_once(once.next());
    time.advance(Duration::from_secs(1_000_000_000));
    assert!(once.try_next().unwrap_err().is_final());
    // 300 million a second: a slot each 3.3 ns, and none is lost.
    let (token, time) = CancelToken::manual();
    let fast = Pacer::new(Rate::per_second(300_000_000))
        .slack(1_000)
        .on(&token);
    assert!(fast.try_next().is_ok());
    time.advance(Duration::from_nanos(1_000));
    assert_eq!((0..1_000).filter(|_| fast.try_next().is_ok()).count(), 300);
}
