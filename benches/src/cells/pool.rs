//! Worker pools: jobs forgotten, jobs whose results are taken, and round trips.

use anabranch_pool::Pool;

use super::versions::{CROSSBEAM, OURS, RAYON};
use crate::pools::{ChannelPool, RayonSpawn};
use crate::workloads::{round_trip, take_results, tiny_jobs};
use crate::{Ask, Cell, Kind, Rep, Shape, Workload};

/// The crate whose figures these are.
const KRATE: &str = "pool";

#[rustfmt::skip] // One cell, one line: this is a table.
pub(super) fn cells() -> Vec<Cell> {
    use Kind::{Ours, Peer};
    vec![
        cell(&TINY_JOBS, "anabranch", Ours, OURS, tiny_jobs::<Pool>),
        cell(&TINY_JOBS, "crossbeam-chan", Peer, CROSSBEAM, tiny_jobs::<ChannelPool>),
        cell(&TINY_JOBS, "rayon-spawn", Peer, RAYON, tiny_jobs::<RayonSpawn>),
        cell(&RESULTS, "anabranch", Ours, OURS, take_results::<Pool>),
        cell(&RESULTS, "crossbeam-chan+oneshot", Peer, CROSSBEAM, take_results::<ChannelPool>),
        cell(&ROUND_TRIP, "anabranch", Ours, OURS, round_trip::<Pool>),
        cell(&ROUND_TRIP, "crossbeam-chan+oneshot", Peer, CROSSBEAM, round_trip::<ChannelPool>),
    ]
}

fn cell(
    workload: &'static Workload,
    implementation: &'static str,
    kind: Kind,
    version: &'static str,
    rep: fn(Ask) -> anyhow::Result<Rep>,
) -> Cell {
    Cell {
        workload,
        implementation,
        krate: KRATE,
        kind,
        version,
        rep,
    }
}

// Sized: an unbounded queue and kept handles grow with the number of jobs.

static TINY_JOBS: Workload = Workload {
    id: "P1",
    name: "tiny_jobs_50000",
    about: "submit 50,000 tiny jobs to two workers from outside and wait for all; per job",
    shape: Shape::Sized(50_000),
    smoke_ops: 1000,
};

static RESULTS: Workload = Workload {
    id: "P2",
    name: "results_of_20000_jobs",
    about: "submit 20,000 tiny jobs to two workers, keep the handles, take every result; per job",
    shape: Shape::Sized(20_000),
    smoke_ops: 1000,
};

static ROUND_TRIP: Workload = Workload {
    id: "P4",
    name: "round_trip",
    about: "submit one tiny job to two idle workers and wait for its result; per job",
    shape: Shape::Repeat,
    smoke_ops: 200,
};
