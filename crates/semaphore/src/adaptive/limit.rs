//! The limit: a semaphore, and a regulator that says how large it is.
//!
//! All that is shared is the semaphore and one mutex around the regulator. A call that is over tells
//! the regulator under the mutex. If it is the last of its window, it takes the algorithm out, asks
//! it, gives the semaphore the new limit and puts the algorithm back, all without the mutex: so no
//! code of others runs under a lock, neither the algorithm nor the wakers of those who are let in;
//! and as the algorithm is there once, one at a time decides, and the last limit given is the last
//! one decided. Nothing else is shared, and nothing is decided by an atomic of its own: the models
//! of the semaphore are models of this.
//!
//! Nobody is let in but by the semaphore, whose one word has both what is free and what is owed: so
//! there is no moment between looking at the limit and counting oneself in.

use super::{
    acquire::{Admit, AdmitOwned},
    admission::{Admission, OwnedAdmission},
    builder::Builder,
    regulator::{Call, Decision, Regulator},
};
use crate::{
    builder::Unlimited,
    error::NoPermits,
    gate::Gate,
    semaphore::Semaphore,
    sync::{Arc, Mutex, lock},
};
use anabranch_core_cancel::Clock;
use std::fmt;

/// Lets at most so many in at a time, and finds out how many that should be, from how it goes with
/// those inside.
///
/// Whoever is let in holds an [`Admission`] and says at its end how it went. An
/// [`Algorithm`](super::Algorithm) makes a limit of that, about once a round trip.
///
/// | algorithm | looks at | for |
/// | --- | --- | --- |
/// | [`Gradient2`](super::Gradient2), the default | how much longer calls take than they use to | most callers want this |
/// | [`Vegas`](super::Vegas) | how many of those inside wait for others | short queues where calls are alike |
/// | [`Aimd`](super::Aimd) | what fails | an other side that says no |
///
/// `W` says whether a line that is too long refuses newcomers, as with [`Semaphore`].
///
/// # Fairness
/// First come, first served, threads, tasks and selects in one line: see [`Semaphore`].
///
/// # Never more than the limit
/// Whoever is let in finds room under the limit that is in force then, however many come at once.
/// When the limit falls below what is inside, nobody is let in until enough have left.
///
/// ```
/// use anabranch_semaphore::AdaptiveLimit;
///
/// let limit = AdaptiveLimit::builder().initial(8).build();
/// let call = limit.acquire().wait(); // blocks while all of the limit is taken; in a task: .await
/// match "200 OK" {
///     "200 OK" => call.succeeded(),
///     "503 Service Unavailable" => call.dropped(),
///     _ => call.ignored(), // as if it were simply dropped
/// }
/// assert_eq!((limit.in_flight(), limit.limit()), (0, 8));
/// ```
pub struct AdaptiveLimit<W = Unlimited> {
    semaphore: Arc<Semaphore<W>>,
    core: Core,
}

/// All but the semaphore.
pub(super) struct Core {
    regulator: Mutex<Regulator>,
    clock: Clock,
}

impl AdaptiveLimit {
    /// A limit with settings; all of them have a default.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl<W> AdaptiveLimit<W> {
    pub(super) fn with(semaphore: Semaphore<W>, regulator: Regulator, clock: Clock) -> Self {
        Self {
            semaphore: Arc::new(semaphore),
            core: Core {
                regulator: Mutex::new(regulator),
                clock,
            },
        }
    }

    pub(super) fn semaphore(&self) -> &Arc<Semaphore<W>> {
        &self.semaphore
    }

    pub(super) fn core(&self) -> &Core {
        &self.core
    }

    /// Waits until there is room under the limit, then goes in.
    ///
    /// An operation: nothing is taken until `.wait()` (blocks the thread) or `.await` (suspends the
    /// task). It yields an [`Admission`] and no error; bounded by `with_cancel` or `timeout`, a
    /// `Result<Admission, Cancelled>`. Where the line is [limited](crate::Limited) it yields a
    /// `Result<Admission, TooManyWaiters>` and, bounded, a `Result<Admission, AcquireError>`.
    ///
    /// # Cancel safety
    /// Dropped, cancelled or timed out before it finishes, it has taken nothing and gives up its
    /// place; room that was already made for it goes to the next in line.
    ///
    /// # Cost
    /// That of [`Semaphore::acquire`] and a look at the clock; another look at the clock and two
    /// locks when the call is over.
    #[inline]
    pub fn acquire(&self) -> Admit<'_, W> {
        Admit::new(self)
    }

    /// As [`acquire`](Self::acquire); the admission keeps the limit alive and may go anywhere.
    #[inline]
    pub fn acquire_owned(self: &Arc<Self>) -> AdmitOwned<W> {
        AdmitOwned::new(self.clone())
    }

    /// Goes in if there is room and nobody waits. Never waits, never overtakes.
    ///
    /// # Errors
    /// [`NoPermits`], with nothing taken.
    pub fn try_acquire(&self) -> Result<Admission<'_>, NoPermits> {
        let permit = self.semaphore.try_acquire()?;
        Ok(Admission::new(&self.core, self.semaphore.gate(), permit))
    }

    /// As [`try_acquire`](Self::try_acquire); the admission keeps the limit alive.
    ///
    /// # Errors
    /// [`NoPermits`], with nothing taken.
    pub fn try_acquire_owned(self: &Arc<Self>) -> Result<OwnedAdmission<W>, NoPermits> {
        let permit = self.semaphore.try_acquire_owned()?;
        Ok(OwnedAdmission::new(self.clone(), permit))
    }

    /// How many may be inside. A snapshot: may be stale on return.
    pub fn limit(&self) -> usize {
        self.semaphore.capacity()
    }

    /// How many are inside, or were let in and have yet to run: more than the limit after it fell,
    /// until they have left. A snapshot: may be stale on return.
    pub fn in_flight(&self) -> usize {
        self.semaphore.held()
    }

    /// Operations in line. A snapshot: may be stale on return.
    pub fn waiting(&self) -> usize {
        self.semaphore.waiting()
    }
}

impl Core {
    pub(super) fn now(&self) -> u64 {
        self.clock.nanos()
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A call that is still inside is over.
    pub(super) fn over(&self, gate: &Gate, granted: u64, dropped: bool) {
        let call = Call {
            granted,
            over: self.now(),
            in_flight: gate.held(),
            dropped,
        };
        let Some(decision) = lock(&self.regulator).hear(&call) else {
            return;
        };
        let mut deciding = Deciding {
            core: self,
            decision: Some(decision),
        };
        if let Some(limit) = deciding.decide() {
            gate.resize(limit);
        }
    }
}

/// Brings the decision back, also when the algorithm or a waker panics.
struct Deciding<'a> {
    core: &'a Core,
    decision: Option<Decision>,
}

impl Deciding<'_> {
    fn decide(&mut self) -> Option<usize> {
        self.decision.as_mut()?.decide()
    }
}

impl Drop for Deciding<'_> {
    fn drop(&mut self) {
        if let Some(decision) = self.decision.take() {
            let now = self.core.now();
            lock(&self.core.regulator).settle(decision, now);
        }
    }
}

impl<W> fmt::Debug for AdaptiveLimit<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveLimit")
            .field("limit", &self.limit())
            .field("in_flight", &self.in_flight())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
