//! The test matrix: crate x feature set x tool.
//!
//! [`table`] declares what there is, [`plan`] lays it over the workspace, [`command`] says what a
//! cell runs, [`process`] runs it, [`outcome`] judges what came of it, [`report`] sums up.

mod command;
mod counts;
mod excerpt;
mod features;
mod outcome;
mod plan;
mod probe;
pub(crate) mod process;
mod progress;
mod report;
mod run;
mod table;

pub(crate) use plan::{Selection, list, plan};
pub(crate) use probe::Probe;
pub(crate) use run::{Conduct, run};
pub(crate) use table::{Run, Tool};
