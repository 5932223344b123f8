//! For the workspace's own tests: models that prove that they explored, and controls that must fail.
//!
//! loom can pass without having explored anything: when a thread loads an atomic and then stores the
//! same one, it forgets who read it before. So a model of ours counts its iterations, says which
//! outcomes it must have witnessed, and stands beside a control, the same thing with a mistake in it,
//! which has to fail. Beside them stands what the tests of several crates need to poll futures
//! by hand and to print their seeds.
#![forbid(unsafe_code)]

pub mod by_hand;
mod control;
mod dice;
#[cfg(loom)]
mod explore;
#[cfg(loom)]
mod prove;

pub use control::must_fail;
pub use dice::{Dice, seed};
#[cfg(loom)]
pub use explore::{Explored, explore};
#[cfg(loom)]
pub use prove::prove;
