//! Beside governor, where that is right: a period of whole nanoseconds, a burst that fits.
#![cfg(not(loom))]

use anabranch_ratelimit::{CancelToken, Rate, RateLimiter};
use governor::{Quota, clock::FakeRelativeClock};
use proptest::prelude::*;
use std::{num::NonZeroU32, time::Duration};

proptest! {
    #[test]
    fn admits_what_governor_admits(
        // In microseconds: a thousandth is whole nanoseconds, and more than one of our units, within
        // which the two round differently.
        period in prop_oneof![100_u64..1_000, 1_000_u64..10_000_000],
        burst in 1_u32..50,
        steps in prop::collection::vec((1_u32..4, 0_u64..3_000), 1..300),
    ) {
        let (token, time) = CancelToken::manual();
        let period = Duration::from_micros(period);
        let ours = RateLimiter::new(Rate::every(period).burst(burst.into())).on(&token);
        let clock = FakeRelativeClock::default();
        let quota = Quota::with_period(period).unwrap();
        let quota = quota.allow_burst(NonZeroU32::new(burst).unwrap());
        let theirs = governor::RateLimiter::direct_with_clock(quota, clock.clone());
        for (permits, thousandths) in steps {
            // From nothing to three periods.
            let pass = period * u32::try_from(thousandths).unwrap() / 1_000;
            time.advance(pass);
            clock.advance(pass);
            let asked = NonZeroU32::new(permits).unwrap();
            let admitted = theirs.check_n(asked).is_ok_and(|decision| decision.is_ok());
            prop_assert_eq!(ours.allow_n(permits.into()), admitted);
        }
    }
}
