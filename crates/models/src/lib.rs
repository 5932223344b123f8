//! For the workspace's own tests: models that prove that they explored, and controls that must fail.
//!
//! loom can pass without having explored anything: when a thread loads an atomic and then stores the
//! same one, it forgets who read it before. So a model of ours counts its iterations, says which
//! outcomes it must have witnessed, and stands beside a control, the same thing with a mistake in it,
//! which has to fail.
#![forbid(unsafe_code)]

mod control;
#[cfg(loom)]
mod explore;

pub use control::must_fail;
#[cfg(loom)]
pub use explore::{Explored, explore};
