//! tokio-util's `CancellationToken`, alone and with tokio's timers.

use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::{AsyncToken, BlockingToken, Token};
use crate::workloads::Fired;

impl Token for CancellationToken {
    fn root() -> Self {
        CancellationToken::new()
    }

    #[inline]
    fn child(&self) -> Self {
        self.child_token()
    }

    #[inline]
    fn is_cancelled(&self) -> bool {
        CancellationToken::is_cancelled(self)
    }

    #[inline]
    fn cancel(&self) {
        CancellationToken::cancel(self);
    }
}

/// It has no blocking wait of its own: a thread polls its future with the smallest executor.
impl BlockingToken for CancellationToken {
    fn wait(&self) {
        pollster::block_on(CancellationToken::cancelled(self));
    }
}

impl AsyncToken for CancellationToken {
    fn cancelled(&self) -> impl Future<Output = ()> + Send {
        CancellationToken::cancelled(self)
    }
}

/// A token with a deadline, as one builds it with tokio: a task sleeps and then cancels.
#[derive(Debug)]
pub struct TimedTask {
    /// The token that the task will cancel.
    pub token: CancellationToken,
    /// Keeps the timer running; the task goes with it.
    _runtime: Runtime,
}

impl TimedTask {
    /// Cancelled after `timeout`, by a task on a runtime of its own.
    ///
    /// # Errors
    /// The runtime did not start.
    pub fn new(timeout: Duration) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()?;
        let token = CancellationToken::new();
        let timed = token.clone();
        runtime.spawn(async move {
            tokio::time::sleep(timeout).await;
            timed.cancel();
        });
        Ok(TimedTask {
            token,
            _runtime: runtime,
        })
    }
}

/// A child under `tokio::time::timeout`, polled once so that its timer is armed, then disarmed.
/// Call it within a runtime's context; outside of a task, or the task's budget would soon keep
/// the poll from reaching the timer.
///
/// # Panics
/// The child was cancelled or its time was up.
pub fn child_with_tokio_timeout(root: &CancellationToken, timeout: Duration) -> CancellationToken {
    let child = root.child_token();
    {
        let bounded = pin!(tokio::time::timeout(timeout, child.cancelled()));
        let polled = bounded.poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "a fresh child was ready: {polled:?}");
    }
    child
}

/// All of `due` as tasks of a runtime with two workers, each in `tokio::time::sleep_until`.
///
/// # Errors
/// The runtime did not start, or a task was lost.
pub fn fire_in_tasks(due: &[Instant]) -> Result<Fired> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    let (fired, firings) = mpsc::channel();
    for (id, deadline) in due.iter().copied().enumerate() {
        let fired = fired.clone();
        runtime.spawn(async move {
            tokio::time::sleep_until(deadline.into()).await;
            let now = Instant::now();
            // Nobody listens any more only if the workload has already failed.
            let _ = fired.send((id, now));
        });
    }
    let armed = Instant::now();
    ensure!(!due.is_empty(), "no deadlines were given");
    drop(fired);
    Fired::collect(due.len(), armed, &firings)
}
