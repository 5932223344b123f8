//! The floor under waking a thread: one flag and one `unpark`.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};

use super::{BlockingToken, Token};

/// A flag with room for one waiter, who parks. What waits on it must be set before `cancel`.
#[derive(Debug, Clone)]
pub struct ParkFlag(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cancelled: AtomicBool,
    waiter: OnceLock<Thread>,
}

impl Token for ParkFlag {
    fn root() -> Self {
        ParkFlag(Arc::new(Inner {
            cancelled: AtomicBool::new(false),
            waiter: OnceLock::new(),
        }))
    }

    fn child(&self) -> Self {
        self.clone()
    }

    fn is_cancelled(&self) -> bool {
        // ORDERING: Acquire, paired with the Release in `cancel`.
        self.0.cancelled.load(Acquire)
    }

    fn cancel(&self) {
        // ORDERING: Release, for what the canceller wrote before. The wake-up itself needs no
        // order between the flag and the waiter's entry: the workload cancels only after it has
        // seen the waiter asleep.
        self.0.cancelled.store(true, Release);
        if let Some(waiter) = self.0.waiter.get() {
            waiter.unpark();
        }
    }
}

impl BlockingToken for ParkFlag {
    fn wait(&self) {
        self.0.waiter.get_or_init(thread::current);
        while !self.is_cancelled() {
            thread::park();
        }
    }
}
