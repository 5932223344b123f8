//! Settings, and the start of the threads.

use crate::{
    pool::Pool,
    shared::Shared,
    sync::thread,
    worker::{self, Worker},
};
use anabranch_core_cancel::CancelToken;
use std::{error::Error, fmt, io};

/// Sets up a pool. Made by [`Pool::builder`].
///
/// ```
/// use anabranch_pool::{CancelToken, Pool};
///
/// let token = CancelToken::new();
/// let pool = Pool::builder().workers(4).queue(100).name("render").on(&token).build()?;
/// assert_eq!(pool.workers(), 4);
/// # Ok::<(), anabranch_pool::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "no pool is made until `build`"]
pub struct Builder {
    workers: usize,
    queue: usize,
    name: String,
    stack_size: Option<usize>,
    token: CancelToken,
}

impl Builder {
    /// The bound of the queue unless another one is set: 1024 waiting jobs.
    pub const QUEUE: usize = 1024;

    pub(crate) fn new() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            queue: Self::QUEUE,
            name: "pool".into(),
            stack_size: None,
            token: CancelToken::never(),
        }
    }

    /// How many threads work: as many as the machine runs at once, unless said otherwise.
    ///
    /// # Panics
    /// With zero: nobody would ever run a job.
    #[track_caller]
    pub fn workers(mut self, workers: usize) -> Self {
        assert!(workers > 0, "a pool needs at least one worker");
        self.workers = workers;
        self
    }

    /// How many jobs may wait beside those that free workers take at once:
    /// [`QUEUE`](Self::QUEUE), unless said otherwise. Submitters wait for room beyond that.
    ///
    /// Zero accepts only what a worker takes at once.
    pub fn queue(mut self, bound: usize) -> Self {
        self.queue = bound;
        self
    }

    /// The threads' name; each gets its number after it, as in `render-0`.
    ///
    /// # Panics
    /// With a NUL character, which no thread's name may have.
    #[track_caller]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        assert!(!self.name.contains('\0'), "a thread's name has no NUL");
        self
    }

    /// The size of each worker's stack in bytes: what std gives a thread, unless said otherwise.
    ///
    /// Jobs that wait for nested jobs run them on their own stack.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// The token the pool lives under: draining it stops intake, cancelling it does what
    /// [`Pool::abort`] does. Its clock is the pool's.
    pub fn on(mut self, token: &CancelToken) -> Self {
        self.token = token.clone();
        self
    }

    /// Starts the workers.
    ///
    /// # Errors
    /// When the operating system refuses a thread: those already started have been joined.
    #[track_caller]
    pub fn build(self) -> Result<Pool, BuildError> {
        let token = self.token.child();
        self.start(token, start)
    }

    fn start(self, token: CancelToken, start: worker::Start) -> Result<Pool, BuildError> {
        let shared = Shared::new(self.workers, self.queue, token);
        let mut threads = Vec::with_capacity(self.workers);
        for n in 0..self.workers {
            let name = format!("{}-{n}", self.name);
            let worker = Worker::announce(&shared, &name);
            let mut thread = thread::Builder::new().name(name);
            if let Some(bytes) = self.stack_size {
                thread = thread.stack_size(bytes);
            }
            match start(thread, Box::new(move || worker.work())) {
                Ok(thread) => threads.push(thread),
                Err(source) => {
                    shared.lock().workers = n;
                    let started = Pool::over(shared, threads);
                    drop(started);
                    return Err(BuildError { started: n, source });
                }
            }
        }
        Ok(Pool::over(shared, threads))
    }
}

fn start(
    thread: thread::Builder,
    work: Box<dyn FnOnce() + Send>,
) -> io::Result<thread::JoinHandle<()>> {
    thread.spawn(work)
}

/// The operating system refused a thread.
#[derive(Debug)]
pub struct BuildError {
    started: usize,
    source: io::Error,
}

impl BuildError {
    /// How many workers had been started before. They have been joined.
    pub fn started(&self) -> usize {
        self.started
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not start worker {}", self.started)
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[test]
    fn when_a_thread_is_refused_the_ones_already_started_are_joined() {
        static ENDED: AtomicUsize = AtomicUsize::new(0);
        let third_is_refused: worker::Start = |thread, work| {
            static ASKED: AtomicUsize = AtomicUsize::new(0);
            if ASKED.fetch_add(1, SeqCst) == 2 {
                return Err(io::Error::other("no more threads"));
            }
            thread.spawn(move || {
                work();
                ENDED.fetch_add(1, SeqCst);
            })
        };
        let refused = Pool::builder()
            .workers(5)
            .start(CancelToken::new(), third_is_refused)
            .unwrap_err();
        assert_eq!(refused.started(), 2);
        assert_eq!(refused.source().unwrap().to_string(), "no more threads");
        assert_eq!(ENDED.load(SeqCst), 2);
    }
}
