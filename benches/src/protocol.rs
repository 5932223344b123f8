//! What the runner prints: one JSON object a line. Any program that prints the same is a runner.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Cell, Kind};

/// A line of `list`: a cell, and what one must know to plan it.
#[derive(Debug, Serialize)]
pub struct Listed {
    w: &'static str,
    #[serde(rename = "impl")]
    implementation: &'static str,
    #[serde(rename = "crate")]
    krate: &'static str,
    kind: Kind,
    version: &'static str,
    shape: &'static str,
    /// Operations, where they are part of the workload and not the caller's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    ops: Option<u64>,
    smoke_ops: u64,
    reps: u32,
    about: &'static str,
}

impl From<&Cell> for Listed {
    fn from(cell: &Cell) -> Self {
        Listed {
            w: cell.workload.id,
            implementation: cell.implementation,
            krate: cell.workload.krate,
            kind: cell.kind,
            version: cell.version,
            shape: cell.workload.shape.name(),
            ops: cell.workload.shape.fixed_ops(),
            smoke_ops: cell.workload.smoke_ops,
            reps: cell.workload.shape.reps(),
            about: cell.workload.about,
        }
    }
}

/// The line of `run`: the median repetition, whole, and the memory of the process.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// Workload.
    pub w: &'static str,
    /// Implementation.
    #[serde(rename = "impl")]
    pub implementation: &'static str,
    /// The main figure: wall time per operation, or the median latency.
    pub ns_per_op: f64,
    /// Operations of one repetition.
    pub ops: u64,
    /// Repetitions, of which this is the median one.
    pub reps: u32,
    /// Wall time of the repetition's measured part.
    pub wall_s: f64,
    /// User and system time of the process in it.
    pub cpu_s: f64,
    /// Context switches in it.
    pub ctx_switches: u64,
    /// Peak resident memory of the process.
    pub rss_kib: u64,
    /// What a reader of the figure must know.
    pub note: String,
    /// Further figures: `median_us`, `p99_us`, `bytes`.
    #[serde(flatten)]
    pub metrics: BTreeMap<&'static str, f64>,
}

/// The line of a `run` that failed its check: it has no figure.
#[derive(Debug, Serialize)]
pub struct Failed<'a> {
    /// Workload.
    pub w: &'a str,
    /// Implementation.
    #[serde(rename = "impl")]
    pub implementation: &'a str,
    /// Why, from the outermost reason to the innermost.
    pub error: String,
}
