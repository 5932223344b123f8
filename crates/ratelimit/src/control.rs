//! How the models prove that they would see a mistake: it can be made here, in models only.

// std's, so that it is no part of the model.
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

static SPLIT: AtomicBool = AtomicBool::new(false);

/// From now on the compare-exchange of every limiter is a load and a store.
pub fn split_the_exchange(split: bool) {
    SPLIT.store(split, SeqCst);
}

pub(crate) fn is_split() -> bool {
    SPLIT.load(SeqCst)
}
