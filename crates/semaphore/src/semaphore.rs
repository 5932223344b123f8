//! The semaphore: what people come for.

use crate::{
    builder::{Builder, Unlimited},
    error::{NoPermits, TryAcquireError},
    gate::Gate,
    ops::{Acquire, AcquireMany, AcquireManyOwned, AcquireOwned},
    permit::{OwnedPermit, Permit},
    sync::Arc,
    word::{MAX_PERMITS, Order},
};
use std::{fmt, marker::PhantomData};

/// Lets at most so many in at a time, threads and tasks alike.
///
/// Share it by reference, in an `Arc`, or as a `static`. A permit is held from when an acquire
/// finishes until its guard is dropped; how many there are in all is the *capacity*, which can be
/// [changed](Self::resize) at any time.
///
/// | | when too few are free | |
/// | --- | --- | --- |
/// | [`try_acquire`](Self::try_acquire) | [`NoPermits`] | do without |
/// | [`acquire`](Self::acquire) | waits its turn | most callers want this |
/// | `acquire().timeout(d)`, `.with_cancel(&token)` | waits so long | [`Cancelled`](crate::Cancelled) |
///
/// `W` says whether a line that is too long refuses newcomers. A plain `Semaphore` has no such
/// limit, and its acquire yields a plain [`Permit`]; see [`Builder::max_waiters`].
///
/// There is no `close`: those who wait do so [under a token](Acquire::with_cancel), and
/// cancelling that ends their waits.
///
/// # Fairness
/// First come, first served, threads, tasks and selects in one line. What is given back goes to the
/// first in line at once, whether that one runs or not, and nobody overtakes: while somebody waits,
/// `try_acquire` fails, even where there would be enough for it. A large request holds back the
/// small ones behind it and so cannot starve. [`Builder::barging`] gives that up for throughput.
///
/// ```
/// use anabranch_semaphore::Semaphore;
/// use std::{sync::atomic::{AtomicUsize, Ordering::Relaxed}, thread};
///
/// static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// let gateway = Semaphore::new(3);
/// thread::scope(|s| {
///     for _payment in 0..10 {
///         s.spawn(|| {
///             let _permit = gateway.acquire().wait();
///             assert!(INSIDE.fetch_add(1, Relaxed) < 3);
///             // pay
///             INSIDE.fetch_sub(1, Relaxed);
///         });
///     }
/// });
/// assert_eq!(gateway.available_permits(), 3);
/// ```
pub struct Semaphore<W = Unlimited> {
    gate: Gate,
    line: PhantomData<fn() -> W>,
}

impl Semaphore {
    /// The most permits there can be: 2^61 - 1, or 2^29 - 1 where pointers have 32 bits.
    pub const MAX_PERMITS: usize = MAX_PERMITS;

    /// A semaphore with so many permits, all of them free. With none, everybody waits until it is
    /// [resized](Self::resize).
    ///
    /// # Panics
    /// When they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    ///
    /// ```
    /// use anabranch_semaphore::Semaphore;
    ///
    /// static DATABASE: Semaphore = Semaphore::new(8);
    /// let _connection = DATABASE.acquire().wait();
    /// ```
    #[cfg(not(loom))]
    #[must_use]
    #[track_caller]
    pub const fn new(permits: usize) -> Self {
        Self::with_gate(Gate::new(permits, Order::Fair, usize::MAX))
    }

    /// As without loom, but not `const`.
    #[cfg(loom)]
    #[must_use]
    pub fn new(permits: usize) -> Self {
        Self::with_gate(Gate::new(permits, Order::Fair, usize::MAX))
    }

    /// A semaphore with settings: barging, a limit on those who wait.
    pub fn builder(permits: usize) -> Builder {
        Builder::new(permits)
    }
}

