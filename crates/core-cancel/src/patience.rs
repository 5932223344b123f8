//! A moment's patience before a thread goes to sleep, as long as it pays off.
//!
//! To be put to sleep and woken costs a thread and its waker some microseconds each, and where the
//! two take turns that is all they do. So a thread that has to wait looks for a moment, about as
//! long as a wake-up takes, whether its wait is over already. It goes on doing so as long as it pays
//! off. After two waits that were not over in time it goes to sleep at once, and only tries again
//! every so often, less and less: so a thread whose waits are long spends next to nothing, and one
//! that shares its core with whoever it waits for, for whom every look is in the way, soon gives up.
//!
//! A look that is tried must outlast a wake-up: where two threads have begun to wake one another,
//! only a wait that survives the other's wake-up gets the two back into step.
//!
//! After that it stands aside a few times, which costs next to nothing: where there are more threads
//! than cores, whoever it waits for is often about to run, and gets the core without either of them
//! being put to sleep and woken (bench `S2-thread`: 0.2 times the wall time on idle cores). But where
//! there is other work to do the core is given away for milliseconds. The clock tells, and then this
//! is given up in the same way.

use std::{
    cell::Cell,
    hint,
    sync::OnceLock,
    thread::{self, LocalKey},
    time::{Duration, Instant},
};

/// Looks before sleeping.
const LOOKS: u32 = 256;
/// Pauses of the processor before each look, which reads what others write.
const PAUSES: u32 = 4;
/// Times a thread stands aside, and how long that may take in all to be worth it.
const TURNS: u32 = 4;
const WORTH: Duration = Duration::from_micros(100);
/// Looks in a row that did not pay off, after which there is no more looking.
const MISSES: u32 = 2;
/// After that, the first try is after so many waits, the next after twice as many, up to the last.
const TRY_FIRST: u32 = 8;
const TRY_LAST: u32 = 256;

/// What a thread knows of one kind of wait.
pub(crate) struct Patience {
    /// Looks in a row that did not pay off.
    misses: Cell<u32>,
    /// Waits that go to sleep at once before the next try, and how many those were the last time.
    asleep: Cell<u32>,
    pause: Cell<u32>,
}

thread_local! {
    /// Before an operation joins a queue: whoever brings what it waits for need not wake anybody.
    pub(crate) static TO_JOIN: Patience = const { Patience::new() };
    /// In a queue, before the thread sleeps: whoever wakes it need not call the system.
    pub(crate) static TO_SLEEP: Patience = const { Patience::new() };
    /// The same, for standing aside.
    static TO_YIELD: Patience = const { Patience::new() };
}

/// Looks as long as this thread's patience lasts; whether it was `ready` in time.
pub(crate) fn spin(patience: &'static LocalKey<Patience>, mut ready: impl FnMut() -> bool) -> bool {
    // With one core whoever it waits for cannot run meanwhile.
    has_company()
        && try_with(patience, || {
            let ready = looks_for(LOOKS, pause, &mut ready);
            Look { ready, paid: ready }
        })
}

/// Lets others run, a few times; whether it was `ready` in time.
pub(crate) fn stand_aside(mut ready: impl FnMut() -> bool) -> bool {
    try_with(&TO_YIELD, || {
        let since = Instant::now();
        let ready = looks_for(TURNS, thread::yield_now, &mut ready);
        let paid = since.elapsed() < WORTH;
        Look { ready, paid }
    })
}

fn try_with(patience: &'static LocalKey<Patience>, look: impl FnOnce() -> Look) -> bool {
    // A model has no moments: it tries all interleavings anyway.
    if cfg!(any(loom, shuttle)) {
        return false;
    }
    // Fails only while the thread's locals are being destroyed.
    let looked = patience.try_with(|patience| patience.try_once(look));
    looked.unwrap_or(false)
}

/// What came of looking.
struct Look {
    /// Whether the wait is over.
    ready: bool,
    /// Whether to do it again the next time.
    paid: bool,
}

fn looks_for(looks: u32, between: impl Fn(), ready: &mut impl FnMut() -> bool) -> bool {
    (0..looks).any(|_| {
        between();
        ready()
    })
}

fn pause() {
    for _ in 0..PAUSES {
        hint::spin_loop();
    }
}

impl Patience {
    const fn new() -> Self {
        Self {
            misses: Cell::new(0),
            asleep: Cell::new(0),
            pause: Cell::new(TRY_FIRST),
        }
    }

    /// Looks, unless it has not paid off lately; whether the wait was over in time.
    fn try_once(&self, look: impl FnOnce() -> Look) -> bool {
        if let Some(left) = self.asleep.get().checked_sub(1) {
            self.asleep.set(left);
            return false;
        }
        let Look { ready, paid } = look();
        if paid {
            self.misses.set(0);
            self.pause.set(TRY_FIRST);
            return ready;
        }
        self.misses.set(self.misses.get() + 1);
        if self.misses.get() >= MISSES {
            // One more is enough the next time.
            self.misses.set(MISSES - 1);
            self.asleep.set(self.pause.get());
            self.pause.set(TRY_LAST.min(2 * self.pause.get()));
        }
        ready
    }
}

/// Whether there is more than one core to run on.
fn has_company() -> bool {
    static CORES: OnceLock<bool> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().is_ok_and(|cores| cores.get() > 1))
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    /// Whether a wait that is never over looks at all.
    fn looks(patience: &Patience) -> bool {
        let mut looks = false;
        patience.try_once(|| {
            looks = true;
            Look {
                ready: false,
                paid: false,
            }
        });
        looks
    }

    fn paid() -> Look {
        Look {
            ready: true,
            paid: true,
        }
    }

    #[test]
    fn patience_that_does_not_pay_off_ends_and_is_tried_less_and_less() {
        let patience = Patience::new();
        let tried: Vec<usize> = (0..10_000).filter(|_| looks(&patience)).collect();
        let pauses: Vec<usize> = tried.windows(2).map(|w| w[1] - w[0] - 1).collect();
        assert_eq!(pauses[..6], [0, 8, 16, 32, 64, 128]);
        assert!(pauses[6..].iter().all(|&pause| pause == 256), "{pauses:?}");
    }

    #[test]
    fn patience_that_pays_off_comes_back() {
        let patience = Patience::new();
        while looks(&patience) {}
        while !patience.try_once(paid) {}
        assert!(looks(&patience), "one miss is forgiven");
        assert!(patience.try_once(paid));
        assert!(looks(&patience) && looks(&patience) && !looks(&patience));
    }

    #[test]
    fn a_look_ends_when_it_is_ready_and_not_before() {
        let mut left = 3;
        assert!(looks_for(LOOKS, || {}, &mut || {
            left -= 1;
            left == 0
        }));
        assert_eq!(left, 0);
        assert!(!looks_for(2, || {}, &mut || false));
    }
}
