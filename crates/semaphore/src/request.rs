//! One wait at the gate: takes what is free, or stands in line for it.

#[cfg(loom)]
use crate::control::{Mistake, is_planted};
use crate::{
    error::{ExceedsCapacity, Refused},
    gate::Gate,
    line::{Spot, Turn, Wanted},
};
use anabranch_core_cancel::{Ticket, Wakes, queue::Newcomer};
use std::task::Poll;

/// One wait for permits. Its owner says at which gate, always the same one, and calls
/// [`leave`](Self::leave) when it is dropped.
pub(crate) struct Request {
    wanted: Wanted,
    spot: Option<Spot>,
}

impl Request {
    #[inline]
    pub(crate) fn new(permits: usize, fallible: bool) -> Self {
        Self {
            wanted: Wanted::new(permits, fallible),
            spot: None,
        }
    }

    #[inline]
    pub(crate) fn permits(&self) -> usize {
        self.wanted.permits
    }

    pub(crate) fn is_in_line(&self) -> bool {
        self.spot.is_some()
    }

    #[inline]
    pub(crate) fn poll(&mut self, gate: &Gate, ticket: &Ticket<'_>) -> Poll<Result<(), Refused>> {
        let permits = self.wanted.permits;
        if self.spot.is_none() && (permits == 0 || gate.shared().word.take(permits, gate.order())) {
            return Poll::Ready(Ok(()));
        }
        self.poll_line(gate, ticket)
    }

    /// What can be had without joining the line.
    pub(crate) fn look(&mut self, gate: &Gate, ticket: &Ticket<'_>) -> Poll<Result<(), Refused>> {
        let permits = self.wanted.permits;
        if self.spot.is_some() {
            return self.poll_line(gate, ticket);
        }
        if permits == 0 || gate.shared().word.take(permits, gate.order()) {
            return Poll::Ready(Ok(()));
        }
        self.wanted.check(gate.capacity())?;
        Poll::Pending
    }

    #[cold]
    fn poll_line(&mut self, gate: &Gate, ticket: &Ticket<'_>) -> Poll<Result<(), Refused>> {
        match self.spot.take() {
            None => self.join(gate, ticket),
            Some(spot) if spot.is_served(&gate.shared().grants) => Poll::Ready(Ok(())),
            Some(spot) => self.look_in_line(gate, spot, ticket),
        }
    }

    #[inline]
    fn join(&mut self, gate: &Gate, ticket: &Ticket<'_>) -> Poll<Result<(), Refused>> {
        // Before the lock, so that it is dropped after it should it not join.
        let newcomer = Newcomer::new(self.wanted, ticket);
        let mut line = gate.line();
        self.wanted.check(gate.capacity())?;
        if line.take_or_wait(gate.shared(), self.wanted.permits)? {
            return Poll::Ready(Ok(()));
        }
        self.spot = Some(line.enter(gate.shared(), newcomer));
        Poll::Pending
    }

    #[cold]
    fn look_in_line(
        &mut self,
        gate: &Gate,
        spot: Spot,
        ticket: &Ticket<'_>,
    ) -> Poll<Result<(), Refused>> {
        // In this order: the lock goes first, then wakers are woken.
        let mut wakes = Wakes::new();
        let mut line = gate.line();
        match line.look(gate.shared(), &spot, gate.capacity()) {
            Turn::Served => Poll::Ready(Ok(())),
            Turn::Over(outcome) => {
                let gone = line.leave(gate.shared(), spot, &mut wakes);
                drop(line);
                drop(gone);
                Poll::Ready(Ok(outcome?))
            }
            Turn::Wait => {
                let old = line.stay(&spot, ticket);
                self.spot = Some(spot);
                drop(line);
                drop(old);
                Poll::Pending
            }
        }
    }

    /// Leaves the line. What had become of the wait, if anything had: permits come with it.
    #[inline]
    pub(crate) fn leave(&mut self, gate: &Gate) -> Option<Result<(), ExceedsCapacity>> {
        let spot = self.spot.take()?;
        leave(gate, spot)
    }

    /// Leaves the line; permits that were handed over go back.
    #[inline]
    pub(crate) fn drop(&mut self, gate: &Gate) {
        if let Some(spot) = self.spot.take() {
            self.give_up(gate, spot);
        }
    }

    #[cold]
    fn give_up(&self, gate: &Gate, spot: Spot) {
        let outcome = leave(gate, spot);
        #[cfg(loom)]
        if is_planted(Mistake::KeepGrant) {
            return;
        }
        if let Some(Ok(())) = outcome {
            gate.give(self.wanted.permits);
        }
    }
}

fn leave(gate: &Gate, spot: Spot) -> Option<Result<(), ExceedsCapacity>> {
    let shared = gate.shared();
    if spot.is_served(&shared.grants) {
        return Some(Ok(()));
    }
    let mut wakes = Wakes::new();
    let mut line = gate.line();
    if spot.is_served(&shared.grants) {
        return Some(Ok(()));
    }
    let gone = line.leave(shared, spot, &mut wakes);
    drop(line);
    drop(gone.waker);
    gone.refused.map(Err)
}
