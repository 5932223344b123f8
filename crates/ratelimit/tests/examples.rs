//! The outcomes of the examples, on a manual clock.
#![cfg(not(loom))]
#![allow(dead_code, reason = "the examples' own `main` is not called")]

#[path = "../examples/limited_pool.rs"]
mod limited_pool;
#[path = "../examples/token_bucket.rs"]
mod token_bucket;

use anabranch_ratelimit::CancelToken;
use std::{collections::HashSet, time::Duration};

#[test]
fn the_token_bucket_admits_what_its_rates_say() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let _in = time.join();
    let report = token_bucket::run(&token);
    let expected = token_bucket::Report {
        strict: 2,
        bursts: 14,
        waited: 3,
        reserved: vec![0, 200, 100],
    };
    assert_eq!(report, expected);
    // 900 ms, 950 ms, and 200 ms: the last turn would have come after the deadline.
    assert_eq!(time.elapsed(), Duration::from_millis(2_050));
}

#[test]
fn the_pool_starts_two_tasks_a_second_and_each_worker_one_at_a_time() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let _in = time.join();
    let rows = limited_pool::run(&token, 8).unwrap();
    let starts: Vec<_> = rows.iter().map(|row| row.start.as_millis()).collect();
    assert_eq!(starts, [0, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500]);
    assert!(
        rows.iter()
            .all(|row| row.took == Duration::from_millis(1_200))
    );
    let tasks: HashSet<_> = rows.iter().map(|row| row.task).collect();
    assert_eq!(tasks, (1..=8).collect());
    for worker in ["worker-0", "worker-1", "worker-2"] {
        let mut free = Duration::ZERO;
        for row in rows.iter().filter(|row| row.worker == worker) {
            assert!(row.start >= free, "{rows:?}");
            free = row.start + row.took;
        }
    }
}
