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
    /// A read-modify-write of the word is a load and a store.
    SplitExchange,
    /// Whether somebody waits is looked up before the permits are given, not as they are.
    LookBeforeGiving,
    /// Giving permits is Relaxed.
    RelaxedRelease,
    /// Who leaves the line does not see to those behind it.
    ForgetNext,
    /// What was granted to a waiter that is dropped goes nowhere.
    KeepGrant,
    /// The word that a waiter was served is Relaxed.
    RelaxedGrant,
    /// What comes back goes to who waits, whether or not it is owed to the capacity.
    ForgetDeficit,
    /// A waiter that was woken says so after it looked.
    NudgeAfterLook,
    /// A resize does not see to those who wait.
    ForgetResized,
}

/// From now on every semaphore makes this mistake.
pub fn plant(mistake: Mistake) {
    PLANTED.store(mistake as u8, SeqCst);
}

pub(crate) fn is_planted(mistake: Mistake) -> bool {
    PLANTED.load(SeqCst) == mistake as u8
}
