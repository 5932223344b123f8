//! What oneshot, watch and broadcast have in common: readers that wait for what comes after what they
//! have seen.
//!
//! What is sent has numbers that only grow. A reader knows the number up to which it has *seen*
//! everything; it has something to read once the rule's [`end`](Rule::end) lies beyond that. A
//! reader in line is told so and given nothing: it reads when it looks, so what it leaves unread
//! when it goes away is nobody's loss.
//!
//! After every operation ([`State::settle`]), of those in line
//!
//! 1. nobody's `seen` lies before the end, and if the channel is closed there is nobody, unless the
//!    first in line is a select that is looking at its arms right now: it finds the news or leaves,
//!    and whoever leaves settles again;
//! 2. `seen` never falls from the head to the tail: who joins has seen everything, and the end only
//!    grows. So the first that has nothing to read ends the round, and a reader that joined behind
//!    a select of 1 is not told of what it has seen.

use super::shared::Ends;
#[cfg(loom)]
use crate::control::{self, Mistake};
use crate::{
    error::Closed,
    sync::{AtomicU64, Mutex, lock},
};
use anabranch_core_cancel::{
    Ticket, Wakes,
    queue::{Left, Place, WaitQueue},
};
use std::{
    sync::atomic::Ordering::{Acquire, Release},
    task::{Poll, Waker},
};

/// Plain data that is read by number.
pub(crate) trait Rule {
    /// What a reader gets.
    type News;

    /// The number up to which there is something to read.
    fn end(&self) -> u64;

    /// What comes next for a reader that has seen everything before `seen`, which moves on.
    fn read(&mut self, seen: &mut u64) -> Option<Self::News>;
}

/// A rule and its readers.
pub(crate) struct State<R> {
    pub(crate) rule: R,
    /// Reader handles.
    pub(crate) readers: usize,
    closed: bool,
    line: WaitQueue<u64>,
    /// What [`Shell::horizon`] holds.
    shown: u64,
}

impl<R: Rule> State<R> {
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Nothing more will come. `false` when that was so already.
    pub(crate) fn close(&mut self) -> bool {
        !std::mem::replace(&mut self.closed, true)
    }

    fn read(&mut self, seen: &mut u64) -> Option<Result<R::News, Closed>> {
        #[cfg(loom)]
        if control::is_planted(Mistake::EndBeforeLast) && self.closed {
            return Some(Err(Closed));
        }
        let news = self.rule.read(seen).map(Ok);
        news.or_else(|| self.closed.then_some(Err(Closed)))
    }

    /// The number up to which there is something to see: the end of the channel lies beyond all.
    fn horizon(&self) -> u64 {
        if self.closed {
            u64::MAX
        } else {
            self.rule.end()
        }
    }

    /// Tells those in line for whom there is something.
    fn settle(&mut self, horizon: u64, wakes: &mut Wakes) {
        while self
            .line
            .hand_over_if(wakes, |&seen| seen < horizon, |_| {})
        {}
    }

    /// Leaves the line. What comes back is to be dropped after the lock.
    pub(crate) fn leave(&mut self, place: Place) -> Left<u64> {
        self.line.leave(place)
    }

    /// Joins the line, or stays in it. What comes back is to be dropped after the lock.
    fn wait(&mut self, place: &mut Option<Place>, seen: u64, ticket: &Ticket<'_>) -> Option<Waker> {
        match place {
            Some(place) => self.line.stay(place, ticket),
            None => {
                *place = Some(self.line.join(seen, ticket));
                None
            }
        }
    }
}

/// The thin shell: one lock, and one word that can be read without it.
pub(crate) struct Shell<R> {
    state: Mutex<State<R>>,
    /// [`State::horizon`].
    horizon: AtomicU64,
    pub(crate) senders: Ends,
}

impl<R: Rule> Shell<R> {
    /// One sender, one reader.
    pub(crate) fn new(rule: R) -> Self {
        let shown = rule.end();
        let state = State {
            rule,
            readers: 1,
            closed: false,
            line: WaitQueue::new(),
            shown,
        };
        Self {
            horizon: AtomicU64::new(shown),
            state: Mutex::new(state),
            senders: Ends::one(),
        }
    }

    /// Acts under the lock, settles what follows, and wakes whom it concerns after the lock.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State<R>) -> T) -> T {
        let mut wakes = Wakes::new();
        let mut state = lock(&self.state);
        let done = act(&mut state);
        let horizon = state.horizon();
        #[cfg(loom)]
        {
            let news = state.shown != horizon;
            if control::is_planted(Mistake::TellOnce) && !news {
                return done;
            }
            if control::is_planted(Mistake::TellNobody) && news {
                state.shown = horizon;
                self.horizon.store(horizon, Release);
                return done;
            }
        }
        state.settle(horizon, &mut wakes);
        if state.shown != horizon {
            state.shown = horizon;
            // ORDERING: Release, paired with the Acquire in `has_news`: who is told that there is
            // something takes the lock and needs no more than that; who is told that there is not
            // has, by coherence, seen all that happened before. Written under the lock only.
            self.horizon.store(horizon, Release);
        }
        drop(state);
        done
    }

    /// Looks under the lock and changes nothing.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&State<R>) -> T) -> T {
        look(&lock(&self.state))
    }

    /// Whether a reader that has seen everything before `seen` would find something, or the end.
    pub(crate) fn has_news(&self, seen: u64) -> bool {
        // ORDERING: Acquire, see `with`.
        self.horizon.load(Acquire) > seen
    }

    /// Whether nothing more will come: `true` is final.
    pub(crate) fn is_closed(&self) -> bool {
        // Nothing is ever seen up to here: only the end lies beyond.
        self.has_news(u64::MAX - 1)
    }

    /// Reads what is there now.
    pub(crate) fn try_read(&self, seen: &mut u64) -> Poll<Result<R::News, Closed>> {
        if !self.has_news(*seen) {
            return Poll::Pending;
        }
        match self.with(|state| state.read(seen)) {
            Some(news) => Poll::Ready(news),
            None => Poll::Pending,
        }
    }

    /// Reads what is there, or waits for it in line.
    pub(crate) fn poll_read(
        &self,
        seen: &mut u64,
        place: &mut Option<Place>,
        ticket: &Ticket<'_>,
    ) -> Poll<Result<R::News, Closed>> {
        // What is to be dropped after the lock comes out beside the answer.
        let (poll, _waker) = self.with(|state| match state.read(seen) {
            Some(news) => {
                let left = place.take().map(|place| state.leave(place));
                (Poll::Ready(news), left.and_then(|left| left.waker))
            }
            None => (Poll::Pending, state.wait(place, *seen, ticket)),
        });
        poll
    }

    pub(crate) fn leave(&self, place: Place) {
        let _left = self.with(|state| state.leave(place));
    }

    /// Readers in line.
    pub(crate) fn waiting(&self) -> usize {
        self.look(|state| state.line.len())
    }

    /// One more reader that knows everything up to now; yields what it has seen.
    pub(crate) fn subscribe(&self) -> u64 {
        self.with(|state| {
            state.readers += 1;
            state.rule.end()
        })
    }

    /// One sender less: the last closes the channel.
    pub(crate) fn drop_sender(&self) {
        if self.senders.remove() {
            self.with(State::close);
        }
    }
}
