//! The thin shell around [`State`]: one lock, and one word that can be read without it.
//!
//! The word says whether it is worth taking the lock to receive and to send. It is written under
//! the lock and read without: whoever reads it sees at least what happened before its own call, so
//! a message that was sent before is never overlooked; what it says may be outdated by what happens
//! meanwhile, exactly as an answer given under the lock would be on return.

use super::state::{Hint, Offer, State, Take};
#[cfg(any(loom, shuttle))]
use crate::control::{self, Mistake};
use crate::sync::{AtomicU32, AtomicUsize, Mutex, MutexGuard, lock};
use anabranch_core_cancel::Wakes;
use std::{
    mem,
    sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release},
};

const MAY_RECEIVE: u32 = 1;
const MAY_SEND: u32 = 2;

pub(crate) struct Shared<T> {
    state: Mutex<State<T>>,
    hint: AtomicU32,
    has_buffer: bool,
    pub(crate) senders: Ends,
    pub(crate) receivers: Ends,
}

impl<T> Shared<T> {
    /// One sender, one receiver.
    pub(crate) fn new(capacity: usize) -> Self {
        let mut state = State::new(capacity);
        state.published = bits(state.settle(&mut Wakes::new()));
        Self {
            hint: AtomicU32::new(state.published),
            state: Mutex::new(state),
            has_buffer: capacity > 0,
            senders: Ends::one(),
            receivers: Ends::one(),
        }
    }

    /// Does something to the channel under its lock, settles what follows from it, and wakes whom
    /// it concerns after the lock.
    #[inline]
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State<T>, &mut Wakes) -> R) -> R {
        self.with_locked(lock(&self.state), act)
    }

    #[inline]
    fn with_locked<R>(
        &self,
        state: MutexGuard<'_, State<T>>,
        act: impl FnOnce(&mut State<T>, &mut Wakes) -> R,
    ) -> R {
        // Before the guard, which goes first.
        let mut wakes = Wakes::new();
        let mut state = state;
        let done = act(&mut state, &mut wakes);
        let hint = state.settle(&mut wakes);
        self.publish(&mut state, hint);
        drop(state);
        done
    }

    /// Sends into the buffer of a channel in which nobody waits for anything; otherwise `act` does
    /// what there is to do.
    #[inline]
    pub(crate) fn offer_or<R>(
        &self,
        message: &mut Option<T>,
        sent: R,
        act: impl FnOnce(&mut Option<T>, &mut State<T>, &mut Wakes) -> R,
    ) -> R {
        let mut state = lock(&self.state);
        if let Some(hint) = state.push_quietly(message) {
            self.publish(&mut state, hint);
            return sent;
        }
        self.with_locked(state, |state, wakes| act(message, state, wakes))
    }

    /// Takes from the buffer of a channel in which nobody waits for anything; otherwise `act` does
    /// what there is to do.
    #[inline]
    pub(crate) fn take_or<R>(
        &self,
        taken: impl FnOnce(T) -> R,
        act: impl FnOnce(&mut State<T>, &mut Wakes) -> R,
    ) -> R {
        let mut state = lock(&self.state);
        if let Some((message, hint)) = state.pop_quietly() {
            self.publish(&mut state, hint);
            drop(state);
            return taken(message);
        }
        self.with_locked(state, act)
    }

    /// Under the lock, which also guards a copy of what was published last.
    #[inline]
    fn publish(&self, state: &mut State<T>, hint: Hint) {
        #[cfg(any(loom, shuttle))]
        if control::is_planted(Mistake::StaleHint) {
            return;
        }
        let now = bits(hint);
        // ORDERING: Release, paired with the Acquire in `may_receive` and `may_send`: whoever is told that it is worth it takes the lock and needs no more than that;
        // whoever is told that it is not has seen no later write of the word, and by coherence all
        // that happened before its call.
        if mem::replace(&mut state.published, now) != now {
            self.hint.store(now, Release);
        }
    }

    /// Looks at the channel under its lock and changes nothing.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State<T>) -> R) -> R {
        look(&lock(&self.state))
    }

    pub(crate) fn has_buffer(&self) -> bool {
        self.has_buffer
    }

    #[inline]
    pub(crate) fn may_receive(&self) -> bool {
        // ORDERING: Acquire, see `publish`.
        self.hint.load(Acquire) & MAY_RECEIVE != 0
    }

    #[inline]
    pub(crate) fn may_send(&self) -> bool {
        // ORDERING: Acquire, see `publish`.
        self.hint.load(Acquire) & MAY_SEND != 0
    }

    #[inline]
    pub(crate) fn try_take(&self) -> Take<T> {
        if !self.may_receive() {
            return Take::Empty;
        }
        self.take_or(Take::Message, |state, wakes| state.take(None, wakes))
    }

    #[inline]
    pub(crate) fn try_offer(&self, message: &mut Option<T>) -> Offer {
        if !self.may_send() {
            return Offer::Full;
        }
        self.offer_or(message, Offer::Sent, |message, state, wakes| {
            state.offer(message, None, wakes)
        })
    }

    /// No more messages; `false` when it was closed already.
    pub(crate) fn close(&self) -> bool {
        self.with(|state, _| {
            let open = !state.is_closed();
            state.close();
            open
        })
    }

    /// The last receiver has gone: nobody will take what is left.
    pub(crate) fn abandon(&self) {
        let left = self.with(|state, _| {
            state.close();
            state.discard()
        });
        drop(left);
    }
}

#[inline]
fn bits(hint: Hint) -> u32 {
    (u32::from(hint.may_receive) * MAY_RECEIVE) | (u32::from(hint.may_send) * MAY_SEND)
}

/// How many handles of one side there are.
pub(crate) struct Ends(AtomicUsize);

impl Ends {
    pub(crate) fn one() -> Self {
        Self(AtomicUsize::new(1))
    }

    pub(crate) fn count(&self) -> usize {
        // ORDERING: Relaxed: a snapshot, on which nothing rests.
        self.0.load(Relaxed)
    }

    /// Whoever adds one has one.
    pub(crate) fn add(&self) {
        // ORDERING: Relaxed: the handle it was cloned from keeps the count above zero.
        self.0.fetch_add(1, Relaxed);
    }

    /// Adds one unless none is left.
    pub(crate) fn add_if_any(&self) -> bool {
        // ORDERING: Relaxed: nothing is read on the strength of the count.
        let add = |count: usize| (count > 0).then_some(count + 1);
        self.0.fetch_update(Relaxed, Relaxed, add).is_ok()
    }

    /// Takes one away: whether it was the last.
    pub(crate) fn remove(&self) -> bool {
        // ORDERING: AcqRel: what was done through the other handles happened before the last one
        // closes the channel.
        self.0.fetch_sub(1, AcqRel) == 1
    }
}
