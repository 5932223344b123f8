//! How much in how much time.

use std::{fmt, time::Duration};

/// How many permits in how much time, and how many at once.
///
/// A bucket of [`burst`](Self::burst) permits, full at first, into which permits flow evenly: at
/// `per_second(10)` one every 100 ms, not ten at the full second.
///
/// The burst is **1 unless said otherwise**: strictly one after the other. In any stretch of time
/// `t` a limiter admits at most `burst + rate × t`; so with `per_second(100).burst(100)` the first
/// second may see 200, and with the default 101.
///
/// The ratio is kept exactly as it was given, from one a year to billions a second.
///
/// ```
/// use anabranch_ratelimit::Rate;
/// use std::time::Duration;
///
/// let api = Rate::per_minute(600).burst(20);
/// let beacon = Rate::new(2, Duration::from_secs(5)); // two every five seconds
/// assert_eq!(api.to_string(), "600 per 60s, burst 20");
/// assert!(!beacon.is_unlimited() && Rate::UNLIMITED.is_unlimited());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Rate {
    permits: u64,
    /// Zero stands for no limit.
    per: Duration,
    burst: u64,
}

impl Rate {
    /// No limit: everything is admitted at once, whatever the burst.
    pub const UNLIMITED: Self = Self {
        permits: 0,
        per: Duration::ZERO,
        burst: Self::MAX_BURST,
    };

    /// The largest burst, 2^60; more than that counts as that.
    pub const MAX_BURST: u64 = 1 << 60;

    /// `permits` every `per`, evenly spread.
    ///
    /// No permits at all is a rate too: what the bucket holds at first, and never anything more.
    ///
    /// # Panics
    /// When `per` is zero: say [`Rate::UNLIMITED`] if no limit is meant.
    #[track_caller]
    pub const fn new(permits: u64, per: Duration) -> Self {
        assert!(
            !per.is_zero(),
            "a rate needs a period longer than zero; no limit is Rate::UNLIMITED"
        );
        Self {
            permits,
            per,
            burst: 1,
        }
    }

    /// `permits` every second.
    pub const fn per_second(permits: u64) -> Self {
        Self::new(permits, Duration::from_secs(1))
    }

    /// `permits` every minute.
    pub const fn per_minute(permits: u64) -> Self {
        Self::new(permits, Duration::from_secs(60))
    }

    /// `permits` every hour.
    pub const fn per_hour(permits: u64) -> Self {
        Self::new(permits, Duration::from_secs(3_600))
    }

    /// `permits` every 24 hours.
    pub const fn per_day(permits: u64) -> Self {
        Self::new(permits, Duration::from_secs(86_400))
    }

    /// One permit every `interval`.
    ///
    /// # Panics
    /// When the interval is zero: say [`Rate::UNLIMITED`] if no limit is meant.
    #[track_caller]
    pub const fn every(interval: Duration) -> Self {
        Self::new(1, interval)
    }

    /// The same rate with room for `permits` at once: what an idle limiter saves up, and the
    /// largest single request.
    ///
    /// # Panics
    /// When it is zero: a bucket without room admits nothing. A rate that never refills is
    /// `per_second(0)`.
    #[track_caller]
    pub const fn burst(self, permits: u64) -> Self {
        assert!(permits > 0, "a burst of zero would never admit anything");
        let burst = if permits > Self::MAX_BURST {
            Self::MAX_BURST
        } else {
            permits
        };
        Self { burst, ..self }
    }

    /// Whether this is [`Rate::UNLIMITED`].
    pub const fn is_unlimited(&self) -> bool {
        self.per.is_zero()
    }

    pub(crate) const fn permits(&self) -> u64 {
        self.permits
    }

    /// Nanoseconds.
    pub(crate) const fn per_ns(&self) -> u128 {
        self.per.as_nanos()
    }

    pub(crate) const fn capacity(&self) -> u64 {
        self.burst
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unlimited() {
            return f.write_str("unlimited");
        }
        write!(
            f,
            "{} per {:?}, burst {}",
            self.permits, self.per, self.burst
        )
    }
}
