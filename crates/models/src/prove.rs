//! A model that stands beside its own control.

use crate::explore;
use std::{
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError},
};

/// `model` holds in every interleaving (up to a bound of preemptions), takes at least `floor` of
/// them and sees these `outcomes`; and with the `mistake` that `plant(true)` makes in the code under
/// test it does not hold.
///
/// A planted mistake is a switch for the whole process, so models that use this run one at a time.
///
/// # Panics
/// When one of these is not so.
pub fn prove<T: Ord + Debug + Send + 'static>(
    preemptions: Option<usize>,
    floor: usize,
    outcomes: &[T],
    model: fn() -> T,
    mistake: impl Debug,
    plant: impl Fn(bool),
) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let _explored = explore(preemptions, model).at_least(floor).saw(outcomes);
    plant(true);
    let broken = catch_unwind(AssertUnwindSafe(|| explore(preemptions, model)));
    plant(false);
    assert!(broken.is_err(), "the model bears {mistake:?}");
}
