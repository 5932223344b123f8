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
        atomic::{AtomicU32, AtomicU64, AtomicUsize},
    },
    thread::yield_now,
};

pub(crate) use std::sync::Arc;
use std::sync::{PoisonError, TryLockError};

/// Locks, whether or not somebody panicked while holding it.
///
/// No user code runs under the locks of this crate but the clone of a waker, before anything is
/// changed: a poisoned lock guards whole data.
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => lock_contended(mutex),
    }
}

/// Somebody has it, for some tens of nanoseconds: stands aside for about a microsecond, without a
/// look at the lock, in which the other gets through a batch of what it has to do. Two threads that
/// want the lock at every step are twice as fast so as when each of them fights for every step
/// (`CH1-u` 84 to 46 ns, `CH1-128` 152 to 96).
#[cold]
fn lock_contended<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    const PAUSES: u32 = 64;
    if !cfg!(any(loom, shuttle)) {
        (0..PAUSES).for_each(|_| std::hint::spin_loop());
    }
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
