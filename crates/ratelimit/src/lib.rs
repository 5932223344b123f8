//! Let so much happen in so much time: a fair token bucket for threads and tasks.
//!
//! ```
//! use anabranch_ratelimit::{Rate, RateLimiter};
//!
//! let limiter = RateLimiter::new(Rate::per_second(1_000).burst(5));
//! for _call in 0..10 {
//!     limiter.acquire(1).wait()?; // blocks until it is our turn; in a task: .await
//! }
//! assert!(!limiter.allow()); // or ask without waiting
//! # Ok::<(), anabranch_ratelimit::ExceedsBurst>(())
//! ```
//!
//! | you want to | use |
//! | --- | --- |
//! | say how much in how much time | [`Rate`] |
//! | hold callers to it, waiting or not | [`RateLimiter`] |
//! | have one limit for each of many keys | [`KeyedRateLimiter`] |
//! | admit so many in *any* window of time | [`SlidingWindow`] |
//! | space calls evenly | [`Pacer`] |
//! | do something now and then | [`Sometimes`] |
//! | know when to come again | [`Denied`] |
//! | wait no longer than a token lives or a timeout says | [`ops::Acquire`], [`AcquireError`] |
//! | test without sleeping | [`RateLimiter::on`] with [`CancelToken::manual`] |
//! | learn the pattern and its pitfalls | [`guide`] |
#![forbid(unsafe_code)]

mod acquire;
#[cfg(loom)]
#[doc(hidden)]
pub mod control;
mod error;
mod keyed;
mod limiter;
mod line;
mod meter;
mod nanos;
pub mod ops;
mod pacer;
mod rate;
mod sometimes;
mod sync;
mod window;

pub use anabranch_core_cancel::{CancelToken, Wait};
pub use error::{AcquireError, Denied, ExceedsBurst};
pub use keyed::{KeyDenied, KeyedRateLimiter, NoRoom};
pub use limiter::RateLimiter;
pub use pacer::Pacer;
pub use rate::Rate;
pub use sometimes::Sometimes;
pub use window::SlidingWindow;

#[doc = include_str!("../README.md")]
pub mod guide {}
