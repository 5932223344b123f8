//! Where the sources of a set say that they have something.

#[cfg(any(loom, shuttle))]
use crate::control::{self, Mistake};
use crate::sync::{Arc, Mutex, lock};
use anabranch_core_cancel::Ticket;
use std::{
    collections::VecDeque,
    mem,
    task::{Wake, Waker},
};

/// The number of a source, and which of those that had this number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) generation: u32,
}

/// Shared by the set, which takes, and the wakers of its sources, which add.
#[derive(Default)]
pub(super) struct Ring {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Token>,
    /// Whoever waits for the set.
    waiter: Option<Waker>,
}

impl Ring {
    /// The waker of a source, for its channel.
    pub(super) fn waker(ring: &Arc<Self>, token: Token) -> Waker {
        let ring = ring.clone();
        Waker::from(Arc::new(Bell { ring, token }))
    }

    /// The next source to ask: those that have said so meanwhile go to the back of `line`. With
    /// none at all, whoever polls is woken when one says so.
    pub(super) fn next(
        &self,
        line: &mut VecDeque<Token>,
        ticket: Option<&Ticket<'_>>,
    ) -> Option<Token> {
        let mut _old = None;
        let mut state = lock(&self.state);
        line.append(&mut state.ready);
        let next = line.pop_front();
        #[cfg(any(loom, shuttle))]
        if control::is_planted(Mistake::LookThenWait) {
            drop(state);
            state = lock(&self.state);
        }
        if next.is_none()
            && let Some(ticket) = ticket
        {
            let waker = ticket.waker();
            match &mut state.waiter {
                Some(waiter) if waiter.will_wake(waker) => {}
                waiter => _old = waiter.replace(waker.clone()),
            }
        }
        drop(state);
        next
    }

    pub(super) fn forget_waiter(&self) {
        let _waiter = mem::take(&mut lock(&self.state).waiter);
    }
}

/// What a channel rings when it has something for a source of a set.
struct Bell {
    ring: Arc<Ring>,
    token: Token,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = lock(&self.ring.state);
        state.ready.push_back(self.token);
        let waiter = state.waiter.take();
        drop(state);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}
