//! Ours: one channel for threads and tasks, a select for each, and a set of receivers for both.

use anabranch_select::{Mux, Receiver, Sender, channel, task, thread};
use anyhow::{Context, Result, bail};

use super::{
    AsyncReceive, AsyncSelect, AsyncSend, BlockingReceive, BlockingSelect, BlockingSend, Capacity,
    Channel, PollTwo, TryReceive, TrySend,
};

/// Its channels.
#[derive(Debug)]
pub struct Anabranch;

impl Channel for Anabranch {
    type Sender = Sender<u64>;
    type Receiver = Receiver<u64>;

    fn make(capacity: Capacity) -> Result<(Sender<u64>, Receiver<u64>)> {
        Ok(match capacity {
            Capacity::Bounded(capacity) => channel::bounded(capacity),
            Capacity::Rendezvous => channel::rendezvous(),
            Capacity::Unbounded => channel::unbounded(),
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
        Ok(Sender::send(self, message).wait()?)
    }
}

impl BlockingReceive for Receiver<u64> {
    #[inline]
    fn receive(&mut self) -> Option<u64> {
        self.recv().wait().ok()
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

/// The loop of both selects, `thread::select!` and `task::select!`: the body is the same.
macro_rules! receive_all {
    ($world:ident, $receivers:ident, $messages:ident, $take:ident) => {
        match $receivers.as_slice() {
            [a, b] => {
                for _ in 0..$messages {
                    $world::select! {
                        message = a.recv() => $take(0, message?)?,
                        message = b.recv() => $take(1, message?)?,
                    }
                }
                Ok(())
            }
            [a, b, c, d, e, f, g, h] => {
                for _ in 0..$messages {
                    $world::select! {
                        message = a.recv() => $take(0, message?)?,
                        message = b.recv() => $take(1, message?)?,
                        message = c.recv() => $take(2, message?)?,
                        message = d.recv() => $take(3, message?)?,
                        message = e.recv() => $take(4, message?)?,
                        message = f.recv() => $take(5, message?)?,
                        message = g.recv() => $take(6, message?)?,
                        message = h.recv() => $take(7, message?)?,
                    }
                }
                Ok(())
            }
            other => bail!("not written out for {} channels", other.len()),
        }
    };
}

/// Its `select!`, written out for two and for eight channels.
#[derive(Debug)]
pub struct AnabranchMacro;

impl BlockingSelect for AnabranchMacro {
    type Channel = Anabranch;

    fn receive_all(
        receivers: Vec<Receiver<u64>>,
        messages: u64,
        mut take: impl FnMut(usize, u64) -> Result<()>,
    ) -> Result<()> {
        receive_all!(thread, receivers, messages, take)
    }
}

impl AsyncSelect for AnabranchMacro {
    type Channel = Anabranch;

    async fn receive_all(
        receivers: Vec<Receiver<u64>>,
        messages: u64,
        mut take: impl FnMut(usize, u64) -> Result<()> + Send,
    ) -> Result<()> {
        receive_all!(task, receivers, messages, take)
    }
}

impl PollTwo for AnabranchMacro {
    type Channel = Anabranch;

    #[inline]
    fn poll_two([first, second]: &mut [Receiver<u64>; 2]) -> Option<u64> {
        thread::select! {
            message = first.recv() => message.ok(),
            message = second.recv() => message.ok(),
            default => None,
        }
    }
}

/// Its set of receivers, set up once for all of them.
#[derive(Debug)]
pub struct AnabranchMux;

/// The set became empty: every channel was closed.
const EARLY: &str = "a channel was closed too early";

impl BlockingSelect for AnabranchMux {
    type Channel = Anabranch;

    fn receive_all(
        receivers: Vec<Receiver<u64>>,
        messages: u64,
        mut take: impl FnMut(usize, u64) -> Result<()>,
    ) -> Result<()> {
        let mut mux: Mux<usize, u64> = receivers.into_iter().enumerate().collect();
        for _ in 0..messages {
            let (place, message) = mux.recv().wait().context(EARLY)?;
            take(place, message?)?;
        }
        Ok(())
    }
}

impl AsyncSelect for AnabranchMux {
    type Channel = Anabranch;

    async fn receive_all(
        receivers: Vec<Receiver<u64>>,
        messages: u64,
        mut take: impl FnMut(usize, u64) -> Result<()> + Send,
    ) -> Result<()> {
        let mut mux: Mux<usize, u64> = receivers.into_iter().enumerate().collect();
        for _ in 0..messages {
            let (place, message) = mux.recv().await.context(EARLY)?;
            take(place, message?)?;
        }
        Ok(())
    }
}
