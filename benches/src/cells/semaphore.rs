//! Semaphores: a permit that is free, and many who want few.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Release};

use anabranch_semaphore::Semaphore;

use super::versions::{ASYNC_LOCK, CROSSBEAM, OURS, STD, TOKIO};
use crate::semaphores::{Barging, Channel, CountAndCondvar, ForThreads, Permits};
use crate::workloads::{
    eight_tasks, eight_threads, ready, ready_task, thousand_tasks, weighted_tasks, weighted_threads,
};
use crate::{Cell, Kind, Shape, Workload};

/// The crate whose figures these are.
const KRATE: &str = "semaphore";

/// Short, for the table.
type Tokio = tokio::sync::Semaphore;
type AsyncLock = async_lock::Semaphore;

#[rustfmt::skip] // One cell, one line: this is a table.
pub(super) fn cells() -> Vec<Cell> {
    use Kind::{Limit, Ours, Peer};
    vec![
        Cell::new(&TRY, "anabranch", Ours, OURS, |ask| ready(ask, &sixteen::<Semaphore>(), |s| s.try_acquire().is_ok())),
        Cell::new(&TRY, "two-atomics", Limit, STD, |ask| ready(ask, &AtomicUsize::new(16), up_and_down)),
        Cell::new(&TRY, "tokio", Peer, TOKIO, |ask| ready(ask, &sixteen::<Tokio>(), |s| s.try_acquire().is_ok())),
        Cell::new(&TRY, "async-lock", Peer, ASYNC_LOCK, |ask| ready(ask, &sixteen::<AsyncLock>(), |s| s.try_acquire().is_some())),
        Cell::new(&TRY, "Mutex+Condvar", Peer, STD, |ask| ready(ask, &sixteen::<CountAndCondvar>(), |s| s.hold(|| true))),
        Cell::new(&TRY, "crossbeam-chan", Peer, CROSSBEAM, |ask| ready(ask, &sixteen::<Channel>(), |s| s.hold(|| true))),
        Cell::new(&FREE, "anabranch", Ours, OURS, |ask| ready(ask, &sixteen::<Semaphore>(), |s| s.acquire().wait().count() == 1)),
        Cell::new(&FREE, "anabranch+await", Ours, OURS, |ask| ready_task(ask, &sixteen::<Semaphore>(), async |s| s.acquire().await.count() == 1)),
        Cell::new(&FREE, "tokio", Peer, TOKIO, |ask| ready_task(ask, &sixteen::<Tokio>(), async |s| s.acquire().await.is_ok())),
        Cell::new(&FREE, "tokio+blocking", Peer, TOKIO, |ask| ready(ask, &sixteen::<Tokio>(), |s| s.blocking_acquire().is_ok())),
        Cell::new(&FREE, "async-lock", Peer, ASYNC_LOCK, |ask| ready_task(ask, &sixteen::<AsyncLock>(), async |s| { s.acquire().await; true })),
        Cell::new(&EIGHT_THREADS, "anabranch", Ours, OURS, eight_threads::<Semaphore>),
        Cell::new(&EIGHT_THREADS, "anabranch+barging", Ours, OURS, eight_threads::<Barging>),
        Cell::new(&EIGHT_THREADS, "tokio+blocking", Peer, TOKIO, eight_threads::<Tokio>),
        Cell::new(&EIGHT_THREADS, "async-lock", Peer, ASYNC_LOCK, eight_threads::<AsyncLock>),
        Cell::new(&EIGHT_THREADS, "Mutex+Condvar", Peer, STD, eight_threads::<CountAndCondvar>),
        Cell::new(&EIGHT_THREADS, "crossbeam-chan", Peer, CROSSBEAM, eight_threads::<Channel>),
        Cell::new(&EIGHT_TASKS, "anabranch", Ours, OURS, eight_tasks::<Semaphore>),
        Cell::new(&EIGHT_TASKS, "anabranch+barging", Ours, OURS, eight_tasks::<Barging>),
        Cell::new(&EIGHT_TASKS, "tokio", Peer, TOKIO, eight_tasks::<Tokio>),
        Cell::new(&EIGHT_TASKS, "async-lock", Peer, ASYNC_LOCK, eight_tasks::<AsyncLock>),
        Cell::new(&THOUSAND_TASKS, "anabranch", Ours, OURS, thousand_tasks::<Semaphore>),
        Cell::new(&THOUSAND_TASKS, "anabranch+barging", Ours, OURS, thousand_tasks::<Barging>),
        Cell::new(&THOUSAND_TASKS, "tokio", Peer, TOKIO, thousand_tasks::<Tokio>),
        Cell::new(&THOUSAND_TASKS, "async-lock", Peer, ASYNC_LOCK, thousand_tasks::<AsyncLock>),
        Cell::new(&WEIGHTED_TASKS, "anabranch", Ours, OURS, weighted_tasks::<Semaphore>),
        Cell::new(&WEIGHTED_TASKS, "tokio", Peer, TOKIO, weighted_tasks::<Tokio>),
        Cell::new(&WEIGHTED_THREADS, "anabranch", Ours, OURS, weighted_threads::<Semaphore>),
        Cell::new(&WEIGHTED_THREADS, "tokio+blocking", Peer, TOKIO, weighted_threads::<Tokio>),
    ]
}

fn sixteen<S: Permits>() -> S {
    S::with(16)
}

/// The floor: what is taken and given back, whether or not it was there.
fn up_and_down(permits: &AtomicUsize) -> bool {
    // ORDERING: as a semaphore's, whose floor this is.
    let before = permits.fetch_sub(1, Acquire);
    permits.fetch_add(1, Release);
    before > 0
}

static TRY: Workload = Workload {
    id: "S1",
    krate: KRATE,
    name: "semaphore_try",
    about: "take one of 16 free permits if there is one and give it back, on one thread; per permit",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};

static FREE: Workload = Workload {
    id: "S1-wait",
    krate: KRATE,
    name: "semaphore_uncontended",
    about: "wait for one of 16 free permits and give it back, on one thread; per permit",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};

// Sized: all start in line, and for those who do not keep order the line is soon gone.

static EIGHT_THREADS: Workload = Workload {
    id: "S2-thread",
    krate: KRATE,
    name: "semaphore_eight_threads",
    about: "eight threads pass through two permits around some 20 ns of work; per pass",
    shape: Shape::Sized(40_000),
    smoke_ops: 800,
};

static EIGHT_TASKS: Workload = Workload {
    id: "S2-task",
    krate: KRATE,
    name: "semaphore_eight_tasks",
    about: "eight tasks on two threads pass through two permits around some 20 ns of work; per pass",
    shape: Shape::Sized(80_000),
    smoke_ops: 800,
};

static THOUSAND_TASKS: Workload = Workload {
    id: "S3",
    krate: KRATE,
    name: "semaphore_thousand_tasks",
    about: "a thousand tasks on two threads pass through ten permits and yield inside; per pass",
    shape: Shape::Sized(100_000),
    smoke_ops: 3_000,
};

static WEIGHTED_TASKS: Workload = Workload {
    id: "S4-task",
    krate: KRATE,
    name: "semaphore_weighted_tasks",
    about: "eight tasks on two threads alternate one permit and all of four; per pass",
    shape: Shape::Sized(80_000),
    smoke_ops: 800,
};

static WEIGHTED_THREADS: Workload = Workload {
    id: "S4-thread",
    krate: KRATE,
    name: "semaphore_weighted_threads",
    about: "eight threads alternate one permit and all of four; per pass",
    shape: Shape::Sized(40_000),
    smoke_ops: 800,
};
