//! The rule of a broadcast: the messages that somebody has still to receive, and for how many.
//!
//! Messages are numbered from zero in the order in which they came. Kept are those from the first
//! that somebody has still to receive to the last, but at most `capacity`:
//!
//! ```text
//!        pushed out, or received by all │ kept: each with the number of readers left │ next
//!   ────────────────────────────────────┼────────────────────────────────────────────┼─────▶
//!          ▲ reader: lagged by 3        │        ▲ reader: next is this one          ▲ reader: waits
//! ```
//!
//! A reader counts in each message from its `seen` on, so one that it has not received goes only by
//! being pushed out. What lies between its `seen` and the first that is kept is therefore what it
//! missed, exactly.
//!
//! Who has still to receive a message has still to receive all later ones: from the oldest to the
//! newest the number of readers left never falls. So the one whose last reader comes is the oldest.

use super::Heard;
#[cfg(loom)]
use crate::control::{self, Mistake};
use crate::{channel::readers::Rule, sync::Arc};
use std::{collections::VecDeque, num::NonZeroUsize};

pub(super) struct Ring<T> {
    kept: VecDeque<Slot<T>>,
    capacity: NonZeroUsize,
    /// The number of the next message.
    next: u64,
}

struct Slot<T> {
    message: Arc<T>,
    /// Readers that have still to receive it: at least one.
    left: usize,
}

impl<T> Ring<T> {
    pub(super) fn new(capacity: NonZeroUsize) -> Self {
        Self {
            kept: VecDeque::new(),
            capacity,
            next: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// How many were ever sent.
    pub(super) fn sent(&self) -> u64 {
        self.next
    }

    /// The number of the first that is kept.
    fn first(&self) -> u64 {
        self.next - self.kept.len() as u64
    }

    /// A message for all readers. What it pushes out is to be dropped after the lock.
    pub(super) fn push(&mut self, message: Arc<T>, readers: usize) -> Option<Arc<T>> {
        let full = self.kept.len() == self.capacity.get();
        let pushed_out = if full { self.kept.pop_front() } else { None };
        self.kept.push_back(Slot {
            message,
            left: readers,
        });
        self.next += 1;
        pushed_out.map(|slot| slot.message)
    }

    /// A reader goes away. What is left for nobody is to be dropped after the lock.
    pub(super) fn forget(&mut self, seen: u64) -> Vec<Arc<T>> {
        #[cfg(loom)]
        if control::is_planted(Mistake::StayCounted) {
            return Vec::new();
        }
        let from = seen.saturating_sub(self.first()) as usize;
        for slot in self.kept.range_mut(from..) {
            slot.left -= 1;
        }
        let unheard = self.kept.iter().take_while(|slot| slot.left == 0).count();
        let unheard = self.kept.drain(..unheard);
        unheard.map(|slot| slot.message).collect()
    }
}

impl<T> Rule for Ring<T> {
    type News = Heard<T>;

    fn end(&self) -> u64 {
        self.next
    }

    fn read(&mut self, seen: &mut u64) -> Option<Heard<T>> {
        if *seen == self.next {
            return None;
        }
        #[cfg(loom)]
        if control::is_planted(Mistake::JumpToLatest) {
            *seen = self.next - 1;
        }
        let first = self.first();
        if *seen < first {
            let missed = first - *seen;
            *seen = first;
            #[cfg(loom)]
            if control::is_planted(Mistake::LagInSilence) {
                return self.read(seen);
            }
            return Some(Heard::Lagged(missed));
        }
        let at = (*seen - first) as usize;
        *seen += 1;
        self.kept[at].left -= 1;
        let message = match self.kept[at].left {
            0 => self.kept.pop_front()?.message,
            _ => self.kept[at].message.clone(),
        };
        Some(Heard::Message(message))
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Send,
        Subscribe,
        Read(usize),
        Leave(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Send),
            1 => Just(Step::Subscribe),
            4 => any::<usize>().prop_map(Step::Read),
            1 => any::<usize>().prop_map(Step::Leave),
        ]
    }

    /// A reader that keeps all it was sent, and throws away what is too old.
    struct Naive {
        seen: u64,
        from: u64,
    }

    proptest! {
        /// The naive model: every message ever sent, in a list. A reader reads the list from where
        /// it subscribed; what lies more than `capacity` before the end is gone.
        #[test]
        fn every_reader_finds_every_message_or_its_exact_lag(
            capacity in 1_usize..5,
            steps in prop::collection::vec(step(), 1..200),
        ) {
            let mut ring = Ring::new(NonZeroUsize::new(capacity).unwrap());
            let mut readers: Vec<Naive> = Vec::new();
            let mut sent: u64 = 0;
            for step in steps {
                match step {
                    Step::Send if !readers.is_empty() => {
                        let _ = ring.push(Arc::new(sent), readers.len());
                        sent += 1;
                    }
                    Step::Send => {}
                    Step::Subscribe => readers.push(Naive { seen: ring.end(), from: sent }),
                    Step::Read(at) if !readers.is_empty() => {
                        let at = at % readers.len();
                        let Naive { seen, from } = &mut readers[at];
                        let oldest = sent.saturating_sub(capacity as u64);
                        let expected = if *from == sent {
                            None
                        } else if *from < oldest {
                            let missed = oldest - *from;
                            *from = oldest;
                            Some(Heard::Lagged(missed))
                        } else {
                            *from += 1;
                            Some(Heard::Message(Arc::new(*from - 1)))
                        };
                        prop_assert_eq!(ring.read(seen), expected);
                    }
                    Step::Leave(at) if !readers.is_empty() => {
                        let reader = readers.swap_remove(at % readers.len());
                        let _ = ring.forget(reader.seen);
                    }
                    Step::Read(_) | Step::Leave(_) => {}
                }
                // Kept is what somebody has still to receive, and no more than the capacity.
                let slowest = readers.iter().map(|reader| reader.from).min().unwrap_or(sent);
                let needed = (sent - slowest).min(capacity as u64);
                prop_assert_eq!(ring.len() as u64, needed);
                prop_assert!(ring.kept.iter().all(|slot| slot.left > 0));
                prop_assert!(ring.kept.iter().is_sorted_by_key(|slot| slot.left));
            }
        }
    }

    #[test]
    fn the_last_reader_of_a_message_has_it_for_itself() {
        let mut ring = Ring::new(NonZeroUsize::MIN);
        let _ = ring.push(Arc::new("only"), 2);
        let (mut a, mut b) = (0, 0);
        let shared = ring.read(&mut a).and_then(Heard::message).unwrap();
        assert_eq!(Arc::strong_count(&shared), 2);
        drop(shared);
        let last = ring.read(&mut b).and_then(Heard::message).unwrap();
        assert_eq!(Arc::try_unwrap(last), Ok("only"));
    }
}
