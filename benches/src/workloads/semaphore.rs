//! At most so many at a time: threads or tasks that share a few permits around next to no work.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use tokio::runtime::{Builder, Runtime};

use crate::semaphores::{ForTasks, ForTasksMany, ForThreads, ForThreadsMany};
use crate::{Ask, Rep, Stopwatch};

/// Who is inside, and the most that ever were.
#[derive(Debug, Default)]
struct Inside {
    now: AtomicUsize,
    most: AtomicUsize,
    passed: AtomicUsize,
}

impl Inside {
    // ORDERING: Relaxed. One word counts who is inside, whatever else is seen; the others are read
    // after all have been joined.
    fn enter(&self, weight: usize) {
        let now = self.now.fetch_add(weight, Relaxed) + weight;
        if now > self.most.load(Relaxed) {
            self.most.fetch_max(now, Relaxed);
        }
    }

    fn leave(&self, weight: usize) {
        self.now.fetch_sub(weight, Relaxed);
    }

    fn add_passed(&self, passed: usize) {
        self.passed.fetch_add(passed, Relaxed);
    }

    fn check(&self, permits: usize, ops: u64) -> Result<()> {
        let (most, passed) = (self.most.load(Relaxed), self.passed.load(Relaxed));
        ensure!(
            most <= permits,
            "{most} were inside, and no more than {permits} may be"
        );
        ensure!(passed as u64 == ops, "{passed} of {ops} passed");
        Ok(())
    }
}

const CONTENDERS: usize = 8;

/// Twenty rounds of a mixer: some ten nanoseconds that cannot be left out.
fn work(mut x: u64) -> u64 {
    for _ in 0..20 {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    black_box(x)
}

/// Eight threads pass through two permits, `ops` times in all, around some work.
///
/// # Errors
/// More than two were inside, not all passed, or not all permits came back.
pub fn eight_threads<S: ForThreads>(ask: Ask) -> Result<Rep> {
    let each = ask.ops.div_ceil(CONTENDERS as u64);
    threads::<S>(2, each, |permits, inside| {
        for i in 0..each {
            permits.hold(|| {
                inside.enter(1);
                work(i);
                inside.leave(1);
            });
        }
    })
}

/// As [`eight_threads`], alternating one permit and all four.
///
/// # Errors
/// As [`eight_threads`].
pub fn weighted_threads<S: ForThreadsMany>(ask: Ask) -> Result<Rep> {
    let each = ask.ops.div_ceil(CONTENDERS as u64);
    threads::<S>(4, each, |permits, inside| {
        for i in 0..each {
            let weight = if i % 2 == 0 { 1 } else { 4 };
            permits.hold_many(weight, || {
                inside.enter(weight);
                work(i);
                inside.leave(weight);
            });
        }
    })
}

/// How long everybody gets to come and stand in line. What comes late finds the line moving, which
/// is no error.
const GATHER: Duration = Duration::from_millis(5);

/// All permits are held until all contenders wait, then the watch is started: without that they
/// would come one after the other, and one that has been and gone contends with nobody.
fn threads<S: ForThreads>(
    permits: usize,
    each: u64,
    run: impl Fn(&S, &Inside) + Sync,
) -> Result<Rep> {
    let (semaphore, inside) = (S::with(permits), Inside::default());
    let start = Barrier::new(CONTENDERS + 1);
    let ops = each * CONTENDERS as u64;
    let rep = thread::scope(|s| {
        let contend = || {
            start.wait();
            run(&semaphore, &inside);
            inside.add_passed(each as usize);
        };
        let threads: Vec<_> = (0..CONTENDERS).map(|_| s.spawn(contend)).collect();
        let watch = hold_all(&semaphore, permits, || {
            start.wait();
            thread::sleep(GATHER);
            Stopwatch::start()
        });
        for thread in threads {
            thread.join().map_err(|_| anyhow!("a contender panicked"))?;
        }
        anyhow::Ok(watch.stop(ops))
    })?;
    inside.check(permits, ops)?;
    semaphore.check(permits)?;
    Ok(rep)
}

/// Runs `work` while all permits are held.
fn hold_all<S: ForThreads, R>(semaphore: &S, permits: usize, work: impl FnOnce() -> R) -> R {
    let mut work = Some(work);
    let mut done = None;
    nested(semaphore, permits, &mut || {
        done = work.take().map(|work| work());
    });
    done.expect("the innermost runs it")
}

fn nested<S: ForThreads>(semaphore: &S, permits: usize, work: &mut dyn FnMut()) {
    match permits {
        0 => work(),
        _ => semaphore.hold(|| nested(semaphore, permits - 1, work)),
    }
}

/// Eight tasks on two threads pass through two permits, `ops` times in all, around some work.
///
/// # Errors
/// As [`eight_threads`].
pub fn eight_tasks<S: ForTasks>(ask: Ask) -> Result<Rep> {
    let each = ask.ops.div_ceil(CONTENDERS as u64);
    tasks::<S, _>(CONTENDERS, 2, each, move |permits, inside| async move {
        for i in 0..each {
            let work = async {
                inside.enter(1);
                work(i);
                inside.leave(1);
            };
            permits.hold(work).await;
        }
    })
}

/// A thousand tasks on two threads pass through ten permits, `ops` times in all; each yields to the
/// others while it is inside.
///
/// # Errors
/// As [`eight_threads`].
pub fn thousand_tasks<S: ForTasks>(ask: Ask) -> Result<Rep> {
    const TASKS: usize = 1_000;
    let each = ask.ops.div_ceil(TASKS as u64);
    tasks::<S, _>(TASKS, 10, each, move |permits, inside| async move {
        for _ in 0..each {
            let work = async {
                inside.enter(1);
                tokio::task::yield_now().await;
                inside.leave(1);
            };
            permits.hold(work).await;
        }
    })
}

/// As [`eight_tasks`], alternating one permit and all four.
///
/// # Errors
/// As [`eight_threads`].
pub fn weighted_tasks<S: ForTasksMany>(ask: Ask) -> Result<Rep> {
    let each = ask.ops.div_ceil(CONTENDERS as u64);
    tasks::<S, _>(CONTENDERS, 4, each, move |permits, inside| async move {
        for i in 0..each {
            let weight = if i % 2 == 0 { 1 } else { 4 };
            let work = async {
                inside.enter(weight);
                work(i);
                inside.leave(weight);
            };
            permits.hold_many(weight, work).await;
        }
    })
}

fn tasks<S: ForTasks, F: Future<Output = ()> + Send + 'static>(
    tasks: usize,
    permits: usize,
    each: u64,
    run: impl Fn(Arc<S>, Arc<Inside>) -> F + Send + Sync,
) -> Result<Rep> {
    let (semaphore, inside) = (Arc::new(S::with(permits)), Arc::new(Inside::default()));
    let ops = each * tasks as u64;
    let runtime: Runtime = Builder::new_multi_thread().worker_threads(2).build()?;
    let rep = runtime.block_on(async {
        let contend = || {
            let (run, inside) = (run(semaphore.clone(), inside.clone()), inside.clone());
            tokio::spawn(async move {
                run.await;
                inside.add_passed(each as usize);
            })
        };
        let mut watch = None;
        let mut spawned = Vec::with_capacity(tasks);
        let gather = Box::pin(async {
            spawned.extend((0..tasks).map(|_| contend()));
            // The runtime's own threads run the tasks; this one has nothing else to do.
            thread::sleep(GATHER);
            watch = Some(Stopwatch::start());
        });
        let mut gather: Pin<Box<dyn Future<Output = ()> + Send>> = gather;
        for _ in 0..permits {
            gather = Box::pin(semaphore.hold(gather));
        }
        gather.await;
        let watch = watch.context("the innermost started it")?;
        for task in spawned {
            task.await.map_err(|_| anyhow!("a contender panicked"))?;
        }
        anyhow::Ok(watch.stop(ops))
    })?;
    inside.check(permits, ops)?;
    semaphore.check(permits)?;
    Ok(rep)
}

