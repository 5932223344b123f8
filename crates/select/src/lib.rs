//! Channels and `select!`, for threads and tasks alike.
#![forbid(unsafe_code)]

pub mod channel;
#[cfg(any(loom, shuttle))]
#[doc(hidden)]
pub mod control;
mod error;
mod mux;
pub mod ops;
#[allow(
    missing_docs,
    missing_debug_implementations,
    reason = "what the macros expand to: public for them alone"
)]
mod select;
mod sync;

pub use anabranch_core_cancel::{CancelToken, Wait};
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

#[doc(hidden)]
pub mod __private {
    pub use crate::select::{Arm, Arms, Chosen, FutureArm, NoArm, Nobody, Plain, Select, TaskArm};
}
