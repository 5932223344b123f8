//! flume: one channel for threads and tasks, and a select for threads.

use anyhow::Result;
use flume::{Receiver, Selector, Sender, bounded, unbounded};

use super::{
    AsyncReceive, AsyncSend, BlockingReceive, BlockingSelect, BlockingSend, Capacity, Channel,
    TryReceive, TrySend,
};

/// Its channels.
#[derive(Debug)]
pub struct Flume;

impl Channel for Flume {
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

/// Its `Selector`, which is used up by each wait and so set up for each.
#[derive(Debug)]
pub struct FlumeSelector;

impl BlockingSelect for FlumeSelector {
    type Channel = Flume;

    fn receive_all(
        receivers: Vec<Receiver<u64>>,
        messages: u64,
        mut take: impl FnMut(usize, u64) -> Result<()>,
    ) -> Result<()> {
        for _ in 0..messages {
            let mut selector = Selector::new();
            for (place, receiver) in receivers.iter().enumerate() {
                selector = selector.recv(receiver, move |message| (place, message));
            }
            let (place, message) = selector.wait();
            take(place, message?)?;
        }
        Ok(())
    }
}
