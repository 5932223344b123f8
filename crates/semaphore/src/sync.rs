//! The one door to locks and atomics, so that loom can stand in for them.

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicIsize, AtomicU64, AtomicUsize},
};

#[cfg(loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicIsize, AtomicU64, AtomicUsize},
};

// std's: the tests share a semaphore in one, and none of our arguments rests on its orderings.
pub(crate) use std::sync::{Arc, PoisonError};

/// Locks, whether or not somebody panicked while holding it.
///
/// No user code runs under the lock of this crate but the clone of a waker, before anything is
/// changed: a poisoned lock guards whole data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
