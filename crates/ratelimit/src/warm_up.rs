//! A limiter that starts slowly and becomes faster with use: the rule.
//!
//! After Guava's `SmoothWarmingUp` (Dimitris Andreou), with its cold factor of three. Idle time is
//! stored as permits, *coldness*, up to what flows in during the period; what is taken uses them
//! up. Above half of the store a permit costs more time than its own, linearly up to three times as
//! much at the top:
//!
//! ```text
//!   cost of a permit
//!    3 ┤                 ╱      from the top to the half: as many permits as flow in during
//!      │              ╱         half the period, in the whole of it
//!    1 ┼───────────╱
//!      └───────────┼─────┼▶ coldness
//!                 half  all
//! ```
//!
//! The price is the area under the line, paid by whoever comes next. All in units of the meter.

use crate::meter::{Meter, Scale};
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(crate) struct WarmUp {
    /// What flows in during the period, in units.
    all: u64,
    pub(crate) period: Duration,
}

impl WarmUp {
    pub(crate) fn new(period: Duration, meter: &Meter, scale: Scale) -> Self {
        let nanos = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        let full = meter.now(meter.flow.since);
        let all = meter.now(meter.flow.since.saturating_add(scale.ticks(nanos))) - full;
        Self { all, period }
    }

    /// Before the first one, and after a long idle time.
    pub(crate) fn coldest(self) -> u64 {
        self.all
    }

    /// What a request costs that would cost `plain` in a warm limiter, after `idle` units of inflow
    /// that found the bucket full.
    pub(crate) fn cost(self, cold: &mut u64, idle: u64, plain: u64) -> u64 {
        *cold = cold.saturating_add(idle).min(self.all);
        let above = cold.saturating_sub(self.all / 2);
        let slow = u128::from(above.min(plain));
        *cold -= plain.min(*cold);
        if slow == 0 {
            return plain;
        }
        // From `above` down to `above - slow` at 4 / all for each: the mean, times the number.
        let extra = 2 * slow * (2 * u128::from(above) - slow);
        let extra = extra.div_ceil(u128::from(self.all));
        plain.saturating_add(u64::try_from(extra).unwrap_or(u64::MAX))
    }

    /// The same share of another store.
    pub(crate) fn rescale(self, cold: u64, other: Self) -> u64 {
        if self.all == 0 {
            return other.all;
        }
        let cold = u128::from(cold) * u128::from(other.all) / u128::from(self.all);
        u64::try_from(cold).unwrap_or(other.all)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::rate::Rate;

    /// Ten a second, two seconds: coldness of twenty permits.
    fn ten_a_second() -> (Meter, WarmUp) {
        let meter = Meter::new(Rate::per_second(10), Scale::NANOS);
        (
            meter,
            WarmUp::new(Duration::from_secs(2), &meter, Scale::NANOS),
        )
    }

    #[test]
    fn from_the_top_to_the_half_it_takes_the_whole_period_however_it_is_cut() {
        let (meter, warm_up) = ten_a_second();
        let permit = meter.cost(1);
        for parts in [1_u64, 2, 5, 10] {
            let mut cold = warm_up.coldest();
            let plain = 10 * permit / parts;
            let total: u64 = (0..parts).map(|_| warm_up.cost(&mut cold, 0, plain)).sum();
            assert!(total.abs_diff(20 * permit) <= parts + 2, "{parts}: {total}");
            assert_eq!(
                warm_up.cost(&mut cold, 0, permit).abs_diff(permit),
                0,
                "warm"
            );
        }
    }

    #[test]
    fn the_first_costs_nearly_three_and_each_one_less() {
        let (meter, warm_up) = ten_a_second();
        let permit = meter.cost(1) as f64;
        let mut cold = warm_up.coldest();
        let costs: Vec<_> = (0..11)
            .map(|_| warm_up.cost(&mut cold, 0, meter.cost(1)) as f64 / permit)
            .collect();
        // 1 + 4 / 20 x the mean of coldness above ten: 9.5, 8.5, ...
        for (n, cost) in costs.iter().enumerate() {
            let expected = 1.0 + 0.2 * (9.5 - n as f64).max(0.0);
            assert!((cost - expected).abs() < 1e-6, "{n}: {cost}");
        }
    }

    #[test]
    fn idle_time_makes_it_cold_again_and_no_colder_than_at_first() {
        let (meter, warm_up) = ten_a_second();
        let mut cold = 0;
        let warm = warm_up.cost(&mut cold, 0, meter.cost(1));
        assert_eq!((warm, cold), (meter.cost(1), 0));
        let _ = warm_up.cost(&mut cold, u64::MAX, 0);
        assert_eq!(cold, warm_up.coldest());
    }

    #[test]
    fn a_period_of_zero_is_no_warm_up() {
        let meter = Meter::new(Rate::per_second(10), Scale::NANOS);
        let warm_up = WarmUp::new(Duration::ZERO, &meter, Scale::NANOS);
        let mut cold = warm_up.coldest();
        assert_eq!(
            warm_up.cost(&mut cold, u64::MAX, meter.cost(3)),
            meter.cost(3)
        );
    }
}
