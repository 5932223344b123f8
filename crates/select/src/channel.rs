//! Channels: messages from senders to receivers, in order.
//!
//! | | buffer | `send` waits |
//! | --- | --- | --- |
//! | [`bounded(n)`](bounded) | `n` messages | while the buffer is full |
//! | [`rendezvous()`](rendezvous) | none | until a receiver takes the message |
//! | [`unbounded()`](unbounded) | as much as there is memory | never |
//!
//! Each message goes to one receiver. Three more have a purpose of their own:
//!
//! | | for | `send` never waits |
//! | --- | --- | --- |
//! | [`oneshot()`](oneshot()) | one answer | it happens once |
//! | [`watch(value)`](watch()) | a value that changes | only the latest counts |
//! | [`broadcast(n)`](broadcast()) | every message to every receiver | the slowest misses some, and knows how many |
//!
//! Start with the smallest that does the job: without a buffer a sender knows that its message was
//! taken; with one, producer and consumer need not keep step. [`guide`](crate::guide) says more.

mod broadcast;
mod iter;
mod oneshot;
mod readers;
mod receiver;
mod sender;
mod shared;
mod state;
mod stats;
#[cfg(feature = "stream")]
mod stream;
mod watch;

pub use broadcast::{BroadcastReceiver, BroadcastSender, Heard, broadcast};
pub use iter::{IntoIter, Iter, TryIter};
pub use oneshot::{OneshotReceiver, OneshotSender, oneshot};
pub use receiver::Receiver;
pub use sender::{Sender, WeakSender};
pub use stats::ChannelStats;
#[cfg(feature = "stream")]
pub use stream::{IntoStream, Stream};
pub use watch::{WatchReceiver, WatchSender, watch};

pub(crate) use shared::Shared;
pub(crate) use state::{Offer, State, Take};

use crate::sync::Arc;

/// A channel that holds up to `capacity` messages nobody has taken yet. A sender waits while it is
/// full.
///
/// Memory for the buffer grows as it is used and is kept until the channel goes. A `capacity` of
/// zero makes a [`rendezvous`].
///
/// ```
/// use anabranch_select::channel;
///
/// let (tx, rx) = channel::bounded(2);
/// tx.send("a").wait()?;
/// tx.send("b").wait()?;
/// assert!(tx.try_send("c").is_err()); // full: `send` would wait
/// assert_eq!(rx.recv().wait(), Ok("a"));
/// # Ok::<(), anabranch_select::Unsent<&str>>(())
/// ```
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared::new(capacity));
    (Sender::new(shared.clone()), Receiver::new(shared))
}

/// A channel without a buffer: a message goes from hand to hand, and a sender waits until a
/// receiver takes it.
///
/// ```
/// use anabranch_select::channel;
/// use std::thread;
///
/// let (tx, rx) = channel::rendezvous();
/// assert!(tx.try_send(1).is_err()); // nobody is there to take it
/// let sender = thread::spawn(move || tx.send(2).wait());
/// assert_eq!(rx.recv().wait(), Ok(2));
/// assert_eq!(sender.join().unwrap(), Ok(()));
/// ```
pub fn rendezvous<T>() -> (Sender<T>, Receiver<T>) {
    bounded(0)
}

/// A channel that is never full: it grows as long as senders are faster than receivers. Say why
/// that has an end where you use it.
///
/// ```
/// use anabranch_select::channel;
///
/// let (tx, rx) = channel::unbounded();
/// for n in 0..100 {
///     tx.try_send(n)?; // never `Full`
/// }
/// drop(tx);
/// assert_eq!(rx.iter().sum::<u32>(), 4950);
/// # Ok::<(), anabranch_select::TrySendError<u32>>(())
/// ```
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    bounded(usize::MAX)
}
