//! The one door to threads, locks and atomics, so that loom can stand in for them.
//!
//! `Arc`, `OnceLock` and `Waker` are always std's: whatever is shared through them is guarded by a
//! lock or an atomic from here.

#[cfg(not(loom))]
pub(crate) use std::{
    sync::{Mutex, MutexGuard, atomic::AtomicU64},
    thread,
};

#[cfg(loom)]
pub(crate) use loom::{
    sync::{Mutex, MutexGuard, atomic::AtomicU64},
    thread,
};

pub(crate) use std::sync::{Arc, OnceLock, PoisonError, Weak};

/// Locks, whether or not somebody panicked while holding it.
///
/// No user code runs under any lock of this crate, so a poisoned lock guards whole data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
