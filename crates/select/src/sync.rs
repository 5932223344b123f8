//! The one door to locks and atomics, so that loom and shuttle can stand in for them.
//!
//! `Arc` is always std's: whatever is shared through it is guarded by a lock or an atomic from here.

#[cfg(loom)]
use loom as model;
#[cfg(shuttle)]
use shuttle as model;
#[cfg(not(any(loom, shuttle)))]
use std as model;

pub(crate) use model::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU32, AtomicUsize},
    },
    thread::yield_now,
};

pub(crate) use std::sync::Arc;
use std::sync::PoisonError;

/// Locks, whether or not somebody panicked while holding it.
///
/// No user code runs under the locks of this crate but the clone of a waker, before anything is
/// changed: a poisoned lock guards whole data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
