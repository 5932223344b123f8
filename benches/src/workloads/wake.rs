//! From `cancel()` to the waiter's next line: how long a blocked thread or a suspended task takes.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use tokio::sync::oneshot;

use crate::sys::ThreadState;
use crate::tokens::{AsyncToken, BlockingToken};
use crate::{Ask, Rep, Stopwatch};

/// One thread blocks on a token, this one cancels it once the kernel says that the other sleeps;
/// `ops` rounds with a fresh token each.
///
/// # Errors
/// A wait returned before its cancellation.
pub fn wake_thread<T: BlockingToken>(ask: Ask) -> Result<Rep> {
    let mut rng = Rng::with_seed(ask.seed);
    let (states, state) = mpsc::channel();
    let (tokens, token) = mpsc::channel::<(T, Arc<AtomicBool>)>();
    let (wakes, woken) = mpsc::channel();
    let waiter = thread::spawn(move || -> Result<()> {
        states.send(ThreadState::of_this_thread()?)?;
        while let Ok((token, about_to_wait)) = token.recv() {
            // ORDERING: Release, paired with the Acquire below: a sleep seen after it is the wait.
            about_to_wait.store(true, Release);
            token.wait();
            let at = Instant::now();
            wakes.send((at, token.is_cancelled()))?;
        }
        Ok(())
    });
    let state = state.recv().context("the waiter did not start")?;

    let watch = Stopwatch::start();
    let mut samples = Vec::new();
    for _ in 0..ask.ops {
        let token = T::root();
        let about_to_wait = Arc::new(AtomicBool::new(false));
        tokens.send((token.clone(), about_to_wait.clone()))?;
        // ORDERING: Acquire, the other half of the waiter's store.
        while !(about_to_wait.load(Acquire) && state.is_asleep()?) {
            std::hint::spin_loop();
        }
        let_it_rest(&mut rng);
        let cancelled = Instant::now();
        token.cancel();
        let (at, is_cancelled) = woken.recv()?;
        samples.push(latency_ns(cancelled, at, is_cancelled)?);
    }
    let rep = watch.stop(ask.ops);

    drop(tokens);
    waiter
        .join()
        .map_err(|_| anyhow::anyhow!("the waiter panicked"))??;
    rep.with_latencies(samples)
}

/// The same between two tasks of one tokio runtime with two workers. The canceller then waits for
/// the answer as a task does, so the runtime may run the waiter next on the same worker, and does:
/// this is the cost of a switch between tasks, with no sleeping core in it.
///
/// # Errors
/// As [`wake_thread`].
pub fn wake_task<T: AsyncToken>(ask: Ask) -> Result<Rep> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    // The canceller is a task as well: `block_on` alone would run it on this third thread.
    runtime.block_on(runtime.spawn(wake_task_rounds::<T>(ask)))?
}

async fn wake_task_rounds<T: AsyncToken>(ask: Ask) -> Result<Rep> {
    let mut rng = Rng::with_seed(ask.seed);
    let watch = Stopwatch::start();
    let mut samples = Vec::new();
    for _ in 0..ask.ops {
        let token = T::root();
        let (suspended, is_suspended) = oneshot::channel();
        let (wake, woken) = oneshot::channel();
        let waiting = token.clone();
        tokio::spawn(async move {
            announce_suspension(waiting.cancelled(), suspended).await;
            // An error means that the canceller has given up, and it will say why.
            let _ = wake.send((Instant::now(), waiting.is_cancelled()));
        });
        ensure!(
            is_suspended.await.is_ok(),
            "a wait returned before it was suspended"
        );
        let_it_rest(&mut rng);
        let cancelled = Instant::now();
        token.cancel();
        let (at, is_cancelled) = woken.await.context("the waiter was dropped")?;
        samples.push(latency_ns(cancelled, at, is_cancelled)?);
    }
    watch.stop(ask.ops).with_latencies(samples)
}

