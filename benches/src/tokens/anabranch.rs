//! Ours: `CancelToken` of core-cancel.

use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use anabranch_core_cancel::CancelToken;
use anyhow::Result;

use super::{AsyncToken, BlockingToken, Token};
use crate::workloads::Fired;

impl Token for CancelToken {
    fn root() -> Self {
        CancelToken::new()
    }

    #[inline]
    fn child(&self) -> Self {
        CancelToken::child(self)
    }

    #[inline]
    fn is_cancelled(&self) -> bool {
        CancelToken::is_cancelled(self)
    }

    #[inline]
    fn cancel(&self) {
        CancelToken::cancel(self);
    }
}

impl BlockingToken for CancelToken {
    fn wait(&self) {
        CancelToken::cancelled(self).wait();
    }
}

impl AsyncToken for CancelToken {
    async fn cancelled(&self) {
        CancelToken::cancelled(self).await;
    }
}

/// A child with a timeout on which somebody starts to wait and gives up: its deadline is then a
/// timer that is armed and disarmed, and not only a number in the token.
///
/// # Panics
/// The child was cancelled or its time was up.
pub fn child_waited_on(root: &CancelToken, timeout: Duration) -> CancelToken {
    let child = root.child_with_timeout(timeout);
    {
        let wait = pin!(CancelToken::cancelled(&child));
        let polled = wait.poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "a fresh child was ready: {polled:?}");
    }
    child
}

/// All of `due` as children with a deadline and a hook each.
///
/// # Errors
/// A hook did not run.
pub fn fire_hooks(due: &[Instant]) -> Result<Fired> {
    let root = CancelToken::new();
    let (fired, firings) = mpsc::channel();
    let children: Vec<_> = due
        .iter()
        .enumerate()
        .map(|(id, deadline)| {
            let child = root.child_with_deadline(*deadline);
            let fired = fired.clone();
            let hook = child.on_cancel(move || {
                let now = Instant::now();
                // Nobody listens any more only if the workload has already failed.
                let _ = fired.send((id, now));
            });
            (child, hook)
        })
        .collect();
    let armed = Instant::now();
    let fired = Fired::collect(due.len(), armed, &firings);
    drop(children);
    fired
}

/// All of `due` as children with a deadline, each awaited by a task of a tokio runtime with two
/// workers, which has no timers of its own.
///
/// # Errors
/// The runtime did not start, or a task was lost.
pub fn fire_our_tasks(due: &[Instant]) -> Result<Fired> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    let root = CancelToken::new();
    let (fired, firings) = mpsc::channel();
    for (id, deadline) in due.iter().copied().enumerate() {
        let (child, fired) = (root.child_with_deadline(deadline), fired.clone());
        runtime.spawn(async move {
            CancelToken::cancelled(&child).await;
            let now = Instant::now();
            // As above.
            let _ = fired.send((id, now));
        });
    }
    let armed = Instant::now();
    drop(fired);
    Fired::collect(due.len(), armed, &firings)
}
