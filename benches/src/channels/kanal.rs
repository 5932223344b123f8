//! kanal: one channel for threads and tasks, with different ends for each.
//!
//! A yardstick and no peer: the released version can be made to corrupt memory from safe code, and
//! loses messages when a pending future is dropped. No workload here does either.

use anyhow::Result;
use kanal::{AsyncReceiver, AsyncSender, Receiver, Sender, bounded, unbounded};

use super::{
    AsyncReceive, AsyncSend, BlockingReceive, BlockingSend, Capacity, Channel, TryReceive, TrySend,
};

/// Its channels from thread to thread.
#[derive(Debug)]
pub struct Kanal;

impl Channel for Kanal {
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

/// Its channels from thread to task.
#[derive(Debug)]
pub struct KanalToTask;

impl Channel for KanalToTask {
    type Sender = Sender<u64>;
    type Receiver = AsyncReceiver<u64>;

    fn make(capacity: Capacity) -> Result<(Sender<u64>, AsyncReceiver<u64>)> {
        let (sender, receiver) = Kanal::make(capacity)?;
        Ok((sender, receiver.to_async()))
    }
}

/// Its channels from task to task.
#[derive(Debug)]
pub struct KanalTasks;

impl Channel for KanalTasks {
    type Sender = AsyncSender<u64>;
    type Receiver = AsyncReceiver<u64>;

    fn make(capacity: Capacity) -> Result<(AsyncSender<u64>, AsyncReceiver<u64>)> {
        let (sender, receiver) = Kanal::make(capacity)?;
        Ok((sender.to_async(), receiver.to_async()))
    }
}

impl TrySend for Sender<u64> {
    #[inline]
    fn try_send(&mut self, message: u64) -> bool {
        Sender::try_send(self, message).is_ok_and(|sent| sent)
    }
}

impl TryReceive for Receiver<u64> {
    #[inline]
    fn try_receive(&mut self) -> Option<u64> {
        self.try_recv().ok().flatten()
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

impl AsyncSend for AsyncSender<u64> {
    #[inline]
    async fn send(&mut self, message: u64) -> Result<()> {
        Ok(AsyncSender::send(self, message).await?)
    }
}

impl AsyncReceive for AsyncReceiver<u64> {
    #[inline]
    async fn receive(&mut self) -> Option<u64> {
        self.recv().await.ok()
    }
}
