//! Being let in under an adaptive limit: waits, guards, what they say, and that the limit holds.
#![cfg(not(loom))]

mod common;

use anabranch_core_cancel::select::{Either, select2};
use anabranch_semaphore::{
    AcquireError, AdaptiveLimit, CancelToken, Semaphore,
    adaptive::{Aimd, Algorithm, Gradient2, Sample},
};
use common::{Task, at_once, ms, seed};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

/// Notes what it hears, and says what it is told to say.
#[derive(Clone, Default)]
struct Says {
    heard: Arc<Mutex<Vec<Sample>>>,
    next: Arc<AtomicUsize>,
}

impl Algorithm for Says {
    fn update(&mut self, _limit: f64, sample: Sample) -> f64 {
        self.heard.lock().unwrap().push(sample);
        self.next.load(SeqCst) as f64
    }
}

fn says(next: usize) -> Says {
    let says = Says::default();
    says.next.store(next, SeqCst);
    says
}

#[test]
fn a_success_raises_the_limit_and_serves_those_in_line() {
    let limit = AdaptiveLimit::builder().algorithm(says(3)).initial(1);
    let limit = limit.build();
    let mut held = vec![limit.try_acquire().unwrap()];
    let mut line = [(); 8].map(|()| Task::waiting(limit.acquire()));
    // A window of five, one after the other.
    for waiter in line.iter_mut().take(4) {
        held.pop().unwrap().succeeded();
        held.push(waiter.done());
    }
    assert_eq!(limit.limit(), 1);
    held.pop().unwrap().succeeded();
    assert_eq!(
        (limit.limit(), limit.in_flight(), limit.waiting()),
        (3, 3, 1)
    );
    assert_eq!(
        line[4..].each_ref_woken(),
        [true, true, true, false],
        "first come, first served"
    );
}

trait Woken {
    fn each_ref_woken(&self) -> Vec<bool>;
}

impl<F: Future + Unpin> Woken for [Task<F>] {
    fn each_ref_woken(&self) -> Vec<bool> {
        self.iter().map(Task::is_woken).collect()
    }
}

#[test]
fn a_drop_lowers_the_limit_at_once_and_nobody_is_let_in_until_the_rest_has_left() {
    let limit = AdaptiveLimit::builder().algorithm(says(2)).initial(4);
    let limit = limit.build();
    let mut inside: Vec<_> = (0..4).map(|_| limit.try_acquire().unwrap()).collect();
    let mut waits = Task::waiting(limit.acquire());
    inside.pop().unwrap().dropped();
    assert_eq!((limit.limit(), limit.in_flight()), (2, 3));
    inside.pop().unwrap().ignored();
    assert!(waits.poll().is_pending() && limit.try_acquire().is_err());
    inside.pop().unwrap().ignored();
    assert_eq!((limit.in_flight(), limit.waiting()), (2, 0));
    waits.done().ignored();
    drop(inside);
    assert_eq!(limit.in_flight(), 0);
}

#[test]
fn the_round_trip_is_measured_from_the_grant_on_the_clock_of_the_limit() {
    let (token, time) = CancelToken::manual();
    let algorithm = says(1);
    let heard = algorithm.heard.clone();
    let limit = AdaptiveLimit::builder().algorithm(algorithm).initial(1);
    let limit = Arc::new(limit.on(&token).build());
    let first = limit.try_acquire().unwrap();
    let mut waits = Task::waiting(limit.acquire_owned());
    time.advance(ms(500));
    first.ignored();
    let second = waits.done();
    time.advance(ms(30));
    assert_eq!(second.elapsed(), ms(30), "what it waited is not counted");
    second.dropped();
    let expected = Sample {
        rtt: ms(30),
        in_flight: 1,
        dropped: true,
    };
    assert_eq!(*heard.lock().unwrap(), [expected]);
}

/// Ignored: explicitly, silently, by a panic, by a future that is dropped.
#[test]
fn what_is_dropped_without_a_word_is_ignored_and_leaves() {
    let algorithm = says(9);
    let heard = algorithm.heard.clone();
    let limit = AdaptiveLimit::builder().algorithm(algorithm).initial(1);
    let limit = limit.build();
    for _ in 0..20 {
        limit.try_acquire().unwrap().ignored();
        drop(limit.try_acquire().unwrap());
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let _call = limit.try_acquire().unwrap();
            resume_unwind(Box::new("inside"));
        }));
        assert!(panic.is_err());
        let held = limit.try_acquire().unwrap();
        let waits = Task::waiting(limit.acquire());
        drop(held);
        drop(waits); // was let in, and had yet to run
    }
    assert_eq!((limit.in_flight(), limit.limit()), (0, 1));
    assert!(heard.lock().unwrap().is_empty());
}

