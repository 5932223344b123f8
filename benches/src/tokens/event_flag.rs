//! A flag and `event-listener`: what one writes by hand for threads and tasks at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};

use event_listener::{Event, Listener};

use super::{AsyncToken, BlockingToken, Token};

/// One flag, one event that wakes all who listen. A child is a clone: it cannot be cancelled alone.
#[derive(Debug, Clone)]
pub struct EventFlag(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cancelled: AtomicBool,
    event: Event,
}

impl Token for EventFlag {
    fn root() -> Self {
        EventFlag(Arc::new(Inner {
            cancelled: AtomicBool::new(false),
            event: Event::new(),
        }))
    }

    fn child(&self) -> Self {
        self.clone()
    }

    fn is_cancelled(&self) -> bool {
        // ORDERING: Acquire, paired with the Release in `cancel`. `notify` and `listen` hold the
        // full fences that keep a listener from missing the flag.
        self.0.cancelled.load(Acquire)
    }

    fn cancel(&self) {
        // ORDERING: Release, the other half of `is_cancelled`.
        self.0.cancelled.store(true, Release);
        self.0.event.notify(usize::MAX);
    }
}

impl BlockingToken for EventFlag {
    fn wait(&self) {
        while !self.is_cancelled() {
            let listener = self.0.event.listen();
            if self.is_cancelled() {
                return;
            }
            listener.wait();
        }
    }
}

impl AsyncToken for EventFlag {
    async fn cancelled(&self) {
        while !self.is_cancelled() {
            let listener = self.0.event.listen();
            if self.is_cancelled() {
                return;
            }
            listener.await;
        }
    }
}
