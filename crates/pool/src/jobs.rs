//! The jobs that wait, oldest first, each of which can be taken out of the middle.
//!
//! Plain data: the pool's lock is its owner's business. Jobs stand in the order of their numbers,
//! so one of them is found by halving; taken out of the middle it leaves a gap, and when gaps are
//! more than half of all they are closed. So each step is O(log n) at worst, amortised, and the
//! memory is never more than twice what waits, whatever is taken out.

use std::collections::VecDeque;

/// A job's number: jobs are numbered in the order in which they were accepted.
pub(crate) type Number = u64;

#[derive(Debug)]
pub(crate) struct Jobs<J> {
    entries: VecDeque<(Number, Option<J>)>,
    /// Entries that are no gaps. The first entry is never a gap, nor the last.
    len: usize,
    next: Number,
}

impl<J> Jobs<J> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            len: 0,
            next: 1,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of the next job, in the line or not.
    pub(crate) fn number(&mut self) -> Number {
        let number = self.next;
        self.next += 1;
        number
    }

    /// To the back of the line, with a number that is the last one given out.
    pub(crate) fn push(&mut self, number: Number, job: J) {
        debug_assert!(self.entries.back().is_none_or(|last| last.0 < number));
        self.entries.push_back((number, Some(job)));
        self.len += 1;
    }

    /// The oldest.
    pub(crate) fn pop(&mut self) -> Option<J> {
        let (_, job) = self.entries.pop_front()?;
        self.len -= 1;
        self.trim();
        job
    }

    /// That one, unless somebody took it before.
    pub(crate) fn take(&mut self, number: Number) -> Option<J> {
        let at = self.entries.binary_search_by_key(&number, |e| e.0).ok()?;
        let job = self.entries[at].1.take()?;
        self.len -= 1;
        self.trim();
        if self.entries.len() > 2 * self.len {
            self.entries.retain(|entry| entry.1.is_some());
        }
        Some(job)
    }

    /// All of them, oldest first.
    pub(crate) fn take_all(&mut self) -> Vec<J> {
        self.len = 0;
        self.entries.drain(..).filter_map(|entry| entry.1).collect()
    }

    fn trim(&mut self) {
        while self.entries.front().is_some_and(|entry| entry.1.is_none()) {
            self.entries.pop_front();
        }
        while self.entries.back().is_some_and(|entry| entry.1.is_none()) {
            self.entries.pop_back();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn filled(n: u64) -> Jobs<u64> {
        let mut jobs = Jobs::new();
        for _ in 0..n {
            let number = jobs.number();
            jobs.push(number, number);
        }
        jobs
    }

    #[test]
    fn what_is_taken_from_the_middle_is_gone_and_the_rest_keeps_its_order() {
        let mut jobs = filled(5);
        assert_eq!(jobs.take(3), Some(3));
        assert_eq!(jobs.take(3), None);
        assert_eq!(jobs.take(9), None);
        assert_eq!(jobs.len(), 4);
        let rest: Vec<_> = std::iter::from_fn(|| jobs.pop()).collect();
        assert_eq!(rest, [1, 2, 4, 5]);
        assert!(jobs.is_empty());
    }

    #[test]
    fn gaps_never_outnumber_the_jobs() {
        let mut jobs = filled(1);
        for _ in 0..10_000 {
            let number = jobs.number();
            jobs.push(number, number);
            assert_eq!(jobs.take(number), Some(number));
            assert!(jobs.entries.len() <= 2 * jobs.len());
        }
        let mut jobs = filled(1_000);
        for number in (2..1_000).rev() {
            assert_eq!(jobs.take(number), Some(number));
            assert!(jobs.entries.len() <= 2 * jobs.len(), "{number}");
        }
        assert_eq!(jobs.take_all(), [1, 1_000]);
    }

    #[test]
    fn every_mixture_of_pops_and_takes_hands_each_job_out_once() {
        // A fixed shuffle: a linear congruence.
        let mut seed = 1_u64;
        let mut jobs = Jobs::new();
        let (mut inside, mut out) = (Vec::new(), Vec::new());
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (dice, way) = ((seed >> 33) as usize, seed >> 62);
            if way < 2 || inside.is_empty() {
                let number = jobs.number();
                jobs.push(number, number);
                inside.push(number);
            } else if way == 2 {
                out.extend(jobs.pop());
                assert_eq!(out.last(), Some(&inside.remove(0)), "the oldest");
            } else {
                let number = inside.remove(dice % inside.len());
                out.extend(jobs.take(number));
                assert_eq!(out.last(), Some(&number));
            }
            assert_eq!(jobs.len(), inside.len());
        }
        assert_eq!(jobs.take_all(), inside);
    }
}
