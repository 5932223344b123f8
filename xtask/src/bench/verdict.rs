//! Met, missed, or not to be told: what an interval says about a bar.

use serde::Serialize;

use super::stats::{ROUNDS_TO_JUDGE, Ratio};

/// What is known about a bar. Only a sure miss is an error, and only a sure hit is called met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// The whole interval is at or below the bar.
    Met,
    /// The whole interval is above the bar by more than the noise.
    Missed,
    /// Neither: the interval spans the bar, or the noise could explain it, or there are too few
    /// rounds.
    Unclear,
    /// A side has no figure: its check failed, or it lacks the metric.
    Failed,
}

impl Verdict {
    /// `to_bar` is what was measured over what is allowed; `noise` is the distance from equal at
    /// which the same measurement put two identical cells (1.03: 3 %).
    pub(crate) fn of(to_bar: &Ratio, noise: f64) -> Verdict {
        if to_bar.rounds < ROUNDS_TO_JUDGE {
            Verdict::Unclear
        } else if to_bar.high <= 1.0 {
            Verdict::Met
        } else if to_bar.low > noise.max(1.0) {
            Verdict::Missed
        } else {
            Verdict::Unclear
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::Missed => "MISSED",
            Verdict::Unclear => "unclear",
            Verdict::Failed => "FAILED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(low: f64, high: f64, noise: f64) -> Verdict {
        let median = low.midpoint(high);
        Verdict::of(
            &Ratio {
                low,
                median,
                high,
                rounds: 7,
            },
            noise,
        )
    }

    #[test]
    fn the_whole_interval_decides() {
        assert_eq!(judge(0.80, 0.95, 1.01), Verdict::Met);
        assert_eq!(judge(0.95, 1.00, 1.01), Verdict::Met);
        assert_eq!(judge(0.95, 1.01, 1.01), Verdict::Unclear);
        assert_eq!(judge(1.05, 1.10, 1.01), Verdict::Missed);
    }

    #[test]
    fn what_noise_could_explain_is_unclear() {
        assert_eq!(judge(1.05, 1.10, 1.06), Verdict::Unclear);
        assert_eq!(judge(1.05, 1.10, 1.04), Verdict::Missed);
        // Noise below equal makes nothing easier to miss.
        assert_eq!(judge(0.99, 1.10, 0.9), Verdict::Unclear);
    }

    #[test]
    fn too_few_rounds_are_unclear_however_narrow_the_interval() {
        let sure = Ratio {
            low: 3.0,
            median: 3.0,
            high: 3.0,
            rounds: 6,
        };
        assert_eq!(Verdict::of(&sure, 1.0), Verdict::Unclear);
        assert_eq!(
            Verdict::of(&Ratio { rounds: 7, ..sure }, 1.0),
            Verdict::Missed
        );
    }
}
