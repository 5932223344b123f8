//! What each algorithm keeps to, whatever it hears.
#![cfg(not(loom))]

use anabranch_semaphore::adaptive::{Aimd, Algorithm, Gradient2, Sample, Vegas};
use proptest::{collection::vec, prelude::*};
use std::time::Duration;

fn sample() -> impl Strategy<Value = Sample> {
    let rtt = prop_oneof![
        8 => (1_u64..1_000_000_000).prop_map(Duration::from_nanos),
        1 => Just(Duration::ZERO),
        1 => Just(Duration::MAX),
    ];
    let in_flight = prop_oneof![8 => 0_usize..200, 1 => Just(usize::MAX)];
    (rtt, in_flight, prop::bool::weighted(0.1)).prop_map(|(rtt, in_flight, dropped)| Sample {
        rtt,
        in_flight,
        dropped,
    })
}

fn algorithms(probe_every: u32) -> [Box<dyn Algorithm>; 3] {
    [
        Box::new(Aimd::default()),
        Box::new(Vegas::default().probe_every(probe_every)),
        Box::new(Gradient2::default().probe_every(probe_every)),
    ]
}

proptest! {
    #[test]
    fn the_answer_is_always_a_number_and_one_step_away(
        samples in vec(sample(), 1..200),
        probe_every in 0_u32..5,
        initial in 1.0..1_000.0,
    ) {
        for mut algorithm in algorithms(probe_every) {
            let (mut limit, mut highest) = (initial, initial);
            for &sample in &samples {
                let next = algorithm.update(limit, sample);
                prop_assert!(next.is_finite(), "{next} after {sample:?}");
                // A step up, from the highest so far: the end of a probe goes back there.
                prop_assert!(next <= highest + 40.0, "{next} after {highest}");
                limit = next.clamp(1.0, 1_000.0);
                highest = f64::max(highest, limit);
            }
        }
    }

    #[test]
    fn what_is_not_used_is_not_raised_and_a_drop_never_raises(
        samples in vec(sample(), 1..200),
    ) {
        for mut algorithm in algorithms(0) {
            let mut limit = 50.0;
            for &sample in &samples {
                let next = algorithm.update(limit, sample);
                if sample.dropped {
                    prop_assert!(next < limit, "{next} after {sample:?} at {limit}");
                } else if !sample.uses(limit) {
                    prop_assert!(next <= limit, "{next} after {sample:?} at {limit}");
                }
                limit = next.clamp(1.0, 1_000.0);
            }
        }
    }
}
