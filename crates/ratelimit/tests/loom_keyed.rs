//! Every interleaving of two threads: the number of keys, the line of a key, and the interval of
//! `Sometimes`. What else a limiter for keys does, it does under one lock.
//!
//! Each model has a control, the same with a mistake planted, that must fail.
#![cfg(loom)]

use anabranch_core_cancel::ManualTime;
use anabranch_models::by_hand::Task;
use anabranch_ratelimit::{
    CancelToken, KeyDenied, KeyedRateLimiter, Rate, Sometimes,
    control::{self, Mistake},
};
use loom::thread;
use std::{
    fmt::Debug,
    hash::{BuildHasher, BuildHasherDefault, Hasher},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

/// All interleavings hold, these outcomes are seen, and with the mistake one does not hold.
fn prove<T: Ord + Debug + Send + 'static>(
    mistake: Mistake,
    floor: usize,
    outcomes: &[T],
    model: fn() -> T,
) {
    let plant = |on| control::plant(if on { mistake } else { Mistake::None });
    anabranch_models::prove(Some(3), floor, outcomes, model, mistake, plant);
}

/// A key is its own hash: the same in every run, and its top bit is the shard of two.
#[derive(Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers")
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number << 63 | number;
    }
}

type Plain = BuildHasherDefault<Itself>;
type Limiter = KeyedRateLimiter<u64, Plain>;

/// Two shards with room for 32 keys, odd and even ones, of which there are 31 that are in use.
fn nearly_full() -> (Arc<Limiter>, ManualTime) {
    assert_ne!(
        Plain::default().hash_one(1_u64) >> 63,
        Plain::default().hash_one(2_u64) >> 63
    );
    let (token, time) = CancelToken::manual();
    let limiter = Limiter::with_hasher(Rate::per_second(1).burst(2), Plain::default())
        .on(&token)
        .max_keys(32);
    // The first of them will be full after a second.
    assert!(limiter.allow(&0) && (1..31).all(|key| limiter.allow_n(&key, 2)));
    (Arc::new(limiter), time)
}

#[test]
fn of_two_keys_that_come_at_once_one_has_the_last_place() {
    prove(
        Mistake::SplitCount,
        4,
        &[(true, false), (false, true)],
        || {
            let (limiter, _time) = nearly_full();
            let [odd, even] = [101, 102].map(|key| {
                let limiter = limiter.clone();
                thread::spawn(move || limiter.allow(&key))
            });
            let admitted = (odd.join().unwrap(), even.join().unwrap());
            assert!(admitted.0 ^ admitted.1, "exactly one: {admitted:?}");
            assert_eq!(limiter.len(), 32);
            admitted
        },
    );
}

/// One makes room in the other's shard, and then needs a place in its own.
#[test]
fn of_two_keys_that_come_at_once_one_has_the_place_of_a_key_that_may_go() {
    prove(
        Mistake::SplitCount,
        4,
        &[(true, false), (false, true)],
        || {
            let (limiter, time) = nearly_full();
            assert!(limiter.allow_n(&31, 2));
            time.advance(SECOND);
            let [odd, even] = [101, 102].map(|key| {
                let limiter = limiter.clone();
                thread::spawn(move || match limiter.try_acquire(&key, 1) {
                    Ok(()) => true,
                    Err(KeyDenied::NoRoom(_)) => false,
                    Err(other) => panic!("{other:?}"),
                })
            });
            let admitted = (odd.join().unwrap(), even.join().unwrap());
            assert!(admitted.0 ^ admitted.1, "exactly one: {admitted:?}");
            assert_eq!(limiter.len(), 32);
            admitted
        },
    );
}

/// Somebody in line for key 1, with what it borrows from.
struct Waiter {
    task: Task<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Waiter {
    fn join(limiter: &Arc<Limiter>) -> Self {
        let limiter = limiter.clone();
        let task = async move { limiter.acquire(&1, 1).await.unwrap() };
        let task = Task::new(Box::pin(task) as Pin<Box<_>>);
        let mut waiter = Self { task };
        assert!(!waiter.is_served());
        waiter
    }

    fn is_served(&mut self) -> bool {
        self.task.poll().is_ready()
    }

    fn wakes(&self) -> usize {
        self.task.wakes()
    }
}

/// The first in line drops out while the second looks: it is told, or sees for itself.
#[test]
fn the_next_in_line_for_a_key_hears_that_it_is_the_first() {
    prove(Mistake::ForgetNext, 4, &[0, 1], || {
        let (token, time) = CancelToken::manual();
        let limiter = Limiter::with_hasher(Rate::per_second(1), Plain::default());
        let limiter = Arc::new(limiter.on(&token).max_keys(1));
        assert!(limiter.allow(&1));
        let (first, mut second) = (Waiter::join(&limiter), Waiter::join(&limiter));
        let dropper = thread::spawn(move || drop(first));
        let looker = thread::spawn(move || {
            let told = second.wakes();
            assert!(!second.is_served());
            (second, told)
        });
        dropper.join().unwrap();
        let (mut second, told_before) = looker.join().unwrap();
        let told = second.wakes();
        if told > told_before {
            assert!(!second.is_served(), "as an executor would");
        }
        time.advance(SECOND);
        assert!(second.wakes() > told, "at its moment");
        assert!(second.is_served());
        assert_eq!(limiter.waiting(&1), 0);
        told_before
    });
}

#[test]
fn of_two_calls_that_find_the_interval_passed_one_is_let_through() {
    prove(
        Mistake::SplitInterval,
        4,
        &[(true, false), (false, true)],
        || {
            let (token, time) = CancelToken::manual();
            let sometimes = Arc::new(Sometimes::new().interval(SECOND).on(&token));
            assert!(sometimes.allow());
            time.advance(SECOND);
            let [one, other] = [(); 2].map(|()| {
                let sometimes = sometimes.clone();
                thread::spawn(move || sometimes.allow())
            });
            let passed = (one.join().unwrap(), other.join().unwrap());
            assert!(passed.0 ^ passed.1, "exactly one: {passed:?}");
            passed
        },
    );
}
