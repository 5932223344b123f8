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
    cell::{Cell, OnceCell},
    fmt,
    sync::atomic::Ordering::{AcqRel, Acquire, Release},
};

const BUSY: u32 = 0;
const MISSED: u32 = 1;
const OPEN: u32 = 2;
/// And above: the arm.
const WON: u32 = 3;

/// The claim of one select: what its arms are polled with. See [`Ticket::arm`](crate::Ticket::arm).
///
/// The word behind it is made when the first of its arms joins a queue, and used again by the
/// thread's next select: one whose arm is ready at once has none, and one that waits allocates
/// nothing but the first time.
#[derive(Default)]
pub struct Claim {
    word: OnceCell<Arc<Word>>,
}

impl Claim {
    /// A claim whose owner polls.
    pub const fn new() -> Self {
        Self {
            word: OnceCell::new(),
        }
    }

    /// The owner has polled all arms and none was ready: from now on others may complete one.
    ///
    /// `false` when somebody came by meanwhile: poll all arms again, the claim is still busy.
    pub fn open(&self) -> bool {
        self.word.get().is_none_or(|word| word.open())
    }

    /// The owner wants to poll again: the arm that was completed meanwhile, if any.
    pub fn close(&self) -> Option<usize> {
        self.word.get()?.close()
    }

    /// For an arm that joins a queue.
    pub(crate) fn word(&self) -> &Arc<Word> {
        self.word.get_or_init(Word::take)
    }

    /// For an arm that may already stand in some.
    pub(crate) fn word_if_any(&self) -> Option<&Arc<Word>> {
        self.word.get()
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word.get().map_or("Claim(busy)", |word| word.state()))
    }
}

/// The claim word of one select. See the head of the file.
pub(crate) struct Word {
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

impl Word {
    fn new() -> Self {
        Self {
            word: AtomicU32::new(BUSY),
            #[cfg(any(loom, shuttle))]
            order: {
                static ORDERS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
                ORDERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            },
        }
    }

    /// One that stands in no queue: the thread's last, if its select is over, or a new one.
    fn take() -> Arc<Self> {
        thread_local! {
            static LAST: Cell<Option<Arc<Word>>> = const { Cell::new(None) };
        }
        // A model starts each of its runs from nothing.
        if cfg!(any(loom, shuttle)) {
            return Arc::new(Self::new());
        }
        // Fails only while the thread's locals are being destroyed.
        let mut word = LAST
            .try_with(Cell::take)
            .ok()
            .flatten()
            .unwrap_or_else(|| Arc::new(Self::new()));
        match Arc::get_mut(&mut word) {
            Some(last) => *last = Self::new(),
            None => word = Arc::new(Self::new()),
        }
        let _ = LAST.try_with(|last| last.set(Some(word.clone())));
        word
    }

    fn open(&self) -> bool {
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

    fn close(&self) -> Option<usize> {
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

    fn state(&self) -> &'static str {
        match self.word.load(Acquire) {
            BUSY => "Claim(busy)",
            MISSED => "Claim(missed)",
            OPEN => "Claim(open)",
            _ => "Claim(won)",
        }
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
