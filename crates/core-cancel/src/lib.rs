//! One cancellation tree, one clock and one kind of operation for threads and tasks.
//!
//! ```
//! use anabranch_core_cancel::CancelToken;
//! use std::{thread, time::Duration};
//!
//! let root = CancelToken::new();
//! let call = root.child_with_timeout(Duration::from_secs(5));
//! let worker = thread::spawn(move || {
//!     for step in 0.. {
//!         call.check()?; // or any wait: call.sleep(d).wait()?; in a task: .await
//!         if step == 1_000 { call.cancelled().wait(); }
//!     }
//!     Ok::<(), anabranch_core_cancel::Cancelled>(())
//! });
//! root.cancel_with("disk full");
//! assert_eq!(format!("{:#}", worker.join().unwrap().unwrap_err()).split(": ").last(), Some("disk full"));
//! ```
//!
//! | you want to | use |
//! | --- | --- |
//! | stop work, and say why | [`CancelToken`], [`Cancelled`] |
//! | wait for anything, in a thread or a task, with a limit | [`Wait`]: `.wait()`, `.await`, `.with_cancel(&token)`, `.timeout(d)` |
//! | test without sleeping | [`CancelToken::manual`], [`ManualTime`] |
//! | run something when a token is cancelled, cancel on drop | [`Hook`], [`CancelGuard`] |
//! | make an operation of your own | [`Operation`], [`operation!`], [`Timer`], [`runtime_free`] |
//! | build a primitive with a fair queue of threads and tasks | [`queue`] |
//! | learn the pattern and its pitfalls | [`guide`] |
#![forbid(unsafe_code)]

mod cancelled;
mod claim;
mod clock;
mod hook;
mod list;
mod manual;
mod node;
mod operation;
pub mod ops;
mod parker;
mod patience;
pub mod queue;
#[doc(hidden)]
pub mod select;
mod sync;
mod system;
mod ticket;
mod timers;
mod token;
mod wakes;
mod watch;

pub use cancelled::{CancelKind, Cancelled};
pub use claim::Claim;
pub use clock::Clock;
pub use hook::{CancelGuard, Hook};
pub use manual::{Hold, ManualTask, ManualTime, Membership, Participation, Spawned};
pub use node::Watchers;
pub use operation::{Operation, Wait, runtime_free};
pub use ops::timer::Timer;
pub use ops::{MissedTicks, Ticker};
pub use ticket::Ticket;
pub use token::CancelToken;
pub use wakes::Wakes;

use std::time::{Duration, Instant};

#[doc(hidden)]
pub use operation::wait as __wait;

/// Ready when `time` has passed on the system's clock, counted from the first poll: an operation.
///
/// On a token's clock: [`CancelToken::after`].
pub fn after(time: Duration) -> ops::After {
    CancelToken::never().after(time)
}

/// Ready at `at`, at once if that has passed: an operation, on the system's clock.
///
/// On a token's clock: [`CancelToken::until`].
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let at = Instant::now() + Duration::from_millis(5);
/// anabranch_core_cancel::deadline(at).wait();
/// assert!(Instant::now() >= at);
/// ```
pub fn deadline(at: Instant) -> ops::Until {
    CancelToken::never().until(at)
}

/// Ticks every `period` on the system's clock. On a token's clock: [`CancelToken::ticker`].
///
/// # Panics
/// When the period is zero.
#[track_caller]
pub fn ticker(period: Duration) -> Ticker {
    CancelToken::never().ticker(period)
}

#[doc = include_str!("../README.md")]
pub mod guide {}
