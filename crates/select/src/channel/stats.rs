//! What goes on in a channel.

use super::Shared;

/// A snapshot of a channel, by [`Sender::stats`](super::Sender::stats) and
/// [`Receiver::stats`](super::Receiver::stats): the counts of messages and waiters belong together,
/// those of handles may be a moment younger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelStats {
    /// Messages sent and not yet received.
    pub len: usize,
    /// How many messages the buffer holds; `None` when there is no limit.
    pub capacity: Option<usize>,
    /// The most messages there ever were in the buffer: how large it need have been.
    pub peak: usize,
    /// Senders that wait for room.
    pub waiting_senders: usize,
    /// Receivers that wait for a message.
    pub waiting_receivers: usize,
    /// Sender handles.
    pub senders: usize,
    /// Receiver handles.
    pub receivers: usize,
    /// Whether the channel is closed.
    pub closed: bool,
}

impl ChannelStats {
    pub(super) fn of<T>(shared: &Shared<T>) -> Self {
        shared.read(|state| {
            let (waiting_senders, waiting_receivers) = state.waiting();
            Self {
                len: state.len(),
                capacity: Self::capacity_of(state.capacity()),
                peak: state.peak(),
                waiting_senders,
                waiting_receivers,
                senders: shared.senders.count(),
                receivers: shared.receivers.count(),
                closed: state.is_closed(),
            }
        })
    }

    pub(super) fn capacity_of(capacity: usize) -> Option<usize> {
        (capacity != usize::MAX).then_some(capacity)
    }
}
