//! The semaphore against a naive one, under random steps, in both modes; wake-ups included.
#![cfg(not(loom))]

mod common;

use anabranch_semaphore::{ExceedsCapacity, Permit, Semaphore, ops::AcquireMany};
use common::{Count, poll_with};
use proptest::prelude::*;
use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Poll, Waker},
};

#[derive(Clone, Debug)]
enum Step {
    /// Waits for that many.
    Join(usize),
    /// Gives up the place in line at that index, served or not.
    Leave(usize),
    /// Looks for no reason from the place in line at that index.
    Look(usize),
    /// Asks without waiting.
    Try(usize),
    /// Gives back what is held at that index.
    Release(usize),
    /// Gives back one of what is held at that index.
    Split(usize),
    /// Forgets what is held at that index.
    Forget(usize),
    Resize(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_usize..=5).prop_map(Step::Join),
        2 => (0_usize..8).prop_map(Step::Leave),
        2 => (0_usize..8).prop_map(Step::Look),
        2 => (0_usize..=6).prop_map(Step::Try),
        4 => (0_usize..8).prop_map(Step::Release),
        1 => (0_usize..8).prop_map(Step::Split),
        1 => (0_usize..8).prop_map(Step::Forget),
        1 => (0_usize..8).prop_map(Step::Resize),
    ];
    prop::collection::vec(step, 1..120)
}

const CAPACITY: usize = 5;

/// Everything in the open: who waits for how much, what is free, and who was told what.
struct Naive {
    capacity: usize,
    free: isize,
    line: VecDeque<(usize, usize)>,
    told: Vec<(usize, Result<usize, usize>)>,
}

impl Naive {
    fn fits(&self, permits: usize) -> bool {
        isize::try_from(permits).unwrap() <= self.free
    }

    fn take(&mut self, who: usize, permits: usize) {
        self.free -= permits as isize;
        self.told.push((who, Ok(permits)));
    }

    fn join(&mut self, who: usize, permits: usize) {
        if permits == 0 {
            self.told.push((who, Ok(0)));
        } else if permits > self.capacity {
            self.told.push((who, Err(self.capacity)));
        } else {
            self.line.push_back((who, permits));
        }
    }

    fn serve(&mut self) {
        while let Some(&(who, permits)) = self.line.front() {
            if !self.fits(permits) {
                return;
            }
            self.line.pop_front();
            self.take(who, permits);
        }
    }

    fn resize(&mut self, capacity: usize) {
        self.free += capacity as isize - self.capacity as isize;
        self.capacity = capacity;
        let line = std::mem::take(&mut self.line);
        for (who, permits) in line {
            if permits > capacity {
                self.told.push((who, Err(capacity)));
            } else {
                self.line.push_back((who, permits));
            }
        }
    }
}

struct Waiter<'a> {
    who: usize,
    acquire: AcquireMany<'a>,
    wakes: Arc<Count>,
    waker: Waker,
    seen: usize,
}

type Told<'a> = Vec<(usize, Result<Permit<'a>, ExceedsCapacity>)>;

/// Polls whoever was woken, until nobody is, as an executor would.
fn run<'a>(waiters: &mut Vec<Waiter<'a>>, told: &mut Told<'a>) {
    while let Some(at) = waiters.iter().position(|w| w.wakes.get() > w.seen) {
        let waiter = &mut waiters[at];
        waiter.seen = waiter.wakes.get();
        if let Poll::Ready(done) = poll_with(&mut waiter.acquire, &waiter.waker) {
            told.push((waiters.remove(at).who, done));
        }
    }
}

fn agrees_with_the_naive_one(slots: &Semaphore, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut naive = Naive {
        capacity: CAPACITY,
        free: CAPACITY as isize,
        line: VecDeque::new(),
        told: Vec::new(),
    };
    let (mut waiters, mut told): (Vec<Waiter<'_>>, Told<'_>) = (Vec::new(), Vec::new());
    let mut held: Vec<Permit<'_>> = Vec::new();
    let mut joined = 0;
    for step in steps {
        match step {
            Step::Join(permits) => {
                let (wakes, waker) = Count::new();
                let mut acquire = slots.acquire_many(permits);
                let who = joined;
                joined += 1;
                naive.join(who, permits);
                match poll_with(&mut acquire, &waker) {
                    Poll::Ready(done) => told.push((who, done)),
                    Poll::Pending => waiters.push(Waiter {
                        who,
                        acquire,
                        wakes,
                        waker,
                        seen: 0,
                    }),
                }
            }
            Step::Leave(at) if at < waiters.len() => {
                let gone = waiters.remove(at);
                naive.line.retain(|(who, _)| *who != gone.who);
            }
            Step::Look(at) if at < waiters.len() => {
                let waiter = &mut waiters[at];
                let poll = poll_with(&mut waiter.acquire, &waiter.waker);
                prop_assert!(poll.is_pending(), "{} took what is not its own", waiter.who);
            }
            Step::Try(permits) => {
                let fits = permits == 0 || naive.line.is_empty() && naive.fits(permits);
                let permit = slots.try_acquire_many(permits);
                prop_assert_eq!(permit.is_ok(), fits);
                naive.free -= if fits { permits as isize } else { 0 };
                held.extend(permit);
            }
            Step::Release(at) if at < held.len() => {
                naive.free += held[at].count() as isize;
                drop(held.remove(at));
            }
            Step::Split(at) if at < held.len() => {
                if let Some(one) = held[at].split(1) {
                    naive.free += one.count() as isize;
                }
            }
            Step::Forget(at) if at < held.len() => {
                let permits = held[at].count();
                naive.free += permits as isize;
                let capacity = naive.capacity.saturating_sub(permits);
                if permits > 0 {
                    naive.resize(capacity);
                }
                held.remove(at).forget();
            }
            Step::Resize(capacity) => {
                naive.resize(capacity);
                slots.resize(capacity);
            }
            _ => {}
        }
        naive.serve();
        run(&mut waiters, &mut told);
        for (who, done) in told.drain(..) {
            let expected = naive.told.iter().position(|(other, _)| *other == who);
            let Some(expected) = expected else {
                return Err(TestCaseError::fail(format!(
                    "{who} was told too early: {done:?}"
                )));
            };
            let (_, expected) = naive.told.remove(expected);
            match done {
                Ok(permit) => {
                    prop_assert_eq!(Ok(permit.count()), expected);
                    held.push(permit);
                }
                Err(exceeds) => prop_assert_eq!(Err(exceeds.capacity), expected),
            }
        }
        prop_assert!(naive.told.is_empty(), "not told: {:?}", naive.told);
        prop_assert_eq!(slots.waiting(), naive.line.len());
        prop_assert_eq!(slots.capacity(), naive.capacity);
        prop_assert_eq!(slots.held() as isize, naive.capacity as isize - naive.free);
        let free = if naive.line.is_empty() {
            naive.free.max(0)
        } else {
            0
        };
        prop_assert_eq!(slots.available_permits() as isize, free);
    }
    let in_hand: usize = held.iter().map(Permit::count).sum();
    prop_assert_eq!(slots.held(), in_hand, "free and held are all there is");
    drop((waiters, held));
    prop_assert_eq!((slots.held(), slots.waiting()), (0, 0));
    prop_assert_eq!(slots.available_permits(), slots.capacity());
    Ok(())
}

proptest! {
    #[test]
    fn whoever_is_woken_is_served_as_a_naive_line_would(steps in steps()) {
        agrees_with_the_naive_one(&Semaphore::new(CAPACITY), steps)?;
    }
}
