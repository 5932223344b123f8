//! loole: one channel for threads and tasks.

use anyhow::Result;
use loole::{Receiver, Sender, bounded, unbounded};

use super::{
    AsyncReceive, AsyncSend, BlockingReceive, BlockingSend, Capacity, Channel, TryReceive, TrySend,
};

/// Its channels.
#[derive(Debug)]
pub struct Loole;

impl Channel for Loole {
    type Sender = Sender<u64>;
    type Receiver = Receiver<u64>;

    fn make(capacity: Capacity) -> Result<(Sender<u64>, Receiver<u64>)> {
        Ok(match capacity {
            Capacity::Bounded(capacity) => bounded(capacity),
            Capacity::Rendezvous => bounded(0),
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
        Ok(Sender::send(self, message)?)
    }
}

impl BlockingReceive for Receiver<u64> {
    #[inline]
    fn receive(&mut self) -> Option<u64> {
        self.recv().ok()
    }
}

impl AsyncSend for Sender<u64> {
    #[inline]
    async fn send(&mut self, message: u64) -> Result<()> {
        Ok(self.send_async(message).await?)
    }
}

impl AsyncReceive for Receiver<u64> {
    #[inline]
    async fn receive(&mut self) -> Option<u64> {
        self.recv_async().await.ok()
    }
}
