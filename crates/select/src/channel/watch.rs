//! A value that changes, of which only the latest counts.

use super::readers::{Rule, Shell};
#[cfg(loom)]
use crate::control::{self, Mistake};
use crate::{
    error::{Closed, Unsent},
    ops::{Reading, Reads},
    sync::Arc,
};
use anabranch_core_cancel::{Ticket, queue::Place};
use std::{fmt, mem, task::Poll};

/// A value that changes: receivers see the latest, and wait for a later one. What came in between
/// is passed over, so nobody is ever behind and nothing is ever full.
///
/// For settings, a state, progress: where an old value is of no use once there is a new one. Where
/// each counts: [`broadcast`](super::broadcast()).
///
/// A value is handed out as an [`Arc`], a snapshot: no lock is held while it is read, so a reader
/// can neither block a sender nor deadlock with it, and what it holds does not change.
///
/// ```
/// use anabranch_select::{Closed, channel};
///
/// let (tx, mut rx) = channel::watch("starting");
/// assert_eq!(*rx.latest(), "starting");
/// tx.send("loading")?;
/// tx.send("ready")?;
/// assert_eq!(*rx.changed().wait()?, "ready"); // "loading" is passed over
/// drop(tx);
/// assert_eq!(rx.changed().wait(), Err(Closed));
/// assert_eq!(*rx.latest(), "ready");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn watch<T>(initial: T) -> (WatchSender<T>, WatchReceiver<T>) {
    let latest = Latest {
        value: Arc::new(initial),
        version: 0,
    };
    let shell = Arc::new(Shell::new(latest));
    let receiver = WatchReceiver {
        shell: shell.clone(),
        seen: 0,
    };
    (WatchSender { shell }, receiver)
}

/// The rule: a value and the number of times it was changed.
struct Latest<T> {
    value: Arc<T>,
    version: u64,
}

impl<T> Latest<T> {
    /// What was there is to be dropped after the lock.
    fn replace(&mut self, value: Arc<T>) -> Arc<T> {
        self.version += 1;
        mem::replace(&mut self.value, value)
    }
}

impl<T> Rule for Latest<T> {
    type News = Arc<T>;

    fn end(&self) -> u64 {
        self.version
    }

    fn read(&mut self, seen: &mut u64) -> Option<Arc<T>> {
        (*seen < self.version).then(|| {
            *seen = self.version;
            self.value.clone()
        })
    }
}

/// The end of a [`watch`] that changes the value. Clones change the same.
///
/// The channel closes when the last sender is dropped: receivers see the last value, then
/// [`Closed`].
pub struct WatchSender<T> {
    shell: Arc<Shell<Latest<T>>>,
}

impl<T> WatchSender<T> {
    /// Changes the value, if somebody is there to see it. Never waits.
    ///
    /// # Errors
    /// [`Unsent`] with the value when there is no receiver; the value stays as it was. To change it
    /// in any case, for those who subscribe later: [`send_replace`](Self::send_replace).
    ///
    /// # Cost
    /// An allocation and a lock, and a wake for each receiver that waits.
    pub fn send(&self, value: T) -> Result<(), Unsent<T>> {
        let value = Arc::new(value);
        let done = self.shell.with(|state| match state.readers {
            0 => Err(value),
            _ => Ok(state.rule.replace(value)),
        });
        // The old value is dropped here, after the lock.
        done.map(drop)
            .map_err(|value| Unsent(Arc::into_inner(value).expect("nobody else has seen it")))
    }

    /// Changes the value, whether or not somebody is there to see it; yields what it was.
    pub fn send_replace(&self, value: T) -> Arc<T> {
        let value = Arc::new(value);
        self.shell.with(|state| state.rule.replace(value))
    }

