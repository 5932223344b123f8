//! What the semaphore workloads ask of an implementation, and who answers.

use std::future::Future;
use std::sync::{Condvar, Mutex, PoisonError};

use anabranch_semaphore::Semaphore;
use anyhow::{Result, ensure};
use crossbeam_channel::{Receiver, Sender, bounded};

/// Lets so many in at a time.
pub trait Permits: Sized + Send + Sync + 'static {
    /// All of them free.
    fn with(permits: usize) -> Self;
    /// Whether all of them are free again, as far as it can be asked.
    fn all_free(&self, permits: usize) -> bool;

    /// [`all_free`](Self::all_free), as a check.
    ///
    /// # Errors
    /// Some are not.
    fn check(&self, permits: usize) -> Result<()> {
        ensure!(self.all_free(permits), "not all permits came back");
        Ok(())
    }
}

/// For threads.
pub trait ForThreads: Permits {
    /// Blocks until a permit is free and holds it while `work` runs.
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R;
}

/// For threads, and by weight.
pub trait ForThreadsMany: ForThreads {
    /// Blocks until so many permits are free and holds them while `work` runs.
    fn hold_many<R>(&self, permits: usize, work: impl FnOnce() -> R) -> R;
}

/// For tasks.
pub trait ForTasks: Permits {
    /// Waits until a permit is free and holds it until `work` is done.
    fn hold<R: Send>(&self, work: impl Future<Output = R> + Send)
    -> impl Future<Output = R> + Send;
}

/// For tasks, and by weight.
pub trait ForTasksMany: ForTasks {
    /// Waits until so many permits are free and holds them until `work` is done.
    fn hold_many<R: Send>(
        &self,
        permits: usize,
        work: impl Future<Output = R> + Send,
    ) -> impl Future<Output = R> + Send;
}

impl Permits for Semaphore {
    fn with(permits: usize) -> Self {
        Semaphore::new(permits)
    }

    fn all_free(&self, permits: usize) -> bool {
        self.available_permits() == permits
    }
}

impl ForThreads for Semaphore {
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        let _permit = self.acquire().wait();
        work()
    }
}

impl ForThreadsMany for Semaphore {
    fn hold_many<R>(&self, permits: usize, work: impl FnOnce() -> R) -> R {
        let _permits = self.acquire_many(permits).wait().expect("they fit");
        work()
    }
}

impl ForTasks for Semaphore {
    async fn hold<R: Send>(&self, work: impl Future<Output = R> + Send) -> R {
        let _permit = self.acquire().await;
        work.await
    }
}

impl ForTasksMany for Semaphore {
    async fn hold_many<R: Send>(&self, permits: usize, work: impl Future<Output = R> + Send) -> R {
        let _permits = self.acquire_many(permits).await.expect("they fit");
        work.await
    }
}

/// Ours, when it prefers throughput to order.
#[derive(Debug)]
pub struct Barging(Semaphore);

impl Permits for Barging {
    fn with(permits: usize) -> Self {
        Barging(Semaphore::builder(permits).barging().build())
    }

    fn all_free(&self, permits: usize) -> bool {
        self.0.available_permits() == permits
    }
}

impl ForThreads for Barging {
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        ForThreads::hold(&self.0, work)
    }
}

impl ForTasks for Barging {
    fn hold<R: Send>(
        &self,
        work: impl Future<Output = R> + Send,
    ) -> impl Future<Output = R> + Send {
        ForTasks::hold(&self.0, work)
    }
}

impl Permits for tokio::sync::Semaphore {
    fn with(permits: usize) -> Self {
        tokio::sync::Semaphore::new(permits)
    }

    fn all_free(&self, permits: usize) -> bool {
        self.available_permits() == permits
    }
}

impl ForThreads for tokio::sync::Semaphore {
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        let _permit = self.blocking_acquire().expect("it is not closed");
        work()
    }
}

impl ForThreadsMany for tokio::sync::Semaphore {
    fn hold_many<R>(&self, permits: usize, work: impl FnOnce() -> R) -> R {
        let permits = u32::try_from(permits).expect("a few");
        let _permits = self
            .blocking_acquire_many(permits)
            .expect("it is not closed");
        work()
    }
}

impl ForTasks for tokio::sync::Semaphore {
    async fn hold<R: Send>(&self, work: impl Future<Output = R> + Send) -> R {
        let _permit = self.acquire().await.expect("it is not closed");
        work.await
    }
}

impl ForTasksMany for tokio::sync::Semaphore {
    async fn hold_many<R: Send>(&self, permits: usize, work: impl Future<Output = R> + Send) -> R {
        let permits = u32::try_from(permits).expect("a few");
        let _permits = self.acquire_many(permits).await.expect("it is not closed");
        work.await
    }
}

impl Permits for async_lock::Semaphore {
    fn with(permits: usize) -> Self {
        async_lock::Semaphore::new(permits)
    }

    fn all_free(&self, permits: usize) -> bool {
        self.available_permits() == permits
    }
}

impl ForThreads for async_lock::Semaphore {
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        let _permit = self.acquire_blocking();
        work()
    }
}

impl ForTasks for async_lock::Semaphore {
    async fn hold<R: Send>(&self, work: impl Future<Output = R> + Send) -> R {
        let _permit = self.acquire().await;
        work.await
    }
}

/// What one writes by hand: a count under a lock.
#[derive(Debug)]
pub struct CountAndCondvar {
    free: Mutex<usize>,
    returned: Condvar,
}

impl Permits for CountAndCondvar {
    fn with(permits: usize) -> Self {
        CountAndCondvar {
            free: Mutex::new(permits),
            returned: Condvar::new(),
        }
    }

    fn all_free(&self, permits: usize) -> bool {
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) == permits
    }
}

impl ForThreads for CountAndCondvar {
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        const WHOLE: &str = "nobody panics under this lock";
        let mut free = self.free.lock().expect(WHOLE);
        while *free == 0 {
            free = self.returned.wait(free).expect(WHOLE);
        }
        *free -= 1;
        drop(free);
        let done = work();
        *self.free.lock().expect(WHOLE) += 1;
        self.returned.notify_one();
        done
    }
}

/// Go's way: who sends into a full channel waits, who receives makes room.
#[derive(Debug)]
pub struct Channel {
    enter: Sender<()>,
    leave: Receiver<()>,
}

impl Permits for Channel {
    fn with(permits: usize) -> Self {
        let (enter, leave) = bounded(permits);
        Channel { enter, leave }
    }

    fn all_free(&self, _permits: usize) -> bool {
        self.leave.is_empty()
    }
}

impl ForThreads for Channel {
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        self.enter.send(()).expect("both ends are ours");
        let done = work();
        self.leave.recv().expect("both ends are ours");
        done
    }
}
