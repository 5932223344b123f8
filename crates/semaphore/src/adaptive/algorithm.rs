//! What an algorithm hears, and what it says.

use std::time::Duration;

/// How it went, as an [`Algorithm`] hears of it: one call, or a window of calls summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// From when the call was let in until it said how it went: the mean of those that were not
    /// dropped.
    pub rtt: Duration,
    /// How many were inside at the most, this one among them.
    pub in_flight: usize,
    /// Whether one failed because the other side is overloaded, or took too long.
    pub dropped: bool,
}

impl Sample {
    /// Whether at least half of the limit was made use of. When not, an answer that comes quickly
    /// says nothing about what would happen at the limit, and no algorithm here raises it.
    pub fn uses(&self, limit: f64) -> bool {
        self.in_flight as f64 * 2.0 >= limit
    }
}

/// Says what the limit should be: [`Aimd`](super::Aimd), [`Vegas`](super::Vegas),
/// [`Gradient2`](super::Gradient2), or one of your own.
///
/// Plain data, called by one at a time. It keeps no limit of its own: it is told the one in force,
/// with its fraction, and answers with the next one. The least and the most that the limit may be
/// are not its business. Where the answer is not a finite number the limit stays.
///
/// It is called by whoever ends a window, under no lock. When it panics, that is whom the panic
/// reaches, and the limit stays as it is.
///
/// ```
/// use anabranch_semaphore::adaptive::{AdaptiveLimit, Algorithm, Sample};
///
/// /// Ten while all is well, five after a window with a drop.
/// struct Halves;
///
/// impl Algorithm for Halves {
///     fn update(&mut self, _limit: f64, sample: Sample) -> f64 {
///         if sample.dropped { 5.0 } else { 10.0 }
///     }
/// }
///
/// let limit = AdaptiveLimit::builder().algorithm(Halves).initial(10).build();
/// limit.acquire().wait().dropped();
/// assert_eq!(limit.limit(), 5);
/// ```
pub trait Algorithm: Send {
    /// The next limit, after this sample under `limit`.
    fn update(&mut self, limit: f64, sample: Sample) -> f64;
}

impl<A: Algorithm + ?Sized> Algorithm for Box<A> {
    fn update(&mut self, limit: f64, sample: Sample) -> f64 {
        (**self).update(limit, sample)
    }
}
