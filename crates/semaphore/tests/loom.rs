//! Every interleaving of two or three threads: the word, the hand-over, and what is given up.
//!
//! Each model says which outcomes it must have seen and how many runs it takes at least; each has a
//! control, the same model with a mistake planted in the semaphore, that must fail.
#![cfg(loom)]

use anabranch_models::by_hand::Task;
use anabranch_semaphore::{
    AdaptiveLimit, CancelToken, ExceedsCapacity, OwnedPermit, Semaphore,
    adaptive::{Algorithm, Sample},
    control::{self, Mistake},
    ops::AcquireManyOwned,
};
use loom::{cell::UnsafeCell, thread};
use std::{
    fmt::Debug,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

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

/// Somebody in line; holds what it was given until it is dropped.
struct Waiter {
    task: Task<AcquireManyOwned>,
    held: Option<OwnedPermit>,
}

impl Waiter {
    /// Polled once: in line, or through.
    fn new(slots: &Arc<Semaphore>, permits: usize) -> (Self, bool) {
        let task = Task::new(slots.acquire_many_owned(permits));
        let mut waiter = Self { task, held: None };
        let is_through = waiter.poll().is_ready();
        (waiter, is_through)
    }

    fn in_line(slots: &Arc<Semaphore>, permits: usize) -> Self {
        let (waiter, is_through) = Self::new(slots, permits);
        assert!(!is_through, "there is enough for it");
        waiter
    }

    fn poll(&mut self) -> Poll<Result<(), ExceedsCapacity>> {
        self.task.poll().map_ok(|permit| self.held = Some(permit))
    }

    /// It was woken, and now it is served.
    #[track_caller]
    fn is_served(&mut self) {
        assert!(self.wakes() > 0, "forgotten");
        assert_eq!(self.poll(), Poll::Ready(Ok(())));
    }

    fn wakes(&self) -> usize {
        self.task.wakes()
    }
}

fn semaphore(permits: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(permits))
}

fn held(slots: &Arc<Semaphore>) -> OwnedPermit {
    slots.try_acquire_owned().expect("it is free")
}

/// Whoever holds the only permit has the cell for itself, and sees what the one before it did.
#[test]
fn a_permit_orders_what_is_done_under_it() {
    prove(Mistake::RelaxedRelease, 3, &[()], || {
        let slots = semaphore(1);
        let cell = Arc::new(UnsafeCell::new(0));
        let pass = |slots: Arc<Semaphore>, cell: Arc<UnsafeCell<u32>>| {
            move || {
                if let Ok(_permit) = slots.try_acquire() {
                    cell.with_mut(|_| ());
                }
            }
        };
        let other = thread::spawn(pass(slots.clone(), cell.clone()));
        pass(slots.clone(), cell.clone())();
        other.join().unwrap();
        assert_eq!(slots.available_permits(), 1);
    });
}

/// The same, handed over to one in line: the grant, not the word, publishes it.
#[test]
fn a_permit_that_is_handed_over_orders_what_is_done_under_it() {
    prove(Mistake::RelaxedGrant, 3, &[false, true], || {
        let slots = semaphore(1);
        let cell = Arc::new(UnsafeCell::new(0));
        let held = held(&slots);
        let cell_ = cell.clone();
        let holder = thread::spawn(move || {
            cell_.with_mut(|_| ());
            drop(held);
        });
        let mut acquire = pin!(slots.acquire());
        let mut look = || {
            let poll = acquire
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            poll.is_ready().then(|| cell.with_mut(|_| ())).is_some()
        };
        // Joins the line or is through; in line, it looks once more.
        let through = look() || look();
        holder.join().unwrap();
        through
    });
}

/// Acquire against release: whoever goes to wait as the permit comes back is served or sees it.
#[test]
fn a_waiter_that_joins_while_a_permit_comes_back_is_not_forgotten() {
    prove(Mistake::LookBeforeGiving, 5, &[false, true], || {
        let slots = semaphore(1);
        let held = held(&slots);
        let holder = thread::spawn(move || drop(held));
        let (mut waiter, at_once) = Waiter::new(&slots, 1);
        holder.join().unwrap();
        if !at_once {
            waiter.is_served();
        }
        drop(waiter);
        assert_eq!((slots.available_permits(), slots.waiting()), (1, 0));
        at_once
    });
}

