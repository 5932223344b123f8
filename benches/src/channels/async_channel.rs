//! async-channel: for tasks, with calls that block a thread. It has no rendezvous.

use anyhow::{Result, bail};
use async_channel::{Receiver, Sender, bounded, unbounded};

use super::{
    AsyncReceive, AsyncSend, BlockingReceive, BlockingSend, Capacity, Channel, TryReceive, TrySend,
};

/// Its channels.
#[derive(Debug)]
pub struct AsyncChannel;

impl Channel for AsyncChannel {
    type Sender = Sender<u64>;
    type Receiver = Receiver<u64>;

    fn make(capacity: Capacity) -> Result<(Sender<u64>, Receiver<u64>)> {
        Ok(match capacity {
            Capacity::Bounded(capacity) => bounded(capacity),
            Capacity::Rendezvous => bail!("async-channel has no rendezvous"),
            Capacity::Unbounded => unbounded(),
        })
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
        Ok(self.send_blocking(message)?)
    }
}

impl BlockingReceive for Receiver<u64> {
    #[inline]
    fn receive(&mut self) -> Option<u64> {
        self.recv_blocking().ok()
    }
}

impl AsyncSend for Sender<u64> {
    #[inline]
    async fn send(&mut self, message: u64) -> Result<()> {
        Ok(Sender::send(self, message).await?)
    }
}

impl AsyncReceive for Receiver<u64> {
    #[inline]
    async fn receive(&mut self) -> Option<u64> {
        self.recv().await.ok()
    }
}
