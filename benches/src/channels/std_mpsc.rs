//! The standard library's channels: threads only, one receiver.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use anyhow::{Result, bail};

use super::{BlockingReceive, BlockingSend, Capacity, Channel, TryReceive, TrySend};

/// `sync_channel`.
#[derive(Debug)]
pub struct StdBounded;

impl Channel for StdBounded {
    type Sender = SyncSender<u64>;
    type Receiver = Receiver<u64>;

    fn make(capacity: Capacity) -> Result<(SyncSender<u64>, Receiver<u64>)> {
        Ok(match capacity {
            Capacity::Bounded(capacity) => sync_channel(capacity),
            Capacity::Rendezvous => sync_channel(0),
            Capacity::Unbounded => bail!("a `sync_channel` has a bound"),
        })
    }
}

/// `channel`.
#[derive(Debug)]
pub struct StdUnbounded;

impl Channel for StdUnbounded {
    type Sender = Sender<u64>;
    type Receiver = Receiver<u64>;

    fn make(capacity: Capacity) -> Result<(Sender<u64>, Receiver<u64>)> {
        match capacity {
            Capacity::Unbounded => Ok(channel()),
            Capacity::Bounded(_) | Capacity::Rendezvous => bail!("a `channel` has no bound"),
        }
    }
}

impl TrySend for SyncSender<u64> {
    #[inline]
    fn try_send(&mut self, message: u64) -> bool {
        SyncSender::try_send(self, message).is_ok()
    }
}

impl TryReceive for Receiver<u64> {
    #[inline]
    fn try_receive(&mut self) -> Option<u64> {
        self.try_recv().ok()
    }
}

impl BlockingSend for SyncSender<u64> {
    #[inline]
    fn send(&mut self, message: u64) -> Result<()> {
        Ok(SyncSender::send(self, message)?)
    }
}

impl BlockingSend for Sender<u64> {
    #[inline]
    fn send(&mut self, message: u64) -> Result<()> {
        Ok(Sender::send(self, message)?)
    }
}

impl BlockingReceive for Receiver<u64> {
    #[inline]
    fn receive(&mut self) -> Option<u64> {
        self.recv().ok()
    }
}