#[test]
fn two_threads_never_hold_the_same_permit() {
    prove(
        Mistake::SplitExchange,
        4,
        &[(true, false), (false, true)],
        || {
            let slots = semaphore(3);
            let take =
                |slots: Arc<Semaphore>| thread::spawn(move || slots.try_acquire_many_owned(2).ok());
            let (one, two) = (take(slots.clone()), take(slots.clone()));
            let permits = (one.join().unwrap(), two.join().unwrap());
            let taken = (permits.0.is_some(), permits.1.is_some());
            assert!(taken.0 ^ taken.1, "exactly one: {taken:?}");
            assert_eq!(slots.available_permits(), 1);
            taken
        },
    );
}

/// Acquire against drop: granted while it goes.
#[test]
fn a_permit_granted_to_a_waiter_that_is_being_dropped_goes_to_the_next() {
    prove(Mistake::KeepGrant, 5, &[()], || {
        let slots = semaphore(1);
        let held = held(&slots);
        let first = Waiter::in_line(&slots, 1);
        let mut second = Waiter::in_line(&slots, 1);
        let holder = thread::spawn(move || drop(held));
        let dropper = thread::spawn(move || drop(first));
        holder.join().unwrap();
        dropper.join().unwrap();
        second.is_served();
        drop(second);
        assert_eq!((slots.available_permits(), slots.waiting()), (1, 0));
    });
}

/// Head cancel: the large one goes while a permit comes back; the small one fits in any case.
#[test]
fn when_the_head_goes_while_a_permit_comes_back_the_next_is_served() {
    prove(Mistake::KeepGrant, 100, &[false, true], || {
        let slots = semaphore(2);
        let held = held(&slots);
        let large = Waiter::in_line(&slots, 2);
        let mut small = Waiter::in_line(&slots, 1);
        let dropper = thread::spawn(move || drop(large));
        let holder = thread::spawn(move || drop(held));
        let early = small.poll().is_ready();
        dropper.join().unwrap();
        holder.join().unwrap();
        if !early {
            small.is_served();
        }
        drop(small);
        assert_eq!((slots.available_permits(), slots.waiting()), (2, 0));
        early
    });
}

/// Head cancel: the large one goes while the small one, for which there is enough, looks.
#[test]
fn when_the_head_goes_while_the_next_looks_that_one_is_served() {
    prove(Mistake::ForgetNext, 5, &[false, true], || {
        let slots = semaphore(2);
        let held = held(&slots);
        let large = Waiter::in_line(&slots, 2);
        let mut small = Waiter::in_line(&slots, 1);
        let dropper = thread::spawn(move || drop(large));
        let early = small.poll().is_ready();
        dropper.join().unwrap();
        if !early {
            small.is_served();
        }
        drop((small, held));
        assert_eq!((slots.available_permits(), slots.waiting()), (2, 0));
        early
    });
}

/// Acquire against resize: taken before it, or refused by it, or after it.
#[test]
fn a_waiter_that_joins_while_the_capacity_shrinks_is_refused_or_was_before_it() {
    prove(
        Mistake::ForgetResized,
        5,
        &["refused at once", "refused in line"],
        || {
            let slots = semaphore(2);
            let _held = held(&slots);
            let resizer = slots.clone();
            let resizer = thread::spawn(move || resizer.resize(1));
            let (mut waiter, at_once) = Waiter::new(&slots, 2);
            resizer.join().unwrap();
            assert_eq!(slots.available_permits(), 0);
            if at_once {
                return "refused at once";
            }
            assert!(waiter.wakes() > 0, "waits for ever");
            assert!(matches!(waiter.poll(), Poll::Ready(Err(_))));
            "refused in line"
        },
    );
}

