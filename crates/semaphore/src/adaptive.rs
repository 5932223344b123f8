//! A limit that finds itself: from how it goes with those inside.
//!
//! By Little's law as many are inside as come in a second, times what each takes. Up to a point, the
//! *knee*, more inside means more done; beyond it they only wait for one another, over there. The
//! algorithms here look for that point from this side, and follow it when it moves. See the
//! [guide](crate::guide) for which of them is for what.
//!
//! Three files for the three, `baseline.rs` for what two of them measure against, `regulator.rs`
//! for what is common: windows and bounds. All that is plain data; `limit.rs` is the shell.

pub(crate) mod acquire;
mod admission;
mod aimd;
mod algorithm;
mod baseline;
mod builder;
mod gradient2;
mod limit;
mod regulator;
mod vegas;

pub use admission::{Admission, OwnedAdmission};
pub use aimd::Aimd;
pub use algorithm::{Algorithm, Sample};
pub use builder::Builder;
pub use gradient2::Gradient2;
pub use limit::AdaptiveLimit;
pub use vegas::Vegas;
