//! Let so much happen in so much time: a fair token bucket for threads and tasks.
//!
//! ```
//! use anabranch_ratelimit::{Rate, RateLimiter};
//!
//! let limiter = RateLimiter::new(Rate::per_second(1_000).burst(5));
//! for _call in 0..10 {
//!     limiter.acquire(1).wait()?; // blocks until it is our turn; in a task: .await
//! }
//! let hourly = RateLimiter::new(Rate::per_hour(1));
//! assert!(hourly.allow() && !hourly.allow()); // or ask without waiting
//! # Ok::<(), anabranch_ratelimit::Refused>(())
//! ```
//!
//! | you want to | use |
//! | --- | --- |
//! | say how much in how much time | [`Rate`] |
//! | hold callers to it, waiting or not | [`RateLimiter`] |
//! | be held to several limits at once | [`RateLimiter::all`] |
//! | have one limit for each of many keys | [`KeyedRateLimiter`] |
//! | admit so many in *any* window of time | [`SlidingWindow`] |
//! | space calls evenly | [`Pacer`] |
//! | do something now and then | [`Sometimes`] |
//! | know when to come again | [`Denied`] |
//! | take a moment of your own, and give it back | [`Reservation`] |
//! | bound the line, allow debt, start slowly | [`RateLimiter::max_waiters`], [`allow_debt`](RateLimiter::allow_debt), [`warm_up`](RateLimiter::warm_up) |
//! | wait no longer than a token lives or a timeout says | [`ops::Acquire`], [`AcquireError`] |
//! | test without sleeping | [`RateLimiter::on`] with [`CancelToken::manual`] |
//! | learn the pattern and its pitfalls | [`guide`] |
//!
//! The feature `quanta`, on by default, reads the processor's own counter instead of asking the
//! system for the time, which is three quarters of what a call costs otherwise.
#![forbid(unsafe_code)]

mod acquire;
mod book;
mod cell;
#[cfg(loom)]
#[doc(hidden)]
pub mod control;
mod each;
mod error;
mod keyed;
mod limiter;
mod limits;
mod line;
mod meter;
mod nanos;
pub mod ops;
mod pacer;
mod plan;
mod rate;
mod reservation;
mod sometimes;
mod sync;
mod time;
mod waiters;
mod warm_up;
mod window;

pub use anabranch_core_cancel::{CancelToken, Wait};
pub use error::{AcquireError, Denied, ExceedsBurst, LineFull, Refused};
pub use keyed::{
    KeyAcquireError, KeyDenied, KeyRefused, KeyedRateLimiter, NoRoom, SeededHasher, SeededState,
};
pub use limiter::RateLimiter;
pub use pacer::Pacer;
pub use rate::Rate;
pub use reservation::Reservation;
pub use sometimes::Sometimes;
pub use window::SlidingWindow;

#[doc = include_str!("../README.md")]
pub mod guide {}
