//! The operations of this crate, by type. They are made by the methods of
//! [`CancelToken`](crate::CancelToken) and [`Wait`](crate::Wait); the names are for signatures.

mod cancellation;
mod run;
mod sleep;
mod ticker;
mod timeout;
pub(crate) mod timer;
mod with_cancel;

pub use crate::operation::RuntimeFree;
pub use cancellation::{Cancellation, Draining};
pub use run::Run;
pub use sleep::{After, Sleep, Until};
pub use ticker::{MissedTicks, Tick, Ticker};
pub use timeout::Timeout;
pub use with_cancel::WithCancel;
