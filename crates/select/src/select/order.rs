//! The order in which arms are asked: as written, or shuffled as far as it is needed.
//!
//! Each round draws the next arm from those left (Fisher and Yates's shuffle, one step per arm
//! asked), so that each of the ready arms is equally likely to be the first of them. Where none or
//! the first is ready, one or two steps are all it costs.

/// The most arms a select may have.
pub(super) const MOST: usize = 40;

pub(super) struct Order {
    arms: [u8; MOST],
    count: usize,
    asked: usize,
    fair: bool,
}

impl Order {
    #[inline]
    pub(super) fn new(count: usize, fair: bool) -> Self {
        const WRITTEN: [u8; MOST] = {
            let mut arms = [0; MOST];
            let mut at = 0;
            while at < MOST {
                arms[at] = at as u8;
                at += 1;
            }
            arms
        };
        Self {
            arms: WRITTEN,
            count,
            asked: 0,
            fair,
        }
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<usize> {
        let at = self.asked;
        if at == self.count {
            return None;
        }
        self.asked += 1;
        let left = self.count - at;
        if self.fair && left > 1 {
            self.arms.swap(at, at + below(left));
        }
        Some(self.arms[at].into())
    }
}

/// A random number below `n`, which is at most [`MOST`]: the bias of the multiplication is below
/// 1e-8.
#[inline]
fn below(n: usize) -> usize {
    let random = u64::from(random());
    ((random * n as u64) >> 32) as usize
}

/// Marsaglia's xorshift, one state per thread: cheap, and good enough to share a few arms fairly.
#[cfg(not(any(loom, shuttle)))]
#[inline]
fn random() -> u32 {
    use std::{
        cell::Cell,
        hash::{BuildHasher, RandomState},
    };
    thread_local! {
        static STATE: Cell<u32> = const { Cell::new(0) };
    }
    STATE.with(|state| {
        let mut x = state.get();
        if x == 0 {
            x = RandomState::new().hash_one(0) as u32 | 1;
        }
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        state.set(x);
        x
    })
}

/// A model must do the same again when it is run again.
#[cfg(loom)]
fn random() -> u32 {
    0
}

#[cfg(shuttle)]
fn random() -> u32 {
    use shuttle::rand::RngCore;
    shuttle::rand::thread_rng().next_u32()
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    fn drawn(count: usize, fair: bool) -> Vec<usize> {
        let mut order = Order::new(count, fair);
        std::iter::from_fn(|| order.next()).collect()
    }

    #[test]
    fn every_arm_is_asked_once() {
        for count in 0..=MOST {
            let mut fair = drawn(count, true);
            fair.sort_unstable();
            assert!(fair.into_iter().eq(0..count));
            assert!(drawn(count, false).into_iter().eq(0..count));
        }
    }

    #[test]
    fn each_arm_is_the_first_equally_often() {
        const ROUNDS: usize = 40_000;
        let mut first = [0_usize; 4];
        for _ in 0..ROUNDS {
            first[drawn(4, true)[0]] += 1;
        }
        // Ten thousand each, with a standard deviation of 87.
        assert!(
            first.iter().all(|n| n.abs_diff(ROUNDS / 4) < 700),
            "{first:?}"
        );
    }

    #[test]
    fn of_two_ready_arms_among_five_each_comes_first_equally_often() {
        const ROUNDS: usize = 40_000;
        let mut low = 0_usize;
        for _ in 0..ROUNDS {
            let order = drawn(5, true);
            low += usize::from(order.iter().find(|&&arm| arm == 0 || arm == 3) == Some(&0));
        }
        assert!(low.abs_diff(ROUNDS / 2) < 1_000, "{low} of {ROUNDS}");
    }
}
