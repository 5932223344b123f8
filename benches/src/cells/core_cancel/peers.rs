//! Who else does the work of the cancellation workloads, and the floor under it.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{
    CANCEL_ALL, CHILD_ONE_THREAD, CHILD_TIMEOUT, CHILD_TWO_THREADS, CHILD_WAIT, DEADLINES, MEMORY,
    POLL_DEADLINE, POLL_DEPTH_4, POLL_ROOT, READY, WAKE_ALL, WAKE_TASK, WAKE_TASK_FROM_THREAD,
    WAKE_THREAD, cancelled, poll_chain,
};
use crate::cells::versions::{EVENT_LISTENER, STD, TOKIO, TOKIO_UTIL};
use crate::tokens::{
    BlockingToken, Broken, DeadlineFlag, EventFlag, Flag, ParkFlag, TimedTask, Token,
    child_with_tokio_timeout, fire_in_tasks, fire_on_thread,
};
use crate::workloads::{
    bytes_per_child, cancel_all, create_and_drop, create_and_drop_two_threads, create_and_wait,
    deadlines, poll, ready, timed_children, wake_all, wake_task, wake_task_from_thread,
    wake_thread,
};
use crate::{Ask, Cell, Kind, Rep};

/// Short, for the table.
type TokioUtil = CancellationToken;

#[rustfmt::skip] // One cell, one line: this is a table.
pub(super) fn cells() -> Vec<Cell> {
    use Kind::{Limit, Peer};
    vec![
        Cell::new(&POLL_ROOT, "AtomicBool", Limit, STD, |ask| poll_chain::<Flag>(ask, 1)),
        Cell::new(&POLL_ROOT, "tokio-util", Peer, TOKIO_UTIL, |ask| poll_chain::<TokioUtil>(ask, 1)),
        Cell::new(&POLL_DEPTH_4, "AtomicBool", Limit, STD, |ask| poll_chain::<Flag>(ask, 4)),
        Cell::new(&POLL_DEPTH_4, "tokio-util", Peer, TOKIO_UTIL, |ask| poll_chain::<TokioUtil>(ask, 4)),
        Cell::new(&POLL_DEADLINE, "AtomicBool", Limit, STD, |ask| poll_chain::<Flag>(ask, 1)),
        Cell::new(&POLL_DEADLINE, "AtomicBool+Instant", Peer, STD, |ask| poll_chain::<DeadlineFlag>(ask, 1)),
        Cell::new(&POLL_DEADLINE, "tokio-util+sleep-task", Peer, TOKIO_UTIL, poll_timed_task),
        Cell::new(&CHILD_ONE_THREAD, "Arc-clone", Limit, STD, create_and_drop::<Flag>),
        Cell::new(&CHILD_ONE_THREAD, "tokio-util", Peer, TOKIO_UTIL, create_and_drop::<TokioUtil>),
        Cell::new(&CHILD_TWO_THREADS, "Arc-clone", Limit, STD, create_and_drop_two_threads::<Flag>),
        Cell::new(&CHILD_TWO_THREADS, "tokio-util", Peer, TOKIO_UTIL, create_and_drop_two_threads::<TokioUtil>),
        Cell::new(&CANCEL_ALL, "AtomicBool", Limit, STD, cancel_all::<Flag>),
        Cell::new(&CANCEL_ALL, "tokio-util", Peer, TOKIO_UTIL, cancel_all::<TokioUtil>),
        Cell::new(&CHILD_WAIT, "event-listener", Peer, EVENT_LISTENER, create_and_wait::<EventFlag>),
        Cell::new(&CHILD_WAIT, "tokio-util", Peer, TOKIO_UTIL, create_and_wait::<TokioUtil>),
        Cell::new(&WAKE_ALL, "event-listener", Peer, EVENT_LISTENER, wake_all::<EventFlag>),
        Cell::new(&WAKE_ALL, "tokio-util", Peer, TOKIO_UTIL, wake_all::<TokioUtil>),
        Cell::new(&MEMORY, "AtomicBool", Limit, STD, bytes_per_child::<Flag>),
        Cell::new(&MEMORY, "tokio-util", Peer, TOKIO_UTIL, bytes_per_child::<TokioUtil>),
        Cell::new(&WAKE_THREAD, "park", Limit, STD, wake_thread::<ParkFlag>),
        Cell::new(&WAKE_THREAD, "event-listener", Peer, EVENT_LISTENER, wake_thread::<EventFlag>),
        Cell::new(&WAKE_THREAD, "tokio-util+pollster", Peer, TOKIO_UTIL, wake_thread::<TokioUtil>),
        Cell::new(&WAKE_TASK, "event-listener", Peer, EVENT_LISTENER, wake_task::<EventFlag>),
        Cell::new(&WAKE_TASK, "tokio-util", Peer, TOKIO_UTIL, wake_task::<TokioUtil>),
        Cell::new(&WAKE_TASK_FROM_THREAD, "event-listener", Peer, EVENT_LISTENER, wake_task_from_thread::<EventFlag>),
        Cell::new(&WAKE_TASK_FROM_THREAD, "tokio-util", Peer, TOKIO_UTIL, wake_task_from_thread::<TokioUtil>),
        Cell::new(&CHILD_TIMEOUT, "Arc-clone+Instant", Limit, STD, clone_and_field),
        Cell::new(&CHILD_TIMEOUT, "tokio-util+Instant", Peer, TOKIO_UTIL, child_and_field),
        Cell::new(&CHILD_TIMEOUT, "tokio-util+timeout", Peer, TOKIO_UTIL, child_and_timeout),
        Cell::new(&DEADLINES, "heap-thread", Peer, STD, |ask| deadlines(ask, fire_on_thread)),
        Cell::new(&DEADLINES, "tokio-sleep_until", Peer, TOKIO, |ask| deadlines(ask, fire_in_tasks)),
        Cell::new(&READY, "AtomicBool", Limit, STD, |ask| ready(ask, &cancelled::<Flag>(), Flag::is_cancelled)),
        Cell::new(&READY, "tokio-util-try", Peer, TOKIO_UTIL, |ask| ready(ask, &cancelled::<TokioUtil>(), TokioUtil::is_cancelled)),
        Cell::new(&READY, "tokio-util+pollster", Peer, TOKIO_UTIL, |ask| ready(ask, &cancelled::<TokioUtil>(), waited)),
    ]
}

