//! Channels: from thread to thread, from thread to task, from task to task, and on one thread.

use super::KRATE;
use crate::cells::versions::{ASYNC_CHANNEL, CROSSBEAM, FLUME, KANAL, LOOLE, OURS, STD, TOKIO};
use crate::channels::Capacity::{self, Rendezvous, Unbounded};
use crate::channels::{
    Anabranch, AsyncChannel, BlockingReceive, Crossbeam, Flume, Kanal, KanalTasks, KanalToTask,
    Loole, StdBounded, StdUnbounded, TokioBounded, TokioUnbounded, TryReceive,
};
use crate::workloads::{
    one_thread, task_to_task, tasks_to_tasks, thread_to_task, thread_to_thread,
};
use crate::{Cell, Kind, Shape, Workload};

/// Short, for the table.
const C128: Capacity = Capacity::Bounded(128);
const C1: Capacity = Capacity::Bounded(1);

#[rustfmt::skip] // One cell, one line: this is a table.
pub(super) fn cells() -> Vec<Cell> {
    use Kind::{Ours, Peer, Unsound};
    vec![
        Cell::new(&THREADS_128, "anabranch", Ours, OURS, |ask| thread_to_thread::<Anabranch>(ask, C128)),
        Cell::new(&THREADS_128, "crossbeam", Peer, CROSSBEAM, |ask| thread_to_thread::<Crossbeam>(ask, C128)),
        Cell::new(&THREADS_128, "flume", Peer, FLUME, |ask| thread_to_thread::<Flume>(ask, C128)),
        Cell::new(&THREADS_128, "loole", Peer, LOOLE, |ask| thread_to_thread::<Loole>(ask, C128)),
        Cell::new(&THREADS_128, "std", Peer, STD, |ask| thread_to_thread::<StdBounded>(ask, C128)),
        Cell::new(&THREADS_128, "async-channel", Peer, ASYNC_CHANNEL, |ask| thread_to_thread::<AsyncChannel>(ask, C128)),
        Cell::new(&THREADS_128, "tokio", Peer, TOKIO, |ask| thread_to_thread::<TokioBounded>(ask, C128)),
        Cell::new(&THREADS_128, "kanal", Unsound, KANAL, |ask| thread_to_thread::<Kanal>(ask, C128)),
        Cell::new(&THREADS_1, "anabranch", Ours, OURS, |ask| thread_to_thread::<Anabranch>(ask, C1)),
        Cell::new(&THREADS_1, "crossbeam", Peer, CROSSBEAM, |ask| thread_to_thread::<Crossbeam>(ask, C1)),
        Cell::new(&THREADS_1, "flume", Peer, FLUME, |ask| thread_to_thread::<Flume>(ask, C1)),
        Cell::new(&THREADS_1, "loole", Peer, LOOLE, |ask| thread_to_thread::<Loole>(ask, C1)),
        Cell::new(&THREADS_1, "std", Peer, STD, |ask| thread_to_thread::<StdBounded>(ask, C1)),
        Cell::new(&THREADS_1, "async-channel", Peer, ASYNC_CHANNEL, |ask| thread_to_thread::<AsyncChannel>(ask, C1)),
        Cell::new(&THREADS_1, "tokio", Peer, TOKIO, |ask| thread_to_thread::<TokioBounded>(ask, C1)),
        Cell::new(&THREADS_1, "kanal", Unsound, KANAL, |ask| thread_to_thread::<Kanal>(ask, C1)),
        Cell::new(&THREADS_0, "anabranch", Ours, OURS, |ask| thread_to_thread::<Anabranch>(ask, Rendezvous)),
        Cell::new(&THREADS_0, "crossbeam", Peer, CROSSBEAM, |ask| thread_to_thread::<Crossbeam>(ask, Rendezvous)),
        Cell::new(&THREADS_0, "flume", Peer, FLUME, |ask| thread_to_thread::<Flume>(ask, Rendezvous)),
        Cell::new(&THREADS_0, "loole", Peer, LOOLE, |ask| thread_to_thread::<Loole>(ask, Rendezvous)),
        Cell::new(&THREADS_0, "std", Peer, STD, |ask| thread_to_thread::<StdBounded>(ask, Rendezvous)),
        Cell::new(&THREADS_0, "kanal", Unsound, KANAL, |ask| thread_to_thread::<Kanal>(ask, Rendezvous)),
        Cell::new(&THREADS_U, "anabranch", Ours, OURS, |ask| thread_to_thread::<Anabranch>(ask, Unbounded)),
        Cell::new(&THREADS_U, "crossbeam", Peer, CROSSBEAM, |ask| thread_to_thread::<Crossbeam>(ask, Unbounded)),
        Cell::new(&THREADS_U, "flume", Peer, FLUME, |ask| thread_to_thread::<Flume>(ask, Unbounded)),
        Cell::new(&THREADS_U, "loole", Peer, LOOLE, |ask| thread_to_thread::<Loole>(ask, Unbounded)),
        Cell::new(&THREADS_U, "std", Peer, STD, |ask| thread_to_thread::<StdUnbounded>(ask, Unbounded)),
        Cell::new(&THREADS_U, "async-channel", Peer, ASYNC_CHANNEL, |ask| thread_to_thread::<AsyncChannel>(ask, Unbounded)),
        Cell::new(&THREADS_U, "tokio", Peer, TOKIO, |ask| thread_to_thread::<TokioUnbounded>(ask, Unbounded)),
        Cell::new(&THREADS_U, "kanal", Unsound, KANAL, |ask| thread_to_thread::<Kanal>(ask, Unbounded)),
        Cell::new(&MIXED_128, "anabranch", Ours, OURS, |ask| thread_to_task::<Anabranch>(ask, C128)),
        Cell::new(&MIXED_128, "flume", Peer, FLUME, |ask| thread_to_task::<Flume>(ask, C128)),
        Cell::new(&MIXED_128, "loole", Peer, LOOLE, |ask| thread_to_task::<Loole>(ask, C128)),
        Cell::new(&MIXED_128, "async-channel", Peer, ASYNC_CHANNEL, |ask| thread_to_task::<AsyncChannel>(ask, C128)),
        Cell::new(&MIXED_128, "tokio", Peer, TOKIO, |ask| thread_to_task::<TokioBounded>(ask, C128)),
        Cell::new(&MIXED_128, "kanal", Unsound, KANAL, |ask| thread_to_task::<KanalToTask>(ask, C128)),
        Cell::new(&MIXED_1, "anabranch", Ours, OURS, |ask| thread_to_task::<Anabranch>(ask, C1)),
        Cell::new(&MIXED_1, "flume", Peer, FLUME, |ask| thread_to_task::<Flume>(ask, C1)),
        Cell::new(&MIXED_1, "loole", Peer, LOOLE, |ask| thread_to_task::<Loole>(ask, C1)),
        Cell::new(&MIXED_1, "async-channel", Peer, ASYNC_CHANNEL, |ask| thread_to_task::<AsyncChannel>(ask, C1)),
        Cell::new(&MIXED_1, "tokio", Peer, TOKIO, |ask| thread_to_task::<TokioBounded>(ask, C1)),
        Cell::new(&MIXED_1, "kanal", Unsound, KANAL, |ask| thread_to_task::<KanalToTask>(ask, C1)),
        Cell::new(&MIXED_0, "anabranch", Ours, OURS, |ask| thread_to_task::<Anabranch>(ask, Rendezvous)),
        Cell::new(&MIXED_0, "flume", Peer, FLUME, |ask| thread_to_task::<Flume>(ask, Rendezvous)),
        Cell::new(&MIXED_0, "loole", Peer, LOOLE, |ask| thread_to_task::<Loole>(ask, Rendezvous)),
        Cell::new(&MIXED_0, "kanal", Unsound, KANAL, |ask| thread_to_task::<KanalToTask>(ask, Rendezvous)),
        Cell::new(&MIXED_U, "anabranch", Ours, OURS, |ask| thread_to_task::<Anabranch>(ask, Unbounded)),
        Cell::new(&MIXED_U, "flume", Peer, FLUME, |ask| thread_to_task::<Flume>(ask, Unbounded)),
        Cell::new(&MIXED_U, "loole", Peer, LOOLE, |ask| thread_to_task::<Loole>(ask, Unbounded)),
        Cell::new(&MIXED_U, "async-channel", Peer, ASYNC_CHANNEL, |ask| thread_to_task::<AsyncChannel>(ask, Unbounded)),
        Cell::new(&MIXED_U, "tokio", Peer, TOKIO, |ask| thread_to_task::<TokioUnbounded>(ask, Unbounded)),
        Cell::new(&MIXED_U, "kanal", Unsound, KANAL, |ask| thread_to_task::<KanalToTask>(ask, Unbounded)),
        Cell::new(&TASKS_128, "anabranch", Ours, OURS, |ask| task_to_task::<Anabranch>(ask, C128)),
        Cell::new(&TASKS_128, "flume", Peer, FLUME, |ask| task_to_task::<Flume>(ask, C128)),
        Cell::new(&TASKS_128, "loole", Peer, LOOLE, |ask| task_to_task::<Loole>(ask, C128)),
        Cell::new(&TASKS_128, "async-channel", Peer, ASYNC_CHANNEL, |ask| task_to_task::<AsyncChannel>(ask, C128)),
        Cell::new(&TASKS_128, "tokio", Peer, TOKIO, |ask| task_to_task::<TokioBounded>(ask, C128)),
        Cell::new(&TASKS_128, "kanal", Unsound, KANAL, |ask| task_to_task::<KanalTasks>(ask, C128)),
        Cell::new(&TASKS_1, "anabranch", Ours, OURS, |ask| task_to_task::<Anabranch>(ask, C1)),
        Cell::new(&TASKS_1, "flume", Peer, FLUME, |ask| task_to_task::<Flume>(ask, C1)),
        Cell::new(&TASKS_1, "loole", Peer, LOOLE, |ask| task_to_task::<Loole>(ask, C1)),
        Cell::new(&TASKS_1, "async-channel", Peer, ASYNC_CHANNEL, |ask| task_to_task::<AsyncChannel>(ask, C1)),
        Cell::new(&TASKS_1, "tokio", Peer, TOKIO, |ask| task_to_task::<TokioBounded>(ask, C1)),
        Cell::new(&TASKS_1, "kanal", Unsound, KANAL, |ask| task_to_task::<KanalTasks>(ask, C1)),
        Cell::new(&TASKS_0, "anabranch", Ours, OURS, |ask| task_to_task::<Anabranch>(ask, Rendezvous)),
        Cell::new(&TASKS_0, "flume", Peer, FLUME, |ask| task_to_task::<Flume>(ask, Rendezvous)),
        Cell::new(&TASKS_0, "loole", Peer, LOOLE, |ask| task_to_task::<Loole>(ask, Rendezvous)),
        Cell::new(&TASKS_0, "kanal", Unsound, KANAL, |ask| task_to_task::<KanalTasks>(ask, Rendezvous)),
        Cell::new(&TASKS_U, "anabranch", Ours, OURS, |ask| task_to_task::<Anabranch>(ask, Unbounded)),
        Cell::new(&TASKS_U, "flume", Peer, FLUME, |ask| task_to_task::<Flume>(ask, Unbounded)),
        Cell::new(&TASKS_U, "loole", Peer, LOOLE, |ask| task_to_task::<Loole>(ask, Unbounded)),
        Cell::new(&TASKS_U, "async-channel", Peer, ASYNC_CHANNEL, |ask| task_to_task::<AsyncChannel>(ask, Unbounded)),
        Cell::new(&TASKS_U, "tokio", Peer, TOKIO, |ask| task_to_task::<TokioUnbounded>(ask, Unbounded)),
        Cell::new(&TASKS_U, "kanal", Unsound, KANAL, |ask| task_to_task::<KanalTasks>(ask, Unbounded)),
        Cell::new(&MANY_TASKS, "anabranch", Ours, OURS, |ask| tasks_to_tasks::<Anabranch>(ask, C128, 4)),
        Cell::new(&MANY_TASKS, "flume", Peer, FLUME, |ask| tasks_to_tasks::<Flume>(ask, C128, 4)),
        Cell::new(&MANY_TASKS, "loole", Peer, LOOLE, |ask| tasks_to_tasks::<Loole>(ask, C128, 4)),
        Cell::new(&MANY_TASKS, "async-channel", Peer, ASYNC_CHANNEL, |ask| tasks_to_tasks::<AsyncChannel>(ask, C128, 4)),
        Cell::new(&MANY_TASKS, "kanal", Unsound, KANAL, |ask| tasks_to_tasks::<KanalTasks>(ask, C128, 4)),
        Cell::new(&ONE_THREAD, "anabranch", Ours, OURS, |ask| one_thread::<Anabranch>(ask, BlockingReceive::receive)),
        Cell::new(&ONE_THREAD, "anabranch+try", Ours, OURS, |ask| one_thread::<Anabranch>(ask, TryReceive::try_receive)),
        Cell::new(&ONE_THREAD, "crossbeam", Peer, CROSSBEAM, |ask| one_thread::<Crossbeam>(ask, BlockingReceive::receive)),
        Cell::new(&ONE_THREAD, "crossbeam+try", Peer, CROSSBEAM, |ask| one_thread::<Crossbeam>(ask, TryReceive::try_receive)),
        Cell::new(&ONE_THREAD, "flume", Peer, FLUME, |ask| one_thread::<Flume>(ask, BlockingReceive::receive)),
        Cell::new(&ONE_THREAD, "flume+try", Peer, FLUME, |ask| one_thread::<Flume>(ask, TryReceive::try_receive)),
        Cell::new(&ONE_THREAD, "loole", Peer, LOOLE, |ask| one_thread::<Loole>(ask, BlockingReceive::receive)),
        Cell::new(&ONE_THREAD, "loole+try", Peer, LOOLE, |ask| one_thread::<Loole>(ask, TryReceive::try_receive)),
        Cell::new(&ONE_THREAD, "std", Peer, STD, |ask| one_thread::<StdBounded>(ask, BlockingReceive::receive)),
        Cell::new(&ONE_THREAD, "std+try", Peer, STD, |ask| one_thread::<StdBounded>(ask, TryReceive::try_receive)),
        Cell::new(&ONE_THREAD, "async-channel", Peer, ASYNC_CHANNEL, |ask| one_thread::<AsyncChannel>(ask, BlockingReceive::receive)),
        Cell::new(&ONE_THREAD, "async-channel+try", Peer, ASYNC_CHANNEL, |ask| one_thread::<AsyncChannel>(ask, TryReceive::try_receive)),
        Cell::new(&ONE_THREAD, "tokio", Peer, TOKIO, |ask| one_thread::<TokioBounded>(ask, BlockingReceive::receive)),
        Cell::new(&ONE_THREAD, "tokio+try", Peer, TOKIO, |ask| one_thread::<TokioBounded>(ask, TryReceive::try_receive)),
        Cell::new(&ONE_THREAD, "kanal", Unsound, KANAL, |ask| one_thread::<Kanal>(ask, BlockingReceive::receive)),
        Cell::new(&ONE_THREAD, "kanal+try", Unsound, KANAL, |ask| one_thread::<Kanal>(ask, TryReceive::try_receive)),
    ]
}

