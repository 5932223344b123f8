//! Every benchmark of the workspace, written once, with every peer it stands beside.
//!
//! A [`Workload`] is the work, a [`Cell`] is one implementation doing it, and a [`Rep`] is what one
//! repetition of it took. Two fronts run the same cells:
//!
//! | front | for |
//! | --- | --- |
//! | `cargo bench -p anabranch-benches` | the one who tunes a crate: criterion's curves and history |
//! | `cargo xtask bench`, through the runner `anabranch-bench` | the comparison: one process per cell, interleaved, with memory and CPU time |
//!
//! Every repetition ends in a check. A cell whose check fails has no figure, only an error.
//!
//! To add a peer: implement the traits of [`tokens`], [`pools`], [`limiters`], [`keyed`], [`channels`] or
//! [`semaphores`] beside the others, then add a line to the table in [`cells`]. To add a workload: a function in [`workloads`] that returns a `Rep`.
#![forbid(unsafe_code)]

mod cell;
pub mod cells;
pub mod channels;
pub mod environment;
pub mod keyed;
pub mod limiters;
pub mod pools;
pub mod protocol;
mod rep;
pub mod run;
pub mod semaphores;
mod sys;
pub mod tokens;
pub mod workloads;

pub use cell::{Ask, Cell, Kind, Shape, Workload};
pub use rep::{Rep, Stopwatch, quantile};
