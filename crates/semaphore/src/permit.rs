//! What is held: permits that go back when they are dropped.

use crate::{builder::Unlimited, gate::Gate, semaphore::Semaphore, sync::Arc};
use std::fmt;

/// Permits of a [`Semaphore`], given back on drop.
///
/// One guard stands for any number of permits: [`split`](Self::split) and [`merge`](Self::merge)
/// divide and join them. They go back whatever ends the scope: the end, an early return, a panic,
/// a future that is dropped.
///
/// ```
/// use anabranch_semaphore::Semaphore;
///
/// let slots = Semaphore::new(4);
/// let mut three = slots.acquire_many(3).wait()?;
/// let one = three.split(1).expect("three are more than one");
/// drop(three);
/// assert_eq!((one.count(), slots.available_permits()), (1, 3));
/// # Ok::<(), anabranch_semaphore::ExceedsCapacity>(())
/// ```
///
/// `let _ = slots.try_acquire()` gives them back at once, and `slots.acquire();` never takes any:
/// bind the permit to a name, and wait for it.
#[must_use = "permits are given back as soon as they are dropped"]
#[clippy::has_significant_drop]
pub struct Permit<'a> {
    gate: &'a Gate,
    count: usize,
}

/// Permits that keep their semaphore alive, to be carried into another thread or task; given back
/// on drop. Made by [`acquire_owned`](Semaphore::acquire_owned) and its like.
///
/// ```
/// use anabranch_semaphore::Semaphore;
/// use std::{sync::Arc, thread};
///
/// let slots = Arc::new(Semaphore::new(1));
/// let permit = slots.acquire_owned().wait();
/// let worker = thread::spawn(move || {
///     // work
///     drop(permit);
/// });
/// drop(slots.acquire().wait()); // when the worker is through
/// worker.join().unwrap();
/// ```
#[must_use = "permits are given back as soon as they are dropped"]
#[clippy::has_significant_drop]
pub struct OwnedPermit<W = Unlimited> {
    semaphore: Arc<Semaphore<W>>,
    count: usize,
}

impl<'a> Permit<'a> {
    #[inline]
    pub(crate) fn new(gate: &'a Gate, count: usize) -> Self {
        Self { gate, count }
    }

    #[inline]
    fn gate(&self) -> &'a Gate {
        self.gate
    }

    fn like(&self, count: usize) -> Self {
        Self::new(self.gate, count)
    }
}

impl<W> OwnedPermit<W> {
    #[inline]
    pub(crate) fn new(semaphore: Arc<Semaphore<W>>, count: usize) -> Self {
        Self { semaphore, count }
    }

    /// The semaphore it came from.
    pub fn semaphore(&self) -> &Arc<Semaphore<W>> {
        &self.semaphore
    }

    #[inline]
    fn gate(&self) -> &Gate {
        self.semaphore.gate()
    }

    fn like(&self, count: usize) -> Self {
        Self::new(self.semaphore.clone(), count)
    }
}

macro_rules! permits {
    ([$($generics:tt)*] $name:ident $type:ty) => {
        impl<$($generics)*> $type {
            /// How many permits this one guard stands for.
            pub fn count(&self) -> usize {
                self.count
            }

            /// Takes `count` of them out, into a guard of their own; `None`, and nothing changed,
            /// if there are fewer.
            pub fn split(&mut self, count: usize) -> Option<Self> {
                self.count = self.count.checked_sub(count)?;
                Some(self.like(count))
            }

            /// Adds the permits of `other` to this guard.
            ///
            /// # Panics
            /// When they come from another semaphore. Then they are given back to that one.
            #[track_caller]
            pub fn merge(&mut self, mut other: Self) {
                assert!(
                    std::ptr::eq(self.gate(), other.gate()),
                    "permits of two semaphores cannot be merged"
                );
                self.count += std::mem::take(&mut other.count);
            }

            /// Lowers the semaphore's capacity by these permits, which never come back: until the
            /// next [`resize`](Semaphore::resize).
            ///
            /// Those in line who want more than what is left of the capacity are refused, as by a
            /// resize. While more is held than the capacity, what is forgotten pays that back
            /// first as far as the capacity cannot go below zero.
            pub fn forget(mut self) {
                let count = std::mem::take(&mut self.count);
                self.gate().forget(count);
            }
        }

        impl<$($generics)*> Drop for $type {
            #[inline]
            fn drop(&mut self) {
                self.gate().give(self.count);
            }
        }

        impl<$($generics)*> fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("count", &self.count)
                    .finish_non_exhaustive()
            }
        }
    };
}

permits! { ['a] Permit Permit<'a> }
permits! { [W] OwnedPermit OwnedPermit<W> }
