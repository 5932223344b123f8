//! The operations of this crate, by type. They are made by the methods of
//! [`Semaphore`](crate::Semaphore) and [`AdaptiveLimit`](crate::AdaptiveLimit); the names are for signatures.

pub use crate::acquire::{Acquire, AcquireMany, AcquireManyOwned, AcquireOwned};
pub use crate::adaptive::acquire::{Admit, AdmitOwned};
