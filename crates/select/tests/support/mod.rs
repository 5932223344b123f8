//! What the tests of this crate share.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

/// Polls once, by hand, as a task does.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// Waits until another thread has come as far as `there` says: by looking again and again, for a
/// minute at most.
pub(crate) fn until(there: impl Fn() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(60), "never got there");
        thread::yield_now();
    }
}

/// Counts its wakes.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn get(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

pub(crate) fn counting_waker() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (count.clone(), Waker::from(count))
}

/// How many of some messages there are.
#[derive(Clone, Default)]
pub(crate) struct Census(Arc<(AtomicUsize, AtomicUsize)>);

/// A message that is counted when it is made and when it is dropped.
pub(crate) struct Counted(Census, pub(crate) usize);

impl Census {
    pub(crate) fn make(&self, n: usize) -> Counted {
        self.0.0.fetch_add(1, SeqCst);
        Counted(self.clone(), n)
    }

    pub(crate) fn made(&self) -> usize {
        self.0.0.load(SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.0.1.load(SeqCst)
    }

    /// Each message was dropped, and dropped once.
    #[track_caller]
    pub(crate) fn assert_all_gone(&self) {
        assert_eq!(self.made(), self.dropped(), "made, dropped");
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.1.fetch_add(1, SeqCst);
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Counted({})", self.1)
    }
}

/// A cheap sequence from a seed (Vigna's splitmix64).
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % sides
    }
}

/// From the environment, or new; printed, so that a failure can be repeated.
#[cfg(not(any(loom, shuttle)))]
pub(crate) fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    let seed = std::env::var("ANABRANCH_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("ANABRANCH_SEED={seed}");
    seed
}
