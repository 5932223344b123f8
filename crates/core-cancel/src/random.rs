//! A cheap random number per thread: to break ties, never for anything that has to be unguessable.

#[cfg(not(loom))]
pub(crate) fn coin() -> bool {
    use std::{
        cell::Cell,
        hash::{BuildHasher, RandomState},
    };
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0) | 1);
    }
    // Marsaglia's xorshift64: never zero once it is not.
    let step = |mut x: u64| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^ (x << 17)
    };
    STATE
        .try_with(|state| {
            state.set(step(state.get()));
            state.get() >> 63 == 1
        })
        .unwrap_or(false)
}

/// A model has to be the same in every iteration; its scheduler does what chance does elsewhere.
#[cfg(loom)]
pub(crate) fn coin() -> bool {
    false
}
