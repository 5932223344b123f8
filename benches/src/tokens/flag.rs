//! The floor under every token: one shared flag, and the same with a deadline beside it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::{Duration, Instant};

use super::Token;

/// `Arc<AtomicBool>`. A child is a clone, so it cannot be cancelled alone: less than a token does,
/// and therefore a limit and not a peer.
#[derive(Debug, Clone)]
pub struct Flag(Arc<AtomicBool>);

impl Token for Flag {
    fn root() -> Self {
        Flag(Arc::new(AtomicBool::new(false)))
    }

    #[inline]
    fn child(&self) -> Self {
        self.clone()
    }

    #[inline]
    fn is_cancelled(&self) -> bool {
        // ORDERING: Acquire, paired with the Release in `cancel`: what any token must promise, that
        // whoever sees it cancelled sees what was written before.
        self.0.load(Acquire)
    }

    #[inline]
    fn cancel(&self) {
        // ORDERING: Release, the other half of `is_cancelled`.
        self.0.store(true, Release);
    }
}

/// A flag and a deadline ten seconds away, compared at each poll: no timer, but a clock read.
#[derive(Debug, Clone)]
pub struct DeadlineFlag {
    flag: Flag,
    deadline: Instant,
}

impl Token for DeadlineFlag {
    fn root() -> Self {
        DeadlineFlag {
            flag: Flag::root(),
            deadline: Instant::now() + Duration::from_secs(10),
        }
    }

    fn child(&self) -> Self {
        self.clone()
    }

    #[inline]
    fn is_cancelled(&self) -> bool {
        self.flag.is_cancelled() || Instant::now() >= self.deadline
    }

    fn cancel(&self) {
        self.flag.cancel();
    }
}
