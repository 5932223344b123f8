//! The outcome of the example, on a manual clock.
#![cfg(not(loom))]

#[allow(dead_code, reason = "the example's own `main` is not called")]
#[path = "../examples/token_bucket.rs"]
mod example;

use anabranch_ratelimit::CancelToken;
use std::time::Duration;

#[test]
fn the_example_admits_what_its_rates_say() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let _in = time.join();
    let report = example::run(&token);
    let expected = example::Report {
        strict: 2,
        bursts: 14,
        waited: 3,
    };
    assert_eq!(report, expected);
    // 900 ms, 950 ms, and 200 ms: the last turn would have come after the deadline.
    assert_eq!(time.elapsed(), Duration::from_millis(2_050));
}
