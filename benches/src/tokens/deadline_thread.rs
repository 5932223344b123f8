//! The plain way to call back at a deadline: a heap, a condition variable and one thread.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::Result;

use crate::workloads::Fired;

/// All of `due` on one [`DeadlineThread`].
///
/// # Errors
/// The thread ended before all had fired.
pub fn fire_on_thread(due: &[Instant]) -> Result<Fired> {
    let (fired, firings) = mpsc::channel();
    let thread = DeadlineThread::start(move |id| {
        let now = Instant::now();
        // Nobody listens any more only if the workload has already failed.
        let _ = fired.send((id, now));
    });
    for (id, deadline) in due.iter().enumerate() {
        thread.arm(*deadline, id);
    }
    Fired::collect(due.len(), Instant::now(), &firings)
}

/// A thread that calls `fire(id)` once `deadline` has passed, in order of deadlines.
#[derive(Debug)]
pub struct DeadlineThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    heap: BinaryHeap<Reverse<(Instant, usize)>>,
    stopping: bool,
}

impl DeadlineThread {
    /// Starts the thread.
    pub fn start(mut fire: impl FnMut(usize) + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        let thread = thread::spawn(move || {
            while let Some(id) = theirs.next_due() {
                fire(id);
            }
        });
        DeadlineThread {
            shared,
            thread: Some(thread),
        }
    }

    /// Adds a deadline.
    pub fn arm(&self, deadline: Instant, id: usize) {
        let mut state = self
            .shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.heap.push(Reverse((deadline, id)));
        let is_next = state
            .heap
            .peek()
            .is_some_and(|Reverse((_, first))| *first == id);
        drop(state);
        // Only a new earliest deadline changes how long the thread may sleep.
        if is_next {
            self.shared.changed.notify_one();
        }
    }
}

impl Shared {
    /// Sleeps until the earliest deadline has passed; `None` once stopped.
    fn next_due(&self) -> Option<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopping {
                return None;
            }
            state = match state.heap.peek().map(|Reverse((deadline, _))| *deadline) {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let now = Instant::now();
                    if deadline <= now {
                        return state.heap.pop().map(|Reverse((_, id))| id);
                    }
                    let waited = self.changed.wait_timeout(state, deadline - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl Drop for DeadlineThread {
    fn drop(&mut self) {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stopping = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already been reported; drop must not add a second one.
            let _ = thread.join();
        }
    }
}
