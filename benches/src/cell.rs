//! A workload, and the cells that do its work.

use serde::Serialize;

use crate::Rep;

/// The work, whoever does it: what `workloads/*.rs` holds one function for.
#[derive(Debug)]
pub struct Workload {
    /// The short name used everywhere: `C2-1`.
    pub id: &'static str,
    /// The crate of ours whose page shows the figures, without the family's prefix.
    pub krate: &'static str,
    /// Contention and load in words that can stand in a path: `child_two_threads`.
    pub name: &'static str,
    /// One sentence: what is done, and what an operation is.
    pub about: &'static str,
    /// What the number of operations means.
    pub shape: Shape,
    /// How many operations show that the check holds, when the figure does not matter.
    pub smoke_ops: u64,
}

/// What the number of operations means to a workload, and so who may choose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// How often the same thing is done. Chosen by calibration: each implementation gets as many
    /// as fill a repetition, because the cost of one does not depend on how many there are.
    Repeat,
    /// The size of what is worked on. The same for every implementation, because the cost of one
    /// depends on it.
    Sized(u64),
    /// The number of samples whose quantiles are the figure, in one repetition.
    Samples(u64),
    /// As `Sized`, in a fresh process, without warm-up: memory that was returned to the
    /// allocator by an earlier repetition would be handed out again and not be seen to grow.
    Fresh(u64),
}

impl Shape {
    /// The number of operations where it is part of the workload.
    pub fn fixed_ops(self) -> Option<u64> {
        match self {
            Shape::Repeat => None,
            Shape::Sized(ops) | Shape::Samples(ops) | Shape::Fresh(ops) => Some(ops),
        }
    }

    /// Repetitions in one process unless the caller says otherwise.
    pub fn reps(self) -> u32 {
        match self {
            Shape::Repeat | Shape::Sized(_) => 5,
            Shape::Samples(_) | Shape::Fresh(_) => 1,
        }
    }

    /// The name used in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Repeat => "repeat",
            Shape::Sized(_) => "sized",
            Shape::Samples(_) => "samples",
            Shape::Fresh(_) => "fresh",
        }
    }
}

/// Which side of a comparison a cell is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A crate of this workspace.
    Ours,
    /// Another library, or what one would write by hand with it.
    Peer,
    /// Another library whose safe interface is known to corrupt memory. Shown beside the others, but
    /// never the best of them, and no bar is set against it.
    Unsound,
    /// The floor: the least any implementation can do, without offering what ours offers.
    Limit,
}

/// What one repetition is asked to do.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// Number of operations.
    pub ops: u64,
    /// Seed of whatever the workload does at random.
    pub seed: u64,
}

/// One implementation of one workload.
#[derive(Debug)]
pub struct Cell {
    /// The work.
    pub workload: &'static Workload,
    /// Who does it: the second half of a cell's name.
    pub implementation: &'static str,
    /// Ours, peer or limit.
    pub kind: Kind,
    /// Version of the library behind the implementation.
    pub version: &'static str,
    /// Does the work once and checks it.
    pub rep: fn(Ask) -> anyhow::Result<Rep>,
}

impl Cell {
    /// A line of a table: the work, who does it, and how.
    pub fn new(
        workload: &'static Workload,
        implementation: &'static str,
        kind: Kind,
        version: &'static str,
        rep: fn(Ask) -> anyhow::Result<Rep>,
    ) -> Self {
        Cell {
            workload,
            implementation,
            kind,
            version,
            rep,
        }
    }
}
