//! What the channel workloads ask of an implementation, and who answers.
//!
//! One file per implementation. A channel carries `u64`. Its ends implement what they can do, and a
//! workload asks for the least it needs, so that an implementation takes part where it can and
//! nothing is faked where it cannot: a rendezvous, say, or a blocking call.

mod anabranch;
mod async_channel;
mod crossbeam;
mod flume;
mod kanal;
mod loole;
mod std_mpsc;
mod tokio;

use std::future::Future;
use std::marker::PhantomData;

use anyhow::Result;

pub use anabranch::{Anabranch, AnabranchMacro, AnabranchMux};
pub use async_channel::AsyncChannel;
pub use crossbeam::{Crossbeam, CrossbeamMacro, CrossbeamSelect};
pub use flume::{Flume, FlumeSelector};
pub use kanal::{Kanal, KanalTasks, KanalToTask};
pub use loole::Loole;
pub use std_mpsc::{StdBounded, StdUnbounded};
pub use tokio::{TokioBounded, TokioSelect, TokioSelectAll, TokioStreamMap, TokioUnbounded};

/// How many messages may wait in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// So many, which is at least one.
    Bounded(usize),
    /// None: a message goes from hand to hand.
    Rendezvous,
    /// As many as memory holds.
    Unbounded,
}

/// A kind of channel, by its two ends.
pub trait Channel {
    /// Where messages go in. Dropped, the channel is closed.
    type Sender: Send + 'static;
    /// Where messages come out.
    type Receiver: Send + 'static;

    /// A new channel, empty.
    ///
    /// # Errors
    /// There are none of this capacity.
    fn make(capacity: Capacity) -> Result<(Self::Sender, Self::Receiver)>;
}

/// A sender that never waits.
pub trait TrySend {
    /// Whether there was room, and the message is in the channel.
    fn try_send(&mut self, message: u64) -> bool;
}

/// A receiver that never waits.
pub trait TryReceive {
    /// The first message, if there is one.
    fn try_receive(&mut self) -> Option<u64>;
}

/// A sender for threads.
pub trait BlockingSend {
    /// Blocks the thread until there is room.
    ///
    /// # Errors
    /// Nobody will receive it.
    fn send(&mut self, message: u64) -> Result<()>;
}

/// A receiver for threads.
pub trait BlockingReceive {
    /// Blocks the thread until there is a message; `None` once the channel is closed and empty.
    fn receive(&mut self) -> Option<u64>;
}

/// A sender for tasks.
pub trait AsyncSend {
    /// Finishes when there was room.
    fn send(&mut self, message: u64) -> impl Future<Output = Result<()>> + Send;
}

/// A receiver for tasks.
pub trait AsyncReceive {
    /// Finishes when there was a message; with `None` once the channel is closed and empty.
    fn receive(&mut self) -> impl Future<Output = Option<u64>> + Send;
}

/// A way for a thread to receive from many channels.
///
/// The implementation has the loop, so that it may keep what borrows from the receivers.
pub trait BlockingSelect {
    /// What it receives from.
    type Channel: Channel<Sender: BlockingSend>;

    /// Receives `messages` times from whichever channel is ready, and hands on which one it was,
    /// by its place, and what it had.
    ///
    /// # Errors
    /// A channel was closed, there are not as many as this way is written for, or `take` gave up.
    fn receive_all(
        receivers: Vec<<Self::Channel as Channel>::Receiver>,
        messages: u64,
        take: impl FnMut(usize, u64) -> Result<()>,
    ) -> Result<()>;
}

/// A way for a task to receive from many channels. As [`BlockingSelect`].
pub trait AsyncSelect {
    /// What it receives from.
    type Channel: Channel<Sender: AsyncSend>;

    /// As [`BlockingSelect::receive_all`].
    ///
    /// # Errors
    /// As there.
    fn receive_all(
        receivers: Vec<<Self::Channel as Channel>::Receiver>,
        messages: u64,
        take: impl FnMut(usize, u64) -> Result<()> + Send,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// One look at two channels, which takes what is in one of them and never waits.
pub trait PollTwo {
    /// What it looks at.
    type Channel: Channel<Sender: TrySend>;

    /// A message of either, or `None`.
    fn poll_two(receivers: &mut [<Self::Channel as Channel>::Receiver; 2]) -> Option<u64>;
}

/// Looks at one after the other: what one writes where there is no select.
#[derive(Debug)]
pub struct InTurn<C>(PhantomData<C>);

impl<C: Channel<Sender: TrySend, Receiver: TryReceive>> PollTwo for InTurn<C> {
    type Channel = C;

    #[inline]
    fn poll_two([first, second]: &mut [C::Receiver; 2]) -> Option<u64> {
        first.try_receive().or_else(|| second.try_receive())
    }
}
