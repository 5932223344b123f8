//! Why nothing was sent or received. What was to be sent comes back.

use anabranch_core_cancel::Cancelled;
use std::fmt;
use thiserror::Error;

/// The channel is closed and every message has been received: none will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the channel is closed")]
pub struct Closed;

/// The channel is closed: the message was not sent and comes back.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
#[error("the channel is closed")]
pub struct Unsent<T>(pub T);

impl<T> Unsent<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Why a bounded [`send`](crate::Sender::send) sent nothing. The message comes back.
#[derive(Clone, Error)]
pub enum SendError<T> {
    /// The channel is closed: trying again never helps.
    #[error("the channel is closed")]
    Closed(T),
    /// The token was cancelled or time ran out while there was no room.
    #[error("{why}")]
    Cancelled {
        /// Why the wait ended.
        #[source]
        why: Cancelled,
        /// What was to be sent.
        message: T,
    },
}

impl<T> SendError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(message) | Self::Cancelled { message, .. } => message,
        }
    }

    /// Whether the channel is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

impl<T> From<Unsent<T>> for SendError<T> {
    fn from(Unsent(message): Unsent<T>) -> Self {
        Self::Closed(message)
    }
}

/// Why [`try_send`](crate::Sender::try_send) sent nothing. The message comes back.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
pub enum TrySendError<T> {
    /// No room right now, or without a buffer no receiver that waits: trying again may help.
    #[error("the channel is full")]
    Full(T),
    /// The channel is closed: trying again never helps.
    #[error("the channel is closed")]
    Closed(T),
}

impl<T> TrySendError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(message) | Self::Closed(message) => message,
        }
    }

    /// Whether the channel is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

/// Why a bounded [`recv`](crate::Receiver::recv) yields no message.
#[derive(Clone, Debug, Error)]
pub enum RecvError {
    /// The channel is closed and every message has been received.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The token was cancelled or time ran out while there was no message.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Why [`try_recv`](crate::Receiver::try_recv) yields no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TryRecvError {
    /// No message right now: trying again may help.
    #[error("the channel is empty")]
    Empty,
    /// The channel is closed and every message has been received: trying again never helps.
    #[error("the channel is closed")]
    Closed,
}

// By hand: whoever unwraps a result need not have a message that can be printed.

impl<T> fmt::Debug for Unsent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unsent(..)")
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(_) => f.write_str("Closed(..)"),
            Self::Cancelled { why, .. } => f.debug_tuple("Cancelled").field(why).finish(),
        }
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}