#[test]
fn a_wait_ends_with_its_token_or_its_timeout_and_holds_nothing_then() {
    let (token, time) = CancelToken::manual();
    let limit = AdaptiveLimit::builder().initial(1).on(&token).build();
    let held = limit.acquire().wait();
    let mut timed = Task::waiting(limit.acquire().timeout(ms(50)));
    let mut bound = Task::waiting(limit.acquire().with_cancel(&token));
    time.advance(ms(50));
    assert!(timed.done().is_err(), "on the clock of the limit");
    assert_eq!(limit.waiting(), 1);
    token.cancel();
    assert!(bound.done().is_err());
    drop(held);
    assert_eq!((limit.in_flight(), limit.waiting()), (0, 0));
}

/// P33: a grant that comes with the timeout is one of the two, and its room is not lost.
#[test]
fn what_was_granted_before_the_timeout_was_seen_wins() {
    let (token, time) = CancelToken::manual();
    let limit = AdaptiveLimit::builder().initial(1).on(&token).build();
    let held = limit.acquire().wait();
    let mut timed = Task::waiting(limit.acquire().timeout(ms(50)));
    drop(held);
    time.advance(ms(50));
    let admission = timed.done().expect("it was let in before");
    assert_eq!(limit.in_flight(), 1);
    drop(admission);
    assert_eq!(limit.in_flight(), 0);
}

#[test]
fn whoever_would_be_one_too_many_in_line_is_refused_at_once() {
    let limit = AdaptiveLimit::builder().initial(1).max_waiters(1).build();
    let limit = Arc::new(limit);
    let held = at_once(limit.acquire()).unwrap();
    let mut waits = Task::waiting(limit.acquire_owned());
    let refused = at_once(limit.acquire()).unwrap_err();
    assert_eq!(refused.max_waiters, 1);
    let bounded = at_once(limit.acquire_owned().timeout(ms(1)));
    assert!(matches!(bounded, Err(AcquireError::TooManyWaiters(_))));
    held.succeeded();
    waits.done().unwrap().succeeded();
    assert_eq!((limit.in_flight(), limit.waiting()), (0, 0));
}

#[test]
fn as_an_arm_of_a_select_it_takes_room_only_when_it_is_chosen() {
    let limit = AdaptiveLimit::builder().initial(1).build();
    let other = Semaphore::new(1);
    let both = at_once(select2(other.acquire(), limit.acquire()));
    assert!(matches!(both, Either::First(_)));
    assert_eq!((limit.in_flight(), limit.waiting()), (0, 0));
    let held = limit.try_acquire().unwrap();
    let mut select = Task::waiting(select2(other.acquire(), limit.acquire()));
    held.ignored();
    let Either::Second(admission) = select.done() else {
        panic!("that is where room was made");
    };
    assert_eq!((limit.in_flight(), other.waiting()), (1, 0));
    admission.succeeded();
}

#[test]
fn an_algorithm_that_panics_reaches_its_caller_and_costs_no_room() {
    struct Panics(usize);
    impl Algorithm for Panics {
        fn update(&mut self, limit: f64, _sample: Sample) -> f64 {
            self.0 += 1;
            if self.0 == 1 {
                resume_unwind(Box::new("the algorithm"));
            }
            limit + 1.0
        }
    }
    let limit = AdaptiveLimit::builder().algorithm(Panics(0)).initial(2);
    let limit = limit.build();
    let call = limit.try_acquire().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| call.dropped())).is_err());
    assert_eq!((limit.in_flight(), limit.limit()), (0, 2));
    limit.try_acquire().unwrap().dropped();
    assert_eq!(limit.limit(), 3, "it is asked again");
}

/// No lock is held then: not the algorithm's turn, not those who are let in.
#[test]
fn an_algorithm_may_use_the_limit_it_is_for() {
    type Shared = Arc<std::sync::OnceLock<Arc<AdaptiveLimit>>>;
    struct Nosy(Shared);
    impl Algorithm for Nosy {
        fn update(&mut self, limit: f64, _sample: Sample) -> f64 {
            let shared = self.0.get().unwrap();
            shared.try_acquire().unwrap().dropped();
            limit + shared.in_flight() as f64
        }
    }
    let shared = Shared::default();
    let limit = AdaptiveLimit::builder().algorithm(Nosy(shared.clone()));
    let limit = Arc::new(limit.initial(5).build());
    assert!(shared.set(limit.clone()).is_ok());
    limit.try_acquire().unwrap().dropped();
    assert_eq!((limit.limit(), limit.in_flight()), (6, 0));
}

#[test]
fn settings_that_make_no_sense_panic() {
    type Build = fn() -> AdaptiveLimit;
    let wrong: [Build; 5] = [
        || AdaptiveLimit::builder().min(0).build(),
        || AdaptiveLimit::builder().min(7).max(6).build(),
        || AdaptiveLimit::builder().min(7).initial(6).build(),
        || AdaptiveLimit::builder().max(7).initial(8).build(),
        || AdaptiveLimit::builder().max(usize::MAX).build(),
    ];
    for build in wrong {
        assert!(catch_unwind(build).is_err());
    }
    assert_eq!(AdaptiveLimit::builder().max(7).build().limit(), 7);
    assert_eq!(AdaptiveLimit::builder().min(30).build().limit(), 30);
}

