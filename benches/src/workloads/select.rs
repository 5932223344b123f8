//! One consumer and many channels: a producer sends to one after the other.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};

use super::channel::runtime;
use crate::channels::{
    AsyncSelect, AsyncSend, BlockingSelect, BlockingSend, Capacity, Channel, PollTwo, TrySend,
};
use crate::{Ask, Rep, Stopwatch};

/// This thread selects over `count` channels with room for one message each, and another one sends
/// `ops` messages, each to the next channel.
///
/// # Errors
/// A message was lost, or came twice, too early, or from another channel than it was sent to.
pub fn select_in_thread<S: BlockingSelect>(ask: Ask, count: usize) -> Result<Rep> {
    let (mut senders, receivers) = make::<S::Channel>(count)?;
    let ready = &Barrier::new(2);
    thread::scope(|s| {
        let producer = s.spawn(move || {
            ready.wait();
            let mut places = (0..count).cycle();
            for message in 0..ask.ops {
                senders[places.next().context("there are no channels")?].send(message)?;
            }
            // Not dropped yet: a channel that is closed would be ready, and is no message.
            anyhow::Ok(senders)
        });
        ready.wait();
        let watch = Stopwatch::start();
        let mut received = InTurns::new(count);
        S::receive_all(receivers, ask.ops, |place, message| {
            received.take(place, message)
        })?;
        let rep = watch.stop(ask.ops);
        producer
            .join()
            .map_err(|_| anyhow!("the producer panicked"))??;
        received.check(ask.ops)?;
        Ok(rep)
    })
}

/// The same between two tasks of a tokio runtime with two workers.
///
/// # Errors
/// As [`select_in_thread`].
pub fn select_in_task<S>(ask: Ask, count: usize) -> Result<Rep>
where
    S: AsyncSelect + 'static,
{
    let runtime = runtime()?;
    let (mut senders, receivers) = make::<S::Channel>(count)?;
    let (start, started) = tokio::sync::oneshot::channel();
    let producer = runtime.spawn(async move {
        started.await.context("nobody started")?;
        let mut places = (0..count).cycle();
        for message in 0..ask.ops {
            let place = places.next().context("there are no channels")?;
            senders[place].send(message).await?;
        }
        // As above.
        anyhow::Ok(senders)
    });
    let consumer = runtime.spawn(async move {
        let mut received = InTurns::new(count);
        S::receive_all(receivers, ask.ops, |place, message| {
            received.take(place, message)
        })
        .await?;
        anyhow::Ok(received)
    });
    let watch = Stopwatch::start();
    start
        .send(())
        .map_err(|()| anyhow!("the producer is gone"))?;
    let received = runtime.block_on(consumer)??;
    let rep = watch.stop(ask.ops);
    runtime.block_on(producer)??;
    received.check(ask.ops)?;
    Ok(rep)
}

/// Looks at two empty channels `ops` times.
///
/// # Errors
/// There was something in them, or what is put in afterwards is not seen.
pub fn poll_empty<P: PollTwo>(ask: Ask) -> Result<Rep> {
    let (mut first, one) = P::Channel::make(Capacity::Bounded(1))?;
    let (mut second, two) = P::Channel::make(Capacity::Bounded(1))?;
    let mut receivers = [one, two];
    let mut empty = 0;
    let watch = Stopwatch::start();
    for _ in 0..ask.ops {
        // Opaque, so that no look is left out because the one before has found nothing.
        empty += u64::from(P::poll_two(black_box(&mut receivers)).is_none());
    }
    let rep = watch.stop(ask.ops);
    ensure!(empty == ask.ops, "{} empty channels were not", ask.ops);
    for (sender, message) in [(&mut first, 7), (&mut second, 8)] {
        ensure!(sender.try_send(message), "an empty channel had no room");
        let seen = P::poll_two(&mut receivers);
        ensure!(seen == Some(message), "{seen:?} was seen and not {message}");
    }
    Ok(rep)
}

type Ends<C> = (Vec<<C as Channel>::Sender>, Vec<<C as Channel>::Receiver>);

/// So many channels, each with room for one message.
fn make<C: Channel>(count: usize) -> Result<Ends<C>> {
    let channels = (0..count).map(|_| C::make(Capacity::Bounded(1)));
    channels.collect()
}

/// What came out of channels into which the numbers from 0 went in turns.
#[derive(Debug)]
struct InTurns {
    /// Of each channel.
    next: Vec<u64>,
    sum: u64,
}

impl InTurns {
    fn new(count: usize) -> Self {
        InTurns {
            next: (0..count as u64).collect(),
            sum: 0,
        }
    }

    fn take(&mut self, place: usize, message: u64) -> Result<()> {
        let count = self.next.len() as u64;
        let due = &mut self.next[place];
        ensure!(
            message == *due,
            "message {message} came from channel {place} instead of {due}"
        );
        *due += count;
        self.sum = self.sum.wrapping_add(message);
        Ok(())
    }