impl<W> Semaphore<W> {
    pub(crate) const fn with_gate(gate: Gate) -> Self {
        Self {
            gate,
            line: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Waits until a permit is free, then takes it.
    ///
    /// An operation: nothing is taken until `.wait()` (blocks the thread) or `.await` (suspends the
    /// task). It yields a [`Permit`] and no error, so where the capacity is zero it waits for a
    /// resize; bounded by [`with_cancel`](Acquire::with_cancel) or [`timeout`](Acquire::timeout) it
    /// yields a `Result<Permit, Cancelled>`. Where the line is [limited](crate::Limited) it yields a
    /// `Result<Permit, TooManyWaiters>` and, bounded, a `Result<Permit, AcquireError>`.
    ///
    /// # Fairness
    /// First come, first served: see [`Semaphore`].
    ///
    /// # Cancel safety
    /// Dropped, cancelled or timed out before it finishes, it has taken nothing and gives up its
    /// place; a permit that was already handed to it goes to the next in line.
    ///
    /// # Cost
    /// One compare-exchange while permits are free (bench `S1`), and no allocation; else the line's
    /// lock, and one sleep.
    #[inline]
    pub fn acquire(&self) -> Acquire<'_, W> {
        Acquire::new(self, 1)
    }

    /// Waits until `permits` are free, then takes all of them at once.
    ///
    /// As [`acquire`](Self::acquire), for a piece of work that weighs more than others. None at all
    /// pass at once, even while somebody waits.
    ///
    /// # Errors
    /// [`ExceedsCapacity`](crate::ExceedsCapacity) if the capacity is smaller than `permits`: at
    /// once, or, when it shrinks while this one waits, then. Those behind it in line go on. Bounded,
    /// an [`AcquireError`](crate::AcquireError); where the line is limited,
    /// [`Refused`](crate::Refused).
    ///
    /// ```
    /// use anabranch_semaphore::{AcquireError, CancelToken, Semaphore};
    ///
    /// let memory = Semaphore::new(1_000); // megabytes
    /// let token = CancelToken::new();
    /// let render = memory.acquire_many(600).with_cancel(&token).wait()?;
    /// token.cancel();
    /// let next = memory.acquire_many(600).with_cancel(&token).wait();
    /// assert!(matches!(next, Err(AcquireError::Cancelled(_))));
    /// let never = memory.acquire_many(2_000).wait().unwrap_err();
    /// assert_eq!((never.requested, never.capacity), (2_000, 1_000));
    /// # Ok::<(), AcquireError>(())
    /// ```
    #[inline]
    pub fn acquire_many(&self, permits: usize) -> AcquireMany<'_, W> {
        AcquireMany::new(self, permits)
    }

    /// As [`acquire`](Self::acquire); the permit keeps the semaphore alive and may go anywhere.
    ///
    /// # Cost
    /// One more reference to the semaphore, counted when this is called and again when the permit is
    /// dropped.
    #[inline]
    pub fn acquire_owned(self: &Arc<Self>) -> AcquireOwned<W> {
        AcquireOwned::new(self.clone(), 1)
    }

    /// As [`acquire_many`](Self::acquire_many); the permits keep the semaphore alive and may go
    /// anywhere.
    #[inline]
    pub fn acquire_many_owned(self: &Arc<Self>, permits: usize) -> AcquireManyOwned<W> {
        AcquireManyOwned::new(self.clone(), permits)
    }

