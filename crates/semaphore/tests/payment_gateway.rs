//! The outcome of the example, on a manual clock.
#![cfg(not(loom))]

#[allow(dead_code, reason = "the example's own `main` is not called")]
#[path = "../examples/payment_gateway.rs"]
mod example;

use anabranch_semaphore::CancelToken;
use std::time::Duration;

#[test]
fn the_example_lets_in_as_many_as_its_semaphores_say() {
    let (token, time) = CancelToken::manual();
    time.auto_advance();
    let report = example::run(&token);
    let expected = example::Report {
        paid: 10,
        most_paying: 3,
        queried: 2,
        most_units: 4,
        gave_up: 2,
    };
    assert_eq!(report, expected);
    // Ten payments of 100 ms, three at a time; the third report would have had to wait for 400 ms.
    assert_eq!(time.elapsed(), Duration::from_millis(400));
}