    fn check(&self, ops: u64) -> Result<()> {
        let sum = (0..ops).fold(0, u64::wrapping_add);
        let all_came = self.next.iter().all(|next| *next >= ops);
        ensure!(
            all_came && self.sum == sum,
            "of {ops} messages there came as many as add up to {}",
            self.sum
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::{
        Crossbeam, CrossbeamMacro, CrossbeamSelect, InTurn, TokioBounded, TokioSelectAll,
    };

    const ASK: Ask = Ask { ops: 20, seed: 1 };

    /// Takes one channel for another.
    struct Mistaken;

    impl BlockingSelect for Mistaken {
        type Channel = Crossbeam;

        fn receive_all(
            receivers: Vec<<Crossbeam as Channel>::Receiver>,
            messages: u64,
            mut take: impl FnMut(usize, u64) -> Result<()>,
        ) -> Result<()> {
            for i in 0..usize::try_from(messages)? {
                let place = i % receivers.len();
                let message = receivers[place].recv()?;
                take(if i == 7 { 0 } else { place }, message)?;
            }
            Ok(())
        }
    }

    impl AsyncSelect for Mistaken {
        type Channel = TokioBounded;

        async fn receive_all(
            mut receivers: Vec<<TokioBounded as Channel>::Receiver>,
            messages: u64,
            mut take: impl FnMut(usize, u64) -> Result<()> + Send,
        ) -> Result<()> {
            for i in 0..usize::try_from(messages)? {
                let place = i % receivers.len();
                let message = receivers[place].recv().await.context("closed")?;
                take(if i == 7 { 0 } else { place }, message)?;
            }
            Ok(())
        }
    }

    /// Gives up before the last message.
    struct Lazy;

    impl BlockingSelect for Lazy {
        type Channel = Crossbeam;

        fn receive_all(
            receivers: Vec<<Crossbeam as Channel>::Receiver>,
            messages: u64,
            take: impl FnMut(usize, u64) -> Result<()>,
        ) -> Result<()> {
            CrossbeamSelect::receive_all(receivers, messages - 1, take)
        }
    }

    impl AsyncSelect for Lazy {
        type Channel = TokioBounded;

        async fn receive_all(
            receivers: Vec<<TokioBounded as Channel>::Receiver>,
            messages: u64,
            take: impl FnMut(usize, u64) -> Result<()> + Send,
        ) -> Result<()> {
            TokioSelectAll::receive_all(receivers, messages - 1, take).await
        }
    }

    /// Hands on the first two messages of a channel the wrong way round.
    struct Backwards;

    impl BlockingSelect for Backwards {
        type Channel = Crossbeam;

        fn receive_all(
            receivers: Vec<<Crossbeam as Channel>::Receiver>,
            messages: u64,
            mut take: impl FnMut(usize, u64) -> Result<()>,
        ) -> Result<()> {
            let mut all = Vec::new();
            CrossbeamSelect::receive_all(receivers, messages, |place, message| {
                all.push((place, message));
                Ok(())
            })?;
            all.sort_unstable();
            all.swap(0, 1);
            all.into_iter()
                .try_for_each(|(place, message)| take(place, message))
        }
    }

    /// Looks at the first channel only.
    struct OneEyed;

    impl PollTwo for OneEyed {
        type Channel = Crossbeam;

        fn poll_two([first, _]: &mut [<Crossbeam as Channel>::Receiver; 2]) -> Option<u64> {
            first.try_recv().ok()
        }
    }

    #[test]
    fn selects_that_take_what_is_there_pass() {
        let reps = [
            select_in_thread::<CrossbeamSelect>(ASK, 3),
            select_in_task::<TokioSelectAll>(ASK, 3),
            poll_empty::<CrossbeamMacro>(ASK),
            poll_empty::<InTurn<Crossbeam>>(ASK),
        ];
        for rep in reps {
            assert_eq!(rep.unwrap().ops, 20);
        }
    }

    #[test]
    fn a_message_from_another_channel_fails_the_check() {
        assert!(select_in_thread::<Mistaken>(ASK, 2).is_err());
        assert!(select_in_task::<Mistaken>(ASK, 2).is_err());
    }

    #[test]
    fn a_message_that_overtakes_another_of_its_channel_fails_the_check() {
        assert!(select_in_thread::<Backwards>(ASK, 2).is_err());
    }

    #[test]
    fn a_message_that_is_not_taken_fails_the_check() {
        assert!(select_in_thread::<Lazy>(ASK, 2).is_err());
        assert!(select_in_task::<Lazy>(ASK, 2).is_err());
    }

    #[test]
    fn a_channel_that_is_not_looked_at_fails_the_check() {
        assert!(poll_empty::<OneEyed>(ASK).is_err());
    }
}
