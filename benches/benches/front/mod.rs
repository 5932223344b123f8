//! The cells of one crate under criterion, for the one who is tuning it.
//!
//! Only workloads whose figure is time per operation are here: latencies and memory need a process
//! of their own, which `cargo xtask bench` gives them.

use std::time::Duration;

use anabranch_benches::{Ask, Cell, Shape, cells};
use criterion::{BenchmarkId, Criterion};

pub(crate) fn cells_of(krate: &str, c: &mut Criterion) {
    for cell in cells::all()
        .iter()
        .filter(|cell| cell.workload.krate == krate)
    {
        let mut group = c.benchmark_group(cell.workload.name);
        group
            .sample_size(30)
            .measurement_time(Duration::from_secs(2));
        let id = BenchmarkId::from_parameter(cell.implementation);
        match cell.workload.shape {
            Shape::Repeat => {
                group.bench_function(id, |b| b.iter_custom(|iters| wall(cell, iters)));
            }
            // An iteration is the whole: criterion's figure divided by `ops` is the runner's.
            Shape::Sized(ops) => {
                group.throughput(criterion::Throughput::Elements(ops));
                group.bench_function(id, |b| {
                    b.iter_custom(|iters| (0..iters).map(|_| wall(cell, ops)).sum());
                });
            }
            Shape::Samples(_) | Shape::Fresh(_) => {}
        }
        group.finish();
    }
}

/// The measured part only. A failed check must not become a figure, so it ends the benchmark.
fn wall(cell: &Cell, ops: u64) -> Duration {
    let rep = (cell.rep)(Ask { ops, seed: 1 });
    rep.unwrap_or_else(|error| panic!("{}: {error:#}", cell.implementation))
        .wall
}
