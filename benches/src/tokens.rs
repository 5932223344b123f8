//! What the cancellation workloads ask of an implementation, and who answers.
//!
//! One file per implementation. The traits are the least each workload needs, so that an
//! implementation takes part where it can and nothing is faked where it cannot.

mod anabranch;
mod broken;
mod deadline_thread;
mod event_flag;
mod flag;
mod park_flag;
mod tokio_util;

use std::future::Future;

pub use anabranch::{child_waited_on, fire_hooks, fire_our_tasks};
pub use broken::Broken;
pub use deadline_thread::{DeadlineThread, fire_on_thread};
pub use event_flag::EventFlag;
pub use flag::{DeadlineFlag, Flag};
pub use park_flag::ParkFlag;
pub use tokio_util::{TimedTask, child_with_tokio_timeout, fire_in_tasks};

/// A value that can be cancelled, and handed down. A clone is the same token.
pub trait Token: Clone + Send + Sync + 'static {
    /// A token without a parent.
    fn root() -> Self;
    /// A token that is cancelled with this one.
    fn child(&self) -> Self;
    /// Whether it has been cancelled.
    fn is_cancelled(&self) -> bool;
    /// Cancels it and its children.
    fn cancel(&self);
}

/// A token that a thread can block on.
pub trait BlockingToken: Token {
    /// Blocks the thread until the token is cancelled.
    fn wait(&self);
}

/// A token that a task can wait for.
pub trait AsyncToken: Token {
    /// Finishes when the token is cancelled.
    fn cancelled(&self) -> impl Future<Output = ()> + Send;
}
