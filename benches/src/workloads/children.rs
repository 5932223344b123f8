//! Children of one live root: made and dropped, alone and by two threads, and cancelled together;
//! each with nobody waiting, and with a waiter.
//!
//! Both are needed: a token may put off telling its parents of itself until somebody waits on it,
//! and would look better than it is where nobody ever does.

use std::hint::black_box;
use std::pin::pin;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier};
use std::task::{Context, Wake, Waker};
use std::thread;

use anyhow::{Result, ensure};

use crate::tokens::{AsyncToken, Token};
use crate::{Ask, Rep, Stopwatch};

/// Makes a child and drops it, `ops` times, on one thread.
///
/// # Errors
/// The last child, which was kept, did not see the root's cancellation.
pub fn create_and_drop<T: Token>(ask: Ask) -> Result<Rep> {
    let root = T::root();
    let watch = Stopwatch::start();
    let last = make_and_drop(&root, ask.ops);
    let rep = watch.stop(ask.ops);
    root.cancel();
    ensure!(
        last.is_cancelled(),
        "the last child did not see that its root was cancelled"
    );
    Ok(rep)
}

/// The same by two threads on one root, half of `ops` each. Time per operation is wall time over
/// all operations: what two cores get done together.
///
/// # Errors
/// As [`create_and_drop`], for either thread.
pub fn create_and_drop_two_threads<T: Token>(ask: Ask) -> Result<Rep> {
    let root = T::root();
    let half = ask.ops.div_ceil(2);
    let start = Barrier::new(2);
    let (rep, lasts) = thread::scope(|s| {
        let other = s.spawn(|| {
            start.wait();
            make_and_drop(&root, half)
        });
        // This thread is one of the two: a third one that only waits would want a core as well.
        start.wait();
        let watch = Stopwatch::start();
        let mine = make_and_drop(&root, half);
        let theirs = other
            .join()
            .map_err(|_| anyhow::anyhow!("the second thread panicked"))?;
        anyhow::Ok((watch.stop(2 * half), [mine, theirs]))
    })?;
    root.cancel();
    ensure!(
        lasts.iter().all(Token::is_cancelled),
        "a thread's last child did not see that its root was cancelled"
    );
    Ok(rep)
}

/// The loop of both. Each child passes through `black_box`, so that it exists in memory and its
/// making cannot be cancelled out against its drop.
fn make_and_drop<T: Token>(root: &T, ops: u64) -> T {
    let root = black_box(root);
    for _ in 1..ops {
        drop(black_box(root.child()));
    }
    black_box(root.child())
}

/// Makes a child, starts to wait on it, gives up and drops both, `ops` times: what a request costs
/// that is never cancelled.
///
/// # Errors
/// A wait did not wait, or the last child did not see the root's cancellation.
pub fn create_and_wait<T: AsyncToken>(ask: Ask) -> Result<Rep> {
    let root = black_box(T::root());
    let mut cx = Context::from_waker(Waker::noop());
    let mut pending = 0_u64;
    let watch = Stopwatch::start();
    for _ in 0..ask.ops {
        let child = black_box(root.child());
        let wait = pin!(child.cancelled());
        pending += u64::from(wait.poll(&mut cx).is_pending());
    }
    let rep = watch.stop(ask.ops);

    ensure!(
        black_box(pending) == ask.ops,
        "{pending} of {} waits waited",
        ask.ops
    );
    let last = root.child();
    let mut wait = pin!(last.cancelled());
    ensure!(
        wait.as_mut().poll(&mut cx).is_pending(),
        "a live child's wait was over"
    );
    root.cancel();
    ensure!(
        wait.poll(&mut cx).is_ready(),
        "a waiter did not see that the root was cancelled"
    );
    Ok(rep)
}

/// Counts how often it is woken.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // ORDERING: Relaxed, a count that is read on this thread or after it was synchronised with.
        self.0.fetch_add(1, Relaxed);
    }
}

/// Cancels a root with `ops` children, each of them waited on: time per waiter for the cancellation
/// alone, wake-ups included.
///
/// # Errors
/// A waiter was woken early, late, or not just once.
pub fn wake_all<T: AsyncToken>(ask: Ask) -> Result<Rep> {
    let root = T::root();
    let children: Vec<T> = (0..ask.ops).map(|_| root.child()).collect();
    let woken = Arc::new(Count::default());
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    let mut waits: Vec<_> = children
        .iter()
        .map(|child| Box::pin(child.cancelled()))
        .collect();
    let mut pending = 0_u64;
    for wait in &mut waits {
        pending += u64::from(wait.as_mut().poll(&mut cx).is_pending());
    }
    ensure!(pending == ask.ops, "{pending} of {} waits waited", ask.ops);

    let watch = Stopwatch::start();
    root.cancel();
    let rep = watch.stop(ask.ops);

    // ORDERING: Relaxed, as above.
    let woken = woken.0.load(Relaxed);
    ensure!(woken == ask.ops, "{woken} wake-ups for {} waiters", ask.ops);
    let mut done = 0_u64;
    for wait in &mut waits {
        done += u64::from(wait.as_mut().poll(&mut cx).is_ready());
    }
    ensure!(done == ask.ops, "{done} of {} waits ended", ask.ops);
    Ok(rep)
}

/// Cancels a root with `ops` live children, then polls each: time per child for both together.
/// Making and dropping them is not measured.
///
/// # Errors
/// A child was cancelled before its root or did not see its cancellation.
pub fn cancel_all<T: Token>(ask: Ask) -> Result<Rep> {
    let root = T::root();
    let children: Vec<T> = (0..ask.ops).map(|_| root.child()).collect();
    let children = black_box(children);
    let early = children.iter().filter(|child| child.is_cancelled()).count();
    ensure!(
        early == 0,
        "{early} children were cancelled before their root"
    );

    let watch = Stopwatch::start();
    root.cancel();
    let seen = children.iter().filter(|child| child.is_cancelled()).count();
    let rep = watch.stop(ask.ops);

    ensure!(
        black_box(seen) as u64 == ask.ops,
        "{seen} of {} children saw it",
        ask.ops
    );
    Ok(rep)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{Broken, EventFlag, Flag};

    const ASK: Ask = Ask { ops: 9, seed: 1 };

    #[test]
    fn flags_pass_and_two_threads_do_an_even_number() {
        assert_eq!(create_and_drop::<Flag>(ASK).unwrap().ops, 9);
        assert_eq!(create_and_drop_two_threads::<Flag>(ASK).unwrap().ops, 10);
        assert_eq!(cancel_all::<Flag>(ASK).unwrap().ops, 9);
    }

    #[test]
    fn every_waiter_is_woken() {
        assert_eq!(create_and_wait::<EventFlag>(ASK).unwrap().ops, 9);
        assert_eq!(wake_all::<EventFlag>(ASK).unwrap().ops, 9);
    }

    #[test]
    fn children_that_do_not_hear_their_root_fail_every_check() {
        assert!(create_and_drop::<Broken>(ASK).is_err());
        assert!(create_and_drop_two_threads::<Broken>(ASK).is_err());
        assert!(cancel_all::<Broken>(ASK).is_err());
    }
}
