//! The waits for permits: four types, borrowed or owned, one permit or many, on one [`Request`].

use crate::{
    builder::{Limited, Unlimited},
    error::{AcquireError, ExceedsCapacity, Refused, TooManyWaiters},
    permit::{OwnedPermit, Permit},
    request::Request,
    semaphore::Semaphore,
    sync::Arc,
};
use anabranch_core_cancel::{Cancelled, Operation, Ticket, operation};
use std::{
    fmt,
    pin::Pin,
    task::{Poll, ready},
};

/// Takes one permit when one is free. Made by [`Semaphore::acquire`].
///
/// An operation: it takes nothing until `.wait()` (blocks the thread) or `.await` (suspends the
/// task). `slots.acquire();` alone holds nothing, and neither does `let permit = slots.acquire();`.
///
/// Yields a [`Permit`]; where the line is [`Limited`], a `Result<Permit, TooManyWaiters>`.
#[must_use = "operations do nothing unless waited for"]
pub struct Acquire<'a, W = Unlimited>(Borrowed<'a, W>);

/// Takes several permits at once when so many are free. Made by [`Semaphore::acquire_many`].
///
/// An operation: it takes nothing until `.wait()` (blocks the thread) or `.await` (suspends the
/// task).
///
/// Yields a `Result<Permit, ExceedsCapacity>`; where the line is [`Limited`], a
/// `Result<Permit, Refused>`.
#[must_use = "operations do nothing unless waited for"]
pub struct AcquireMany<'a, W = Unlimited>(Borrowed<'a, W>);

/// Takes one permit that keeps its semaphore alive. Made by [`Semaphore::acquire_owned`].
///
/// As [`Acquire`], and `'static`. Polled again after it has finished, it panics.
#[must_use = "operations do nothing unless waited for"]
pub struct AcquireOwned<W = Unlimited>(Owned<W>);

/// Takes several permits that keep their semaphore alive. Made by
/// [`Semaphore::acquire_many_owned`].
///
/// As [`AcquireMany`], and `'static`. Polled again after it has finished, it panics.
#[must_use = "operations do nothing unless waited for"]
pub struct AcquireManyOwned<W = Unlimited>(Owned<W>);

struct Borrowed<'a, W> {
    semaphore: &'a Semaphore<W>,
    request: Request,
}

struct Owned<W> {
    /// Moves on into the permit.
    semaphore: Option<Arc<Semaphore<W>>>,
    request: Request,
}

impl<'a, W> Borrowed<'a, W> {
    #[inline]
    fn poll(&mut self, ticket: &Ticket<'_>) -> Poll<Result<Permit<'a>, Refused>> {
        ready!(self.request.poll(self.semaphore.gate(), ticket))?;
        Poll::Ready(Ok(self.permit()))
    }

    fn look(&mut self, ticket: &Ticket<'_>) -> Poll<Result<Permit<'a>, Refused>> {
        ready!(self.request.look(self.semaphore.gate(), ticket))?;
        Poll::Ready(Ok(self.permit()))
    }

    /// What the wait has come to, if to anything. Out of line then.
    fn leave(&mut self) -> Option<Result<Permit<'a>, ExceedsCapacity>> {
        let outcome = self.request.leave(self.semaphore.gate())?;
        Some(outcome.map(|()| self.permit()))
    }

    #[inline]
    fn permit(&self) -> Permit<'a> {
        Permit::new(self.semaphore.gate(), self.request.permits())
    }
}

impl<W> Owned<W> {
    #[inline]
    fn poll(&mut self, ticket: &Ticket<'_>) -> Poll<Result<OwnedPermit<W>, Refused>> {
        let semaphore = self.semaphore.as_ref().expect(FINISHED);
        ready!(self.request.poll(semaphore.gate(), ticket))?;
        Poll::Ready(Ok(self.permit()))
    }

    fn look(&mut self, ticket: &Ticket<'_>) -> Poll<Result<OwnedPermit<W>, Refused>> {
        let semaphore = self.semaphore.as_ref().expect(FINISHED);
        ready!(self.request.look(semaphore.gate(), ticket))?;
        Poll::Ready(Ok(self.permit()))
    }

    fn leave(&mut self) -> Option<Result<OwnedPermit<W>, ExceedsCapacity>> {
        let outcome = self.request.leave(self.semaphore.as_ref()?.gate())?;
        Some(outcome.map(|()| self.permit()))
    }

    #[inline]
    fn permit(&mut self) -> OwnedPermit<W> {
        let semaphore = self.semaphore.take().expect(FINISHED);
        OwnedPermit::new(semaphore, self.request.permits())
    }
}

const FINISHED: &str = "an owned acquire is polled after it has finished";

impl<W> Drop for Borrowed<'_, W> {
    #[inline]
    fn drop(&mut self) {
        self.request.drop(self.semaphore.gate());
    }
}

impl<W> Drop for Owned<W> {
    #[inline]
    fn drop(&mut self) {
        if let Some(semaphore) = &self.semaphore {
            self.request.drop(semaphore.gate());
        }
    }
}

