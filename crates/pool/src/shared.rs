//! The shell around the rule: the lock, and what is done before and after it.

use crate::{
    job::{AnyJob, Ended},
    jobs::Number,
    state::State,
    sync::{Arc, Mutex, MutexGuard, Weak, lock},
};
use anabranch_core_cancel::{CancelToken, Cancelled, Hook, Wakes};
use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// What a pool, its workers and its handles share.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// The pool's own: a child of the one it was built on.
    token: CancelToken,
    /// Cancels what is queued with the token, until the last worker has gone.
    hook: Mutex<Option<Hook>>,
}

impl Shared {
    pub(crate) fn new(workers: usize, bound: usize, token: CancelToken) -> Arc<Self> {
        let shared = Arc::new(Self {
            state: Mutex::new(State::new(workers, bound)),
            token,
            hook: Mutex::new(None),
        });
        let weak = Arc::downgrade(&shared);
        let hook = shared.token.on_cancel(move || {
            let _ = Weak::upgrade(&weak).map(|shared| shared.token_is_cancelled());
        });
        *lock(&shared.hook) = Some(hook);
        shared
    }

    pub(crate) fn token(&self) -> &CancelToken {
        &self.token
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Changes the state, hands out what that makes free, and then wakes.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State, &mut Wakes) -> T) -> T {
        let mut wakes = Wakes::new();
        let mut state = self.lock();
        let done = change(&mut state, &mut wakes);
        state.serve(&mut wakes);
        drop(state);
        wakes.wake();
        done
    }

    /// Takes no more jobs.
    pub(crate) fn close(&self) {
        self.change(|state, _| state.closed = true);
    }

    /// That job, if it still waits; it counts as running from now on.
    pub(crate) fn take_out(&self, number: Number) -> Option<AnyJob> {
        self.change(|state, _| state.take(number))
    }

    /// Runs a job that has been taken out, here and now.
    pub(crate) fn run(&self, job: AnyJob) {
        let ended = job.run();
        self.end(job, ended);
    }

    /// Ends a job that has been taken out, without running it.
    pub(crate) fn discard(&self, job: AnyJob, why: Cancelled) {
        let ended = job.discard(why);
        self.end(job, ended);
    }

    fn end(&self, job: AnyJob, ended: Ended) {
        self.change(|state, wakes| state.end(&job, ended, wakes));
        self.quietly(|| drop(job));
    }

    /// Runs a worker's job, and takes its next one in the same step in which this one ends.
    pub(crate) fn run_on_worker(&self, job: AnyJob) -> Option<AnyJob> {
        let ended = job.run();
        let mut wakes = Wakes::new();
        let mut state = self.lock();
        state.end(&job, ended, &mut wakes);
        state.worker_is_free();
        let next = state.next();
        state.serve(&mut wakes);
        drop(state);
        // A waker is foreign code, and so is the drop of a result nobody waits for.
        self.quietly(|| wakes.wake());
        self.quietly(|| drop(job));
        next
    }

    /// Calls foreign code on behalf of nobody in particular: its panic is counted, not passed on.
    pub(crate) fn quietly(&self, f: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
            self.lock().count_detached_panic();
            // Even dropping a payload may panic. That one has nowhere to go.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                mem::forget(payload);
            }
        }
    }

    /// Stops intake, ends what is queued and cancels what runs: how many of each.
    #[track_caller]
    pub(crate) fn abort(&self) -> (usize, usize) {
        let running = self.change(|state, _| {
            state.closed = true;
            state.aborting = true;
            state.stats().running
        });
        // Hooks of the token may panic, and the queue is not to stay shut for that.
        let rest = Discard(Some(self));
        self.token.cancel();
        let queued = rest.now();
        (queued, running)
    }

    fn token_is_cancelled(&self) {
        let aborting = {
            let mut state = self.lock();
            state.closed = true;
            state.aborting
        };
        if !aborting {
            self.discard_queued();
        }
    }

    /// Ends all that is queued with the token's reason; how much that was.
    fn discard_queued(&self) -> usize {
        let jobs = self.change(|state, _| {
            state.aborting = false;
            state.take_all()
        });
        let why = self.token.reason();
        let why = why.expect("called with the cancellation of the token");
        let ended: Vec<_> = jobs.iter().map(|job| job.discard(why.clone())).collect();
        self.change(|state, wakes| {
            for (job, ended) in jobs.iter().zip(ended) {
                state.end(job, ended, wakes);
            }
        });
        jobs.len()
    }

    /// The last worker goes home: nothing is left that the token's cancellation could reach.
    pub(crate) fn take_hook(&self) {
        let hook = lock(&self.hook).take();
        drop(hook);
    }
}

/// The second half of an abort, which is due also when the first one panics.
struct Discard<'a>(Option<&'a Shared>);

impl Discard<'_> {
    fn now(mut self) -> usize {
        self.0.take().map_or(0, Shared::discard_queued)
    }
}

impl Drop for Discard<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.discard_queued();
        }
    }
}
