//! A set of receivers, by key, that is kept from one receive to the next.
//!
//! A `select!` asks each of its arms each time. A [`Mux`] keeps a list of the sources that have
//! something: a channel that is empty holds a waker of its source, which, when a message comes, puts
//! the source on that list and wakes whoever waits for the set. So a receive costs what the sources
//! that have something cost, and nothing for those that have not, a thousand or ten.
//!
//! ```text
//!          woken by its channel                 taken from, and there is more
//!   IDLE ───────────────────────▶ IN LINE ◀───────────────────────────────┐
//!    ▲   (its waker is with the     │ first in line: asked for a message  │
//!    │    channel, once)            ▼                                     │
//!    └───────────────────────── nothing (left)  ──────────────────────────┘
//! ```
//!
//! A source is in line at most once: its waker is with the channel only while it is idle, and goes
//! off once. A source that is taken out leaves its number behind, in line or on its way there: the
//! number carries a generation, and one that is out of date is passed over.

mod ring;
#[cfg(feature = "stream")]
mod stream;

use crate::{
    channel::{Receiver, Take},
    error::Closed,
    ops::Next,
    sync::{Arc, yield_now},
};
use anabranch_core_cancel::Ticket;
use ring::{Ring, Token};
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    hash::Hash,
    num::NonZeroU32,
    task::{Poll, Waker},
};

/// A set of receivers by key: receives from whichever has a message, fairly, at a cost that does
/// not grow with the set.
///
/// ```
/// use anabranch_select::{Mux, channel};
///
/// let mut feeds = Mux::new();
/// for name in ["a", "b", "c"] {
///     let (tx, rx) = channel::bounded(1);
///     tx.try_send(name.to_uppercase())?;
///     feeds.insert(name, rx);
/// }
/// let mut seen = Vec::new();
/// while let Some((name, event)) = feeds.recv().wait() {
///     match event {
///         Ok(message) => seen.push((name, message)),
///         Err(closed) => assert!(!feeds.contains(&name), "{closed}: it has left the set"),
///     }
/// }
/// assert_eq!(seen, [("a", "A".into()), ("b", "B".into()), ("c", "C".into())]);
/// # Ok::<(), anabranch_select::TrySendError<String>>(())
/// ```
///
/// # Fairness
/// Sources that have messages take turns: one message a turn, or as many as the
/// [weight](Self::insert_weighted) of the source says. So a source that has a message waits for at
/// most as many messages of others as their weights add up to, however much those have.
///
/// # What it is not
/// A receiver in line. Nothing is taken from a channel before a receive of the set takes it; so
/// other receivers of the channel may be faster, and `try_send` on a rendezvous channel finds nobody
/// there, where `send` does not.
pub struct Mux<K, T> {
    sources: Vec<Option<Source<K, T>>>,
    /// Where each key is, for insert and remove.
    places: HashMap<K, usize>,
    /// Free numbers of `sources`.
    free: Vec<usize>,
    /// Sources to be asked.
    line: VecDeque<Token>,
    ring: Arc<Ring>,
    generation: u32,
}

struct Source<K, T> {
    key: K,
    receiver: Receiver<T>,
    token: Token,
    waker: Waker,
    weight: u32,
    /// Messages left in this turn.
    turn: u32,
}

impl<K: Clone + Eq + Hash, T> Mux<K, T> {
    /// An empty set.
    pub fn new() -> Self {
        Self {
            sources: Vec::new(),
            places: HashMap::new(),
            free: Vec::new(),
            line: VecDeque::new(),
            ring: Arc::default(),
            generation: 0,
        }
    }

    /// Adds a receiver, or replaces the one of that key, which comes back.
    pub fn insert(&mut self, key: K, receiver: Receiver<T>) -> Option<Receiver<T>> {
        self.insert_weighted(key, receiver, NonZeroU32::MIN)
    }

    /// Adds a receiver that has up to `weight` messages a turn while it has them.
    pub fn insert_weighted(
        &mut self,
        key: K,
        receiver: Receiver<T>,
        weight: NonZeroU32,
    ) -> Option<Receiver<T>> {
        let replaced = self.remove(&key);
        let at = self.free.pop().unwrap_or_else(|| {
            self.sources.push(None);
            self.sources.len() - 1
        });
        self.generation = self.generation.wrapping_add(1);
        let token = Token {
            at,
            generation: self.generation,
        };
        self.places.insert(key.clone(), at);
        self.sources[at] = Some(Source {
            key,
            receiver,
            token,
            waker: Ring::waker(&self.ring, token),
            weight: weight.get(),
            turn: weight.get(),
        });
        // Asked once; after that its channel says when.
        self.line.push_back(token);
        replaced
    }