// Those without a bound have a size: how far a sender gets ahead depends on it. And those with next
// to no room have one where threads take part: a message costs a hundred times as much when the other
// side has fallen asleep, and a number calibrated in one of the two states would not fit the other.

static THREADS_128: Workload = Workload {
    id: "CH1-128",
    krate: KRATE,
    name: "thread_to_thread_capacity_128",
    about: "a thread sends to a thread, room for 128; per message",
    shape: Shape::Repeat,
    smoke_ops: 200,
};

static THREADS_1: Workload = Workload {
    id: "CH1-1",
    krate: KRATE,
    name: "thread_to_thread_capacity_1",
    about: "a thread sends to a thread, room for 1; per message",
    shape: Shape::Sized(10_000),
    smoke_ops: 200,
};

static THREADS_0: Workload = Workload {
    id: "CH1-0",
    krate: KRATE,
    name: "thread_to_thread_rendezvous",
    about: "a thread sends to a thread, no room at all; per message",
    shape: Shape::Sized(10_000),
    smoke_ops: 200,
};

static THREADS_U: Workload = Workload {
    id: "CH1-u",
    krate: KRATE,
    name: "thread_to_thread_unbounded",
    about: "a thread sends to a thread, 500,000 messages, no bound; per message",
    shape: Shape::Sized(500_000),
    smoke_ops: 200,
};

