//! A worker's thread: takes one job after the other until there is nothing left to wait for.

use crate::{
    job::AnyJob,
    shared::Shared,
    state::Order,
    sync::{Arc, thread},
};
use anabranch_core_cancel::{
    Cancelled, Membership, Operation, Ticket, Wait,
    queue::{Left, Place},
};
use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
};

// Which pool the current thread works for: the address of what that pool shares, which is nobody
// else's while the worker keeps it alive. Zero for none.
#[cfg(not(loom))]
thread_local! {
    static POOL: Cell<usize> = const { Cell::new(0) };
}
#[cfg(loom)]
loom::thread_local! {
    static POOL: Cell<usize> = Cell::new(0);
}

/// Whether the current thread is a worker of that pool.
pub(crate) fn is_of(shared: &Arc<Shared>) -> bool {
    // Fails only while the thread's locals are being destroyed: workers have none of ours then.
    POOL.try_with(Cell::get).unwrap_or(0) == Arc::as_ptr(shared).addr()
}

/// A worker that has been announced, to be sent to its thread.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    membership: Membership,
}

impl Worker {
    /// Announces it: a manual clock waits for it from now on, before its thread starts.
    pub(crate) fn announce(shared: &Arc<Shared>, name: &str) -> Self {
        Self {
            shared: shared.clone(),
            membership: shared.token().clock().participant(name),
        }
    }

    /// The thread's whole life.
    pub(crate) fn work(self) {
        let Self { shared, membership } = self;
        let participation = membership.enter();
        POOL.with(|pool| pool.set(Arc::as_ptr(&shared).addr()));
        let mut next = None;
        while let Some(job) = next.take().or_else(|| {
            participation.idle(|| {
                let wait = NextJob {
                    shared: &shared,
                    place: None,
                };
                Wait::wait(wait)
            })
        }) {
            next = shared.run_on_worker(job);
        }
        POOL.with(|pool| pool.set(0));
        let last = {
            let mut state = shared.lock();
            state.workers -= 1;
            state.workers == 0
        };
        if last {
            shared.take_hook();
        }
    }
}

/// Starts a worker's thread.
pub(crate) type Start =
    fn(thread::Builder, Box<dyn FnOnce() + Send>) -> std::io::Result<thread::JoinHandle<()>>;

/// The next job for an idle worker; `None` when it may go home.
struct NextJob<'a> {
    shared: &'a Arc<Shared>,
    place: Option<Place>,
}

impl Future for NextJob<'_> {
    type Output = Option<AnyJob>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_arm(&Ticket::task(cx.waker()))
    }
}

impl Operation for NextJob<'_> {
    type Bounded = Option<AnyJob>;

    fn bound(&self, done: Option<AnyJob>) -> Self::Bounded {
        done
    }

    /// Nobody bounds it.
    fn end(self: Pin<&mut Self>, _why: Cancelled) -> Self::Bounded {
        None
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Option<AnyJob>> {
        let shared = self.shared;
        let mut state = shared.lock();
        let Some(place) = self.place.take() else {
            // Whatever this worker takes, it takes in the place of a free one: there is as much
            // room as before, so nobody has to be served.
            if let Some(job) = state.next() {
                return Poll::Ready(Some(job));
            }
            if state.may_go_home() {
                return Poll::Ready(None);
            }
            self.place = Some(state.idle.join(Order::Wait, ticket));
            return Poll::Pending;
        };
        if !state.idle.is_granted(&place) {
            let old = state.idle.stay(&place, ticket);
            drop(state);
            drop(old);
            self.place = Some(place);
            return Poll::Pending;
        }
        let Left { value, waker, .. } = state.idle.leave(place);
        drop(state);
        drop(waker);
        match value {
            Order::Run(job) => Poll::Ready(Some(job)),
            Order::Wait | Order::GoHome => Poll::Ready(None),
        }
    }
}

impl Drop for NextJob<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            let left = self.shared.lock().idle.leave(place);
            debug_assert!(
                matches!(left.value, Order::Wait),
                "a worker waits to the end"
            );
            drop(left);
        }
    }
}