    /// Takes a permit if one is free and nobody waits. Never waits, never overtakes.
    ///
    /// # Errors
    /// [`NoPermits`], with nothing taken.
    ///
    /// # Cost
    /// One compare-exchange; refused, it writes nothing.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, NoPermits> {
        self.gate.try_take(1, self.gate.order())?;
        Ok(Permit::new(&self.gate, 1))
    }

    /// Takes so many permits at once if they are free and nobody waits, else none. Never waits.
    ///
    /// None at all are always free, even while somebody waits.
    ///
    /// # Errors
    /// [`TryAcquireError`], with nothing taken: too few are free at the moment, or in all.
    #[inline]
    pub fn try_acquire_many(&self, permits: usize) -> Result<Permit<'_>, TryAcquireError> {
        self.gate.try_take_many(permits, self.gate.order())?;
        Ok(Permit::new(&self.gate, permits))
    }

    /// As [`try_acquire`](Self::try_acquire); the permit keeps the semaphore alive.
    ///
    /// # Errors
    /// [`NoPermits`], with nothing taken.
    #[inline]
    pub fn try_acquire_owned(self: &Arc<Self>) -> Result<OwnedPermit<W>, NoPermits> {
        self.gate.try_take(1, self.gate.order())?;
        Ok(OwnedPermit::new(self.clone(), 1))
    }

    /// As [`try_acquire_many`](Self::try_acquire_many); the permits keep the semaphore alive.
    ///
    /// # Errors
    /// [`TryAcquireError`], with nothing taken.
    #[inline]
    pub fn try_acquire_many_owned(
        self: &Arc<Self>,
        permits: usize,
    ) -> Result<OwnedPermit<W>, TryAcquireError> {
        self.gate.try_take_many(permits, self.gate.order())?;
        Ok(OwnedPermit::new(self.clone(), permits))
    }

    /// Takes a permit if one is free, also past those who wait for more than there is: for the
    /// little thing that must not stand behind a large one. Never waits.
    ///
    /// Those in line may wait longer for it, without end if this is called without end.
    ///
    /// # Errors
    /// [`NoPermits`], with nothing taken.
    #[inline]
    pub fn try_acquire_barging(&self) -> Result<Permit<'_>, NoPermits> {
        self.gate.try_take(1, Order::Barging)?;
        Ok(Permit::new(&self.gate, 1))
    }

    /// As [`try_acquire_barging`](Self::try_acquire_barging), so many at once.
    ///
    /// # Errors
    /// [`TryAcquireError`], with nothing taken.
    #[inline]
    pub fn try_acquire_many_barging(&self, permits: usize) -> Result<Permit<'_>, TryAcquireError> {
        self.gate.try_take_many(permits, Order::Barging)?;
        Ok(Permit::new(&self.gate, permits))
    }

    /// Makes the capacity `permits`, at once, whatever is held.
    ///
    /// Grown, those in line are served. Shrunk below what is held, nobody is let in until the
    /// deficit has been given back, to the last permit: [`held`](Self::held) is more than
    /// [`capacity`](Self::capacity) until then. Whoever in line wants more than there is in all now
    /// ends with [`ExceedsCapacity`](crate::ExceedsCapacity), and those behind it are served; a
    /// plain [`acquire`](Self::acquire) waits on.
    ///
    /// # Panics
    /// When it is more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    ///
    /// ```
    /// use anabranch_semaphore::Semaphore;
    ///
    /// let slots = Semaphore::new(3);
    /// let (one, two) = (slots.acquire().wait(), slots.acquire().wait());
    /// slots.resize(1);
    /// assert_eq!((slots.held(), slots.capacity()), (2, 1));
    /// drop(one);
    /// assert!(slots.try_acquire().is_err()); // the deficit comes first
    /// drop(two);
    /// assert!(slots.try_acquire().is_ok());
    /// ```
    #[track_caller]
    pub fn resize(&self, permits: usize) {
        self.gate.resize(permits);
    }

    /// Permits that [`try_acquire_many`](Self::try_acquire_many) would take: none while somebody
    /// waits, unless this semaphore is barging. A snapshot: may be stale on return.
    pub fn available_permits(&self) -> usize {
        self.gate.available()
    }

    /// Permits in all, held or not. A snapshot: may be stale on return.
    pub fn capacity(&self) -> usize {
        self.gate.capacity()
    }

    /// Permits held, or handed to somebody who has yet to run: more than the capacity after it
    /// shrank, until they are given back. A snapshot: may be stale on return.
    pub fn held(&self) -> usize {
        self.gate.held()
    }

    /// Operations in line. A snapshot: may be stale on return.
    pub fn waiting(&self) -> usize {
        self.gate.waiting()
    }

    /// How many may wait: `usize::MAX` unless the line is [limited](crate::Limited).
    pub fn max_waiters(&self) -> usize {
        self.gate.max_waiters()
    }
}

impl<W> fmt::Debug for Semaphore<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available_permits", &self.available_permits())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
