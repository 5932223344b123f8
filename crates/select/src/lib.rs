//! Channels and `select!`, for threads and tasks alike.
//!
//! ```
//! use anabranch_select::{CancelToken, channel, thread::select};
//! use std::{thread, time::Duration};
//!
//! let (orders_tx, orders) = channel::bounded(16);
//! let (_audit_tx, audit) = channel::rendezvous::<String>();
//! let token = CancelToken::new();
//! let shop = thread::spawn(move || orders_tx.send("tea").wait()); // in a task: .await
//! let booked = select! {
//!     order = orders.recv() => order, // one of them takes effect, and the others have had none
//!     entry = audit.recv() => panic!("nobody sends: {entry:?}"),
//!     _ = token.cancelled() => panic!("nobody cancels"),
//!     _ = token.after(Duration::from_secs(60)) => panic!("too late"),
//! };
//! assert_eq!(booked, Ok("tea"));
//! assert_eq!(shop.join().unwrap(), Ok(()));
//! ```
//!
//! | you want to | use |
//! | --- | --- |
//! | pass messages, each to one receiver | [`channel::bounded`], [`rendezvous`](channel::rendezvous), [`unbounded`](channel::unbounded): [`Sender`], [`Receiver`] |
//! | answer once | [`channel::oneshot`](channel::oneshot()) |
//! | show the latest value | [`channel::watch`](channel::watch()) |
//! | tell everybody everything | [`channel::broadcast`](channel::broadcast()) |
//! | wait for the first of several, in a thread or in a task | [`thread::select!`](thread::select), [`task::select!`](task::select) |
//! | receive from many, and from a set that changes | [`Mux`] |
//! | wait for a time | [`after`], [`deadline`], [`ticker`], or those of the [`CancelToken`] |
//! | talk to std's, crossbeam's and tokio's channels | [`interop`] |
//! | learn the pattern and its pitfalls | [`guide`] |
#![forbid(unsafe_code)]

pub mod channel;
#[cfg(any(loom, shuttle))]
#[doc(hidden)]
pub mod control;
mod error;
pub mod interop;
mod mux;
pub mod ops;
#[allow(
    missing_docs,
    missing_debug_implementations,
    reason = "what the macros expand to: public for them alone"
)]
mod select;
mod sync;

pub use anabranch_core_cancel::{CancelToken, MissedTicks, Ticker, Wait, after, deadline, ticker};
pub use channel::{Receiver, Sender, WeakSender};
pub use error::{Closed, RecvError, SendError, TryRecvError, TrySendError, Unsent};
pub use mux::Mux;

/// `select!` for threads.
pub mod thread {
    #[doc(inline)]
    pub use crate::__select_thread as select;
}

/// `select!` for tasks.
pub mod task {
    #[doc(inline)]
    pub use crate::__select_task as select;
}

#[doc = include_str!("../README.md")]
pub mod guide {}

#[doc(hidden)]
pub mod __private {
    pub use crate::select::{Arm, Arms, Chosen, FutureArm, NoArm, Nobody, Plain, Select, TaskArm};
}