/// Netflix/concurrency-limits: looked at and counted in two steps, ten became twelve.
#[test]
fn sixty_four_threads_at_once_never_pass_a_limit_of_ten() {
    let limit = AdaptiveLimit::builder().initial(10).max(10).build();
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|s| {
        for n in 0..64 {
            let (limit, inside, most) = (&limit, &inside, &most);
            s.spawn(move || {
                for round in 0..200 {
                    let call = match (n + round) % 3 {
                        0 => limit.acquire().wait(),
                        1 => pollster::block_on(limit.acquire()),
                        _ => match limit.try_acquire() {
                            Ok(call) => call,
                            Err(_) => continue,
                        },
                    };
                    let now = inside.fetch_add(1, SeqCst) + 1;
                    most.fetch_max(now, SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(1, SeqCst);
                    call.succeeded();
                }
            });
        }
    });
    let most = most.into_inner();
    assert!((2..=10).contains(&most), "{most} inside");
    assert_eq!((limit.in_flight(), limit.waiting()), (0, 0));
}

/// X12: it falls from 32 to 1 under way. Whoever is let in finds no more inside, itself among them,
/// than the limit was when it asked.
#[test]
fn sixty_four_threads_never_pass_a_limit_that_shrinks() {
    struct Shrinks;
    impl Algorithm for Shrinks {
        fn update(&mut self, limit: f64, _sample: Sample) -> f64 {
            limit - 1.0
        }
    }
    let limit = AdaptiveLimit::builder().algorithm(Shrinks).initial(32);
    let limit = limit.build();
    let inside = AtomicUsize::new(0);
    thread::scope(|s| {
        for n in 0..64_usize {
            let (limit, inside) = (&limit, &inside);
            s.spawn(move || {
                for round in 0..150 {
                    let before = limit.limit();
                    let call = limit.acquire().wait();
                    let now = inside.fetch_add(1, SeqCst) + 1;
                    assert!(now <= before, "{now} inside under {before}");
                    thread::yield_now();
                    inside.fetch_sub(1, SeqCst);
                    if (n + round) % 10 == 0 {
                        call.dropped();
                    } else {
                        call.succeeded();
                    }
                }
            });
        }
    });
    assert_eq!(
        (limit.limit(), limit.in_flight(), limit.waiting()),
        (1, 0, 0)
    );
}

/// X1, X5, X6, X12: up and down at random, calls that panic, time out, are cancelled and dropped.
#[test]
fn nothing_is_lost_while_the_limit_goes_up_and_down() {
    struct Random(fastrand::Rng);
    impl Algorithm for Random {
        fn update(&mut self, _limit: f64, _sample: Sample) -> f64 {
            self.0.usize(1..=8) as f64
        }
    }
    let seed = seed();
    let limit = AdaptiveLimit::builder().algorithm(Random(fastrand::Rng::with_seed(seed)));
    let limit = limit.initial(4).max(8).build();
    let inside = AtomicUsize::new(0);
    thread::scope(|s| {
        for n in 0..8 {
            let (limit, inside) = (&limit, &inside);
            s.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed ^ n);
                for _ in 0..2_000 {
                    let call = match random.u8(0..4) {
                        0 => limit.acquire().timeout(ms(0)).wait().ok(),
                        1 => limit.try_acquire().ok(),
                        2 => {
                            let mut given_up = limit.acquire();
                            drop(common::poll(&mut given_up));
                            None
                        }
                        _ => Some(limit.acquire().wait()),
                    };
                    let Some(call) = call else { continue };
                    let now = inside.fetch_add(1, SeqCst) + 1;
                    assert!(now <= 8, "{now} inside");
                    inside.fetch_sub(1, SeqCst);
                    match random.u8(0..8) {
                        0 => call.dropped(),
                        1 => call.ignored(),
                        2 => {
                            let panic = catch_unwind(AssertUnwindSafe(move || {
                                let _call = call;
                                resume_unwind(Box::new("inside"));
                            }));
                            assert!(panic.is_err());
                        }
                        _ => call.succeeded(),
                    }
                }
            });
        }
    });
    assert_eq!((limit.in_flight(), limit.waiting()), (0, 0));
    // What is in force is what was decided last: all of it can be had, and no more.
    let all: Vec<_> = std::iter::from_fn(|| limit.try_acquire().ok()).collect();
    assert_eq!(all.len(), limit.limit());
}

#[test]
fn each_algorithm_comes_by_default_or_by_name() {
    let gradient = AdaptiveLimit::builder().build();
    let aimd = AdaptiveLimit::builder().algorithm(Aimd::default()).build();
    for limit in [gradient, aimd] {
        assert_eq!(limit.limit(), 20);
        limit.acquire().wait().dropped();
        assert_eq!(limit.limit(), 18);
    }
    let boxed: Box<dyn Algorithm> = Box::new(Gradient2::default());
    let limit = AdaptiveLimit::builder().algorithm(boxed).build();
    assert!(format!("{limit:?}").contains("limit: 20"));
}
