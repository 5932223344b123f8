//! A limit for each of many keys: independent, exact among threads, and bounded without anybody
//! getting a permit by it.
#![cfg(not(loom))]

mod common;

use anabranch_core_cancel::ManualTime;
use anabranch_ratelimit::{
    CancelToken, ExceedsBurst, KeyDenied, KeyedRateLimiter, Rate, RateLimiter,
};
use common::ms;
use proptest::prelude::*;
use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, DefaultHasher},
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Barrier, OnceLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

/// Ten a second and five at once for each key; not idle for a minute.
fn limiter() -> (KeyedRateLimiter<u64>, CancelToken, ManualTime) {
    let (token, time) = CancelToken::manual();
    let limiter = KeyedRateLimiter::new(Rate::per_second(10).burst(5)).on(&token);
    (limiter, token, time)
}

fn no_room(denied: Result<(), KeyDenied>) -> Duration {
    match denied {
        Err(KeyDenied::NoRoom(full)) => full.retry_after,
        other => panic!("{other:?}"),
    }
}

/// RL47.
#[test]
fn keys_are_independent() {
    let (limiter, _token, time) = limiter();
    for key in 0..1_000 {
        assert_eq!((0..9).filter(|_| limiter.allow(&key)).count(), 5);
    }
    assert_eq!(limiter.len(), 1_000);
    time.advance(ms(200));
    for key in 0..1_000 {
        assert_eq!(limiter.available_permits(&key), 2);
        assert!(limiter.allow_n(&key, 2) && !limiter.allow(&key));
    }
    assert_eq!(limiter.available_permits(&1_000), 5, "never seen");
    assert_eq!(limiter.len(), 1_000, "asking does not make a key");
}

