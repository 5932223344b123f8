//! Worker pools: jobs forgotten, jobs whose results are taken, and round trips.

use anabranch_pool::Pool;

use super::versions::{CROSSBEAM, OURS, RAYON};
use crate::pools::{ChannelPool, RayonSpawn};
use crate::workloads::{round_trip, take_results, tiny_jobs};
use crate::{Cell, Kind, Shape, Workload};

/// The crate whose figures these are.
const KRATE: &str = "pool";

#[rustfmt::skip] // One cell, one line: this is a table.
pub(super) fn cells() -> Vec<Cell> {
    use Kind::{Ours, Peer};
    vec![
        Cell::new(&TINY_JOBS, "anabranch", Ours, OURS, tiny_jobs::<Pool>),
        Cell::new(&TINY_JOBS, "crossbeam-chan", Peer, CROSSBEAM, tiny_jobs::<ChannelPool>),
        Cell::new(&TINY_JOBS, "rayon-spawn", Peer, RAYON, tiny_jobs::<RayonSpawn>),
        Cell::new(&RESULTS, "anabranch", Ours, OURS, take_results::<Pool>),
        Cell::new(&RESULTS, "crossbeam-chan+oneshot", Peer, CROSSBEAM, take_results::<ChannelPool>),
        Cell::new(&ROUND_TRIP, "anabranch", Ours, OURS, round_trip::<Pool>),
        Cell::new(&ROUND_TRIP, "crossbeam-chan+oneshot", Peer, CROSSBEAM, round_trip::<ChannelPool>),
    ]
}

// Sized: an unbounded queue and kept handles grow with the number of jobs.

static TINY_JOBS: Workload = Workload {
    id: "P1",
    krate: KRATE,
    name: "tiny_jobs_50000",
    about: "submit 50,000 tiny jobs to two workers from outside and wait for all; per job",
    shape: Shape::Sized(50_000),
    smoke_ops: 1000,
};

static RESULTS: Workload = Workload {
    id: "P2",
    krate: KRATE,
    name: "results_of_20000_jobs",
    about: "submit 20,000 tiny jobs to two workers, keep the handles, take every result; per job",
    shape: Shape::Sized(20_000),
    smoke_ops: 1000,
};

static ROUND_TRIP: Workload = Workload {
    id: "P4",
    krate: KRATE,
    name: "round_trip",
    about: "submit one tiny job to two idle workers and wait for its result; per job",
    shape: Shape::Repeat,
    smoke_ops: 200,
};