static MIXED_128: Workload = Workload {
    id: "CH2-128",
    krate: KRATE,
    name: "thread_to_task_capacity_128",
    about: "a thread sends to a tokio task, room for 128; per message",
    shape: Shape::Repeat,
    smoke_ops: 200,
};

static MIXED_1: Workload = Workload {
    id: "CH2-1",
    krate: KRATE,
    name: "thread_to_task_capacity_1",
    about: "a thread sends to a tokio task, room for 1; per message",
    shape: Shape::Sized(10_000),
    smoke_ops: 200,
};

static MIXED_0: Workload = Workload {
    id: "CH2-0",
    krate: KRATE,
    name: "thread_to_task_rendezvous",
    about: "a thread sends to a tokio task, no room at all; per message",
    shape: Shape::Sized(10_000),
    smoke_ops: 200,
};

static MIXED_U: Workload = Workload {
    id: "CH2-u",
    krate: KRATE,
    name: "thread_to_task_unbounded",
    about: "a thread sends to a tokio task, 500,000 messages, no bound; per message",
    shape: Shape::Sized(500_000),
    smoke_ops: 200,
};

static TASKS_128: Workload = Workload {
    id: "CH3-128",
    krate: KRATE,
    name: "task_to_task_capacity_128",
    about: "a tokio task sends to another one, room for 128; per message",
    shape: Shape::Repeat,
    smoke_ops: 200,
};

