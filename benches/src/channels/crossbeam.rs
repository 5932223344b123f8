//! crossbeam-channel: threads only, with a select macro and a select over any number.

use anyhow::{Result, bail, ensure};
use crossbeam_channel::{Receiver, Select, Sender, bounded, select, unbounded};

use super::{
    BlockingReceive, BlockingSelect, BlockingSend, Capacity, Channel, PollTwo, TryReceive, TrySend,
};

/// Its channels.
#[derive(Debug)]
pub struct Crossbeam;

impl Channel for Crossbeam {
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

/// Its `select!`, written out for two and for eight channels.
#[derive(Debug)]
pub struct CrossbeamMacro;

impl BlockingSelect for CrossbeamMacro {
    type Channel = Crossbeam;

    fn receive_all(
        receivers: Vec<Receiver<u64>>,
        messages: u64,
        mut take: impl FnMut(usize, u64) -> Result<()>,
    ) -> Result<()> {
        match receivers.as_slice() {
            [a, b] => {
                for _ in 0..messages {
                    select! {
                        recv(a) -> message => take(0, message?)?,
                        recv(b) -> message => take(1, message?)?,
                    }
                }
            }
            [a, b, c, d, e, f, g, h] => {
                for _ in 0..messages {
                    select! {
                        recv(a) -> message => take(0, message?)?,
                        recv(b) -> message => take(1, message?)?,
                        recv(c) -> message => take(2, message?)?,
                        recv(d) -> message => take(3, message?)?,
                        recv(e) -> message => take(4, message?)?,
                        recv(f) -> message => take(5, message?)?,
                        recv(g) -> message => take(6, message?)?,
                        recv(h) -> message => take(7, message?)?,
                    }
                }
            }
            other => bail!("not written out for {} channels", other.len()),
        }
        Ok(())
    }
}

impl PollTwo for CrossbeamMacro {
    type Channel = Crossbeam;

    #[inline]
    fn poll_two([first, second]: &mut [Receiver<u64>; 2]) -> Option<u64> {
        select! {
            recv(first) -> message => message.ok(),
            recv(second) -> message => message.ok(),
            default => None,
        }
    }
}

/// Its `Select`, set up once for all of them.
#[derive(Debug)]
pub struct CrossbeamSelect;

impl BlockingSelect for CrossbeamSelect {
    type Channel = Crossbeam;

    fn receive_all(
        receivers: Vec<Receiver<u64>>,
        messages: u64,
        mut take: impl FnMut(usize, u64) -> Result<()>,
    ) -> Result<()> {
        let mut select = Select::new();
        for (place, receiver) in receivers.iter().enumerate() {
            ensure!(
                select.recv(receiver) == place,
                "select counts in another way"
            );
        }
        for _ in 0..messages {
            let ready = select.select();
            let place = ready.index();
            take(place, ready.recv(&receivers[place])?)?;
        }
        Ok(())
    }
}
