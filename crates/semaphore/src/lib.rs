//! Let at most so many in at a time: a fair, weighted, resizable semaphore for threads and tasks.
//!
//! ```
//! use anabranch_semaphore::Semaphore;
//!
//! let room = Semaphore::new(2);
//! let seat = room.acquire().wait(); // blocks while the room is full; in a task: .await
//! assert_eq!(room.available_permits(), 1);
//! drop(seat); // leaving frees the seat
//! ```
//!
//! | you want to | use |
//! | --- | --- |
//! | limit threads and tasks within a scope | [`Semaphore::acquire`], [`Permit`] |
//! | ... by weight | [`Semaphore::acquire_many`], [`ExceedsCapacity`] |
//! | ... without waiting | [`Semaphore::try_acquire`], [`NoPermits`] |
//! | ... no longer than a token lives or a timeout says | [`ops::Acquire`], [`AcquireError`] |
//! | carry a permit into another thread or task | [`Semaphore::acquire_owned`], [`OwnedPermit`] |
//! | change the limit while it is in use | [`Semaphore::resize`] |
//! | shed load when too many wait, or prefer throughput to order | [`Builder`] |
//! | have the limit find itself, from how calls go | [`AdaptiveLimit`], [`adaptive`] |
//! | learn the pattern and its pitfalls | [`guide`] |
#![forbid(unsafe_code)]

mod acquire;
pub mod adaptive;
mod builder;
#[cfg(loom)]
#[doc(hidden)]
pub mod control;
mod error;
mod gate;
mod grants;
mod line;
pub mod ops;
mod permit;
mod request;
mod semaphore;
mod sync;
mod word;

pub use adaptive::{AdaptiveLimit, Admission, OwnedAdmission};
pub use anabranch_core_cancel::{CancelToken, Cancelled, Wait};
pub use builder::{Builder, Limited, Unlimited};
pub use error::{
    AcquireError, ExceedsCapacity, NoPermits, Refused, TooManyWaiters, TryAcquireError,
};
pub use permit::{OwnedPermit, Permit};
pub use semaphore::Semaphore;

#[doc = include_str!("../README.md")]
pub mod guide {}
