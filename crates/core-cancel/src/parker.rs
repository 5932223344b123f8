//! Puts a thread to sleep until it is woken, privately.
//!
//! std's `thread::park` shares one token per thread with everybody: a user's `unpark` would wake
//! us, and our park would swallow a token meant for the user. So each wait has a parker of its
//! own: one word, a mutex and a condition variable.
//!
//! ```text
//!            unpark                park
//!   EMPTY ───────────▶ NOTIFIED ───────────▶ EMPTY     (no sleep at all)
//!     │ park                 ▲
//!     ▼        unpark        │
//!   PARKED ──────────────────┘  then lock, unlock, notify: the sleeper holds the lock from
//!                               before it says PARKED until it sleeps, so the call finds it
//! ```
//!
//! All transitions are read-modify-writes of one word, so they have one order: either `unpark`
//! comes first and `park` finds NOTIFIED, or it finds PARKED and wakes. `unpark` is a Release and
//! what takes the notification an Acquire: the woken thread sees what its waker did before.

use crate::{
    manual::{self, Participant},
    patience::{self, TO_SLEEP},
    sync::{Arc, AtomicU32, Condvar, Mutex, PoisonError, lock},
    system,
};
#[cfg(not(any(loom, shuttle)))]
use std::cell::Cell;
use std::{
    sync::atomic::Ordering::{AcqRel, Acquire, Relaxed},
    task::{Wake, Waker},
    time::Duration,
};

const EMPTY: u32 = 0;
const PARKED: u32 = 1;
const NOTIFIED: u32 = 2;

/// A wait that ends sooner than this is for the time's sake: then nobody else gets any of it.
const PATIENT: Duration = Duration::from_millis(20);

/// One sleeper's place to sleep.
pub(crate) struct Parker {
    state: AtomicU32,
    mutex: Mutex<()>,
    condvar: Condvar,
    /// Whose wait this is on a manual clock: counted as running before it is woken.
    participant: Option<Arc<Participant>>,
}

impl Parker {
    pub(crate) fn new(participant: Option<Arc<Participant>>) -> Self {
        Self {
            state: AtomicU32::new(EMPTY),
            mutex: Mutex::new(()),
            condvar: Condvar::new(),
            participant,
        }
    }

    pub(crate) fn participant(&self) -> Option<&Arc<Participant>> {
        self.participant.as_ref()
    }

    /// Whether the next `park` returns at once.
    pub(crate) fn is_notified(&self) -> bool {
        // ORDERING: Acquire, paired with `unpark`; asked by the manual clock under its own lock.
        self.state.load(Acquire) == NOTIFIED
    }

    /// Sleeps until `unpark`, or for `limit`.
    pub(crate) fn park(&self, limit: Option<Duration>) {
        // ORDERING: Acquire on taking the notification, see the head of the file.
        if self
            .state
            .compare_exchange(NOTIFIED, EMPTY, Acquire, Relaxed)
            .is_ok()
        {
            return;
        }
        let mut guard = lock(&self.mutex);
        if self
            .state
            .compare_exchange(EMPTY, PARKED, Relaxed, Relaxed)
            .is_err()
        {
            // ORDERING: Acquire: the notification came between the two exchanges.
            self.state.swap(EMPTY, Acquire);
            return;
        }
        loop {
            guard = match limit {
                None => self
                    .condvar
                    .wait(guard)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(limit) => {
                    let _guard = self
                        .condvar
                        .wait_timeout(guard, limit)
                        .unwrap_or_else(PoisonError::into_inner);
                    // Woken, late or for no reason: the caller looks again in any case.
                    // ORDERING: Acquire, should it hold a notification.
                    self.state.swap(EMPTY, Acquire);
                    return;
                }
            };
            // ORDERING: Acquire on taking the notification.
            if self
                .state
                .compare_exchange(NOTIFIED, EMPTY, Acquire, Relaxed)
                .is_ok()
            {
                return;
            }
        }
    }

    /// Looks for a moment whether it is worth going to sleep: see `patience.rs`. Only looks: what
    /// takes the notification is the `park` that follows.
    fn linger(&self) {
        let notified = || self.is_notified();
        let _either = patience::spin(&TO_SLEEP, notified) || patience::stand_aside(notified);
    }

    /// Wakes the sleeper, or lets its next `park` return at once.
    pub(crate) fn unpark(&self) {
        // ORDERING: Release publishes what the waker did; Acquire is only for the order with an
        // earlier notification that this one overwrites.
        let was = self.state.swap(NOTIFIED, AcqRel);
        if let Some(participant) = &self.participant {
            // After the swap: a sleeper that is about to count itself as waiting looks at the
            // word under the clock's lock, so one of the two sees the other.
            participant.woken();
        }
        if was == PARKED {
            drop(lock(&self.mutex));
            self.condvar.notify_one();
        }
    }
}

impl Wake for Parker {
    fn wake(self: std::sync::Arc<Self>) {
        self.unpark();
    }

    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        self.unpark();
    }
}

type Cached = (Arc<Parker>, Waker);

#[cfg(not(any(loom, shuttle)))]
thread_local! {
    /// This thread's parker while no wait uses it: a wait inside a wait makes a second one.
    static CACHE: Cell<Option<Cached>> = const { Cell::new(None) };
}

/// The parker a wait took, given back to the thread on drop.
pub(crate) struct Borrowed(Option<Cached>);

impl Borrowed {
    pub(crate) fn take() -> Self {
        let participant = manual::current();
        #[cfg(not(any(loom, shuttle)))]
        if let Ok(Some(cached)) = CACHE.try_with(Cell::take) {
            let same = match (cached.0.participant(), &participant) {
                (None, None) => true,
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                _ => false,
            };
            if same {
                return Self(Some(cached));
            }
        }
        let parker = Arc::new(Parker::new(participant));
        let waker = Waker::from(parker.clone());
        Self(Some((parker, waker)))
    }

    fn cached(&self) -> &Cached {
        self.0.as_ref().expect("taken only on drop")
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.cached().1
    }

    /// Sleeps until woken, or until that time of the system's clock.
    pub(crate) fn park_until(&self, until: u64) {
        let left = || Duration::from_nanos(until.saturating_sub(system::now()));
        let parker = &self.cached().0;
        if until == system::NEVER {
            parker.linger();
            return parker.park(None);
        }
        if left() >= PATIENT {
            parker.linger();
        }
        parker.park(Some(left()));
    }

    pub(crate) fn parker(&self) -> &Arc<Parker> {
        &self.cached().0
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        #[cfg(not(any(loom, shuttle)))]
        if let Some(cached) = self.0.take() {
            // Fails only while the thread's locals are being destroyed: then it is just dropped.
            let _ = CACHE.try_with(|cache| cache.set(Some(cached)));
        }
    }
}
