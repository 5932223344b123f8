//! What makes a select exact: one word that says which of its arms, if any, has been completed.
//!
//! A select stands in several queues at once, and several others may try to complete it at the
//! same time. Each of its entries carries the same claim. Whoever holds something for the entry at
//! the head of *its* queue must win the claim first, under that queue's lock, and only then hands
//! over; nobody ever holds two queues' locks.
//!
//! ```text
//!              owner: all arms polled, none ready
//!        BUSY ─────────────────────────────────▶ OPEN ──── other: win(arm) ───▶ WON(arm)
//!         │ ▲                                     │                               │
//!   other │ │ owner: polls all arms again         │ owner: woken, polls again     │ owner:
//!         ▼ │                                     ▼                               ▼ takes it
//!       MISSED                                   BUSY                         (finished)
//! ```
//!
//! 1. Only the owner leaves BUSY and MISSED; only others leave OPEN towards WON, and only once.
//! 2. While BUSY, the owner alone decides: an arm it finds ready is the winner, and no other arm
//!    can be completed under its feet, because that takes OPEN.
//! 3. Whoever comes by while BUSY leaves its thing where it is and says MISSED. The owner cannot
//!    open a MISSED claim: it polls all arms again and finds the thing itself. So nothing is lost
//!    between "not ready" and "waiting".
//! 4. Two selects that meet while both are BUSY would each mark the other and poll again, perhaps
//!    for ever. So only one gives way: the one whose claim lies at the higher address marks
//!    *itself* and polls again, and the other, unmarked, opens. Among any number of selects that
//!    meet, the lowest opens: somebody always gets on. One that polls again has somebody else's
//!    poll to wait for, never somebody else's wait.
//!
//! ORDERING, for every access below: a transition is a read-modify-write of this one word, AcqRel
//! when it succeeds and Acquire when it fails; only the owner's step back from MISSED is a store,
//! for nobody else leaves that state (1). What is handed over is published by the queue's lock,
//! which the winner holds and the owner takes to fetch it; Acquire and Release here order the claim
//! itself before the owner's next look at its arms. The plain loads are Acquire and may be stale:
//! WON is final, and whoever acts on BUSY looks again or is looked at again (3, 4).

use crate::sync::{Arc, AtomicU32};
use std::{
    fmt,
    sync::atomic::Ordering::{AcqRel, Acquire, Release},
};

const BUSY: u32 = 0;
const MISSED: u32 = 1;
const OPEN: u32 = 2;
/// And above: the arm.
const WON: u32 = 3;

/// The claim word of one select. See the head of the file.
pub struct Claim {
    word: AtomicU32,
    /// Stands for the address, which differs from one iteration of a model to the next.
    #[cfg(any(loom, shuttle))]
    order: u64,
}

/// What came of trying to complete an arm of a select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Win {
    /// The arm is chosen: hand over.
    Won,
    /// The select is looking at its arms and will look again: leave it to it.
    Busy,
    /// Another arm was chosen: this entry is void.
    Lost,
}

impl Default for Claim {
    fn default() -> Self {
        Self::new()
    }
}

impl Claim {
    /// A claim whose owner polls.
    pub fn new() -> Self {
        Self {
            word: AtomicU32::new(BUSY),
            #[cfg(any(loom, shuttle))]
            order: {
                static ORDERS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
                ORDERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            },
        }
    }

    /// The owner has polled all arms and none was ready: from now on others may complete one.
    ///
    /// `false` when somebody came by meanwhile: poll all arms again, the claim is still busy.
    pub fn open(&self) -> bool {
        // A MISSED claim goes back to BUSY *before* the arms are polled again.
        let opened = self
            .word
            .compare_exchange(BUSY, OPEN, AcqRel, Acquire)
            .is_ok();
        if !opened {
            self.word.store(BUSY, Release);
        }
        opened
    }

    /// The owner wants to poll again: the arm that was completed meanwhile, if any.
    pub fn close(&self) -> Option<usize> {
        match self.word.compare_exchange(OPEN, BUSY, AcqRel, Acquire) {
            Ok(_) | Err(BUSY | MISSED) => None,
            Err(won) => Some((won - WON) as usize),
        }
    }

    /// Whether this one has precedence over another: see the head of the file, 4.
    pub(crate) fn precedes(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        #[cfg(not(any(loom, shuttle)))]
        return Arc::as_ptr(self) < Arc::as_ptr(other);
        #[cfg(any(loom, shuttle))]
        return self.order < other.order;
    }

    /// The owner has met a select that has precedence: it polls again before it opens.
    pub(crate) fn give_way(&self) {
        // Fails only if somebody marked it already, which comes to the same.
        let _ = self.word.compare_exchange(BUSY, MISSED, AcqRel, Acquire);
    }

    /// Whether the select is polling its arms: may be stale on return.
    pub(crate) fn is_busy(&self) -> bool {
        self.word.load(Acquire) <= MISSED
    }

    /// Whether an arm has been completed: final.
    pub(crate) fn is_won(&self) -> bool {
        self.word.load(Acquire) >= WON
    }

    /// Somebody has something for `arm`.
    pub(crate) fn win(&self, arm: u32) -> Win {
        let mut now = self.word.load(Acquire);
        loop {
            let (next, outcome) = match now {
                OPEN => (WON + arm, Win::Won),
                BUSY => (MISSED, Win::Busy),
                MISSED => return Win::Busy,
                _ => return Win::Lost,
            };
            match self.word.compare_exchange(now, next, AcqRel, Acquire) {
                Ok(_) => return outcome,
                Err(other) => now = other,
            }
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.word.load(Acquire) {
            BUSY => "Claim(busy)",
            MISSED => "Claim(missed)",
            OPEN => "Claim(open)",
            _ => "Claim(won)",
        })
    }
}
