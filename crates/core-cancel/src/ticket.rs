//! What an operation is told about the wait it is polled for.
//!
//! A ticket is made per poll, lives on the stack and costs nothing until asked: a thread's waker
//! is made only when an operation has to wait, so one that is ready touches no thread-local.
//!
//! A thread can also wake itself: [`Ticket::wake_at`] notes the earliest time anybody asked for,
//! and the thread sleeps no longer than that. So `op.timeout(d).wait()`, a `sleep(d).wait()` and a
//! wait under a token with a deadline arm no timer at all on the system's clock.

use crate::{
    claim::{Claim, Word},
    clock::Clock,
    manual::{self, Site},
    parker::Borrowed,
    patience::{self, TO_JOIN},
    sync::Arc,
    system::NEVER,
};
use std::{
    cell::{Cell, OnceCell},
    fmt,
    panic::Location,
    task::{Poll, Waker},
};

/// Who waits, with what at stake: waker, select's claim, the tightest bound above, the clock.
///
/// For those who write operations; see [`Operation`](crate::Operation).
#[derive(Clone, Copy)]
pub struct Ticket<'a> {
    who: Who<'a>,
    claim: Option<(&'a Claim, u32)>,
    bound: Bound<'a>,
}

#[derive(Clone, Copy)]
enum Who<'a> {
    Task(&'a Waker),
    Thread(&'a ThreadWait),
}

/// The tightest of the bounds around an operation, and the clock of the token beside it.
#[derive(Clone, Copy)]
pub(crate) struct Bound<'a> {
    /// An absolute time.
    pub(crate) deadline: u64,
    /// A time from now: a timeout that has not started.
    pub(crate) within: u64,
    pub(crate) clock: Option<&'a Clock>,
    /// How the operation says that it cannot end in time; whoever set the bound looks.
    pub(crate) hopeless: Option<&'a Cell<bool>>,
}

impl<'a> Ticket<'a> {
    /// For a poll by a task.
    pub fn task(waker: &'a Waker) -> Self {
        Self::new(Who::Task(waker))
    }

    pub(crate) fn thread(wait: &'a ThreadWait) -> Self {
        Self::new(Who::Thread(wait))
    }

    fn new(who: Who<'a>) -> Self {
        let bound = Bound {
            deadline: NEVER,
            within: NEVER,
            clock: None,
            hopeless: None,
        };
        Self {
            who,
            claim: None,
            bound,
        }
    }

    /// The same wait as an arm of a select.
    #[must_use]
    pub fn arm(self, claim: &'a Claim, arm: usize) -> Self {
        let arm = u32::try_from(arm).expect("a select has fewer than 2^32 arms");
        Self {
            claim: Some((claim, arm)),
            ..self
        }
    }

    /// The waker to wake when it is time to poll again.
    pub fn waker(&self) -> &'a Waker {
        manual::mark_reached();
        match self.who {
            Who::Task(waker) => waker,
            Who::Thread(wait) => wait.sleeper.get_or_init(Borrowed::take).waker(),
        }
    }

    /// Asks to be polled again at `at` of `clock`, even if nobody wakes.
    ///
    /// `false` when this wait cannot do that by itself: then an alarm has to be armed.
    #[must_use]
    pub(crate) fn wake_at(&self, at: u64, clock: &Clock) -> bool {
        match self.who {
            Who::Thread(wait) if clock.is_system() => {
                wait.until.set(wait.until.get().min(at));
                true
            }
            _ => false,
        }
    }

    /// Looks again for a moment before the operation joins a queue, and says whether it was `ready`.
    ///
    /// Only for a thread, only as long as that has paid off lately, and never for an arm of a
    /// select. Whoever brings what is waited for then need not wake anybody. `ready` is to read a
    /// word or two, without a lock; what it says is only worth another look.
    pub fn spin(&self, ready: impl FnMut() -> bool) -> bool {
        match self.who {
            Who::Thread(_) if self.claim.is_none() => patience::spin(&TO_JOIN, ready),
            _ => false,
        }
    }

    /// The earliest time, in `now`'s clock, at which a bound around this operation ends it:
    /// `u64::MAX` when there is none.
    pub fn deadline(&self, now: u64) -> u64 {
        self.bound
            .deadline
            .min(now.saturating_add(self.bound.within))
    }

    /// Says that the operation cannot end before its [`deadline`](Self::deadline), so that whoever
    /// set that bound ends it at once. Return `Pending` after it.
    pub fn give_up(&self) {
        if let Some(hopeless) = self.bound.hopeless {
            hopeless.set(true);
        }
    }

    /// The clock of the token around this operation, for one that has none of its own.
    pub fn clock(&self) -> Option<&'a Clock> {
        self.bound.clock
    }

    pub(crate) fn bound(&self) -> Bound<'a> {
        self.bound
    }

    pub(crate) fn with_bound<'b>(&self, bound: Bound<'b>) -> Ticket<'b>
    where
        'a: 'b,
    {
        Ticket {
            who: self.who,
            claim: self.claim,
            bound,
        }
    }

    /// For an entry in a queue.
    pub(crate) fn claim(&self) -> Option<(&'a Arc<Word>, u32)> {
        self.claim.map(|(claim, arm)| (claim.word(), arm))
    }

    /// For a server, which may have entries of its own to pass over.
    pub(crate) fn own_word(&self) -> Option<&'a Arc<Word>> {
        self.claim.and_then(|(claim, _)| claim.word_if_any())
    }
}

impl fmt::Debug for Ticket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match self.who {
            Who::Task(_) => "task",
            Who::Thread(_) => "thread",
        };
        f.debug_struct("Ticket")
            .field("who", &who)
            .field("claim", &self.claim)
            .finish()
    }
}

/// A thread's wait: sleeps between the polls.
pub(crate) struct ThreadWait {
    sleeper: OnceCell<Borrowed>,
    until: Cell<u64>,
    site: Site,
}

impl ThreadWait {
    #[inline]
    pub(crate) fn new(what: &'static str, at: &'static Location<'static>) -> Self {
        Self {
            sleeper: OnceCell::new(),
            until: Cell::new(NEVER),
            site: Site { what, at },
        }
    }

    /// Polls until ready. Blocks the thread.
    #[inline]
    pub(crate) fn run<T>(&self, mut poll: impl FnMut(&Ticket<'_>) -> Poll<T>) -> T {
        loop {
            self.until.set(NEVER);
            if let Poll::Ready(done) = poll(&Ticket::thread(self)) {
                return done;
            }
            self.sleep();
        }
    }

    #[cold]
    fn sleep(&self) {
        let sleeper = self.sleeper.get_or_init(Borrowed::take);
        let parker = sleeper.parker();
        if let Some(participant) = parker.participant() {
            participant.begin_wait(self.site, sleeper.waker(), || parker.is_notified());
        }
        sleeper.park_until(self.until.get());
        if let Some(participant) = parker.participant() {
            participant.end_wait();
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn only_a_thread_that_waits_for_one_thing_looks_before_it_joins() {
        let looks = |ticket: Ticket<'_>| {
            let looks = Cell::new(0);
            ticket.spin(|| {
                looks.set(looks.get() + 1);
                true
            });
            looks.get()
        };
        assert_eq!(looks(Ticket::task(Waker::noop())), 0);
        let wait = ThreadWait::new("a test", Location::caller());
        let claim = Claim::new();
        assert_eq!(looks(Ticket::thread(&wait).arm(&claim, 0)), 0);
        let alone = std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
        assert_eq!(looks(Ticket::thread(&wait)), u32::from(!alone));
    }
}
