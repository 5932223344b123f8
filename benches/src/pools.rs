//! What the pool workloads ask of an implementation, and who answers.
//!
//! All have [`WORKERS`] threads. Where a queue has a bound it is [`QUEUE`].

use std::thread::{self, JoinHandle};

use anabranch_pool::{JobHandle, Pool};
use anyhow::{Context, Result, anyhow};
use crossbeam_channel::{Receiver, Sender, bounded};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Threads of every pool.
pub const WORKERS: usize = 2;

/// How many jobs may wait.
pub const QUEUE: usize = 1024;

/// Threads that are there and wait for jobs.
pub trait Workers: Sized {
    /// Starts them.
    ///
    /// # Errors
    /// The operating system refused a thread.
    fn start() -> Result<Self>;
}

/// Workers to whom a job is handed over and forgotten, until all are done.
pub trait Spawn: Workers {
    /// Hands over what `job` makes for each of `0..jobs`, and returns when all of them have ended.
    /// Asked once.
    ///
    /// # Errors
    /// A job was refused or a worker has died.
    fn run_all<F: FnOnce() + Send + 'static>(
        &mut self,
        jobs: u64,
        job: impl Fn(u64) -> F,
    ) -> Result<()>;
}

/// Workers that give each job's result to the one who holds its handle.
pub trait Submit: Workers {
    /// What the result comes through.
    type Handle;
    /// Hands a job over, when there is room.
    ///
    /// # Errors
    /// The job was refused.
    fn submit(&self, job: impl FnOnce() -> u64 + Send + 'static) -> Result<Self::Handle>;
    /// Blocks until the job has ended and takes its result.
    ///
    /// # Errors
    /// There will be none.
    fn take(handle: Self::Handle) -> Result<u64>;
}

impl Workers for Pool {
    fn start() -> Result<Self> {
        Ok(Pool::builder().workers(WORKERS).queue(QUEUE).build()?)
    }
}

impl Spawn for Pool {
    fn run_all<F: FnOnce() + Send + 'static>(
        &mut self,
        jobs: u64,
        job: impl Fn(u64) -> F,
    ) -> Result<()> {
        for i in 0..jobs {
            // The handle is dropped, which detaches the job.
            let accepted = Pool::submit(self, job(i)).wait();
            drop(accepted.map_err(|_| anyhow!("job {i} was refused"))?);
        }
        self.drain().wait();
        Ok(())
    }
}

impl Submit for Pool {
    type Handle = JobHandle<u64>;

    fn submit(&self, job: impl FnOnce() -> u64 + Send + 'static) -> Result<Self::Handle> {
        let accepted = Pool::submit(self, job).wait();
        accepted.map_err(|_| anyhow!("a job was refused"))
    }

    fn take(handle: Self::Handle) -> Result<u64> {
        Ok(handle.wait()?)
    }
}

/// A pool of rayon's own. Its queue has no bound.
#[derive(Debug)]
pub struct RayonSpawn(ThreadPool);

impl Workers for RayonSpawn {
    fn start() -> Result<Self> {
        let pool = ThreadPoolBuilder::new().num_threads(WORKERS).build()?;
        Ok(RayonSpawn(pool))
    }
}

impl Spawn for RayonSpawn {
    fn run_all<F: FnOnce() + Send + 'static>(
        &mut self,
        jobs: u64,
        job: impl Fn(u64) -> F,
    ) -> Result<()> {
        // In place: the submitter stays outside the pool. The scope is rayon's way to wait for all.
        self.0.in_place_scope(|s| {
            for i in 0..jobs {
                let job = job(i);
                s.spawn(move |_| job());
            }
        });
        Ok(())
    }
}

type BoxedJob = Box<dyn FnOnce() + Send>;

/// What one writes by hand: threads that take closures from one bounded channel.
#[derive(Debug)]
pub struct ChannelPool {
    jobs: Option<Sender<BoxedJob>>,
    threads: Vec<JoinHandle<()>>,
}

impl ChannelPool {
    fn send(&self, job: BoxedJob) -> Result<()> {
        let jobs = self.jobs.as_ref().context("the pool was closed")?;
        jobs.send(job).map_err(|_| anyhow!("no worker is left"))
    }

    /// Closes the channel and joins the workers, which run what is in it first.
    fn close(&mut self) -> Result<()> {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| anyhow!("a worker panicked"))?;
        }
        Ok(())
    }
}

impl Workers for ChannelPool {
    fn start() -> Result<Self> {
        let (jobs, job) = bounded::<BoxedJob>(QUEUE);
        let worker = |job: Receiver<BoxedJob>| move || job.iter().for_each(|job| job());
        let threads = (0..WORKERS).map(|_| thread::spawn(worker(job.clone())));
        Ok(ChannelPool {
            jobs: Some(jobs),
            threads: threads.collect(),
        })
    }
}

impl Spawn for ChannelPool {
    fn run_all<F: FnOnce() + Send + 'static>(
        &mut self,
        jobs: u64,
        job: impl Fn(u64) -> F,
    ) -> Result<()> {
        for i in 0..jobs {
            self.send(Box::new(job(i)))?;
        }
        self.close()
    }
}

/// Each result comes through a channel of its own.
impl Submit for ChannelPool {
    type Handle = Receiver<u64>;

    fn submit(&self, job: impl FnOnce() -> u64 + Send + 'static) -> Result<Self::Handle> {
        let (result, handle) = bounded(1);
        self.send(Box::new(move || {
            // Nobody may want it any more.
            let _ = result.send(job());
        }))?;
        Ok(handle)
    }

    fn take(handle: Self::Handle) -> Result<u64> {
        Ok(handle.recv()?)
    }
}

impl Drop for ChannelPool {
    fn drop(&mut self) {
        // A worker that panicked has left a result missing, and the check has seen that.
        let _ = self.close();
    }
}
