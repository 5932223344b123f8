//! Limiters with a limit for each key: speed, memory, and how long one call holds up its caller.

use anabranch_ratelimit::KeyedRateLimiter;
use governor::DefaultKeyedRateLimiter;

use super::versions::{GOVERNOR, OURS, STD};
use crate::keyed::{GovernorHashMap, KeyedLimiter, MutexHashMap};
use crate::workloads::{Second, million_keys, new_keys};
use crate::{Ask, Cell, Kind, Rep, Shape, Workload};

/// The crate whose figures these are.
const KRATE: &str = "ratelimit";

/// Short, for the table.
type Keyed = KeyedRateLimiter<u64>;
type DashMap = DefaultKeyedRateLimiter<u64>;

#[rustfmt::skip] // One cell, one line: this is a table.
pub(super) fn cells() -> Vec<Cell> {
    use Kind::{Ours, Peer};
    vec![
        Cell::new(&MILLION, "anabranch", Ours, OURS, same::<Keyed>),
        Cell::new(&MILLION, "governor-hashmap", Peer, GOVERNOR, same::<GovernorHashMap>),
        Cell::new(&MILLION, "governor-dashmap", Peer, GOVERNOR, same::<DashMap>),
        Cell::new(&MILLION, "Mutex<HashMap>", Peer, STD, same::<MutexHashMap>),
        Cell::new(&SHUFFLED, "anabranch", Ours, OURS, shuffled::<Keyed>),
        Cell::new(&SHUFFLED, "governor-hashmap", Peer, GOVERNOR, shuffled::<GovernorHashMap>),
        Cell::new(&SHUFFLED, "governor-dashmap", Peer, GOVERNOR, shuffled::<DashMap>),
        Cell::new(&SHUFFLED, "Mutex<HashMap>", Peer, STD, shuffled::<MutexHashMap>),
        Cell::new(&NEW, "anabranch", Ours, OURS, new_keys::<Keyed>),
        Cell::new(&NEW, "governor-hashmap", Peer, GOVERNOR, new_keys::<GovernorHashMap>),
        Cell::new(&NEW, "governor-dashmap", Peer, GOVERNOR, new_keys::<DashMap>),
        Cell::new(&NEW, "Mutex<HashMap>", Peer, STD, new_keys::<MutexHashMap>),
    ]
}

fn same<L: KeyedLimiter>(ask: Ask) -> anyhow::Result<Rep> {
    million_keys::<L>(ask, Second::Same)
}

fn shuffled<L: KeyedLimiter>(ask: Ask) -> anyhow::Result<Rep> {
    million_keys::<L>(ask, Second::Shuffled)
}

static MILLION: Workload = Workload {
    id: "R3",
    krate: KRATE,
    name: "million_keys",
    about: "check a million new keys, and all of them once more; per check, bytes per key",
    shape: Shape::Fresh(1_000_000),
    smoke_ops: 1000,
};

static SHUFFLED: Workload = Workload {
    id: "R3-shuffled",
    krate: KRATE,
    name: "million_keys_shuffled",
    about: "as R3, the second time in another order; per check, bytes per key",
    shape: Shape::Fresh(1_000_000),
    smoke_ops: 1000,
};

static NEW: Workload = Workload {
    id: "R3-new",
    krate: KRATE,
    name: "new_keys",
    about: "check a million new keys and time each: how long a caller is held up while tables grow",
    shape: Shape::Samples(1_000_000),
    smoke_ops: 1000,
};