/// The same from this thread to a task of a tokio runtime, whose workers have had time to go to
/// sleep: the way from a signal handler or a blocking caller into the runtime.
///
/// # Errors
/// As [`wake_thread`].
pub fn wake_task_from_thread<T: AsyncToken>(ask: Ask) -> Result<Rep> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    let mut rng = Rng::with_seed(ask.seed);
    let (wakes, woken) = mpsc::channel();
    let watch = Stopwatch::start();
    let mut samples = Vec::new();
    for _ in 0..ask.ops {
        let token = T::root();
        let (suspended, is_suspended) = oneshot::channel();
        let (waiting, wakes) = (token.clone(), wakes.clone());
        runtime.spawn(async move {
            announce_suspension(waiting.cancelled(), suspended).await;
            // Nobody listens any more only if this round has failed.
            let _ = wakes.send((Instant::now(), waiting.is_cancelled()));
        });
        let is_suspended = is_suspended.blocking_recv();
        ensure!(
            is_suspended.is_ok(),
            "a wait returned before it was suspended"
        );
        let_it_rest(&mut rng);
        let cancelled = Instant::now();
        token.cancel();
        let (at, is_cancelled) = woken.recv().context("the waiter was dropped")?;
        samples.push(latency_ns(cancelled, at, is_cancelled)?);
    }
    watch.stop(ask.ops).with_latencies(samples)
}

/// Runs `wait` and says so once its first poll has returned pending, which is when it is queued.
async fn announce_suspension(wait: impl Future<Output = ()>, suspended: oneshot::Sender<()>) {
    let mut wait = pin!(wait);
    let mut suspended = Some(suspended);
    std::future::poll_fn(|cx| {
        let polled = wait.as_mut().poll(cx);
        if polled.is_pending()
            && let Some(suspended) = suspended.take()
        {
            // As above: nobody listens only if the round is over.
            let _ = suspended.send(());
        }
        match polled {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
}

/// Spins for 50 to 70 us: long enough for the other core to go idle, at random so that rounds do
/// not fall into step with the kernel's own ticks.
fn let_it_rest(rng: &mut Rng) {
    let rest = Duration::from_micros(50 + rng.u64(0..20));
    let started = Instant::now();
    while started.elapsed() < rest {
        std::hint::spin_loop();
    }
}

fn latency_ns(cancelled: Instant, woken: Instant, is_cancelled: bool) -> Result<f64> {
    ensure!(
        is_cancelled,
        "the waiter woke and the token was not cancelled"
    );
    let latency = woken
        .checked_duration_since(cancelled)
        .context("the wait ended too early")?;
    Ok(latency.as_secs_f64() * 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{EventFlag, ParkFlag, Token};

    const ASK: Ask = Ask { ops: 5, seed: 1 };

    /// Its waits do not wait.
    #[derive(Debug, Clone)]
    struct Hasty(EventFlag);

    impl Token for Hasty {
        fn root() -> Self {
            Hasty(EventFlag::root())
        }
        fn child(&self) -> Self {
            self.clone()
        }
        fn is_cancelled(&self) -> bool {
            self.0.is_cancelled()
        }
        fn cancel(&self) {
            self.0.cancel();
        }
    }

    impl BlockingToken for Hasty {
        fn wait(&self) {}
    }

    impl AsyncToken for Hasty {
        async fn cancelled(&self) {}
    }

    #[test]
    fn waiters_that_wait_pass() {
        assert_eq!(wake_thread::<ParkFlag>(ASK).unwrap().ops, 5);
        assert!(wake_thread::<EventFlag>(ASK).unwrap().ns_per_op() > 0.0);
        assert!(wake_task::<EventFlag>(ASK).unwrap().ns_per_op() > 0.0);
        assert!(wake_task_from_thread::<EventFlag>(ASK).unwrap().ns_per_op() > 0.0);
    }

    #[test]
    fn a_wait_that_returns_at_once_fails_the_check() {
        assert!(wake_thread::<Hasty>(ASK).is_err());
        assert!(wake_task::<Hasty>(ASK).is_err());
        assert!(wake_task_from_thread::<Hasty>(ASK).is_err());
    }
}
