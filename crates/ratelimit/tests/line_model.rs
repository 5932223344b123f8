//! The line against a naive one, under random joins, drops, calls and times; wake-ups included.
#![cfg(not(loom))]

mod common;

use anabranch_ratelimit::{CancelToken, Rate, RateLimiter, ops::Acquire};
use common::{Count, ms, poll_with};
use proptest::prelude::*;
use std::{collections::VecDeque, sync::Arc, task::Waker};

#[derive(Clone, Debug)]
enum Step {
    /// Waits for that many.
    Join(u64),
    /// Gives up the place in line at that index.
    Leave(usize),
    /// Asks without waiting.
    Allow(u64),
    /// Milliseconds pass: as many permits flow in.
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1_u64..=5).prop_map(Step::Join),
        2 => (0_usize..8).prop_map(Step::Leave),
        2 => (1_u64..=6).prop_map(Step::Allow),
        3 => (0_u64..8).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..80)
}

const BURST: u64 = 5;

/// Whole permits at whole milliseconds.
struct Naive {
    level: u64,
    line: VecDeque<(usize, u64)>,
    served: Vec<usize>,
}

impl Naive {
    fn serve(&mut self) {
        while let Some(&(who, permits)) = self.line.front() {
            if permits > self.level {
                return;
            }
            self.level -= permits;
            self.line.pop_front();
            self.served.push(who);
        }
        self.level = self.level.min(BURST);
    }
}

struct Waiter<'a> {
    who: usize,
    acquire: Acquire<'a>,
    wakes: Arc<Count>,
    waker: Waker,
    seen: usize,
}

/// Polls whoever was woken, until nobody is, as an executor would.
fn run(waiters: &mut Vec<Waiter<'_>>, served: &mut Vec<usize>) {
    while let Some(at) = waiters.iter().position(|w| w.wakes.get() > w.seen) {
        let waiter = &mut waiters[at];
        waiter.seen = waiter.wakes.get();
        if poll_with(&mut waiter.acquire, &waiter.waker).is_ready() {
            served.push(waiters.remove(at).who);
        }
    }
}

proptest! {
    #[test]
    fn whoever_is_woken_is_served_as_a_naive_line_would(steps in steps()) {
        let (token, time) = CancelToken::manual();
        let limiter = RateLimiter::new(Rate::every(ms(1)).burst(BURST)).on(&token);
        let mut naive = Naive { level: BURST, line: VecDeque::new(), served: Vec::new() };
        let (mut waiters, mut served) = (Vec::<Waiter<'_>>::new(), Vec::new());
        let mut joined = 0;
        for step in steps {
            match step {
                Step::Join(permits) => {
                    let (wakes, waker) = Count::new();
                    let mut acquire = limiter.acquire(permits);
                    let is_ready = poll_with(&mut acquire, &waker).is_ready();
                    naive.line.push_back((joined, permits));
                    if is_ready {
                        served.push(joined);
                    } else {
                        waiters.push(Waiter { who: joined, acquire, wakes, waker, seen: 0 });
                    }
                    joined += 1;
                }
                Step::Leave(at) if at < waiters.len() => {
                    let gone = waiters.remove(at);
                    naive.line.retain(|(who, _)| *who != gone.who);
                }
                Step::Leave(_) => {}
                Step::Allow(permits) => {
                    let fits = naive.line.is_empty() && permits <= naive.level;
                    naive.level -= if fits { permits } else { 0 };
                    prop_assert_eq!(limiter.allow_n(permits), fits);
                }
                Step::Pass(millis) => {
                    time.advance(ms(millis));
                    naive.level += millis;
                }
            }
            naive.serve();
            run(&mut waiters, &mut served);
            served.sort_unstable();
            naive.served.sort_unstable();
            prop_assert_eq!(&served, &naive.served);
            prop_assert_eq!(limiter.waiting(), naive.line.len());
            let available = if naive.line.is_empty() { naive.level } else { 0 };
            prop_assert_eq!(limiter.available_permits(), available);
        }
        drop(waiters);
        prop_assert_eq!(token.clock().armed_timers(), 0);
        prop_assert_eq!(limiter.available_permits(), naive.level);
    }
}
