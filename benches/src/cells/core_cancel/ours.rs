//! core-cancel at the work that its peers do beside it.

use std::time::Duration;

use anabranch_core_cancel::CancelToken;

use super::{
    CANCEL_ALL, CHILD_ONE_THREAD, CHILD_TIMEOUT, CHILD_TWO_THREADS, CHILD_WAIT, DEADLINES, MEMORY,
    POLL_DEADLINE, POLL_DEPTH_4, POLL_ROOT, READY, WAKE_ALL, WAKE_TASK, WAKE_TASK_FROM_THREAD,
    WAKE_THREAD, cancelled, poll_chain,
};
use crate::cells::versions::OURS;
use crate::tokens::{child_waited_on, fire_hooks, fire_our_tasks};
use crate::workloads::{
    bytes_per_child, cancel_all, create_and_drop, create_and_drop_two_threads, create_and_wait,
    deadlines, poll, ready, timed_children, wake_all, wake_task, wake_task_from_thread,
    wake_thread,
};
use crate::{Ask, Cell, Kind::Ours, Rep};

#[rustfmt::skip] // One cell, one line: this is a table.
pub(super) fn cells() -> Vec<Cell> {
    vec![
        Cell::new(&POLL_ROOT, "anabranch", Ours, OURS, |ask| poll_chain::<CancelToken>(ask, 1)),
        Cell::new(&POLL_DEPTH_4, "anabranch", Ours, OURS, |ask| poll_chain::<CancelToken>(ask, 4)),
        Cell::new(&POLL_DEADLINE, "anabranch", Ours, OURS, poll_deadline),
        Cell::new(&CHILD_ONE_THREAD, "anabranch", Ours, OURS, create_and_drop::<CancelToken>),
        Cell::new(&CHILD_TWO_THREADS, "anabranch", Ours, OURS, create_and_drop_two_threads::<CancelToken>),
        Cell::new(&CHILD_WAIT, "anabranch", Ours, OURS, create_and_wait::<CancelToken>),
        Cell::new(&CANCEL_ALL, "anabranch", Ours, OURS, cancel_all::<CancelToken>),
        Cell::new(&WAKE_ALL, "anabranch", Ours, OURS, wake_all::<CancelToken>),
        Cell::new(&MEMORY, "anabranch", Ours, OURS, bytes_per_child::<CancelToken>),
        Cell::new(&WAKE_THREAD, "anabranch", Ours, OURS, wake_thread::<CancelToken>),
        Cell::new(&WAKE_TASK, "anabranch", Ours, OURS, wake_task::<CancelToken>),
        Cell::new(&WAKE_TASK_FROM_THREAD, "anabranch", Ours, OURS, wake_task_from_thread::<CancelToken>),
        Cell::new(&CHILD_TIMEOUT, "anabranch", Ours, OURS, child_timeout),
        Cell::new(&CHILD_TIMEOUT, "anabranch+wait", Ours, OURS, child_timeout_waited_on),
        Cell::new(&DEADLINES, "anabranch+hook", Ours, OURS, |ask| deadlines(ask, fire_hooks)),
        Cell::new(&DEADLINES, "anabranch+task", Ours, OURS, |ask| deadlines(ask, fire_our_tasks)),
        Cell::new(&READY, "anabranch", Ours, OURS, wait_ready),
        Cell::new(&READY, "anabranch-try", Ours, OURS, |ask| ready(ask, &cancelled::<CancelToken>(), |token| std::hint::black_box(token.reason()).is_some())),
    ]
}

fn poll_deadline(ask: Ask) -> anyhow::Result<Rep> {
    let root = CancelToken::new();
    let leaf = root.child_with_timeout(Duration::from_secs(10));
    poll(ask, &root, &leaf)
}

fn child_timeout(ask: Ask) -> anyhow::Result<Rep> {
    let root = CancelToken::new();
    let make = |timeout| root.child_with_timeout(timeout);
    timed_children(ask, make, |child| !child.is_cancelled())
}

fn child_timeout_waited_on(ask: Ask) -> anyhow::Result<Rep> {
    let root = CancelToken::new();
    let make = |timeout| child_waited_on(&root, timeout);
    timed_children(ask, make, |child| !child.is_cancelled())
}

fn wait_ready(ask: Ask) -> anyhow::Result<Rep> {
    ready(ask, &cancelled::<CancelToken>(), |token| {
        token.cancelled().wait();
        true
    })
}