/// Waits `ops` times, in a task, for what is there already.
///
/// # Errors
/// An operation did not find what it came for.
pub fn ready_task<T>(ask: Ask, subject: &T, finish: impl AsyncFn(&T) -> bool) -> Result<Rep> {
    let subject = black_box(subject);
    pollster::block_on(async {
        let mut found = 0_u64;
        let watch = Stopwatch::start();
        for _ in 0..ask.ops {
            found += u64::from(finish(subject).await);
        }
        let rep = watch.stop(ask.ops);
        let found = black_box(found);
        ensure!(
            found == ask.ops,
            "{found} of {} operations were ready",
            ask.ops
        );
        Ok(rep)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::semaphores::Permits;

    const ASK: Ask = Ask {
        ops: 4_000,
        seed: 1,
    };

    /// Lets everybody in.
    struct Open;

    impl Permits for Open {
        fn with(_: usize) -> Self {
            Open
        }
        fn all_free(&self, _: usize) -> bool {
            true
        }
    }

    impl ForTasks for Open {
        async fn hold<R: Send>(&self, work: impl Future<Output = R> + Send) -> R {
            work.await
        }
    }

    /// Lets everybody in, and keeps what they hold.
    struct Leaky(anabranch_semaphore::Semaphore);

    impl Permits for Leaky {
        fn with(_: usize) -> Self {
            Leaky(Permits::with(1_000_000))
        }
        fn all_free(&self, _: usize) -> bool {
            self.0.held() == 0
        }
    }

    impl ForThreads for Leaky {
        fn hold<R>(&self, _work: impl FnOnce() -> R) -> R {
            std::mem::forget(self.0.acquire().wait());
            _work()
        }
    }

    #[test]
    fn ours_passes() {
        use anabranch_semaphore::Semaphore;
        eight_threads::<Semaphore>(ASK).unwrap();
        weighted_threads::<Semaphore>(ASK).unwrap();
        eight_tasks::<Semaphore>(ASK).unwrap();
        thousand_tasks::<Semaphore>(ASK).unwrap();
        weighted_tasks::<Semaphore>(ASK).unwrap();
    }

    #[test]
    fn one_that_lets_too_many_in_fails_the_check() {
        // Each yields inside, so all thousand get there.
        let error = thousand_tasks::<Open>(ASK).unwrap_err();
        assert!(error.to_string().contains("were inside"), "{error}");
    }

    #[test]
    fn one_that_loses_permits_fails_the_check() {
        let leaky = (Leaky::with(2), Inside::default());
        leaky.0.hold(|| leaky.1.enter(1));
        assert!(leaky.0.check(2).is_err());
        assert!(leaky.1.check(2, 1).is_err(), "nobody said that it passed");
    }

    #[test]
    fn what_is_not_ready_fails_the_check() {
        let ask = Ask { ops: 5, seed: 1 };
        ready_task(ask, &(), async |()| true).unwrap();
        assert!(ready_task(ask, &(), async |()| false).is_err());
    }
}