    /// Changes a copy of the value and makes it the value; yields what it was.
    ///
    /// No lock is held while `change` runs, so it may do anything. In exchange it runs again, on a
    /// new copy, when another sender was faster: no change is lost. If it panics, nothing has
    /// changed.
    ///
    /// ```
    /// let (tx, rx) = anabranch_select::channel::watch(vec![1]);
    /// tx.send_modify(|list| list.push(2));
    /// assert_eq!(*rx.latest(), [1, 2]);
    /// ```
    pub fn send_modify(&self, mut change: impl FnMut(&mut T)) -> Arc<T>
    where
        T: Clone,
    {
        loop {
            let (version, value) = self.shell.look(|state| {
                let Latest { value, version } = &state.rule;
                (*version, value.clone())
            });
            let mut next = T::clone(&value);
            change(&mut next);
            let next = Arc::new(next);
            let done = self.shell.with(|state| {
                #[cfg(loom)]
                if control::is_planted(Mistake::OverwriteModified) {
                    return Ok(state.rule.replace(next));
                }
                if state.rule.version == version {
                    Ok(state.rule.replace(next))
                } else {
                    Err(next)
                }
            });
            if let Ok(was) = done {
                return was;
            }
        }
    }

    /// The value now.
    pub fn latest(&self) -> Arc<T> {
        self.shell.look(|state| state.rule.value.clone())
    }

    /// One more receiver, which knows the value of now and waits for later ones.
    pub fn subscribe(&self) -> WatchReceiver<T> {
        WatchReceiver {
            seen: self.shell.subscribe(),
            shell: self.shell.clone(),
        }
    }

    /// Receiver handles: a snapshot.
    pub fn receivers(&self) -> usize {
        self.shell.look(|state| state.readers)
    }

    /// Receivers that wait for a change: a snapshot.
    pub fn waiting(&self) -> usize {
        self.shell.waiting()
    }
}

impl<T> Clone for WatchSender<T> {
    fn clone(&self) -> Self {
        self.shell.senders.add();
        Self {
            shell: self.shell.clone(),
        }
    }
}

impl<T> Drop for WatchSender<T> {
    fn drop(&mut self) {
        self.shell.drop_sender();
    }
}

impl<T> fmt::Debug for WatchSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchSender")
    }
}

/// The end of a [`watch`] that sees the value. A clone has seen what the original has.
pub struct WatchReceiver<T> {
    shell: Arc<Shell<Latest<T>>>,
    seen: u64,
}

impl<T> WatchReceiver<T> {
    /// The latest value, once it is one that this receiver has not seen: an operation.
    ///
    /// Several changes since the last look are one.
    ///
    /// # Fairness
    /// Each receiver that waits sees each change, or a later one.
    ///
    /// # Cancel safety
    /// Dropped before it finishes, it has seen nothing: the change is still news.
    ///
    /// # Errors
    /// [`Closed`] when the last sender is gone and the last value has been seen.
    pub fn changed(&mut self) -> Reading<'_, Self> {
        Reading::new(self)
    }

    /// The value now. It stays news if it was: see [`see_latest`](Self::see_latest).
    pub fn latest(&self) -> Arc<T> {
        self.shell.look(|state| state.rule.value.clone())
    }

    /// The value now, which is then no news any more: [`changed`](Self::changed) waits for a later
    /// one.
    pub fn see_latest(&mut self) -> Arc<T> {
        let (version, value) = self.shell.look(|state| {
            let Latest { value, version } = &state.rule;
            (*version, value.clone())
        });
        self.seen = version;
        value
    }

    /// Whether [`changed`](Self::changed) would be ready: a later value, or the end. One load.
    pub fn has_changed(&self) -> bool {
        self.shell.has_news(self.seen)
    }

    /// Whether all senders are gone, so that the value stays: `true` is final.
    pub fn is_closed(&self) -> bool {
        self.shell.is_closed()
    }
}

impl<T> Reads for WatchReceiver<T> {
    type News = Arc<T>;

    fn poll_read(
        &mut self,
        place: &mut Option<Place>,
        ticket: &Ticket<'_>,
    ) -> Poll<Result<Arc<T>, Closed>> {
        self.shell.poll_read(&mut self.seen, place, ticket)
    }

    fn try_read(&mut self) -> Poll<Result<Arc<T>, Closed>> {
        self.shell.try_read(&mut self.seen)
    }

    fn leave(&self, place: Place) {
        self.shell.leave(place);
    }
}

impl<T> Clone for WatchReceiver<T> {
    fn clone(&self) -> Self {
        self.shell.subscribe();
        Self {
            shell: self.shell.clone(),
            seen: self.seen,
        }
    }
}

impl<T> Drop for WatchReceiver<T> {
    fn drop(&mut self) {
        self.shell.with(|state| state.readers -= 1);
    }
}

impl<T> fmt::Debug for WatchReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchReceiver")
    }
}
