//! The crawl: one thread directs, a pool of workers fetches, one token ends it all.
//!
//! ```text
//!               pages                            leave
//!   director ───submit───▶ pool ──▶ visit ──acquire──▶ limiter
//!   (ledger) ◀───bell──────────────── │ ──socket─────▶ fetcher
//!      ▲                                                  │
//!      └──────stop────── token ───────────────stop────────┘
//! ```
//!
//! The [`Ledger`] belongs to the directing thread alone, so it needs no lock. That thread sleeps in
//! one place, on a channel, and there are two things to wake it: a job that is over, whatever
//! became of it, and the end of the token. Nothing looks at a clock to see whether something
//! happened.
//!
//! The token reaches each kind of wait in its own way: a worker in line at the limiter waits
//! `with_cancel`, a worker in a socket is freed by [`Fetcher::stop`], the directing thread gets a
//! message. What it does not reach, looking up a name and connecting, is given a
//! [grace](Limits::grace) and then left behind by name.

use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use anabranch_core_cancel::{CancelKind, CancelToken, Cancelled};
use anabranch_pool::{BuildError, JobError, JobHandle, Pool};
use anabranch_ratelimit::{Rate, RateLimiter};
use url::Url;

use crate::fetch::{FetchError, Fetcher};
use crate::frontier::Task;
use crate::interrupt::Signal;
use crate::ledger::Ledger;
use crate::progress::Status;
use crate::report::{Ended, Report};
use crate::visit::{Visited, visit};

/// How hard to crawl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pages fetched at the same time: at least one.
    pub workers: usize,
    /// Requests per second, redirects included.
    pub rate: u32,
    /// Requests at once after a pause: at least one.
    pub burst: u32,
    /// Time for one page, redirects included, waits for the limiter excluded.
    pub timeout: Duration,
    /// Time for the whole crawl.
    pub deadline: Duration,
    /// Time for the workers to come back once the crawl was told to stop.
    pub grace: Duration,
    /// Pages fetched at most.
    pub max_pages: usize,
}

/// Crawls from `pages` on, until nothing is left, the deadline comes or `root` is cancelled.
///
/// Blocks the thread meanwhile; `show` is called on it whenever a page is begun or done. On return
/// every worker has been joined and every connection closed, unless the report names workers
/// [left behind](Report::left_behind): these end on their own, with their page's time at the latest.
///
/// # Errors
/// When the operating system refuses a thread. Nothing has been fetched then.
///
/// # Panics
/// With the panic of a worker, once the others have stopped.
pub fn crawl(
    pages: impl IntoIterator<Item = Url>,
    limits: &Limits,
    fetcher: Fetcher,
    root: &CancelToken,
    mut show: impl FnMut(Status),
) -> Result<Report, BuildError> {
    // First, so that what the report says it took includes all of the deadline.
    let mut ledger = Ledger::new(pages, limits.max_pages);
    let token = root.child_with_timeout(limits.deadline);
    let (bell, rung) = mpsc::channel();
    let mut crew = Crew::new(limits, fetcher, token.clone(), bell.clone())?;
    let fetcher = crew.fetcher.clone();
    let _hook = token.on_cancel(move || {
        fetcher.stop();
        // Fails only if the crawl is over.
        let _ = bell.send(Bell::Stop);
    });
    // However this function is left, by a panic too: the pool below waits for its workers.
    let _guard = token.guard();

    let is_complete = loop {
        if crew.send_out(&mut ledger).is_err() {
            break false;
        }
        show(ledger.status());
        if ledger.is_finished() {
            break true;
        }
        // `crew` holds a sender: the channel cannot end before it does.
        let Ok(Bell::Back(seat)) = rung.recv() else {
            break false;
        };
        let Some(visited) = crew.take_back(seat) else {
            break false;
        };
        let is_cut_short = visited.visit.is_abandoned();
        ledger.came_back(visited);
        if is_cut_short {
            break false;
        }
    };
    if is_complete {
        return Ok(ledger.close(limits, Ended::Complete, Vec::new()));
    }
    // The token is what broke the loop, or else its owner drains it: then this is the end as well.
    token.cancel();
    let ended = token
        .reason()
        .map_or(Ended::Cancelled, |why| of(&why, limits));
    let left_behind = crew.come_home(limits.grace, &mut ledger);
    show(ledger.status());
    Ok(ledger.close(limits, ended, left_behind))
}

/// What the token's reason means for the report: the signal is its cause, see `main`.
fn of(why: &Cancelled, limits: &Limits) -> Ended {
    match (why.downcast_cause::<Signal>(), why.kind()) {
        (Some(signal), _) => Ended::Interrupted(*signal),
        (None, CancelKind::Deadline) => Ended::Deadline(limits.deadline),
        (None, _) => Ended::Cancelled,
    }
}

/// What wakes the directing thread.
#[derive(Debug)]
enum Bell {
    /// The job of this seat is over, or as good as.
    Back(usize),
    /// The token was cancelled.
    Stop,
}

/// Rings when it is dropped: when its job has returned, panicked, or been discarded unbegun.
struct Ring {
    bell: Sender<Bell>,
    seat: usize,
}

impl Drop for Ring {
    fn drop(&mut self) {
        // Fails only if the crawl is over and this worker was left behind.
        let _ = self.bell.send(Bell::Back(self.seat));
    }
}

/// A page on its way.
struct Errand {
    url: Url,
    job: JobHandle<Visited>,
}

/// The workers, seen from the directing thread.
///
/// A worker's number is its seat: there are as many as the pool has threads, and a page takes one
/// before it is submitted. So never more jobs are in the pool than it has workers.
struct Crew {
    pool: Pool,
    seats: Vec<Option<Errand>>,
    fetcher: Arc<Fetcher>,
    limiter: Arc<RateLimiter>,
    token: CancelToken,
    timeout: Duration,
    bell: Sender<Bell>,
}

