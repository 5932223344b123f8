//! The waits for room: the semaphore's own, whose permits become admissions.

use super::{
    admission::{Admission, OwnedAdmission},
    limit::AdaptiveLimit,
};
use crate::{
    acquire::{Acquire, AcquireOwned},
    builder::{Limited, Unlimited},
    error::{AcquireError, TooManyWaiters},
    permit::{OwnedPermit, Permit},
    sync::Arc,
};
use anabranch_core_cancel::{Cancelled, Clock, Operation, Ticket, operation};
use std::{
    fmt,
    pin::Pin,
    task::{Poll, ready},
};

/// Goes in when there is room under the limit. Made by [`AdaptiveLimit::acquire`].
///
/// An operation: it takes nothing until `.wait()` (blocks the thread) or `.await` (suspends the
/// task). `limit.acquire();` alone holds nothing, and neither does `let call = limit.acquire();`.
///
/// Yields an [`Admission`]; where the line is [`Limited`], a `Result<Admission, TooManyWaiters>`.
#[must_use = "operations do nothing unless waited for"]
pub struct Admit<'a, W = Unlimited> {
    limit: &'a AdaptiveLimit<W>,
    acquire: Acquire<'a, W>,
}

/// Goes in when there is room, and keeps the limit alive. Made by
/// [`AdaptiveLimit::acquire_owned`].
///
/// As [`Admit`], and `'static`. Polled again after it has finished, it panics.
#[must_use = "operations do nothing unless waited for"]
pub struct AdmitOwned<W = Unlimited> {
    limit: Arc<AdaptiveLimit<W>>,
    acquire: AcquireOwned<W>,
}

impl<'a, W> Admit<'a, W> {
    #[inline]
    pub(super) fn new(limit: &'a AdaptiveLimit<W>) -> Self {
        let acquire = limit.semaphore().acquire();
        Self { limit, acquire }
    }

    fn admission(&self, permit: Permit<'a>) -> Admission<'a> {
        Admission::new(self.limit.core(), self.limit.semaphore().gate(), permit)
    }
}

impl<W> AdmitOwned<W> {
    #[inline]
    pub(super) fn new(limit: Arc<AdaptiveLimit<W>>) -> Self {
        let acquire = limit.semaphore().acquire_owned();
        Self { limit, acquire }
    }

    fn admission(&self, permit: OwnedPermit<W>) -> OwnedAdmission<W> {
        OwnedAdmission::new(self.limit.clone(), permit)
    }
}

macro_rules! operations {
    // What the inner one yields is a permit, or a result that may have one.
    (@admit $self:ident, $done:expr, plain) => {
        $self.admission($done)
    };
    (@admit $self:ident, $done:expr, result) => {
        $done.map(|permit| $self.admission(permit))
    };
    (@bound $done:expr, plain) => {
        Ok($done)
    };
    (@bound $done:expr, result) => {
        Ok($done?)
    };
    ($([$($generics:tt)*] $type:ty => $output:ty, $kind:tt, $bounded:ty;)*) => {$(
        impl<$($generics)*> Operation for $type {
            type Bounded = $bounded;

            #[inline]
            fn bound(&self, done: Self::Output) -> Self::Bounded {
                operations! { @bound done, $kind }
            }

            fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
                let ended = Pin::new(&mut self.acquire).end(why);
                ended.map(|permit| self.admission(permit))
            }

            #[inline]
            fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
                let done = ready!(Pin::new(&mut self.acquire).poll_arm(ticket));
                Poll::Ready(operations! { @admit self, done, $kind })
            }

            fn look_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
                let done = ready!(Pin::new(&mut self.acquire).look_arm(ticket));
                Poll::Ready(operations! { @admit self, done, $kind })
            }

            fn withdraw(mut self: Pin<&mut Self>) -> Option<Self::Output> {
                let done = Pin::new(&mut self.acquire).withdraw()?;
                Some(operations! { @admit self, done, $kind })
            }

            fn clock(&self) -> Option<Clock> {
                Some(self.limit.core().clock().clone())
            }
        }

        operation! { [$($generics)*] $type => $output }
    )*};
}

operations! {
    ['a] Admit<'a, Unlimited> => Admission<'a>, plain, Result<Admission<'a>, Cancelled>;
    ['a] Admit<'a, Limited> => Result<Admission<'a>, TooManyWaiters>, result,
        Result<Admission<'a>, AcquireError>;
    [] AdmitOwned<Unlimited> => OwnedAdmission<Unlimited>, plain,
        Result<OwnedAdmission<Unlimited>, Cancelled>;
    [] AdmitOwned<Limited> => Result<OwnedAdmission<Limited>, TooManyWaiters>, result,
        Result<OwnedAdmission<Limited>, AcquireError>;
}

impl<W> fmt::Debug for Admit<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Admit").field(&self.acquire).finish()
    }
}

impl<W> fmt::Debug for AdmitOwned<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AdmitOwned").field(&self.acquire).finish()
    }
}