static TASKS_1: Workload = Workload {
    id: "CH3-1",
    krate: KRATE,
    name: "task_to_task_capacity_1",
    about: "a tokio task sends to another one, room for 1; per message",
    shape: Shape::Repeat,
    smoke_ops: 200,
};

static TASKS_0: Workload = Workload {
    id: "CH3-0",
    krate: KRATE,
    name: "task_to_task_rendezvous",
    about: "a tokio task sends to another one, no room at all; per message",
    shape: Shape::Repeat,
    smoke_ops: 200,
};

static TASKS_U: Workload = Workload {
    id: "CH3-u",
    krate: KRATE,
    name: "task_to_task_unbounded",
    about: "a tokio task sends to another one, 500,000 messages, no bound; per message",
    shape: Shape::Sized(500_000),
    smoke_ops: 200,
};

static MANY_TASKS: Workload = Workload {
    id: "CH3-4x4",
    krate: KRATE,
    name: "four_tasks_to_four_tasks",
    about: "four tokio tasks send to four others, room for 128; per message of any",
    shape: Shape::Repeat,
    smoke_ops: 200,
};

static ONE_THREAD: Workload = Workload {
    id: "W1-recv",
    krate: KRATE,
    name: "send_and_receive_without_waiting",
    about: "put a message into a channel and take it out, on one thread, nobody waits; per message",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};
