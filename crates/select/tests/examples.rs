//! The outcome of each example; what takes time there runs on a manual clock here.
#![cfg(not(any(loom, shuttle)))]
#![allow(dead_code, reason = "the examples' own `main`s are not called")]

#[path = "../examples/buffered.rs"]
mod buffered;
#[path = "../examples/counter.rs"]
mod counter;
#[path = "../examples/greeting.rs"]
mod greeting;
#[path = "../examples/merge.rs"]
mod merge;
#[path = "../examples/non_blocking.rs"]
mod non_blocking;
#[path = "../examples/one_select.rs"]
mod one_select;
#[path = "../examples/progress.rs"]
mod progress;
#[path = "../examples/quiet_feeds.rs"]
mod quiet_feeds;

use anabranch_core_cancel::CancelToken;
use std::time::Duration;

#[test]
fn a_greeting_is_sent_and_received() {
    let expected = ("hello from a thread".to_string(), Ok(()));
    assert_eq!(greeting::run(), Ok(expected));
}

#[test]
fn a_buffer_of_three_takes_three_and_a_rendezvous_none() {
    let expected = buffered::Report {
        buffered: 3,
        refused: Some(4),
        received: vec![1, 2, 3, 4],
        nobody_there: Some(5),
        handed_over: 6,
    };
    assert_eq!(buffered::run().unwrap(), expected);
}

#[test]
fn a_merge_ends_with_both_inputs_and_keeps_the_order_of_each() {
    let all = merge::run();
    let (few, many): (Vec<_>, Vec<_>) = all.into_iter().partition(|n| *n < 100);
    assert!(few.into_iter().eq(0..3));
    assert!(many.into_iter().eq(100..110));
}

#[test]
fn what_cannot_be_done_at_once_is_not_done() {
    let expected = [
        "no message",
        "not sent: nobody is receiving",
        "no activity",
        "Ok(())",
        "Err(Full(..))",
        "signal Ok(\"reload\")",
        "Err(Empty)",
    ];
    assert_eq!(non_blocking::run(), expected);
}

#[test]
fn two_feeds_are_heard_until_both_are_quiet_for_three_seconds() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let _in = time.join();
    assert_eq!(quiet_feeds::run(&token), Ok(vec!["one", "two"]));
    assert_eq!(time.elapsed(), Duration::from_secs(5));
    assert_eq!(token.clock().armed_timers(), 0);
}

#[test]
fn progress_is_reported_at_every_tick_until_the_work_is_done() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let _in = time.join();
    let expected = progress::Report {
        steps: vec![1, 2, 3, 4],
        ticks: vec![0, 1, 2, 2, 3],
    };
    assert_eq!(progress::run(&token), expected);
    assert_eq!(time.elapsed(), Duration::from_millis(2_800));
}

#[test]
fn no_count_is_lost_with_a_mutex_nor_with_a_channel() {
    assert_eq!(counter::with_a_mutex(), 8_000);
    assert_eq!(counter::with_a_channel(), 8_000);
}

#[test]
fn one_select_serves_a_channel_a_permit_a_ticker_and_a_token_in_a_thread_and_in_a_task() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for in_task in [false, true] {
        let day = runtime.block_on(one_select::serve(in_task));
        assert_eq!(day, one_select::full_day());
    }
}
