//! The operations of this crate, by type. They are made by the methods of
//! [`RateLimiter`](crate::RateLimiter) and its relatives; the names are for signatures.

pub use crate::acquire::Acquire;
pub use crate::{keyed::AcquireForKey, pacer::Next, window::AcquireInWindow};
