//! The word and the line together: whoever passes holds permits.
//!
//! ```text
//!   acquire ── enough, and nobody waits ──▶ one exchange of the word
//!           └─ else ──▶ lock, join the line, say so in the word
//!
//!   release ──▶ one addition to the word ── nobody waits ──▶ done
//!                                         └─ else ──▶ lock, hand over to the first in line
//! ```
//!
//! What is handed over is handed over under the lock, and belongs to the waiter from then on. The
//! capacity changes under the lock too; what is *held* is never counted: it is the capacity less
//! what is free, so the two cannot disagree.

#[cfg(loom)]
use crate::control::{Mistake, is_planted};
use crate::{
    error::{ExceedsCapacity, NoPermits, TryAcquireError},
    grants::Grants,
    line::{Line, Shared},
    sync::{AtomicUsize, Mutex, MutexGuard, lock},
    word::{MAX_PERMITS, Order, Word},
};
use anabranch_core_cancel::Wakes;
use std::sync::atomic::Ordering::Relaxed;

pub(crate) struct Gate {
    shared: Shared,
    order: Order,
    /// Changes under the line's lock only. ORDERING: Relaxed; a reader without the lock gets a
    /// snapshot, and decides nothing by it but which error to return.
    capacity: AtomicUsize,
    line: Mutex<Line>,
}

impl Gate {
    #[cfg(not(loom))]
    pub(crate) const fn new(permits: usize, order: Order, max_waiters: usize) -> Self {
        assert!(permits <= MAX_PERMITS, "more than Semaphore::MAX_PERMITS");
        Self {
            shared: Shared {
                word: Word::new(permits),
                grants: Grants::new(),
            },
            order,
            capacity: AtomicUsize::new(permits),
            line: Mutex::new(Line::new(order, max_waiters)),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new(permits: usize, order: Order, max_waiters: usize) -> Self {
        Self {
            shared: Shared {
                word: Word::new(permits),
                grants: Grants::new(),
            },
            order,
            capacity: AtomicUsize::new(permits),
            line: Mutex::new(Line::new(order, max_waiters)),
        }
    }

    #[inline]
    pub(crate) fn order(&self) -> Order {
        self.order
    }

    /// Takes so many if they are free and, in that order, nobody waits.
    #[inline]
    pub(crate) fn try_take(&self, permits: usize, order: Order) -> Result<(), NoPermits> {
        if permits == 0 || self.shared.word.take(permits, order) {
            return Ok(());
        }
        Err(NoPermits {
            available: self.shared.word.available(order),
        })
    }

    /// As [`try_take`](Self::try_take), and says when that can never be.
    #[inline]
    pub(crate) fn try_take_many(
        &self,
        requested: usize,
        order: Order,
    ) -> Result<(), TryAcquireError> {
        let Err(none) = self.try_take(requested, order) else {
            return Ok(());
        };
        let capacity = self.capacity();
        if requested > capacity {
            return Err(ExceedsCapacity {
                requested,
                capacity,
            }
            .into());
        }
        Err(none.into())
    }

    /// Gives back so many.
    #[inline]
    pub(crate) fn give(&self, permits: usize) {
        if permits == 0 {
            return;
        }
        if self.order == Order::Fair && self.shared.word.is_waiting() {
            self.hand_over(permits);
        } else if self.shared.word.give(permits) {
            self.serve();
        }
    }

    #[cold]
    fn hand_over(&self, permits: usize) {
        let mut wakes = Wakes::new();
        lock(&self.line).give(&self.shared, permits, &mut wakes);
    }

    #[cold]
    fn serve(&self) {
        // Declared in this order: the lock is released, then wakers are woken.
        let mut wakes = Wakes::new();
        lock(&self.line).serve(&self.shared, &mut wakes);
    }

    /// Lets the capacity be `to`, whatever is held.
    pub(crate) fn resize(&self, to: usize) {
        assert!(to <= MAX_PERMITS, "more than Semaphore::MAX_PERMITS");
        let mut wakes = Wakes::new();
        let mut line = lock(&self.line);
        let from = self.capacity();
        self.capacity.store(to, Relaxed);
        if to >= from {
            self.shared.word.grow(to - from);
        } else {
            self.shared.word.shrink(from - to);
        }
        #[cfg(loom)]
        if is_planted(Mistake::ForgetResized) {
            return;
        }
        line.refuse(&self.shared, to, &mut wakes);
    }

    /// So many that are held will not come back.
    pub(crate) fn forget(&self, permits: usize) {
        if permits == 0 {
            return;
        }
        let mut wakes = Wakes::new();
        let mut line = lock(&self.line);
        let from = self.capacity();
        let to = from.saturating_sub(permits);
        self.capacity.store(to, Relaxed);
        // They count as held no longer. What the capacity could not shrink by was owed to it.
        self.shared.word.grow(permits - (from - to));
        line.refuse(&self.shared, to, &mut wakes);
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    #[inline]
    pub(crate) fn line(&self) -> MutexGuard<'_, Line> {
        lock(&self.line)
    }

    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.capacity.load(Relaxed)
    }

    pub(crate) fn available(&self) -> usize {
        self.shared.word.available(self.order)
    }

    pub(crate) fn held(&self) -> usize {
        let _line = lock(&self.line);
        let held = self.capacity() as isize - self.shared.word.free();
        usize::try_from(held).expect("no more is free than there is")
    }

    pub(crate) fn waiting(&self) -> usize {
        lock(&self.line).len()
    }

    pub(crate) fn max_waiters(&self) -> usize {
        lock(&self.line).max_waiters()
    }
}
