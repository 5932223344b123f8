//! A future that takes part in a manual clock.

use super::{
    Manual,
    member::{Participant, Site, set_current, take_reached},
};
use crate::sync::{Arc, Mutex, lock};
use pin_project_lite::pin_project;
use std::{
    fmt,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, Wake, Waker},
};

pin_project! {
    /// A future made a participant by [`ManualTime::task`](crate::ManualTime::task).
    #[must_use = "futures do nothing unless polled"]
    pub struct ManualTask<F> {
        #[pin]
        future: F,
        bell: Arc<Bell>,
        waker: Waker,
        site: Site,
    }

    impl<F> PinnedDrop for ManualTask<F> {
        fn drop(this: Pin<&mut Self>) {
            this.bell.participant.leave();
        }
    }
}

/// What the task's wakers ring: counts the task as running before its executor hears of it.
struct Bell {
    participant: Arc<Participant>,
    state: Mutex<Rung>,
}

/// The ring and the waker change together: a ring either finds the waker of the poll under way
/// and is seen by it, or comes before that poll.
#[derive(Default)]
struct Rung {
    rung: bool,
    executor: Option<Waker>,
}

impl<F: Future> ManualTask<F> {
    #[track_caller]
    pub(super) fn new(clock: &Arc<Manual>, future: F) -> Self {
        let bell = Arc::new(Bell {
            participant: Participant::new(clock, "a task"),
            state: Mutex::new(Rung::default()),
        });
        let waker = Waker::from(bell.clone());
        let site = Site {
            what: "an operation in a task",
            at: Location::caller(),
        };
        Self {
            future,
            bell,
            waker,
            site,
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let executor = {
            let mut state = lock(&self.state);
            state.rung = true;
            state.executor.take()
        };
        self.participant.woken();
        if let Some(executor) = executor {
            executor.wake();
        }
    }
}

/// Restores who the thread was, also when the future panics.
struct Outer(Option<Arc<Participant>>);

impl Drop for Outer {
    fn drop(&mut self) {
        set_current(self.0.take());
    }
}

impl<F: Future> Future for ManualTask<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let bell = &**this.bell;
        let participant = &bell.participant;
        participant.end_wait();
        let old = {
            let mut state = lock(&bell.state);
            state.rung = false;
            state.executor.replace(cx.waker().clone())
        };
        drop(old);
        let poll = {
            let _outer = Outer(set_current(Some(participant.clone())));
            take_reached();
            this.future.poll(&mut Context::from_waker(this.waker))
        };
        if poll.is_ready() {
            participant.leave();
        } else if take_reached() {
            participant.begin_wait(*this.site, this.waker, || lock(&bell.state).rung);
        }
        poll
    }
}

impl<F> fmt::Debug for ManualTask<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManualTask")
    }
}
