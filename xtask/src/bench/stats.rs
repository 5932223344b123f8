//! Medians, paired ratios, and how sure one may be of them.

use fastrand::Rng;
use serde::Serialize;

/// Below this many paired rounds an interval is too good to be true, so nothing is judged.
pub(crate) const ROUNDS_TO_JUDGE: usize = 7;

/// Resamples of a bootstrap: enough that the interval's ends no longer depend on the seed.
const RESAMPLES: usize = 10_000;

/// A ratio with its 95 % interval. `1.0` means equal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Ratio {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
    /// Rounds in which both sides were measured.
    pub(crate) rounds: usize,
}

impl Ratio {
    /// The median of the paired ratios `top / bottom`, with a percentile bootstrap over the rounds.
    /// Logarithms make twice as slow and twice as fast the same distance from equal.
    ///
    /// `None` if there are no pairs or one of them is not positive.
    pub(crate) fn of_pairs(pairs: &[(f64, f64)], seed: u64) -> Option<Ratio> {
        let sound = |x: f64| x.is_finite() && x > 0.0;
        if pairs.is_empty()
            || !pairs
                .iter()
                .all(|(top, bottom)| sound(*top) && sound(*bottom))
        {
            return None;
        }
        let mut logs: Vec<f64> = pairs
            .iter()
            .map(|(top, bottom)| (top / bottom).ln())
            .collect();
        let mut rng = Rng::with_seed(seed);
        let mut resample = vec![0.0; logs.len()];
        let mut medians: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                resample.fill_with(|| logs[rng.usize(..logs.len())]);
                median(&mut resample)
            })
            .collect();
        medians.sort_by(f64::total_cmp);
        Some(Ratio {
            low: quantile(&medians, 0.025).exp(),
            median: median(&mut logs).exp(),
            high: quantile(&medians, 0.975).exp(),
            rounds: pairs.len(),
        })
    }

    /// How far from equal this says two identical things are: the noise, if it compares a cell with
    /// itself. `1.03` is 3 % either way.
    pub(crate) fn distance_from_equal(&self) -> f64 {
        self.high.max(1.0 / self.low).max(1.0)
    }
}

/// The middle value, or the mean of the two in the middle. Sorts.
///
/// # Panics
/// There are no values.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        values[middle - 1].midpoint(values[middle])
    } else {
        values[middle]
    }
}

/// The `q` quantile (0 to 1) of sorted values, the nearest one.
///
/// # Panics
/// There are no values.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted[(q * (sorted.len() - 1) as f64).round() as usize]
}

/// The middle of a cell's rounds and how far they spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) p10: f64,
    pub(crate) median: f64,
    pub(crate) p90: f64,
    pub(crate) n: usize,
}

impl Spread {
    /// `None` without values.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Spread> {
        if values.is_empty() {
            return None;
        }
        let median = median(&mut values);
        let (p10, p90) = (quantile(&values, 0.1), quantile(&values, 0.9));
        Some(Spread {
            p10,
            median,
            p90,
            n: values.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quantiles_of_known_values() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        let spread = Spread::of((1..=11).rev().map(f64::from).collect()).unwrap();
        assert_eq!(
            (spread.p10, spread.median, spread.p90, spread.n),
            (2.0, 6.0, 10.0, 11)
        );
        assert!(Spread::of(Vec::new()).is_none());
    }

    #[test]
    fn a_constant_ratio_has_no_spread() {
        let pairs: Vec<_> = (1..10)
            .map(|i| (f64::from(i) * 3.0, f64::from(i)))
            .collect();
        let ratio = Ratio::of_pairs(&pairs, 1).unwrap();
        for end in [ratio.low, ratio.median, ratio.high] {
            assert!((end - 3.0).abs() < 1e-9, "{ratio:?}");
        }
    }

    #[test]
    fn pairing_removes_what_both_sides_share() {
        // The machine is ten times slower in every other round, for both sides alike.
        let slow = |i: u32| if i.is_multiple_of(2) { 10.0 } else { 1.0 };
        let pairs: Vec<_> = (0..9).map(|i| (1.2 * slow(i), slow(i))).collect();
        let ratio = Ratio::of_pairs(&pairs, 1).unwrap();
        assert!(ratio.low > 1.19 && ratio.high < 1.21, "{ratio:?}");
    }

    #[test]
    fn the_interval_covers_the_truth_about_as_often_as_it_says() {
        // Ratios around 1.5 with a spread of 10 %; the true median must lie inside nearly always.
        let mut rng = Rng::with_seed(42);
        let covered = (0..200)
            .filter(|seed| {
                let noise = |rng: &mut Rng| 0.9 + 0.2 * rng.f64();
                let pairs: Vec<_> = (0..15).map(|_| (1.5 * noise(&mut rng), 1.0)).collect();
                let ratio = Ratio::of_pairs(&pairs, *seed).unwrap();
                ratio.low <= 1.5 && 1.5 <= ratio.high
            })
            .count();
        assert!(
            (180..=200).contains(&covered),
            "{covered} of 200 intervals held the truth"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let pairs = [(1.0, 2.0), (3.0, 2.0), (5.0, 4.0), (1.0, 1.5), (2.0, 2.1)];
        assert_eq!(Ratio::of_pairs(&pairs, 9), Ratio::of_pairs(&pairs, 9));
    }

    #[test]
    fn what_cannot_be_a_ratio_is_none() {
        assert!(Ratio::of_pairs(&[], 1).is_none());
        assert!(Ratio::of_pairs(&[(1.0, 0.0)], 1).is_none());
        assert!(Ratio::of_pairs(&[(f64::NAN, 1.0)], 1).is_none());
    }

    #[test]
    fn noise_is_the_farther_end_of_an_interval_of_equals() {
        let ratio = |low, high| Ratio {
            low,
            median: 1.0,
            high,
            rounds: 7,
        };
        assert!((ratio(0.98, 1.05).distance_from_equal() - 1.05).abs() < 1e-9);
        assert!((ratio(0.80, 1.05).distance_from_equal() - 1.25).abs() < 1e-9);
        assert_eq!(ratio(1.0, 1.0).distance_from_equal(), 1.0);
    }
}
