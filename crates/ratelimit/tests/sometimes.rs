//! Now and then: which calls pass, by number and by time; all combinations; extreme settings.
#![cfg(not(loom))]

use anabranch_ratelimit::{CancelToken, Sometimes};
use proptest::prelude::*;
use std::{sync::Barrier, thread, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

/// Which of the calls, numbered from 1, `calls[i]` of them at second `i`, pass.
fn passing(sometimes: Sometimes, calls: &[u64]) -> Vec<u64> {
    let (token, time) = CancelToken::manual();
    let sometimes = sometimes.on(&token);
    let mut passed = Vec::new();
    for &calls in calls {
        for _ in 0..calls {
            let number = sometimes.calls() + 1;
            passed.extend(sometimes.run(|| number));
        }
        time.advance(SECOND);
    }
    passed
}

/// RL50.
#[test]
fn without_any_rule_only_the_first_call_passes() {
    assert_eq!(passing(Sometimes::new(), &[3, 3, 3]), [1]);
    assert_eq!(passing(Sometimes::default().first(0).every(0), &[9]), [1]);
}

/// RL50.
#[test]
fn the_first_two_pass_and_no_more() {
    assert_eq!(passing(Sometimes::new().first(2), &[3, 3]), [1, 2]);
}

/// RL50.
#[test]
fn every_second_call_is_the_first_the_third_and_so_on() {
    assert_eq!(passing(Sometimes::new().every(2), &[3, 2]), [1, 3, 5]);
    assert_eq!(passing(Sometimes::new().every(1), &[3, 1]), [1, 2, 3, 4]);
}

/// RL50.
#[test]
fn with_an_interval_the_first_call_passes_and_then_the_first_after_it() {
    let sometimes = Sometimes::new().interval(SECOND);
    assert_eq!(passing(sometimes, &[3, 0, 2, 1]), [1, 4, 6]);
}

/// RL50.
#[test]
fn a_mix_of_rules_lets_through_what_any_of_them_does() {
    let mix = Sometimes::new().first(2).every(2).interval(2 * SECOND);
    assert_eq!(passing(mix, &[3, 0, 3]), [1, 2, 3, 4, 5]);
}

#[test]
fn an_interval_counts_from_the_last_call_that_passed_by_whatever_rule() {
    let mix = Sometimes::new().every(4).interval(2 * SECOND);
    // The fifth passes by number at 1 s; so the interval ends at 3 s and not at 2 s.
    assert_eq!(passing(mix, &[4, 1, 1, 1]), [1, 5, 7]);
}

/// RL50.
#[test]
fn extreme_settings_do_not_panic() {
    for interval in [Duration::from_nanos(u64::MAX), Duration::MAX] {
        let sometimes = Sometimes::new().interval(interval);
        assert_eq!(passing(sometimes, &[2, 2]), [1]);
    }
    let each = Sometimes::new().interval(Duration::ZERO);
    assert_eq!(passing(each, &[2, 2]), [1, 2, 3, 4]);
    let each = Sometimes::new().interval(Duration::from_nanos(1));
    assert_eq!(passing(each, &[2, 2]), [1, 3]);
    let all = Sometimes::new().first(u64::MAX).every(u64::MAX);
    assert_eq!(passing(all, &[3]), [1, 2, 3]);
    let rare = Sometimes::new().every(u64::MAX).interval(Duration::MAX);
    assert_eq!(passing(rare, &[3]), [1]);
}

#[test]
fn a_run_that_panics_counts_and_the_next_ones_go_on() {
    let sometimes = Sometimes::new().first(2);
    let panicked = thread::scope(|s| {
        s.spawn(|| sometimes.run(|| panic!("the first one fails")))
            .join()
            .is_err()
    });
    assert!(panicked);
    assert_eq!(sometimes.run(|| 2), Some(2));
    assert_eq!(sometimes.run(|| 3), None);
}

#[test]
fn among_threads_exactly_so_many_pass_as_among_calls_of_one() {
    static FEW: Sometimes = Sometimes::new().first(10).every(100);
    const THREADS: u64 = 8;
    let start = Barrier::new(THREADS as usize);
    let passed: usize = thread::scope(|s| {
        let threads = [(); THREADS as usize].map(|()| {
            s.spawn(|| {
                start.wait();
                (0..1_000).filter(|_| FEW.allow()).count()
            })
        });
        threads.map(|thread| thread.join().unwrap()).iter().sum()
    });
    assert_eq!(FEW.calls(), 8_000);
    assert_eq!(passed, 10 + 79, "ten, and 100, 200, ... 7900");
}

#[test]
fn of_the_threads_that_find_the_interval_passed_one_is_let_through() {
    const THREADS: usize = 8;
    let (token, time) = CancelToken::manual();
    let sometimes = Sometimes::new().interval(SECOND).on(&token);
    assert!(sometimes.allow());
    for _ in 0..200 {
        time.advance(SECOND);
        let start = Barrier::new(THREADS);
        let passed: usize = thread::scope(|s| {
            let threads = [(); THREADS].map(|()| {
                s.spawn(|| {
                    start.wait();
                    usize::from(sometimes.allow())
                })
            });
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        assert_eq!(passed, 1);
    }
}

proptest! {
    /// As Go's documentation says it, one call after the other.
    #[test]
    fn agrees_with_the_rules_read_out_one_by_one(
        first in 0_u64..4,
        every in 0_u64..5,
        interval in prop::option::of(0_u64..5),
        gaps in prop::collection::vec(0_u64..4, 1..60),
    ) {
        let (token, time) = CancelToken::manual();
        let mut sometimes = Sometimes::new().first(first).every(every);
        if let Some(interval) = interval {
            sometimes = sometimes.interval(Duration::from_secs(interval));
        }
        let sometimes = sometimes.on(&token);
        let (mut now, mut last) = (0, 0);
        for (number, gap) in (0..).zip(gaps) {
            time.advance(Duration::from_secs(gap));
            now += gap;
            let passes = number == 0
                || number < first
                || every > 0 && number % every == 0
                || interval.is_some_and(|interval| now - last >= interval);
            prop_assert_eq!(sometimes.allow(), passes, "call {}", number + 1);
            if passes {
                last = now;
            }
        }
    }
}
