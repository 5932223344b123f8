//! The one door to threads, locks and atomics, so that loom and shuttle can stand in for them.
//!
//! `Arc`, `Weak`, `Waker` and `OnceLock` are always std's: loom has no counterpart for all of
//! them, and none of our arguments rests on *their* orderings; whatever is shared through them
//! is guarded by a lock or an atomic from here.

#[cfg(loom)]
use loom as model;
#[cfg(shuttle)]
use shuttle as model;
#[cfg(not(any(loom, shuttle)))]
use std as model;

pub(crate) use model::{
    sync::{
        Condvar, Mutex, MutexGuard,
        atomic::{AtomicU32, AtomicU64},
    },
    thread::yield_now,
};

pub(crate) use std::sync::{Arc, OnceLock, PoisonError, Weak};

/// Locks, whether or not somebody panicked while holding it.
///
/// No user code runs under any lock of this crate, so a poisoned lock guards whole data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