/// The same as another cell; see [`crate::cells::SELF_CHECK`].
pub(in crate::cells) fn twins() -> Vec<Cell> {
    let twin = create_and_drop::<TokioUtil>;
    vec![Cell::new(
        &CHILD_ONE_THREAD,
        "twin",
        Kind::Peer,
        TOKIO_UTIL,
        twin,
    )]
}

/// Wrong on purpose; see [`crate::cells::SELF_CHECK`].
pub(in crate::cells) fn broken() -> Vec<Cell> {
    use Kind::Peer;
    vec![
        Cell::new(&POLL_DEPTH_4, "broken", Peer, STD, |ask| {
            poll_chain::<Broken>(ask, 4)
        }),
        Cell::new(
            &CHILD_ONE_THREAD,
            "broken",
            Peer,
            STD,
            create_and_drop::<Broken>,
        ),
        Cell::new(&CANCEL_ALL, "broken", Peer, STD, cancel_all::<Broken>),
    ]
}

fn poll_timed_task(ask: Ask) -> anyhow::Result<Rep> {
    let timed = TimedTask::new(Duration::from_secs(10))?;
    poll(ask, &timed.token, &timed.token)
}

/// A live clone of one shared flag and the moment its owner would have to look for.
fn clone_and_field(ask: Ask) -> anyhow::Result<Rep> {
    let root = Flag::root();
    let make = |timeout| (root.child(), Instant::now() + timeout);
    timed_children(ask, make, |(child, deadline)| {
        !child.is_cancelled() && Instant::now() < *deadline
    })
}

fn child_and_field(ask: Ask) -> anyhow::Result<Rep> {
    let root = CancellationToken::new();
    let make = |timeout| (root.child_token(), Instant::now() + timeout);
    timed_children(ask, make, |(child, deadline)| {
        !child.is_cancelled() && Instant::now() < *deadline
    })
}

fn child_and_timeout(ask: Ask) -> anyhow::Result<Rep> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let _context = runtime.enter();
    let root = CancellationToken::new();
    let make = |timeout| child_with_tokio_timeout(&root, timeout);
    timed_children(ask, make, |child| !child.is_cancelled())
}

/// Waits, and reaching the next line is the answer.
fn waited<T: BlockingToken>(token: &T) -> bool {
    token.wait();
    true
}
