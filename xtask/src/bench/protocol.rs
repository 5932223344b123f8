//! What a runner prints, read back. Any program that prints these lines is a runner.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

/// A line of `list`: one implementation of one workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) w: String,
    #[serde(rename = "impl")]
    pub(crate) implementation: String,
    #[serde(rename = "crate")]
    pub(crate) krate: String,
    pub(crate) kind: Kind,
    pub(crate) version: String,
    pub(crate) shape: Shape,
    /// Operations where they are part of the workload; `None`: calibrate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ops: Option<u64>,
    pub(crate) smoke_ops: u64,
    pub(crate) reps: u32,
    pub(crate) about: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Ours,
    Peer,
    /// A library that is known to corrupt memory: beside the others, never the best.
    Unsound,
    Limit,
}

impl Kind {
    /// Whether it is a library that may be left out.
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Kind::Peer | Kind::Unsound)
    }

    /// Whether others are compared with it. Neither the least that any can do, nor what is fast
    /// because it leaves out what keeps it sound, says what ours should reach.
    pub(crate) fn can_be_best(self) -> bool {
        matches!(self, Kind::Ours | Kind::Peer)
    }
}

/// What the number of operations means to a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shape {
    /// How often the same thing is done: calibrated.
    Repeat,
    /// The size of what is worked on.
    Sized,
    /// The number of samples of a latency.
    Samples,
    /// As `Sized`, once in a fresh process.
    Fresh,
}

impl Cell {
    /// `C2-1/tokio-util`: how people, plans and files name a cell.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.w, self.implementation)
    }
}

/// The line of a `run` whose checks held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) w: String,
    #[serde(rename = "impl")]
    pub(crate) implementation: String,
    pub(crate) ns_per_op: f64,
    pub(crate) ops: u64,
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
    pub(crate) rss_kib: u64,
    #[serde(default)]
    pub(crate) note: String,
    /// Everything else that is a number: `p99_us`, `bytes`, `ctx_switches`.
    #[serde(flatten)]
    pub(crate) metrics: BTreeMap<String, f64>,
}

/// The metrics a bar may be set on, besides what a workload adds for itself.
pub(crate) const METRICS: [&str; 8] = [
    "ns_per_op",
    "cpu_ns_per_op",
    "rss_kib",
    "bytes",
    "median_us",
    "p99_us",
    "achieved",
    "out_of_place",
];

impl Measured {
    /// A figure by name; `None` where the workload does not have it.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        match name {
            "ns_per_op" => Some(self.ns_per_op),
            "cpu_ns_per_op" => Some(self.cpu_s * 1e9 / self.ops as f64),
            "rss_kib" => Some(self.rss_kib as f64),
            other => self.metrics.get(other).copied(),
        }
    }
}

/// Reads what one `run` printed and how it ended. An error is the reason why the cell has failed:
/// a figure counts only if the process also says that all went well.
pub(crate) fn read_run(cell: &Cell, stdout: &str, success: bool) -> anyhow::Result<Measured> {
    #[derive(Deserialize)]
    struct Failed {
        error: String,
    }
    let line = stdout.trim();
    if let Ok(failed) = serde_json::from_str::<Failed>(line) {
        bail!("{}", failed.error);
    }
    if !success {
        bail!("the runner ended with an error and without a reason");
    }
    let measured: Measured = serde_json::from_str(line)
        .with_context(|| format!("the runner printed no figure but `{line}`"))?;
    if (&measured.w, &measured.implementation) != (&cell.w, &cell.implementation) {
        bail!(
            "the runner measured {}/{} instead",
            measured.w,
            measured.implementation
        );
    }
    if !(measured.ns_per_op.is_finite() && measured.ns_per_op > 0.0 && measured.ops > 0) {
        bail!(
            "{} ns for each of {} operations is no figure",
            measured.ns_per_op,
            measured.ops
        );
    }
    Ok(measured)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A calibrated cell of core-cancel.
    pub(crate) fn cell(w: &str, implementation: &str, kind: Kind) -> Cell {
        Cell {
            w: w.into(),
            implementation: implementation.into(),
            krate: "core-cancel".into(),
            kind,
            version: "1".into(),
            shape: Shape::Repeat,
            ops: None,
            smoke_ops: 10,
            reps: 5,
            about: "about".into(),
        }
    }

    /// A figure of that cell.
    pub(crate) fn measured(cell: &Cell, ns_per_op: f64) -> Measured {
        Measured {
            w: cell.w.clone(),
            implementation: cell.implementation.clone(),
            ns_per_op,
            ops: 100,
            wall_s: ns_per_op * 1e-7,
            cpu_s: ns_per_op * 2e-7,
            rss_kib: 1024,
            note: String::new(),
            metrics: BTreeMap::new(),
        }
    }

    #[test]
    fn lines_survive_the_round_trip() {
        let cell = cell("C4", "tokio-util", Kind::Peer);
        let text = serde_json::to_string(&cell).unwrap();
        assert!(text.contains(r#""impl":"tokio-util","crate":"core-cancel","kind":"peer""#));
        assert_eq!(serde_json::from_str::<Cell>(&text).unwrap(), cell);

        let mut figure = measured(&cell, 12.5);
        figure.metrics.insert("bytes".into(), 144.0);
        let text = serde_json::to_string(&figure).unwrap();
        assert_eq!(read_run(&cell, &text, true).unwrap(), figure);
    }

    #[test]
    fn metrics_are_found_by_name() {
        let mut figure = measured(&cell("C4", "x", Kind::Peer), 12.5);
        figure.metrics.insert("bytes".into(), 144.0);
        assert_eq!(figure.metric("ns_per_op"), Some(12.5));
        assert_eq!(figure.metric("cpu_ns_per_op"), Some(25.0));
        assert_eq!(figure.metric("rss_kib"), Some(1024.0));
        assert_eq!(figure.metric("bytes"), Some(144.0));
        assert_eq!(figure.metric("p99_us"), None);
    }

    #[test]
    fn whatever_is_not_a_sound_figure_is_a_failure() {
        let cell = cell("C1", "x", Kind::Peer);
        let good = serde_json::to_string(&measured(&cell, 1.0)).unwrap();
        let why = |text: &str, success| read_run(&cell, text, success).unwrap_err().to_string();
        assert_eq!(
            why(r#"{"w":"C1","impl":"x","error":"3 of 4"}"#, false),
            "3 of 4"
        );
        assert!(why(&good, false).contains("without a reason"));
        assert!(why("", true).contains("no figure"));
        assert!(why(&good.replace("\"C1\"", "\"C2\""), true).contains("C2/x instead"));
        assert!(
            why(
                &good.replace("\"ns_per_op\":1.0", "\"ns_per_op\":0.0"),
                true
            )
            .contains("no")
        );
    }

    #[test]
    fn an_error_beside_a_figure_is_still_a_failure() {
        let cell = cell("C1", "x", Kind::Peer);
        let good = serde_json::to_string(&measured(&cell, 1.0)).unwrap();
        let both = good.replacen('{', r#"{"error":"wrong sum","#, 1);
        assert_eq!(
            read_run(&cell, &both, true).unwrap_err().to_string(),
            "wrong sum"
        );
    }
}