macro_rules! constructors {
    ($($name:ident, fallible: $fallible:literal;)*) => {$(
        impl<'a, W> $name<'a, W> {
            #[inline]
            pub(crate) fn new(semaphore: &'a Semaphore<W>, permits: usize) -> Self {
                Self(Borrowed { semaphore, request: Request::new(permits, $fallible) })
            }
        }
    )*};
    (owned: $($name:ident, fallible: $fallible:literal;)*) => {$(
        impl<W> $name<W> {
            #[inline]
            pub(crate) fn new(semaphore: Arc<Semaphore<W>>, permits: usize) -> Self {
                let semaphore = Some(semaphore);
                Self(Owned { semaphore, request: Request::new(permits, $fallible) })
            }
        }
    )*};
}

constructors! {
    Acquire, fallible: false;
    AcquireMany, fallible: true;
}
constructors! { owned:
    AcquireOwned, fallible: false;
    AcquireManyOwned, fallible: true;
}

/// The error as narrow as this kind of acquire has it.
trait Narrow {
    fn narrow(refused: Refused) -> Self;
}

impl Narrow for ExceedsCapacity {
    fn narrow(refused: Refused) -> Self {
        match refused {
            Refused::ExceedsCapacity(exceeds) => exceeds,
            Refused::TooManyWaiters(_) => unreachable!("any number may wait"),
        }
    }
}

impl Narrow for TooManyWaiters {
    fn narrow(refused: Refused) -> Self {
        match refused {
            Refused::TooManyWaiters(too_many) => too_many,
            Refused::ExceedsCapacity(_) => unreachable!("a plain acquire waits for capacity"),
        }
    }
}

impl Narrow for Refused {
    fn narrow(refused: Refused) -> Self {
        refused
    }
}

macro_rules! operations {
    ($([$($generics:tt)*] $type:ty => $permit:ty $(, $error:ty)?;)*) => {$(
        operations! { @ [$($generics)*] $type, $permit $(, $error)? }
    )*};
    // One that cannot be refused.
    (@ [$($generics:tt)*] $type:ty, $permit:ty) => {
        impl<$($generics)*> Operation for $type {
            type Bounded = Result<$permit, Cancelled>;

            #[inline]
            fn bound(&self, done: Self::Output) -> Self::Bounded {
                Ok(done)
            }

            fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
                match self.0.leave() {
                    Some(outcome) => Ok(outcome.unwrap_or_else(|_| unreachable!("{PLAIN}"))),
                    None => Err(why),
                }
            }

            #[inline]
            fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
                let outcome = ready!(self.0.poll(ticket));
                Poll::Ready(outcome.unwrap_or_else(|_| unreachable!("{PLAIN}")))
            }

            fn look_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
                let outcome = ready!(self.0.look(ticket));
                Poll::Ready(outcome.unwrap_or_else(|_| unreachable!("{PLAIN}")))
            }

            fn withdraw(mut self: Pin<&mut Self>) -> Option<Self::Output> {
                let outcome = self.0.leave()?;
                Some(outcome.unwrap_or_else(|_| unreachable!("{PLAIN}")))
            }
        }

        operation! { [$($generics)*] $type => $permit }
    };
    (@ [$($generics:tt)*] $type:ty, $permit:ty, $error:ty) => {
        impl<$($generics)*> Operation for $type {
            type Bounded = Result<$permit, AcquireError>;

            #[inline]
            fn bound(&self, done: Self::Output) -> Self::Bounded {
                Ok(done?)
            }

            fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
                match self.0.leave() {
                    Some(outcome) => Ok(outcome?),
                    None => Err(why.into()),
                }
            }

            #[inline]
            fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
                self.0.poll(ticket).map_err(Narrow::narrow)
            }

            fn look_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
                self.0.look(ticket).map_err(Narrow::narrow)
            }

            fn withdraw(mut self: Pin<&mut Self>) -> Option<Self::Output> {
                let outcome = self.0.leave()?;
                Some(outcome.map_err(|exceeds| Narrow::narrow(exceeds.into())))
            }
        }

        operation! { [$($generics)*] $type => Result<$permit, $error> }
    };
}

const PLAIN: &str = "a plain acquire is not refused";

operations! {
    ['a] Acquire<'a, Unlimited> => Permit<'a>;
    ['a] Acquire<'a, Limited> => Permit<'a>, TooManyWaiters;
    ['a] AcquireMany<'a, Unlimited> => Permit<'a>, ExceedsCapacity;
    ['a] AcquireMany<'a, Limited> => Permit<'a>, Refused;
    [] AcquireOwned<Unlimited> => OwnedPermit<Unlimited>;
    [] AcquireOwned<Limited> => OwnedPermit<Limited>, TooManyWaiters;
    [] AcquireManyOwned<Unlimited> => OwnedPermit<Unlimited>, ExceedsCapacity;
    [] AcquireManyOwned<Limited> => OwnedPermit<Limited>, Refused;
}

macro_rules! debug {
    ($([$($generics:tt)*] $name:ident $type:ty;)*) => {$(
        impl<$($generics)*> fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("permits", &self.0.request.permits())
                    .field("in_line", &self.0.request.is_in_line())
                    .finish_non_exhaustive()
            }
        }
    )*};
}

debug! {
    ['a, W] Acquire Acquire<'a, W>;
    ['a, W] AcquireMany AcquireMany<'a, W>;
    [W] AcquireOwned AcquireOwned<W>;
    [W] AcquireManyOwned AcquireManyOwned<W>;
}
