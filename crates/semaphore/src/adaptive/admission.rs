//! What is held by whoever was let in, and how it says how it went.

use super::limit::{AdaptiveLimit, Core};
use crate::{
    builder::Unlimited,
    gate::Gate,
    permit::{OwnedPermit, Permit},
    sync::Arc,
};
use std::{fmt, time::Duration};

/// Room under an [`AdaptiveLimit`], held until it is said how the call went.
///
/// | how it went | say | the limit |
/// | --- | --- | --- |
/// | it was answered | [`succeeded`](Self::succeeded) | hears how long it took |
/// | refused for overload, or timed out | [`dropped`](Self::dropped) | is lowered |
/// | anything that says nothing about load: a bad request, a call that was cancelled, a hit in a cache | [`ignored`](Self::ignored) | hears nothing |
///
/// Simply dropped, it is ignored: so is a panic of whoever holds it, an early return and a future
/// that is dropped, for none of them says that the other side is overloaded. What is forgotten is
/// that a call went well, and the limit stays; nothing is taken for a success that was none.
///
/// `let _ = limit.try_acquire()` leaves at once, and `limit.acquire();` never goes in: bind the
/// admission to a name, and wait for it.
#[must_use = "whoever drops it is no longer inside"]
#[clippy::has_significant_drop]
pub struct Admission<'a> {
    core: &'a Core,
    gate: &'a Gate,
    granted: u64,
    _permit: Permit<'a>,
}

/// Room under an [`AdaptiveLimit`] that keeps the limit alive, to be carried into another thread or
/// task. Made by [`acquire_owned`](AdaptiveLimit::acquire_owned). As [`Admission`] otherwise.
///
/// ```
/// use anabranch_semaphore::AdaptiveLimit;
/// use std::{sync::Arc, thread};
///
/// let limit = Arc::new(AdaptiveLimit::builder().build());
/// let call = limit.acquire_owned().wait();
/// thread::spawn(move || call.succeeded()).join().unwrap();
/// assert_eq!(limit.in_flight(), 0);
/// ```
#[must_use = "whoever drops it is no longer inside"]
#[clippy::has_significant_drop]
pub struct OwnedAdmission<W = Unlimited> {
    limit: Arc<AdaptiveLimit<W>>,
    granted: u64,
    _permit: OwnedPermit<W>,
}

impl<'a> Admission<'a> {
    #[inline]
    pub(super) fn new(core: &'a Core, gate: &'a Gate, permit: Permit<'a>) -> Self {
        Self {
            core,
            gate,
            granted: core.now(),
            _permit: permit,
        }
    }

    fn core(&self) -> &Core {
        self.core
    }

    fn gate(&self) -> &Gate {
        self.gate
    }
}

impl<W> OwnedAdmission<W> {
    #[inline]
    pub(super) fn new(limit: Arc<AdaptiveLimit<W>>, permit: OwnedPermit<W>) -> Self {
        Self {
            granted: limit.core().now(),
            limit,
            _permit: permit,
        }
    }

    /// The limit it is under.
    pub fn limit(&self) -> &Arc<AdaptiveLimit<W>> {
        &self.limit
    }

    fn core(&self) -> &Core {
        self.limit.core()
    }

    fn gate(&self) -> &Gate {
        self.limit.semaphore().gate()
    }
}

macro_rules! admissions {
    ([$($generics:tt)*] $name:ident $type:ty) => {
        impl<$($generics)*> $type {
            /// It was answered, in the time since it was let in. Leaves.
            pub fn succeeded(self) {
                self.core().over(self.gate(), self.granted, false);
            }

            /// It failed because the other side is overloaded, or took too long. Leaves.
            pub fn dropped(self) {
                self.core().over(self.gate(), self.granted, true);
            }

            /// How it went says nothing about load. Leaves, as when it is simply dropped.
            pub fn ignored(self) {}

            /// So long it has been inside, on the clock of the limit: counted from when the acquire
            /// finished, whatever it waited before.
            pub fn elapsed(&self) -> Duration {
                Duration::from_nanos(self.core().now().saturating_sub(self.granted))
            }
        }

        impl<$($generics)*> fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("elapsed", &self.elapsed())
                    .finish_non_exhaustive()
            }
        }
    };
}

admissions! { ['a] Admission Admission<'a> }
admissions! { [W] OwnedAdmission OwnedAdmission<W> }
