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
    /// A receive that is dropped takes what it was given along.
    KeepGiven,
    /// A send that leaves its line leaves its message behind.
    LoseUnsent,
    /// A receive looks for a message, and joins the line, in two steps.
    LookThenJoin,
    /// Room that is free is not given to the sender that waits for it.
    ForgetRoom,
    /// The end is told though a message may still come back.
    EndTooEarly,
    /// A close leaves the senders where they are.
    CloseForgetsSenders,
    /// The word that spares the lock is not kept up to date by a send.
    StaleHint,
    /// A set looks for a source that has something, and says that it waits, in two steps.
    LookThenWait,
    /// A select waits though somebody came by while it looked.
    IgnoreMissed,
    /// A select that is dropped leaves its arms in line.
    StayInLine,
    /// Nobody in line is told of news.
    TellNobody,
    /// Only who brings news tells the line of it, and not who leaves its head.
    TellOnce,
    /// A reader takes the latest message instead of the next.
    JumpToLatest,
    /// A reader that goes away still counts.
    StayCounted,
    /// A reader hears of the end before it has read everything.
    EndBeforeLast,
    /// A reader that lagged behind goes on as if it had not.
    LagInSilence,
    /// A modification replaces what came since it looked.
    OverwriteModified,
}

/// From now on every channel makes this mistake.
pub fn plant(mistake: Mistake) {
    PLANTED.store(mistake as u8, SeqCst);
}

pub(crate) fn is_planted(mistake: Mistake) -> bool {
    PLANTED.load(SeqCst) == mistake as u8
}
