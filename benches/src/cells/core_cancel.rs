//! Tokens: polling, children, cancelling, waking, deadlines.

mod ours;
mod peers;

use crate::tokens::Token;
use crate::{Ask, Cell, Rep, Shape, Workload, workloads};

/// The crate whose figures these are.
const KRATE: &str = "core-cancel";

pub(super) fn cells() -> Vec<Cell> {
    let mut cells = ours::cells();
    cells.extend(peers::cells());
    // By workload, so that tables and lists show ours first and the others below. Stable: the order
    // within a workload stays as written.
    cells.sort_by_key(|cell| cell.workload.id);
    cells
}

pub(super) use peers::{broken, twins};

/// Polls the end of a chain of `depth` tokens.
fn poll_chain<T: Token>(ask: Ask, depth: usize) -> anyhow::Result<Rep> {
    let (root, leaf) = workloads::chain::<T>(depth);
    workloads::poll(ask, &root, &leaf)
}

fn cancelled<T: Token>() -> T {
    let token = T::root();
    token.cancel();
    token
}

static POLL_ROOT: Workload = Workload {
    id: "C1-1",
    krate: KRATE,
    name: "poll_root",
    about: "poll a live token that has no parent; per poll",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};

static POLL_DEPTH_4: Workload = Workload {
    id: "C1-4",
    krate: KRATE,
    name: "poll_depth_4",
    about: "poll a live token with three ancestors; per poll",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};

static POLL_DEADLINE: Workload = Workload {
    id: "C1d",
    krate: KRATE,
    name: "poll_with_deadline",
    about: "poll a live token whose deadline is 10 s away; per poll",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};

static CHILD_ONE_THREAD: Workload = Workload {
    id: "C2-1",
    krate: KRATE,
    name: "child_uncontended",
    about: "make and drop a child of one live root; per child",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};

static CHILD_TWO_THREADS: Workload = Workload {
    id: "C2-2",
    krate: KRATE,
    name: "child_two_threads",
    about: "two threads make and drop children of one live root; wall time per child of either",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};

static CHILD_WAIT: Workload = Workload {
    id: "C2-wait",
    krate: KRATE,
    name: "child_waited_on",
    about: "make a child, start to wait on it, give up and drop both; per child",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};

static CANCEL_ALL: Workload = Workload {
    id: "C3",
    krate: KRATE,
    name: "cancel_100000_children",
    about: "cancel a root and see each of its 100,000 children cancelled; per child",
    shape: Shape::Sized(100_000),
    smoke_ops: 100,
};

static WAKE_ALL: Workload = Workload {
    id: "C3-wait",
    krate: KRATE,
    name: "cancel_100000_waiters",
    about: "cancel a root whose 100,000 children are waited on, wake-ups included; per child",
    shape: Shape::Sized(100_000),
    smoke_ops: 100,
};

static MEMORY: Workload = Workload {
    id: "C4",
    krate: KRATE,
    name: "memory_of_1000000_children",
    about: "make and keep 1,000,000 children; per child, `bytes` by growth of resident memory",
    shape: Shape::Fresh(1_000_000),
    smoke_ops: 100,
};

static WAKE_THREAD: Workload = Workload {
    id: "C5-thread",
    krate: KRATE,
    name: "wake_blocked_thread",
    about: "from cancel() to the next line of a thread blocked on the token; median of 2,000",
    shape: Shape::Samples(2_000),
    smoke_ops: 20,
};

static WAKE_TASK: Workload = Workload {
    id: "C5-task",
    krate: KRATE,
    name: "wake_suspended_task",
    about: "from a tokio task's cancel() to the next line of its neighbour; median of 2,000",
    shape: Shape::Samples(2_000),
    smoke_ops: 20,
};

static WAKE_TASK_FROM_THREAD: Workload = Workload {
    id: "C5-cross",
    krate: KRATE,
    name: "wake_task_from_thread",
    about: "from a thread's cancel() to the next line of a tokio task; median of 2,000",
    shape: Shape::Samples(2_000),
    smoke_ops: 20,
};

static CHILD_TIMEOUT: Workload = Workload {
    id: "C6",
    krate: KRATE,
    name: "child_with_unreached_timeout",
    about: "make and drop a child with a timeout of 10 s; per child",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};

static DEADLINES: Workload = Workload {
    id: "C7",
    krate: KRATE,
    name: "lateness_of_10000_deadlines",
    about: "10,000 deadlines spread over 1 s; median lateness",
    shape: Shape::Samples(10_000),
    smoke_ops: 50,
};

static READY: Workload = Workload {
    id: "W1",
    krate: KRATE,
    name: "wait_for_what_is_ready",
    about: "wait for a token that is cancelled already, or just ask; per operation",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};
