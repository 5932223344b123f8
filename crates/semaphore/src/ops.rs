//! The operations of this crate, by type. They are made by the methods of
//! [`Semaphore`](crate::Semaphore); the names are for signatures.

pub use crate::acquire::{Acquire, AcquireMany, AcquireManyOwned, AcquireOwned};
