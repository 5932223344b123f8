//! Messages from hand to hand: between threads, from a thread to a task, between tasks.
//!
//! The figure is wall time per message, from the first send to the moment at which the receivers
//! have seen the channel closed and empty.

mod received;

use std::sync::{Arc, Barrier};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::channels::{
    AsyncReceive, AsyncSend, BlockingReceive, BlockingSend, Capacity, Channel, TrySend,
};
use crate::{Ask, Rep, Stopwatch};

use received::{InOrder, label, receive_labelled};

/// One thread sends `ops` messages and another one receives them.
///
/// # Errors
/// A message was lost, or came twice, or too early.
pub fn thread_to_thread<C>(ask: Ask, capacity: Capacity) -> Result<Rep>
where
    C: Channel<Sender: BlockingSend, Receiver: BlockingReceive>,
{
    let (sender, mut receiver) = C::make(capacity)?;
    let ready = &Barrier::new(2);
    thread::scope(|s| {
        let producer = s.spawn(move || {
            ready.wait();
            send_all(sender, ask.ops)
        });
        ready.wait();
        let watch = Stopwatch::start();
        let mut received = InOrder::default();
        while let Some(message) = receiver.receive() {
            received.take(message)?;
        }
        let rep = watch.stop(ask.ops);
        producer
            .join()
            .map_err(|_| anyhow!("the producer panicked"))??;
        received.check(ask.ops)?;
        Ok(rep)
    })
}

/// This thread sends `ops` messages and a task of a tokio runtime with two workers receives them.
///
/// # Errors
/// As [`thread_to_thread`].
pub fn thread_to_task<C>(ask: Ask, capacity: Capacity) -> Result<Rep>
where
    C: Channel<Sender: BlockingSend, Receiver: AsyncReceive>,
{
    let runtime = runtime()?;
    let (sender, receiver) = C::make(capacity)?;
    let (ready, is_ready) = oneshot::channel();
    let consumer = runtime.spawn(async move {
        // An error means that this thread has given up, and it will say why.
        let _ = ready.send(());
        receive_all(receiver).await
    });
    is_ready
        .blocking_recv()
        .context("the consumer did not start")?;
    let watch = Stopwatch::start();
    let sent = send_all(sender, ask.ops);
    let received = runtime.block_on(consumer)??;
    let rep = watch.stop(ask.ops);
    sent?;
    received.check(ask.ops)?;
    Ok(rep)
}

/// One task sends `ops` messages and another one of the same tokio runtime, which has two workers,
/// receives them.
///
/// # Errors
/// As [`thread_to_thread`].
pub fn task_to_task<C>(ask: Ask, capacity: Capacity) -> Result<Rep>
where
    C: Channel<Sender: AsyncSend, Receiver: AsyncReceive>,
{
    let runtime = runtime()?;
    let (mut sender, receiver) = C::make(capacity)?;
    let (start, started) = oneshot::channel();
    let producer = runtime.spawn(async move {
        started.await.context("nobody started")?;
        for message in 0..ask.ops {
            sender.send(message).await?;
        }
        anyhow::Ok(())
    });
    let consumer = runtime.spawn(receive_all(receiver));
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

/// As [`task_to_task`], with `tasks` producers that share the sending, and as many consumers.
///
/// # Errors
/// A message was lost or came twice, or a consumer saw two of one producer in the wrong order.
pub fn tasks_to_tasks<C>(ask: Ask, capacity: Capacity, tasks: u64) -> Result<Rep>
where
    C: Channel<Sender: AsyncSend + Clone, Receiver: AsyncReceive + Clone>,
{
    let runtime = runtime()?;
    let (sender, receiver) = C::make(capacity)?;
    let ready = Arc::new(tokio::sync::Barrier::new(usize::try_from(tasks)? + 1));
    let produce = |producer: u64| {
        let (mut sender, ready) = (sender.clone(), ready.clone());
        let share = share(ask.ops, tasks, producer);
        runtime.spawn(async move {
            ready.wait().await;
            for number in 0..share {
                sender.send(label(producer, number)).await?;
            }
            anyhow::Ok(())
        })
    };
    let consume = |_| runtime.spawn(receive_labelled(receiver.clone(), tasks));
    let producers: Vec<_> = (0..tasks).map(produce).collect();
    let consumers: Vec<_> = (0..tasks).map(consume).collect();
    drop((sender, receiver));
    runtime.block_on(async {
        ready.wait().await;
        let watch = Stopwatch::start();
        let (mut count, mut sum) = (0, 0_u64);
        for consumer in consumers {
            let received = consumer.await??;
            count += received.count;
            sum = sum.wrapping_add(received.sum);
        }
        let rep = watch.stop(ask.ops);
        for producer in producers {
            producer.await??;
        }
        let sent = (0..tasks).flat_map(|producer| {
            (0..share(ask.ops, tasks, producer)).map(move |number| label(producer, number))
        });
        ensure!(
            (count, sum) == (ask.ops, sent.fold(0, u64::wrapping_add)),
            "{count} of {} messages came, and they add up to {sum:#x}",
            ask.ops
        );
        Ok(rep)
    })
}

/// One thread puts a message into a channel with room for 128 and takes it out with `receive`,
/// `ops` times: what the two cost where nobody has to wait.
///
/// # Errors
/// As [`thread_to_thread`].
pub fn one_thread<C: Channel<Sender: TrySend>>(
    ask: Ask,
    mut receive: impl FnMut(&mut C::Receiver) -> Option<u64>,
) -> Result<Rep> {
    let (mut sender, mut receiver) = C::make(Capacity::Bounded(128))?;
    let mut received = InOrder::default();
    let watch = Stopwatch::start();
    for message in 0..ask.ops {
        ensure!(sender.try_send(message), "an empty channel had no room");
        received.take(receive(&mut receiver).context("the message was not there")?)?;
    }
    let rep = watch.stop(ask.ops);
    received.check(ask.ops)?;
    Ok(rep)
}

/// A runtime for all tasks of a workload, as large as the machine the figures are made on.
pub(super) fn runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(2).build()?)
}

/// Sends the first `ops` numbers and closes the channel.
fn send_all(mut sender: impl BlockingSend, ops: u64) -> Result<()> {
    (0..ops).try_for_each(|message| sender.send(message))
}

/// Receives until the channel is closed and empty.
async fn receive_all(mut receiver: impl AsyncReceive) -> Result<InOrder> {
    let mut received = InOrder::default();
    while let Some(message) = receiver.receive().await {
        received.take(message)?;
    }
    Ok(received)
}

/// How many of `ops` messages `producer` sends.
fn share(ops: u64, producers: u64, producer: u64) -> u64 {
    ops / producers + u64::from(producer < ops % producers)
}

#[cfg(test)]
mod tests;