/// The word against a resize: what is taken and what is shrunk are both counted.
#[test]
fn a_permit_taken_while_the_capacity_shrinks_is_counted() {
    prove(Mistake::SplitExchange, 3, &[(false, 1), (true, 0)], || {
        let slots = semaphore(2);
        let resizer = slots.clone();
        let resizer = thread::spawn(move || resizer.resize(1));
        let two = slots.try_acquire_many(2);
        let taken = two.is_ok();
        resizer.join().unwrap();
        assert_eq!(slots.held(), if taken { 2 } else { 0 });
        (taken, slots.available_permits())
    });
}

/// More is held than there is: the first that comes back is owed, the second is for the waiter.
#[test]
fn a_permit_that_comes_back_while_more_is_held_than_there_is_is_not_handed_over() {
    prove(Mistake::ForgetDeficit, 3, &[()], || {
        let slots = semaphore(2);
        let (one, two) = (held(&slots), held(&slots));
        let mut waiter = Waiter::in_line(&slots, 1);
        slots.resize(1);
        let holder = thread::spawn(move || drop(one));
        assert!(waiter.poll().is_pending(), "two of one");
        holder.join().unwrap();
        assert_eq!((waiter.wakes(), slots.held()), (0, 1));
        drop(two);
        waiter.is_served();
    });
}

/// Barging: the one that was woken finds the permit gone, and looks while it comes back again.
#[test]
fn a_permit_that_comes_back_while_the_one_that_was_woken_looks_is_seen() {
    prove(Mistake::NudgeAfterLook, 3, &[false, true], || {
        let slots = Arc::new(Semaphore::builder(1).barging().build());
        let one = held(&slots);
        let mut waiter = Waiter::in_line(&slots, 1);
        drop(one);
        assert_eq!(waiter.wakes(), 1);
        let barger = held(&slots);
        let holder = thread::spawn(move || drop(barger));
        let at_once = waiter.poll().is_ready();
        holder.join().unwrap();
        if !at_once {
            assert!(waiter.wakes() > 1, "lost wake-up");
            waiter.is_served();
        }
        drop(waiter);
        assert_eq!((slots.available_permits(), slots.waiting()), (1, 0));
        at_once
    });
}

/// Barging: two permits come back at once, and two wait.
#[test]
fn two_permits_that_come_back_at_once_reach_two_waiters() {
    prove(Mistake::ForgetNext, 3, &[()], || {
        let slots = Arc::new(Semaphore::builder(2).barging().build());
        let (one, two) = (held(&slots), held(&slots));
        let mut waiters = [1, 1].map(|n| Waiter::in_line(&slots, n));
        let holder = thread::spawn(move || drop(one));
        drop(two);
        holder.join().unwrap();
        waiters.iter_mut().for_each(Waiter::is_served);
        drop(waiters);
        assert_eq!((slots.available_permits(), slots.waiting()), (2, 0));
    });
}

/// Lowers the limit by one each time it is asked.
struct Lower;

impl Algorithm for Lower {
    fn update(&mut self, limit: f64, _sample: Sample) -> f64 {
        limit - 1.0
    }
}

/// Two calls that are over at once, and both end a window: each step that is decided is in force
/// afterwards, and what they held has come back but for that.
#[test]
fn an_adaptive_limit_is_in_the_end_what_was_decided_last() {
    prove(Mistake::SplitExchange, 10, &[2, 3], || {
        let (token, _time) = CancelToken::manual();
        let limit = AdaptiveLimit::builder().algorithm(Lower).initial(4);
        let limit = Arc::new(limit.on(&token).build());
        let [one, two] = [(); 2].map(|()| limit.try_acquire_owned().expect("it is free"));
        let other = thread::spawn(move || two.dropped());
        one.dropped();
        other.join().unwrap();
        let all: Vec<_> = std::iter::from_fn(|| limit.try_acquire().ok()).collect();
        assert_eq!(
            (all.len(), limit.in_flight()),
            (limit.limit(), limit.limit())
        );
        limit.limit()
    });
}
