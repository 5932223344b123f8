//! Every interleaving of two threads: the word's compare-exchange, and the hand-over in the line.
//!
//! Each model says which outcomes it must have seen and how many runs it takes at least; each has a
//! control, the same model with a mistake planted in the limiter, that must fail.
#![cfg(loom)]

use anabranch_models::by_hand::{Task, poll};
use anabranch_ratelimit::{
    CancelToken, Rate, RateLimiter, Refused,
    control::{self, Mistake},
};
use loom::thread;
use std::{fmt::Debug, pin::Pin, sync::Arc, time::Duration};

/// All interleavings hold, these outcomes are seen, and with the mistake one does not hold.
fn prove<T: Ord + Debug + Send + 'static>(
    mistake: Mistake,
    floor: usize,
    outcomes: &[T],
    model: fn() -> T,
) {
    let plant = |on| control::plant(if on { mistake } else { Mistake::None });
    anabranch_models::prove(None, floor, outcomes, model, mistake, plant);
}

fn limiter(rate: Rate) -> (Arc<RateLimiter>, anabranch_core_cancel::ManualTime) {
    let (token, time) = CancelToken::manual();
    (Arc::new(RateLimiter::new(rate).on(&token)), time)
}

/// Somebody in line for one permit, with what it borrows from.
struct Waiter {
    task: Task<Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>>>,
}

impl Waiter {
    fn join(limiter: &Arc<RateLimiter>) -> Self {
        let limiter = limiter.clone();
        let task = Task::new(Box::pin(async move { limiter.acquire(1).await }) as Pin<Box<_>>);
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

const ONE_OF_TWO: [(bool, bool); 2] = [(true, false), (false, true)];

#[test]
fn two_threads_never_take_the_same_permit() {
    prove(Mistake::SplitExchange, 4, &ONE_OF_TWO, || {
        let (limiter, _time) = limiter(Rate::per_second(1));
        let call = |limiter: &Arc<RateLimiter>| {
            let limiter = limiter.clone();
            thread::spawn(move || limiter.allow())
        };
        let (one, two) = (call(&limiter), call(&limiter));
        let admitted = (one.join().unwrap(), two.join().unwrap());
        assert!(admitted.0 ^ admitted.1, "exactly one: {admitted:?}");
        admitted
    });
}

#[test]
fn three_permits_serve_one_of_two_who_want_two() {
    prove(Mistake::SplitExchange, 4, &ONE_OF_TWO, || {
        let (limiter, _time) = limiter(Rate::per_second(1).burst(3));
        let (one, two) = (limiter.clone(), limiter.clone());
        let one = thread::spawn(move || one.allow_n(2));
        let two = thread::spawn(move || two.try_acquire(2).is_ok());
        let admitted = (one.join().unwrap(), two.join().unwrap());
        assert!(admitted.0 ^ admitted.1, "exactly one: {admitted:?}");
        assert_eq!(limiter.available_permits(), 1);
        admitted
    });
}

#[test]
fn a_permit_taken_while_another_asks_for_it_in_line_is_taken_once() {
    prove(Mistake::SplitExchange, 4, &ONE_OF_TWO, || {
        let (limiter, _time) = limiter(Rate::per_second(1));
        let (waiter, caller) = (limiter.clone(), limiter.clone());
        // In line or not, it looks once and gives up.
        let waiter = thread::spawn(move || poll(&mut waiter.acquire(1)).is_ready());
        let caller = thread::spawn(move || caller.allow());
        let admitted = (waiter.join().unwrap(), caller.join().unwrap());
        assert!(admitted.0 ^ admitted.1, "exactly one: {admitted:?}");
        assert_eq!(limiter.waiting(), 0);
        admitted
    });
}

/// Who joins the line takes the word over from whoever is about to take.
#[test]
fn a_permit_taken_while_another_joins_the_line_stays_taken() {
    prove(Mistake::SplitFlag, 10, &[0, 1], || {
        let (limiter, _time) = limiter(Rate::per_second(1).burst(2));
        assert!(limiter.allow());
        let (waiter, caller) = (limiter.clone(), limiter.clone());
        let waiter = thread::spawn(move || assert!(poll(&mut waiter.acquire(2)).is_pending()));
        let caller = thread::spawn(move || u64::from(caller.allow()));
        waiter.join().unwrap();
        let admitted = caller.join().unwrap();
        assert_eq!(admitted + limiter.available_permits(), 1);
        admitted
    });
}

/// The waiter is due and drops out; the caller serves it, or finds the line empty. Either way the
/// bucket was full in between, so two are admitted and nothing is left.
#[test]
fn what_a_dropped_waiter_was_handed_goes_back_while_others_take() {
    prove(Mistake::ForgetHeld, 10, &[2], || {
        let (limiter, time) = limiter(Rate::per_second(1).burst(2));
        assert!(limiter.allow_n(2));
        let waiter = Waiter::join(&limiter);
        time.advance(Duration::from_secs(3));
        let caller = limiter.clone();
        let caller = thread::spawn(move || u64::from(caller.allow()) + u64::from(caller.allow()));
        let dropper = thread::spawn(move || drop(waiter));
        dropper.join().unwrap();
        let admitted = caller.join().unwrap();
        assert_eq!(admitted + limiter.available_permits(), 2);
        assert_eq!(limiter.waiting(), 0);
        admitted
    });
}

/// A reservation given back while others take: the bucket is as if it had never been made.
#[test]
fn a_reservation_comes_back_whole_while_others_take() {
    prove(Mistake::ForgetHeld, 10, &[1, 2], || {
        let (limiter, _time) = limiter(Rate::per_second(1).burst(3));
        let (holder, caller) = (limiter.clone(), limiter.clone());
        let holder = thread::spawn(move || holder.reserve(2).unwrap().cancel());
        let caller = thread::spawn(move || u64::from(caller.allow()) + u64::from(caller.allow()));
        holder.join().unwrap();
        let admitted = caller.join().unwrap();
        assert_eq!(admitted + limiter.available_permits(), 3);
        admitted
    });
}

/// At the new rate everything is counted in other units: a caller with the old ones must not get
/// through.
#[test]
fn a_permit_taken_while_the_rate_changes_is_taken_once_at_either_rate() {
    prove(Mistake::NakedChange, 10, &[true], || {
        let (limiter, time) = limiter(Rate::per_second(1).burst(2));
        let (changer, caller) = (limiter.clone(), limiter.clone());
        let changer = thread::spawn(move || changer.set_rate(Rate::per_second(1_000).burst(2)));
        let caller = thread::spawn(move || caller.allow());
        changer.join().unwrap();
        let admitted = caller.join().unwrap();
        assert_eq!(limiter.available_permits(), 1);
        time.advance(Duration::from_millis(1));
        assert_eq!(limiter.available_permits(), 2);
        admitted
    });
}

/// The first in line drops out while the second looks: it is told, or sees for itself.
#[test]
fn the_next_in_line_hears_that_its_turn_comes_sooner() {
    prove(Mistake::ForgetNext, 10, &[0, 1], || {
        let (limiter, time) = limiter(Rate::per_second(1));
        assert!(limiter.allow());
        let first = Waiter::join(&limiter);
        let mut second = Waiter::join(&limiter);
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
        time.advance(Duration::from_secs(1));
        assert!(second.wakes() > told, "at its new moment");
        assert!(second.is_served());
        told_before
    });
}