/// RL47.
#[test]
fn a_thousand_threads_on_one_key_are_admitted_exactly_up_to_its_limit() {
    const THREADS: usize = 1_000;
    let (token, time) = CancelToken::manual();
    let limiter = KeyedRateLimiter::<u64>::new(Rate::per_second(100).burst(1_500)).on(&token);
    let start = Barrier::new(THREADS);
    let admitted: usize = thread::scope(|s| {
        let ask = || {
            start.wait();
            (0..3).filter(|_| limiter.allow(&7)).count()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| s.spawn(ask)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!((admitted, limiter.len()), (1_500, 1));
    time.advance(ms(1_000));
    assert_eq!((0..200).filter(|_| limiter.allow(&7)).count(), 100);
}

#[test]
fn threads_that_add_use_and_forget_keys_hold_each_of_their_limits() {
    const THREADS: u64 = 8;
    const KEYS: u64 = 300;
    let (token, _time) = CancelToken::manual();
    let limiter = KeyedRateLimiter::<u64>::new(Rate::per_hour(1).burst(40))
        .on(&token)
        .idle(Duration::ZERO);
    let admitted: Vec<_> = (0..KEYS).map(|_| AtomicUsize::new(0)).collect();
    thread::scope(|s| {
        for thread in 0..THREADS {
            let (limiter, admitted) = (&limiter, &admitted);
            s.spawn(move || {
                for step in 0..KEYS * 20 {
                    let key = (step * (2 * thread + 1)) % KEYS;
                    let permits = usize::from(limiter.allow(&key));
                    admitted[key as usize].fetch_add(permits, SeqCst);
                }
            });
        }
    });
    assert!(admitted.iter().all(|admitted| admitted.load(SeqCst) == 40));
    assert_eq!(limiter.len() as u64, KEYS);
}

#[test]
fn who_is_denied_is_told_when_to_come_again() {
    let (limiter, _token, time) = limiter();
    assert!(limiter.try_acquire(&1, 4).is_ok());
    let denied = limiter.try_acquire(&1, 3).unwrap_err();
    assert_eq!(denied.retry_after(), ms(200));
    time.advance(ms(199));
    assert!(limiter.try_acquire(&1, 3).is_err());
    time.advance(ms(1));
    assert!(limiter.try_acquire(&1, 3).is_ok());
}

/// RL33e and RL38, for keys.
#[test]
fn wrong_and_extreme_requests_and_rates_are_defined() {
    let (limiter, token, time) = limiter();
    assert!(limiter.allow_n(&1, 0) && limiter.try_acquire(&1, 0).is_ok());
    assert!(!limiter.allow_n(&1, 6) && !limiter.allow_n(&1, u64::MAX));
    let exceeds = ExceedsBurst {
        requested: 6,
        burst: 5,
    };
    let denied = limiter.try_acquire(&1, 6).unwrap_err();
    assert_eq!(denied.retry_after(), Duration::MAX);
    assert!(matches!(denied, KeyDenied::Denied(denied) if denied.exceeds_burst == Some(exceeds)));
    assert!(limiter.is_empty(), "none of that made a key");

    let free = KeyedRateLimiter::<u64>::new(Rate::UNLIMITED).max_keys(1);
    assert!((0..100).all(|key| free.allow_n(&key, u64::MAX)));
    assert_eq!((free.len(), free.available_permits(&0)), (0, u64::MAX));

    let once = KeyedRateLimiter::<u64>::new(Rate::per_second(0).burst(2))
        .on(&token)
        .idle(Duration::ZERO)
        .max_keys(1);
    assert!(once.allow_n(&1, 2));
    time.advance(Duration::from_secs(24 * 86_400));
    assert_eq!(
        once.try_acquire(&1, 1).unwrap_err().retry_after(),
        Duration::MAX
    );
    assert_eq!(no_room(once.try_acquire(&2, 1)), Duration::MAX);

    let huge = Rate::new(u64::MAX, Duration::from_nanos(u64::MAX)).burst(u64::MAX);
    let huge = KeyedRateLimiter::<u64>::new(huge)
        .on(&token)
        .max_keys(usize::MAX);
    assert!(huge.allow_n(&1, Rate::MAX_BURST) && !huge.allow_n(&1, 1 << 30));
    time.advance(Duration::from_secs(500 * 365 * 86_400));
    assert!(huge.allow_n(&1, Rate::MAX_BURST));
}

#[test]
#[should_panic(expected = "without room for a key")]
fn no_keys_at_all_are_refused() {
    let _ = KeyedRateLimiter::<u64>::new(Rate::per_second(1)).max_keys(0);
}

#[test]
fn a_key_may_be_asked_for_by_what_it_lends() {
    let by_name = KeyedRateLimiter::<String>::new(Rate::per_day(1));
    assert!(by_name.allow("ann") && !by_name.allow("ann") && by_name.allow("bob"));
    assert!(by_name.allow(&String::from("carl")) && by_name.forget("carl"));
    let by_ip = KeyedRateLimiter::<IpAddr>::new(Rate::per_day(1));
    let here = IpAddr::from([127, 0, 0, 1]);
    assert!(by_ip.allow(&here) && !by_ip.allow(&here));
}

/// RL48: and nobody calls for the idle keys.
#[test]
fn idle_keys_are_forgotten_by_the_calls_of_others_a_few_at_a_time() {
    const KEYS: u64 = 20_000;
    let (limiter, _token, time) = limiter();
    assert!((0..KEYS).all(|key| limiter.allow(&key)));
    time.advance(ms(100) + Duration::from_secs(60) - Duration::from_nanos(1));
    for _ in 0..KEYS {
        let _ = limiter.allow(&KEYS);
    }
    assert_eq!(limiter.len() as u64, KEYS + 1, "not one of them yet");
    time.advance(Duration::from_secs(15));
    let mut most = 0;
    // Half as many calls as keys, and some for shards that are not full.
    for _ in 0..KEYS {
        let before = limiter.len();
        let _ = limiter.allow(&KEYS);
        most = most.max(before - limiter.len());
    }
    assert!(limiter.len() < 10, "{}", limiter.len());
    assert!((1..=32).contains(&most), "{most} at once");
}

#[test]
fn a_key_that_is_used_now_and_then_is_not_idle() {
    let (limiter, _token, time) = limiter();
    for _ in 0..100 {
        assert!(limiter.allow(&1));
        time.advance(Duration::from_secs(59));
        for other in 2..40 {
            let _ = limiter.allow(&other);
        }
        limiter.shrink();
        assert_eq!(limiter.len(), 39);
    }
}

/// RL48.
#[test]
fn with_an_idle_time_of_zero_a_key_leaves_when_its_bucket_is_full_and_not_before() {
    let (token, time) = CancelToken::manual();
    let limiter = KeyedRateLimiter::<u64>::new(Rate::per_second(10).burst(5))
        .on(&token)
        .idle(Duration::ZERO);
    assert!(limiter.allow_n(&1, 3) && limiter.allow_n(&2, 4));
    for (elapsed, len) in [(0, 2), (299, 2), (1, 1), (99, 1), (1, 0)] {
        time.advance(ms(elapsed));
        limiter.shrink();
        assert_eq!(limiter.len(), len);
    }
}

#[test]
fn when_all_places_are_taken_a_newcomer_takes_that_of_a_key_whose_bucket_is_full() {
    let (token, time) = CancelToken::manual();
    let limiter = KeyedRateLimiter::<u64>::new(Rate::per_second(10).burst(5))
        .on(&token)
        .max_keys(3);
    assert!(limiter.allow_n(&1, 5) && limiter.allow_n(&2, 1) && limiter.allow_n(&3, 5));
    assert_eq!(no_room(limiter.try_acquire(&4, 1)), ms(100));
    assert!(!limiter.allow(&4));
    assert_eq!(
        limiter.available_permits(&1),
        0,
        "those that are kept stay as they are"
    );
    time.advance(ms(100));
    assert!(limiter.allow(&4));
    assert_eq!(limiter.len(), 3);
    assert_eq!(
        limiter.available_permits(&2),
        5,
        "as it would be had it stayed"
    );
    assert_eq!(limiter.available_permits(&1), 1);
    assert!(!limiter.allow(&2), "no room for that one now");
}

#[test]
fn a_flood_of_new_keys_frees_nobody_from_its_limit() {
    let (token, _time) = CancelToken::manual();
    let limiter = KeyedRateLimiter::<u64>::new(Rate::per_hour(1).burst(2))
        .on(&token)
        .max_keys(5_000);
    for key in 0..5_000 {
        assert!(limiter.allow_n(&key, 2));
    }
    assert!((5_000..50_000).all(|key| !limiter.allow(&key)));
    assert!((0..5_000).all(|key| !limiter.allow(&key)));
    assert_eq!(limiter.len(), 5_000);
}

#[test]
fn threads_that_add_keys_never_pass_the_number_of_keys() {
    let (token, time) = CancelToken::manual();
    let limiter = KeyedRateLimiter::<u64>::new(Rate::per_second(1))
        .on(&token)
        .max_keys(2_000);
    thread::scope(|s| {
        for thread in 0..4 {
            let (limiter, time) = (&limiter, &time);
            s.spawn(move || {
                for step in 0..20_000_u64 {
                    let _ = limiter.allow(&(step * 4 + thread));
                    assert!(limiter.len() <= 2_000);
                    if step % 1_000 == 0 && thread == 0 {
                        time.advance(Duration::from_secs(1));
                    }
                }
            });
        }
    });
    assert_eq!(limiter.len(), 2_000);
    limiter.retain(|_, _| false);
    assert!(limiter.is_empty(), "the count was right");
}

#[test]
fn retain_forgets_what_it_is_told_to_and_may_ask_the_limiter_meanwhile() {
    let (limiter, _token, _time) = limiter();
    for key in 0..1_000 {
        assert!(limiter.allow_n(&key, 1 + key % 5));
    }
    let mut seen = HashSet::new();
    limiter.retain(|&key, available| {
        seen.insert(key);
        assert_eq!(
            (available, limiter.available_permits(&key)),
            (4 - key % 5, available)
        );
        if key == 5 {
            assert!(limiter.allow(&key), "used meanwhile");
        }
        key % 5 != 0
    });
    assert_eq!((seen.len(), limiter.len()), (1_000, 801));
    assert_eq!(limiter.available_permits(&5), 3, "so it stays");
    assert_eq!(limiter.available_permits(&10), 5);
    assert_eq!(limiter.available_permits(&11), 3);
}

#[test]
fn a_forgotten_key_starts_afresh() {
    let (limiter, _token, _time) = limiter();
    assert!(limiter.allow_n(&1, 5) && !limiter.allow(&1));
    assert!(limiter.forget(&1) && !limiter.forget(&1));
    assert!(limiter.is_empty() && limiter.allow_n(&1, 5));
}

/// Every key in one cell: slow, and right.
#[test]
fn a_hasher_that_hashes_nothing_costs_time_and_no_permit() {
    #[derive(Default)]
    struct Nothing;
    impl std::hash::Hasher for Nothing {
        fn finish(&self) -> u64 {
            u64::MAX
        }
        fn write(&mut self, _: &[u8]) {}
    }
    type Poor = BuildHasherDefault<Nothing>;
    let (token, _time) = CancelToken::manual();
    let limiter = KeyedRateLimiter::<u64, Poor>::with_hasher(Rate::per_hour(1), Poor::default());
    let limiter = limiter.on(&token);
    assert!((0..4_095).all(|key| limiter.allow(&key)));
    assert_eq!(no_room(limiter.try_acquire(&4_095, 1)).as_secs(), 3_600);
    assert!((0..4_095).all(|key| !limiter.allow(&key)));
    limiter.retain(|key, _| key % 2 == 0);
    assert_eq!(limiter.len(), 2_048);
    assert!(limiter.allow(&1) && !limiter.allow(&2));
}

/// A key that asks for itself while it is dropped.
#[test]
fn keys_are_dropped_after_the_lock() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Key(u64);
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    static LIMITER: OnceLock<KeyedRateLimiter<Key>> = OnceLock::new();
    impl Drop for Key {
        fn drop(&mut self) {
            if let Some(limiter) = LIMITER.get() {
                let _ = limiter.available_permits(self);
                DROPPED.fetch_add(1, SeqCst);
            }
        }
    }
    let (token, time) = CancelToken::manual();
    let limiter = LIMITER.get_or_init(|| {
        KeyedRateLimiter::new(Rate::per_second(1))
            .on(&token)
            .idle(Duration::ZERO)
            .max_keys(2)
    });
    let key = [1, 2, 3, 4].map(Key);
    assert!(limiter.allow(&key[0]) && limiter.allow(&key[1]));
    assert!(
        !limiter.allow(&key[2]),
        "the copy of the key that found no room is dropped"
    );
    assert_eq!(DROPPED.load(SeqCst), 1);
    time.advance(Duration::from_secs(1));
    assert!(limiter.allow(&key[2]), "takes a place");
    assert!(limiter.forget(&key[2]));
    limiter.shrink();
    assert_eq!(DROPPED.load(SeqCst), 4);
    assert!(limiter.is_empty() && limiter.allow(&key[3]));
    limiter.retain(|_, _| false);
    assert_eq!(DROPPED.load(SeqCst), 6, "and its copy");
}

#[test]
fn a_key_whose_clone_panics_leaves_the_limiter_as_it_was() {
    #[derive(PartialEq, Eq, Hash)]
    struct Key(u64);
    impl Clone for Key {
        fn clone(&self) -> Self {
            assert!(self.0 != 13, "cannot be cloned");
            Self(self.0)
        }
    }
    let limiter = KeyedRateLimiter::<Key>::new(Rate::per_hour(1)).max_keys(2);
    for _ in 0..3 {
        assert!(catch_unwind(AssertUnwindSafe(|| limiter.allow(&Key(13)))).is_err());
    }
    assert!(limiter.is_empty());
    assert!(limiter.allow(&Key(1)) && limiter.allow(&Key(2)) && !limiter.allow(&Key(3)));
}

#[test]
fn it_is_shared_among_threads_and_shows_itself() {
    let limiter = Arc::new(KeyedRateLimiter::<u64>::new(Rate::per_second(1)));
    let other = limiter.clone();
    assert!(thread::spawn(move || other.allow(&1)).join().unwrap());
    let shown = format!("{limiter:?}");
    assert!(
        shown.contains("1 per 1s, burst 1") && shown.contains("len: 1"),
        "{shown}"
    );
}

/// Steps of a program that uses some keys, later and later.
fn program() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    prop::collection::vec((0_u64..40, 1_u64..5, 0_u64..400), 1..400)
}

proptest! {
    /// RL48: whatever leaves and comes back, each answer is that of a limiter that never forgets.
    #[test]
    fn to_be_forgotten_gives_nobody_a_permit_and_takes_none_from_anybody(
        steps in program(),
        idle in 0_u64..2_000,
        burst in 4_u64..9,
    ) {
        let (token, time) = CancelToken::manual();
        let rate = Rate::per_second(7).burst(burst);
        let limiter = KeyedRateLimiter::<u64>::new(rate)
            .on(&token)
            .idle(ms(idle))
            .max_keys(100);
        let naive = [(); 40].map(|()| RateLimiter::new(rate).on(&token));
        for (key, permits, later) in steps {
            time.advance(ms(later));
            let one = &naive[key as usize];
            prop_assert_eq!(limiter.available_permits(&key), one.available_permits());
            prop_assert_eq!(limiter.allow_n(&key, permits), one.allow_n(permits));
            if later % 7 == 0 {
                limiter.shrink();
            }
        }
    }

    /// And where there is no room, a refusal is all that differs.
    #[test]
    fn a_refusal_for_want_of_room_is_all_that_a_bound_on_the_keys_changes(
        steps in program(),
        max_keys in 1_usize..20,
    ) {
        let (token, time) = CancelToken::manual();
        let rate = Rate::per_second(7).burst(5);
        let limiter = KeyedRateLimiter::<u64>::new(rate).on(&token).max_keys(max_keys);
        let naive = [(); 40].map(|()| RateLimiter::new(rate).on(&token));
        for (key, permits, later) in steps {
            time.advance(ms(later));
            let in_use = naive.iter().filter(|one| one.available_permits() < 5).count();
            let one = &naive[key as usize];
            let is_fresh = one.available_permits() == 5;
            match limiter.try_acquire(&key, permits) {
                Ok(()) => prop_assert!(one.allow_n(permits)),
                Err(KeyDenied::Denied(denied)) => {
                    prop_assert_eq!(Err(denied), one.try_acquire(permits));
                }
                Err(KeyDenied::NoRoom(full)) => {
                    prop_assert!(is_fresh);
                    // So few that all are looked at: each of those kept is in use.
                    prop_assert_eq!(in_use, max_keys);
                    prop_assert!(full.retry_after > Duration::ZERO);
                }
            }
            prop_assert!(limiter.len() <= max_keys);
        }
    }

    #[test]
    fn hashers_are_exchangeable(keys in prop::collection::vec(any::<u64>(), 1..200)) {
        type Sip = BuildHasherDefault<DefaultHasher>;
        let limiter = KeyedRateLimiter::<u64, Sip>::with_hasher(Rate::per_hour(1), Sip::default());
        let mut seen = HashSet::new();
        for key in keys {
            prop_assert_eq!(limiter.allow(&key), seen.insert(key));
        }
    }
}
