//! The rule: who gets what. Plain data under the pool's lock.
//!
//! ```text
//!  submitters ──▶ room (a line) ──▶ jobs (a queue) ──▶ idle (a line) ──▶ workers
//!                 each with its      at most `bound`    each gets one
//!                 job in hand        beside free ones   job in hand
//! ```
//!
//! 1. There is room while fewer jobs wait than `bound` and the free workers together. So a pool
//!    that has just been built takes its first jobs whether or not its workers are there yet, and
//!    a bound of zero means: accept only what a worker takes at once.
//! 2. A submitter that waits for room stands in line with its job. Room goes to the first, and its
//!    job is queued in the same step: jobs begin in the order in which their submitters came.
//! 3. A job is in exactly one place: with a submitter, in the queue, or running. "Running" is from
//!    when it was taken out of the queue, by whomever, until its end is counted.
//! 4. Each change ends with `serve`, after which no submitter waits in front of room, no job in
//!    front of an idle worker, and no drainer in front of an empty pool. (The exception, a select
//!    that is looking at its arms: it finds out by itself, or leaves and serves.)

use crate::{
    job::{AnyJob, Ended},
    jobs::{Jobs, Number},
    stats::Stats,
};
use anabranch_core_cancel::{
    Wakes,
    queue::{HandOver, WaitQueue},
};
use std::sync::atomic::Ordering::Relaxed;

pub(crate) struct State {
    jobs: Jobs<AnyJob>,
    bound: usize,
    /// Workers that have not gone home.
    pub(crate) workers: usize,
    /// Workers that have a job.
    busy: usize,
    pub(crate) closed: bool,
    /// The queue is about to be emptied: nobody takes from it meanwhile.
    pub(crate) aborting: bool,
    /// The counts, but for `queued`.
    counts: Stats,
    /// With the job: taken when it is accepted, left there when it is refused.
    pub(crate) room: WaitQueue<Option<AnyJob>>,
    pub(crate) idle: WaitQueue<Order>,
    pub(crate) drainers: WaitQueue<()>,
}

/// What an idle worker is told.
pub(crate) enum Order {
    Wait,
    Run(AnyJob),
    GoHome,
}

impl State {
    pub(crate) fn new(workers: usize, bound: usize) -> Self {
        Self {
            jobs: Jobs::new(),
            bound,
            workers,
            busy: 0,
            closed: false,
            aborting: false,
            counts: Stats::default(),
            room: WaitQueue::new(),
            idle: WaitQueue::new(),
            drainers: WaitQueue::new(),
        }
    }

    pub(crate) fn has_room(&self) -> bool {
        let free = self.workers.saturating_sub(self.busy);
        self.jobs.len() < self.bound.saturating_add(free)
    }

    /// Whether a job may be queued at once: there is room, and nobody came before.
    pub(crate) fn takes_at_once(&mut self) -> bool {
        self.room.front().is_none() && self.has_room()
    }

    pub(crate) fn accept(&mut self, job: AnyJob) {
        let number = self.jobs.number();
        // ORDERING: Relaxed: under the pool's lock.
        job.number().store(number, Relaxed);
        self.counts.submitted += 1;
        self.jobs.push(number, job);
    }

    /// Counts a job that is run on the spot and was never queued.
    pub(crate) fn accept_running(&mut self) {
        self.counts.submitted += 1;
        self.counts.running += 1;
    }

    /// That job, if it still waits.
    pub(crate) fn take(&mut self, number: Number) -> Option<AnyJob> {
        let job = self.jobs.take(number)?;
        self.counts.running += 1;
        Some(job)
    }

    pub(crate) fn take_all(&mut self) -> Vec<AnyJob> {
        let jobs = self.jobs.take_all();
        self.counts.running += jobs.len();
        jobs
    }

    /// The oldest job, for a worker that has none.
    pub(crate) fn next(&mut self) -> Option<AnyJob> {
        if self.aborting {
            return None;
        }
        let job = self.jobs.pop()?;
        self.counts.running += 1;
        self.busy += 1;
        Some(job)
    }

    /// A worker has done its job.
    pub(crate) fn worker_is_free(&mut self) {
        self.busy -= 1;
    }

    /// Whether a worker has nothing to wait for.
    pub(crate) fn may_go_home(&self) -> bool {
        self.closed && self.jobs.is_empty()
    }

    /// Counts a job's end and lets its handle see it.
    pub(crate) fn end(&mut self, job: &AnyJob, ended: Ended, wakes: &mut Wakes) {
        let lost = job.publish(wakes);
        self.counts.detached_panics += u64::from(lost);
        self.count(ended);
    }

    pub(crate) fn count(&mut self, ended: Ended) {
        self.counts.running -= 1;
        *match ended {
            Ended::Completed => &mut self.counts.completed,
            Ended::Panicked => &mut self.counts.panicked,
            Ended::Cancelled => &mut self.counts.cancelled,
        } += 1;
    }

    pub(crate) fn count_detached_panic(&mut self) {
        self.counts.detached_panics += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.counts.running == 0
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            queued: self.jobs.len(),
            ..self.counts
        }
    }

    /// Hands out whatever can be handed out: see 4 at the head of the file.
    pub(crate) fn serve(&mut self, wakes: &mut Wakes) {
        if self.closed {
            while self.room.hand_over(wakes, |_refused| {}) == HandOver::Done {}
        } else {
            while !self.room.is_empty() && self.has_room() {
                let mut accepted = None;
                if self.room.hand_over(wakes, |job| accepted = job.take()) != HandOver::Done {
                    break;
                }
                accepted.into_iter().for_each(|job| self.accept(job));
            }
        }
        while !self.idle.is_empty() {
            let order = match self.next() {
                Some(job) => Order::Run(job),
                None if self.may_go_home() => Order::GoHome,
                None => break,
            };
            // An idle worker is never a select, so the first in line takes it.
            self.idle.hand_over(wakes, |slot| *slot = order);
        }
        if self.closed && self.is_empty() {
            while self.drainers.hand_over(wakes, |_| {}) == HandOver::Done {}
        }
    }
}
