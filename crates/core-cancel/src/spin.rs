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
//! No yield: on a machine with other work to do it gives the core away for milliseconds.

use std::{
    cell::Cell,
    hint,
    sync::OnceLock,
    thread::{self, LocalKey},
};

/// Looks before sleeping.
const LOOKS: u32 = 256;
/// Pauses of the processor before each look, which reads what others write.
const PAUSES: u32 = 4;
/// Waits in a row that were not over in time, after which there is no more looking.
const MISSES: u32 = 2;
/// After that, the first try is after so many waits, the next after twice as many, up to the last.
const TRY_FIRST: u32 = 8;
const TRY_LAST: u32 = 256;

/// What a thread knows of one kind of wait.
pub(crate) struct Patience {
    /// Waits in a row that were not over in time.
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
}

/// Looks as long as this thread's patience lasts; whether it was `ready` in time.
pub(crate) fn spin(patience: &'static LocalKey<Patience>, ready: impl FnMut() -> bool) -> bool {
    // A model has no moments; and with one core whoever it waits for cannot run meanwhile.
    if cfg!(any(loom, shuttle)) || !has_company() {
        return false;
    }
    // Fails only while the thread's locals are being destroyed.
    patience
        .try_with(|patience| patience.spin(ready))
        .unwrap_or(false)
}

impl Patience {
    const fn new() -> Self {
        Self {
            misses: Cell::new(0),
            asleep: Cell::new(0),
            pause: Cell::new(TRY_FIRST),
        }
    }

    fn spin(&self, mut ready: impl FnMut() -> bool) -> bool {
        if let Some(left) = self.asleep.get().checked_sub(1) {
            self.asleep.set(left);
            return false;
        }
        for _ in 0..LOOKS {
            for _ in 0..PAUSES {
                hint::spin_loop();
            }
            if ready() {
                self.misses.set(0);
                self.pause.set(TRY_FIRST);
                return true;
            }
        }
        self.misses.set(self.misses.get() + 1);
        if self.misses.get() >= MISSES {
            // One more is enough the next time.
            self.misses.set(MISSES - 1);
            self.asleep.set(self.pause.get());
            self.pause.set(TRY_LAST.min(2 * self.pause.get()));
        }
        false
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

    /// How many looks a wait takes that is never over.
    fn looks(patience: &Patience) -> u32 {
        let mut looks = 0;
        patience.spin(|| {
            looks += 1;
            false
        });
        looks
    }

    #[test]
    fn patience_that_does_not_pay_off_ends_and_is_tried_less_and_less() {
        let patience = Patience::new();
        let looks: Vec<u32> = (0..10_000).map(|_| looks(&patience)).collect();
        let tried: Vec<usize> = (0..looks.len()).filter(|&n| looks[n] > 0).collect();
        assert!(tried.iter().all(|&n| looks[n] == LOOKS));
        let pauses: Vec<usize> = tried.windows(2).map(|w| w[1] - w[0] - 1).collect();
        assert_eq!(pauses[..6], [0, 8, 16, 32, 64, 128]);
        assert!(pauses[6..].iter().all(|&pause| pause == 256), "{pauses:?}");
    }

    #[test]
    fn patience_that_pays_off_comes_back() {
        let patience = Patience::new();
        while looks(&patience) > 0 {}
        while !patience.spin(|| true) {}
        assert_eq!(looks(&patience), LOOKS, "one miss is forgiven");
        assert!(patience.spin(|| true));
        assert_eq!((looks(&patience), looks(&patience)), (LOOKS, LOOKS));
        assert_eq!(looks(&patience), 0);
    }
}
