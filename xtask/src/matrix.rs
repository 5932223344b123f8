//! The test matrix: crate x feature set x tool.
//!
//! [`table`] declares what there is, [`selection`] what is asked for; [`mod@plan`] lays both over the
//! workspace. [`command`] says what a cell runs, [`process`] runs it, [`outcome`] judges what came
//! of it, [`report`] sums up: [`mod@run`] leads each cell through these.

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
mod selection;
mod table;

pub(crate) use plan::{list, plan};
pub(crate) use probe::Probe;
pub(crate) use run::{Conduct, run};
pub(crate) use selection::Selection;
pub(crate) use table::{Run, Tool};