    /// Takes a receiver out. What is in its channel stays there.
    pub fn remove(&mut self, key: &K) -> Option<Receiver<T>> {
        let at = self.places.remove(key)?;
        let source = self.sources[at].take()?;
        self.free.push(at);
        Some(source.into_receiver())
    }

    /// Whether the set has a receiver of that key.
    pub fn contains(&self, key: &K) -> bool {
        self.places.contains_key(key)
    }

    /// The receiver of that key.
    pub fn get(&self, key: &K) -> Option<&Receiver<T>> {
        let at = *self.places.get(key)?;
        self.sources[at].as_ref().map(|source| &source.receiver)
    }

    /// The keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.places.keys()
    }

    /// How many receivers there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no receiver.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Receives from whichever source has something, waiting while none has: an operation that
    /// yields the key and the message, or [`Closed`] when that source's channel is closed and all of
    /// its messages have been received: then the source has left the set. `None` when the set is
    /// empty.
    ///
    /// # Cancel safety
    /// Dropped before it finishes, it has received nothing.
    ///
    /// # Cost
    /// The lock of the channel and one of the set, whatever the size of the set (benches
    /// `X1-64` and `X1-1024`).
    pub fn recv(&mut self) -> Next<'_, K, T> {
        Next::new(self)
    }

    /// One poll of [`recv`](Self::recv).
    pub(crate) fn poll(
        &mut self,
        ticket: Option<&Ticket<'_>>,
    ) -> Poll<Option<(K, Result<T, Closed>)>> {
        if self.is_empty() {
            return Poll::Ready(None);
        }
        loop {
            let Some(token) = self.ring.next(&mut self.line, ticket) else {
                return Poll::Pending;
            };
            if let Some(event) = self.ask(token) {
                return Poll::Ready(Some(event));
            }
        }
    }

    /// Asks a source: what it has, if it has anything.
    fn ask(&mut self, token: Token) -> Option<(K, Result<T, Closed>)> {
        let source = self.sources[token.at].as_mut();
        let source = source.filter(|source| source.token == token)?;
        let shared = source.receiver.shared();
        let (take, more) = shared.with(|state, wakes| {
            let take = state.take(None, wakes);
            let more = state.len() > 0;
            if !more && !matches!(take, Take::Closed) {
                state.watch(&source.waker);
            }
            (take, more)
        });
        match take {
            Take::Message(message) => {
                source.turn -= 1;
                let goes_on = more && source.turn > 0;
                if !goes_on {
                    source.turn = source.weight;
                }
                let event = (source.key.clone(), Ok(message));
                match (more, goes_on) {
                    (true, true) => self.line.push_front(token),
                    (true, false) => self.line.push_back(token),
                    (false, _) => {}
                }
                Some(event)
            }
            Take::Closed => {
                let key = source.key.clone();
                self.remove(&key);
                Some((key, Err(Closed)))
            }
            Take::Empty => {
                // A sender that is just choosing among its arms makes the source look ready.
                yield_now();
                None
            }
        }
    }

    /// The owner no longer waits.
    pub(crate) fn stop_waiting(&mut self) {
        self.ring.forget_waiter();
    }
}

impl<K, T> Source<K, T> {
    fn into_receiver(self) -> Receiver<T> {
        let shared = self.receiver.shared();
        let _waker = shared.with(|state, _| state.unwatch(&self.waker));
        self.receiver
    }
}

impl<K: Clone + Eq + Hash, T> Default for Mux<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Clone + Eq + Hash, T> Extend<(K, Receiver<T>)> for Mux<K, T> {
    fn extend<I: IntoIterator<Item = (K, Receiver<T>)>>(&mut self, sources: I) {
        for (key, receiver) in sources {
            self.insert(key, receiver);
        }
    }
}

impl<K: Clone + Eq + Hash, T> FromIterator<(K, Receiver<T>)> for Mux<K, T> {
    fn from_iter<I: IntoIterator<Item = (K, Receiver<T>)>>(sources: I) -> Self {
        let mut mux = Self::new();
        mux.extend(sources);
        mux
    }
}

impl<K, T> Drop for Mux<K, T> {
    fn drop(&mut self) {
        // The channels may live on: they do not keep the wakers of a set that is gone.
        for source in self.sources.drain(..).flatten() {
            drop(source.into_receiver());
        }
    }
}

impl<K: fmt::Debug, T> fmt::Debug for Mux<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.sources.iter().flatten().map(|source| &source.key);
        f.debug_set().entries(keys).finish()
    }
}
