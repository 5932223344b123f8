//! The examples print what they promise.
#![cfg(not(loom))]
#![allow(
    unreachable_pub,
    dead_code,
    reason = "the examples' own `main` is not called"
)]

#[path = "../examples/job_results.rs"]
mod job_results;
#[path = "../examples/worker_pool.rs"]
mod worker_pool;

#[test]
fn worker_pool_doubles_five_nine_and_ten_numbers() {
    let mut out = Vec::new();
    worker_pool::run(&mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        " 5 jobs: [2, 4, 6, 8, 10]\n \
         9 jobs: [2, 4, 6, 8, 10, 12, 14, 16, 18]\n\
         10 jobs: [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]\n\
         one more: 42\n"
    );
}

#[test]
fn job_results_shows_types_errors_a_panic_and_a_refused_job() {
    let mut out = Vec::new();
    job_results::run(&mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "length 9, shout SOME TEXT\n\
         parsed 42\n\
         not parsed: invalid digit found in string\n\
         the job panicked: index out of bounds: the len is 0 but the index is 0\n\
         the workers are still here\n\
         closed, so the job was run by the caller\n\
         6 submitted: 5 returned, 1 panicked\n"
    );
}
