//! Durations as clocks count them.

use std::time::Duration;

/// In nanoseconds; what is too long for 584 years is `u64::MAX`, which never comes.
pub(crate) const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 {
        u64::MAX
    } else {
        nanos as u64
    }
}
