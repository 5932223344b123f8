//! The rounding, the extremes, and the naive bucket beside it.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

fn meter(rate: Rate) -> Meter {
    Meter::new(rate, Scale::NANOS)
}

/// Whole permits that flow in until `t`, as the meter counts them, from an empty bucket on.
fn permits(meter: &Meter, t: u64) -> u128 {
    let units = u128::from(meter.now(t) - meter.capacity);
    if meter.e >= 0 {
        units >> meter.e
    } else {
        units << -meter.e
    }
}

#[test]
fn a_rate_from_one_a_year_to_a_billion_a_second_is_off_by_less_than_a_millionth() {
    let second = Duration::from_secs(1);
    let awkward = [
        1,
        3,
        7,
        1_000,
        3_000_017,
        7_000_003,
        999_999_937,
        1_000_000_000,
    ];
    let mut rates = vec![
        Rate::new(1, YEAR),
        Rate::new(3, YEAR),
        Rate::new(7, 3 * second),
    ];
    rates.extend(awkward.map(|n| Rate::new(n, second)));
    rates.extend(awkward.map(|n| Rate::new(n, YEAR)));
    rates.extend(awkward.map(|n| Rate::new(n, Duration::from_nanos(n.max(2) - 1))));
    for burst in [1, 1_000, u64::from(u32::MAX)] {
        for rate in &rates {
            let meter = meter(rate.burst(burst));
            // Two million permits, or as many as come in 500 years.
            let (n, p) = (u128::from(rate.permits()), rate.per_ns());
            let t = (2_000_000 * p / n + 1).min(500 * YEAR.as_nanos());
            let expected = t * n / p;
            let got = permits(&meter, u64::try_from(t).unwrap());
            assert!(got.abs_diff(expected) <= 1, "{rate}: {got} for {expected}");
            // The mantissa itself, however few permits came.
            let error = (meter.flow.m as f64 * 2_f64.powi(-(meter.flow.s as i32)))
                / (n as f64 / p as f64 * 2_f64.powi(meter.e));
            assert!((error - 1.0).abs() < 1e-9, "{rate}: {error}");
        }
    }
}

#[test]
fn what_is_due_at_a_whole_nanosecond_is_there_then_and_not_one_earlier() {
    for (n, interval) in [
        (1, 1),
        (2, 500_000_000),
        (10, 100_000_000),
        (1, 1_000_000_000),
    ] {
        for burst in [1, 5, 1_000_000] {
            let rate = Rate::new(n, Duration::from_nanos(n * interval)).burst(burst);
            let meter = meter(rate);
            for k in [1, 2, 3, 1_000, 1 << 30] {
                let units = meter.capacity + (k << meter.e);
                assert_eq!(meter.when(units), k * interval, "{rate}, permit {k}");
                assert!(meter.now(k * interval) >= units);
                assert!(meter.now(k * interval - 1) < units);
            }
        }
    }
}

#[test]
fn nothing_overflows_at_any_rate_burst_or_time() {
    let numbers = [
        0,
        1,
        2,
        3,
        1 << 31,
        (1 << 32) + 1,
        1 << 61,
        u64::MAX - 1,
        u64::MAX,
    ];
    let periods = [
        Duration::from_nanos(1),
        Duration::from_nanos(3),
        Duration::from_secs(1),
        YEAR,
        Duration::from_nanos(u64::MAX),
        Duration::MAX,
    ];
    for permits in numbers {
        for per in periods {
            for burst in numbers.into_iter().filter(|&burst| burst > 0) {
                let rate = Rate::new(permits, per).burst(burst);
                let meter = meter(rate);
                assert!(meter.capacity > 0 && meter.capacity <= 1 << 60, "{rate}");
                let end = meter.now(NEVER - 1);
                assert!(
                    end <= 1 << 62,
                    "{rate}: the flag's bit is free, whatever is owed"
                );
                assert_eq!(meter.now(0), meter.capacity);
                let full = meter.take(end, 0, meter.capacity).unwrap();
                assert!(full <= end, "{rate}: a mark is never ahead of the time");
                assert_eq!(meter.take(end, full, meter.cost(1)), None, "{rate}");
                assert_eq!(meter.available(meter.now(0), 0), meter.burst(), "{rate}");
                for units in [0, 1, meter.capacity, full, end, end + 1, u64::MAX] {
                    let when = meter.when(units);
                    assert!(when == NEVER || meter.now(when) >= units, "{rate}");
                    let before = when != NEVER && when > 0;
                    assert!(!before || meter.now(when - 1) < units, "{rate}");
                    assert!(when != NEVER || end < units, "{rate}: it comes after all");
                }
            }
        }
    }
}

#[test]
fn a_time_that_goes_back_admits_nothing_twice() {
    let meter = meter(Rate::per_second(10).burst(5));
    let late = meter.now(1_000_000_000);
    let mark = meter.take(late, 0, meter.cost(5)).unwrap();
    let early = meter.now(10);
    assert_eq!(meter.take(early, mark, meter.cost(1)), None);
    assert_eq!(meter.available(early, mark), 0);
    assert_eq!(
        meter.take(meter.now(1_099_999_999), mark, meter.cost(1)),
        None
    );
    assert!(
        meter
            .take(meter.now(1_100_000_000), mark, meter.cost(1))
            .is_some()
    );
}