/// The token has ended: nobody is sent out any more.
struct Stopped;

impl Crew {
    fn new(
        limits: &Limits,
        fetcher: Fetcher,
        token: CancelToken,
        bell: Sender<Bell>,
    ) -> Result<Crew, BuildError> {
        let pool = Pool::builder()
            .workers(limits.workers)
            // A bell rings just before its worker is free: the next job of the seat may wait for it.
            .queue(limits.workers)
            .name("fetch")
            .on(&token)
            .build()?;
        let rate = Rate::per_second(limits.rate.into()).burst(limits.burst.into());
        Ok(Crew {
            pool,
            seats: (0..limits.workers).map(|_| None).collect(),
            fetcher: Arc::new(fetcher),
            limiter: Arc::new(RateLimiter::new(rate).on(&token)),
            token,
            timeout: limits.timeout,
            bell,
        })
    }

    /// Sends free workers out, as far as there are pages.
    fn send_out(&mut self, ledger: &mut Ledger) -> Result<(), Stopped> {
        while let Some(seat) = self.seats.iter().position(Option::is_none) {
            let Some(task) = ledger.send() else {
                break;
            };
            let url = task.url.clone();
            // Refused only when the token ends; never waits, see `new`.
            let job = self.pool.submit(self.job(task, seat)).wait();
            let job = job.map_err(|_refused| Stopped)?;
            self.seats[seat] = Some(Errand { url, job });
        }
        Ok(())
    }

    /// What a worker does with one page.
    fn job(&self, task: Task, seat: usize) -> impl FnOnce() -> Visited + Send + 'static {
        let ring = Ring {
            bell: self.bell.clone(),
            seat,
        };
        let (fetcher, limiter) = (self.fetcher.clone(), self.limiter.clone());
        let (token, timeout) = (self.token.clone(), self.timeout);
        move || {
            let _ring = ring;
            visit(&fetcher, task, seat, timeout, || leave(&limiter, &token))
        }
    }

    /// The result of a job whose bell has rung. `None` if the token ended before it began.
    fn take_back(&mut self, seat: usize) -> Option<Visited> {
        let errand = self.seats[seat].take()?;
        match errand.job.wait() {
            Ok(visited) => Some(visited),
            Err(JobError::Panicked(panic)) => panic.resume(),
            Err(JobError::Cancelled(_) | JobError::GaveUp(_)) => None,
        }
    }

    /// Waits for the workers, up to `grace`, and enters what they bring; names those who did not come.
    fn come_home(mut self, grace: Duration, ledger: &mut Ledger) -> Vec<(usize, Url)> {
        // The seats tell who is back; whether all of them are makes no difference here.
        let _ = self.pool.drain().timeout(grace).wait();
        let mut left_behind = Vec::new();
        for seat in 0..self.seats.len() {
            match &self.seats[seat] {
                Some(errand) if !errand.job.is_finished() => {
                    left_behind.push((seat, errand.url.clone()));
                }
                _ => {
                    if let Some(visited) = self.take_back(seat) {
                        ledger.came_back(visited);
                    }
                }
            }
        }
        if !left_behind.is_empty() {
            // Dropping the pool would wait for them. Its threads go home by themselves: it is
            // closed for good, and none of them holds anything of the caller's.
            mem::forget(self.pool);
        }
        left_behind
    }
}

/// Waits for leave to send one request.
fn leave(limiter: &RateLimiter, token: &CancelToken) -> Result<(), FetchError> {
    let Err(_refused) = limiter.acquire(1).with_cancel(token).wait() else {
        return Ok(());
    };
    // The limiter refuses ahead of time if the turn would come after the deadline. To go back now
    // would be to be sent out again, and again: the crawl ends with its deadline, not before.
    token.cancelled().wait();
    Err(FetchError::Abandoned)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::fetch::FetchOptions;

    const LIMITS: &Limits = &Limits {
        workers: 1,
        rate: 1,
        burst: 1,
        timeout: Duration::from_secs(60),
        deadline: Duration::from_secs(60),
        grace: Duration::from_secs(60),
        max_pages: 1,
    };

    fn page() -> Url {
        Url::parse("http://127.0.0.1:9/").unwrap()
    }

    fn fetcher() -> Fetcher {
        Fetcher::new(FetchOptions::default())
    }

    #[test]
    fn a_worker_that_panics_rings_and_the_panic_goes_to_the_director() {
        let (bell, rung) = mpsc::channel();
        let token = CancelToken::new();
        let mut crew = Crew::new(LIMITS, fetcher(), token, bell.clone()).unwrap();
        let ring = Ring { bell, seat: 0 };
        let job = crew.pool.submit(move || {
            let _ring = ring;
            panic!("on purpose")
        });
        crew.seats[0] = Some(Errand {
            url: page(),
            job: job.wait().unwrap(),
        });
        assert!(matches!(rung.recv().unwrap(), Bell::Back(0)));
        let taken = catch_unwind(AssertUnwindSafe(|| crew.take_back(0)));
        assert_eq!(
            *taken.unwrap_err().downcast::<&str>().unwrap(),
            "on purpose"
        );
    }

    #[test]
    fn a_token_that_has_ended_before_sends_nobody_out() {
        let root = CancelToken::new();
        root.cancel();
        let report = crawl([page()], LIMITS, fetcher(), &root, |_| ()).unwrap();
        assert_eq!((report.ended, report.exit_code()), (Ended::Cancelled, 1));
        assert_eq!((report.visits.len(), report.never_begun), (0, 1));
    }
}
