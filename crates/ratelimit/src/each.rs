//! One value for each limit, for a limiter with several of them. Most have one: that one is kept
//! without an allocation.

use std::iter;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Each<T> {
    pub(crate) first: T,
    pub(crate) rest: Vec<T>,
}

impl<T> Each<T> {
    /// `None` when there are none.
    pub(crate) fn collect(values: impl IntoIterator<Item = T>) -> Option<Self> {
        let mut values = values.into_iter();
        let first = values.next()?;
        let rest = values.collect();
        Some(Self { first, rest })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        iter::once(&self.first).chain(&self.rest)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        iter::once(&mut self.first).chain(&mut self.rest)
    }

    pub(crate) fn map<U>(&self, mut f: impl FnMut(&T) -> U) -> Each<U> {
        Each {
            first: f(&self.first),
            rest: self.rest.iter().map(f).collect(),
        }
    }

    /// With the value of the other at the same place.
    pub(crate) fn zip<'a, U>(&'a self, other: &'a Each<U>) -> impl Iterator<Item = (&'a T, &'a U)> {
        self.iter().zip(other.iter())
    }
}
