//! What the tests share.
#![allow(unused_imports, dead_code, reason = "each test file uses its part")]

pub(crate) use anabranch_models::{
    by_hand::{Count, Task, at_once, poll, poll_with},
    seed,
};
use std::time::Duration;

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
