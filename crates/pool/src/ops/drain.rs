//! The wait for a pool to run empty.

use crate::{pool::Pool, worker};
use anabranch_core_cancel::{
    Cancelled, Clock, Operation, Ticket, operation,
    queue::{Left, Place},
};
use std::{fmt, pin::Pin, task::Poll};

/// Ready when all jobs have ended. Made by [`Pool::drain`].
#[must_use = "operations do nothing unless waited for"]
pub struct Drain<'p> {
    pool: &'p Pool,
    place: Option<Place>,
}

impl<'p> Drain<'p> {
    pub(crate) fn new(pool: &'p Pool) -> Self {
        Self { pool, place: None }
    }

    /// `true` if the pool ran empty before.
    fn leave(&mut self) -> bool {
        self.place.take().is_some_and(|place| {
            let shared = self.pool.shared();
            let Left { granted, waker, .. } = shared.change(|state, _| state.drainers.leave(place));
            drop(waker);
            granted
        })
    }
}

impl Operation for Drain<'_> {
    type Bounded = Result<(), Cancelled>;

    fn bound(&self, (): ()) -> Self::Bounded {
        Ok(())
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        if self.leave() { Ok(()) } else { Err(why) }
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<()> {
        let shared = self.pool.shared();
        assert!(
            !worker::is_of(shared),
            "a job waits for its own pool to drain, and so for itself"
        );
        let place = self.place.take();
        let (place, old) = shared.change(|state, _| {
            state.closed = true;
            if state.is_empty() {
                let left = place.map(|place| state.drainers.leave(place));
                return (None, left.and_then(|left| left.waker));
            }
            match place {
                None => (Some(state.drainers.join((), ticket)), None),
                Some(place) => {
                    let old = state.drainers.stay(&place, ticket);
                    (Some(place), old)
                }
            }
        });
        drop(old);
        self.place = place;
        if self.place.is_none() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<()> {
        self.leave().then_some(())
    }

    fn clock(&self) -> Option<Clock> {
        Some(self.pool.shared().token().clock().clone())
    }
}

operation! { ['p] Drain<'p> => () }

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Drain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Drain")
    }
}