#[test]
fn a_tick_of_any_length_makes_the_same_rate() {
    // 2^32 ticks of a counter at 2.596 GHz.
    let scale = Scale {
        nanos: 1_654_374_400,
        log_ticks: 32,
    };
    let hour = scale.ticks(3_600_000_000_000);
    for (n, burst) in [(1, 1), (10, 5), (20_000, 1), (999_999_937, 1_000_000_000)] {
        let meter = Meter::new(Rate::per_second(n).burst(burst), scale);
        let units = meter.now(hour) - meter.capacity;
        let permits = units as f64 * 2_f64.powi(-meter.e);
        let error = permits / (n as f64 * 3_600.0);
        assert!((error - 1.0).abs() < 1e-9, "{n}: {error}");
        let due = meter.when(meter.capacity + meter.cost(1));
        let nanos = scale.nanos(due);
        assert!(nanos.abs_diff(1_000_000_000 / n) <= 1, "{n}: {nanos}");
    }
    assert_eq!((scale.nanos(NEVER), Scale::NANOS.ticks(7)), (NEVER, 7));
}

#[test]
fn what_is_owed_is_paid_before_anything_else() {
    let meter = meter(Rate::per_second(10).burst(5));
    let full = meter.now(0);
    let owed = meter.take(full, 0, meter.cost(25)).unwrap();
    assert_eq!(owed, full + meter.cost(5) * 4);
    assert_eq!(
        (meter.available(full, owed), meter.take(full, owed, 1)),
        (0, None)
    );
    // Twenty owed and one: 2.1 seconds.
    assert_eq!(meter.when(owed + meter.cost(1)), 2_100_000_000);
    let late = meter.now(2_100_000_000);
    assert_eq!(
        meter.take(late, owed, meter.cost(1)),
        Some(owed + meter.cost(1))
    );
    // Another large one waits until it is full again.
    assert_eq!(meter.take(late, owed, meter.cost(6)), None);
    assert!(
        meter
            .take(meter.now(2_500_000_000), owed, meter.cost(6))
            .is_some()
    );
}

#[test]
fn a_meter_that_takes_over_goes_on_from_its_base() {
    let rate = Rate::per_second(7).burst(3);
    let (old, since, base) = (meter(rate), 12_345, 1 << 60);
    let new = old.taking_over(since, base);
    for t in [0, 1, since, since + 1, 10_000_000_000] {
        let after = t.saturating_sub(since);
        assert_eq!(new.now(t), base + old.now(after));
        assert_eq!(new.when(new.now(t)), since + old.when(old.now(after)));
    }
}

proptest! {
    /// The bucket in exact arithmetic: permits times `p`, at times `t`, flow in as `t * n`.
    #[test]
    fn agrees_with_a_naive_bucket_to_less_than_a_unit(
        (n, per) in (0_u64..2_000_000_000, 1_u64..4_000_000_000),
        burst in prop_oneof![1_u64..20, 1_u64..1_000_000],
        steps in prop::collection::vec((any::<u16>(), 0_u64..24, 0_u64..2_000_000_000), 1..200),
    ) {
        let rate = Rate::new(n, Duration::from_nanos(per)).burst(burst);
        let meter = meter(rate);
        let (n, p) = (i128::from(n), i128::from(per));
        // What a request costs, in the naive bucket's numbers: whole units if those are larger
        // than a permit.
        let step = p << (-meter.e).max(0);
        let price = |permits: u64| (i128::from(permits) * p + step - 1) / step * step;
        let unit = (p >> meter.e.max(0)).max(1) << (-meter.e).max(0);
        let (mut t, mut mark) = (0_u64, 0_u64);
        let (mut level, mut last) = (price(burst), 0_i128);
        for (size, shift, jump) in steps {
            t += jump >> shift;
            level = (level + (i128::from(t) * n - last)).min(price(burst));
            last = i128::from(t) * n;
            let permits = 1 + u64::from(size) % burst;
            let cost = price(permits);
            match meter.take(meter.now(t), mark, meter.cost(permits)) {
                Some(next) => {
                    prop_assert!(level + unit >= cost, "{rate}: early by {}", cost - level);
                    (mark, level) = (next, level - cost);
                }
                None => {
                    prop_assert!(level - unit <= cost, "{rate}: late by {}", level - cost);
                }
            }
        }
    }

    /// Whoever asks all the time gets as much as whoever asks once.
    #[test]
    fn hot_polling_does_not_change_the_rate(per in 1_000_u64..5_000_000, step in 1_u64..5_000) {
        let meter = meter(Rate::new(1, Duration::from_nanos(per)));
        let (mut mark, mut admitted, mut t) = (0, 0, 0);
        while t < 20 * per {
            if let Some(next) = meter.take(meter.now(t), mark, meter.cost(1)) {
                (mark, admitted) = (next, admitted + 1);
            }
            t += step.max(per / 1_000);
        }
        // An interval is stretched to the next look at most.
        let slowest = per + step.max(per / 1_000) + 8;
        prop_assert!(admitted >= 20 * per / slowest, "{admitted}");
        prop_assert!(admitted <= 21, "{admitted}");
    }
}
