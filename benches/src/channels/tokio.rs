//! tokio's mpsc: for tasks, with calls that block a thread, one receiver and no rendezvous. And the
//! ways for a task to receive from many of them.

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use futures_util::stream::SelectAll;
use tokio::select;
use tokio::sync::mpsc::{
    Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel,
};
use tokio_stream::StreamMap;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    AsyncReceive, AsyncSelect, AsyncSend, BlockingReceive, BlockingSend, Capacity, Channel,
    TryReceive, TrySend,
};

/// `mpsc::channel`.
#[derive(Debug)]
pub struct TokioBounded;

impl Channel for TokioBounded {
    type Sender = Sender<u64>;
    type Receiver = Receiver<u64>;

    fn make(capacity: Capacity) -> Result<(Sender<u64>, Receiver<u64>)> {
        match capacity {
            Capacity::Bounded(capacity) => Ok(channel(capacity)),
            Capacity::Rendezvous | Capacity::Unbounded => bail!("mpsc::channel has a bound"),
        }
    }
}

/// `mpsc::unbounded_channel`.
#[derive(Debug)]
pub struct TokioUnbounded;

impl Channel for TokioUnbounded {
    type Sender = UnboundedSender<u64>;
    type Receiver = UnboundedReceiver<u64>;

    fn make(capacity: Capacity) -> Result<(UnboundedSender<u64>, UnboundedReceiver<u64>)> {
        match capacity {
            Capacity::Unbounded => Ok(unbounded_channel()),
            Capacity::Bounded(_) | Capacity::Rendezvous => {
                bail!("mpsc::unbounded_channel has no bound")
            }
        }
    }
}

impl TrySend for Sender<u64> {
    #[inline]
    fn try_send(&mut self, message: u64) -> bool {
        Sender::try_send(self, message).is_ok()
    }
}

impl TryReceive for Receiver<u64> {
    #[inline]
    fn try_receive(&mut self) -> Option<u64> {
        self.try_recv().ok()
    }
}

impl BlockingSend for Sender<u64> {
    #[inline]
    fn send(&mut self, message: u64) -> Result<()> {
        Ok(self.blocking_send(message)?)
    }
}

impl BlockingSend for UnboundedSender<u64> {
    #[inline]
    fn send(&mut self, message: u64) -> Result<()> {
        Ok(UnboundedSender::send(self, message)?)
    }
}

impl BlockingReceive for Receiver<u64> {
    #[inline]
    fn receive(&mut self) -> Option<u64> {
        self.blocking_recv()
    }
}

impl BlockingReceive for UnboundedReceiver<u64> {
    #[inline]
    fn receive(&mut self) -> Option<u64> {
        self.blocking_recv()
    }
}

impl AsyncSend for Sender<u64> {
    #[inline]
    async fn send(&mut self, message: u64) -> Result<()> {
        Ok(Sender::send(self, message).await?)
    }
}

/// It never waits.
impl AsyncSend for UnboundedSender<u64> {
    #[inline]
    async fn send(&mut self, message: u64) -> Result<()> {
        Ok(UnboundedSender::send(self, message)?)
    }
}

impl AsyncReceive for Receiver<u64> {
    #[inline]
    async fn receive(&mut self) -> Option<u64> {
        self.recv().await
    }
}

impl AsyncReceive for UnboundedReceiver<u64> {
    #[inline]
    async fn receive(&mut self) -> Option<u64> {
        self.recv().await
    }
}

/// What closed a channel before all messages had come.
const EARLY: &str = "a channel was closed too early";

/// `tokio::select!`, written out for two and for eight channels.
#[derive(Debug)]
pub struct TokioSelect;

impl AsyncSelect for TokioSelect {
    type Channel = TokioBounded;

    async fn receive_all(
        mut receivers: Vec<Receiver<u64>>,
        messages: u64,
        mut take: impl FnMut(usize, u64) -> Result<()> + Send,
    ) -> Result<()> {
        match receivers.as_mut_slice() {
            [a, b] => {
                for _ in 0..messages {
                    select! {
                        Some(message) = a.recv() => take(0, message)?,
                        Some(message) = b.recv() => take(1, message)?,
                        else => bail!(EARLY),
                    }
                }
            }
            [a, b, c, d, e, f, g, h] => {
                for _ in 0..messages {
                    select! {
                        Some(message) = a.recv() => take(0, message)?,
                        Some(message) = b.recv() => take(1, message)?,
                        Some(message) = c.recv() => take(2, message)?,
                        Some(message) = d.recv() => take(3, message)?,
                        Some(message) = e.recv() => take(4, message)?,
                        Some(message) = f.recv() => take(5, message)?,
                        Some(message) = g.recv() => take(6, message)?,
                        Some(message) = h.recv() => take(7, message)?,
                        else => bail!(EARLY),
                    }
                }
            }
            other => bail!("not written out for {} channels", other.len()),
        }
        Ok(())
    }
}

/// A `StreamMap` with each channel under its place.
#[derive(Debug)]
pub struct TokioStreamMap;

impl AsyncSelect for TokioStreamMap {
    type Channel = TokioBounded;

    async fn receive_all(
        receivers: Vec<Receiver<u64>>,
        messages: u64,
        mut take: impl FnMut(usize, u64) -> Result<()> + Send,
    ) -> Result<()> {
        let streams = receivers.into_iter().map(ReceiverStream::new);
        let mut map: StreamMap<usize, _> = streams.enumerate().collect();
        for _ in 0..messages {
            let (place, message) = map.next().await.context(EARLY)?;
            take(place, message)?;
        }
        Ok(())
    }
}

/// `futures`' `SelectAll`. It does not say which stream an item is from, so that each tells.
#[derive(Debug)]
pub struct TokioSelectAll;

impl AsyncSelect for TokioSelectAll {
    type Channel = TokioBounded;

    async fn receive_all(
        receivers: Vec<Receiver<u64>>,
        messages: u64,
        mut take: impl FnMut(usize, u64) -> Result<()> + Send,
    ) -> Result<()> {
        let tagged =
            |(place, receiver)| ReceiverStream::new(receiver).map(move |message| (place, message));
        let mut all: SelectAll<_> = receivers.into_iter().enumerate().map(tagged).collect();
        for _ in 0..messages {
            let (place, message) = all.next().await.context(EARLY)?;
            take(place, message)?;
        }
        Ok(())
    }
}
