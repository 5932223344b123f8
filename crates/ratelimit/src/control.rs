//! How the models prove that they would see a mistake: it can be made here, in models only.

// std's, so that it is no part of the model.
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

static PLANTED: AtomicU8 = AtomicU8::new(Mistake::None as u8);

/// What a model must not bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mistake {
    /// None: the code as it is.
    None,
    /// The compare-exchange of the word is a load and a store.
    SplitExchange,
    /// The flag is set by a load and a store.
    SplitFlag,
    /// The flag is taken away while something may come back.
    ForgetHeld,
    /// The meter is replaced without the flag.
    NakedChange,
    /// Who leaves the line does not see to those behind it.
    ForgetNext,
    /// The number of keys is raised by a load and a store.
    SplitCount,
    /// The time of the last run is set by a load and a store.
    SplitInterval,
}

/// From now on every limiter makes this mistake.
pub fn plant(mistake: Mistake) {
    PLANTED.store(mistake as u8, SeqCst);
}

pub(crate) fn is_planted(mistake: Mistake) -> bool {
    PLANTED.load(SeqCst) == mistake as u8
}
