//! One shard: a table under a lock, and who may leave it.
//!
//! The word of a key is its mark, as the meter has it. **A key that is not there is one whose bucket
//! is full**: a mark of zero and any mark that lies a whole capacity behind the time mean the same to
//! the meter, for it pulls up both. So to forget a key whose bucket is full changes nothing for
//! anybody, and is all the rule there is; keys are kept a while longer only to save the work of
//! forgetting those that come back soon.

use super::{
    own::{OWN, Own, Owns},
    table::{MOST, Table, Tag},
};
use crate::meter::{Meter, NEVER};

/// Keys that one call looks at, at most, when it is to forget some.
pub(super) const LOOKS: usize = 32;

/// One call of so many looks for idle keys.
const CALLS_PER_SWEEP: u32 = 16;

/// A moment, as the meter of all keys sees it.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// In units, with the capacity.
    pub(super) now: u64,
    /// Marks up to here are those of full buckets.
    pub(super) full: u64,
}

impl Moment {
    pub(super) fn new(meter: &Meter, tick: u64) -> Self {
        let now = meter.now(tick);
        Self {
            now,
            full: now - meter.capacity,
        }
    }
}

/// What a search for somebody to forget came to.
pub(super) enum Search<K> {
    /// This one is forgotten.
    Forgot(K),
    /// None of so many; of those the smallest mark.
    Looked(usize, u64),
}

pub(super) struct Shard<K> {
    pub(super) table: Table<K>,
    /// Where the next search for somebody to forget begins.
    hand: u32,
    calls: u32,
    /// `None`: no key has anything of its own.
    owns: Option<Box<Owns>>,
}

impl<K> Shard<K> {
    pub(super) const fn new() -> Self {
        Self {
            table: Table::new(),
            hand: 0,
            calls: 0,
            owns: None,
        }
    }

    /// Counts a call. Whether it is this one's turn to look for idle keys.
    pub(super) fn is_turn(&mut self) -> bool {
        self.calls = self.calls.wrapping_add(1);
        self.calls.is_multiple_of(CALLS_PER_SWEEP)
    }

    pub(super) fn has_room(&self) -> bool {
        self.table.len() < MOST
    }

    /// What the key there has of its own, from now on.
    pub(super) fn make_own(&mut self, slot: usize) -> &mut Own {
        let word = self.table.word_mut(slot);
        let owns = self.owns.get_or_insert_default();
        if *word & OWN == 0 {
            let mark = *word;
            *word = owns.add(Own {
                mark,
                ..Own::default()
            });
        }
        owns.get_mut(*word)
    }

    /// What the key there has of its own, if it has.
    pub(super) fn own(&mut self, slot: usize) -> Option<&mut Own> {
        let word = self.table.get(slot).1;
        if word & OWN == 0 {
            return None;
        }
        Some(self.owns.as_mut()?.get_mut(word))
    }

    /// If it has nothing left of its own, the key there is one like all others again.
    pub(super) fn settle(&mut self, slot: usize) {
        let word = self.table.word_mut(slot);
        let Some(owns) = self.owns.as_mut().filter(|_| *word & OWN != 0) else {
            return;
        };
        let own = owns.get_mut(*word);
        if own.waiters.as_ref().is_some_and(|line| line.is_empty()) {
            own.waiters = None;
        }
        if own.plan.is_none() && own.waiters.is_none() {
            let mark = own.mark;
            owns.remove(*word);
            *word = mark;
        }
    }

    /// Looks at a few keys, each time at others, and forgets the first whose bucket is full.
    pub(super) fn evict(&mut self, full: u64, tag: impl Fn(&K) -> Tag) -> Search<K> {
        let looks = self.table.len().min(LOOKS);
        let mut least = NEVER;
        for _ in 0..looks {
            let slot = match self.hand as usize {
                slot if slot < self.table.len() => slot,
                _ => 0,
            };
            let mark = self.table.get(slot).1;
            if mark <= full {
                return Search::Forgot(self.table.remove(slot, tag));
            }
            least = least.min(mark);
            self.hand = slot as u32 + 1;
        }
        Search::Looked(looks, least)
    }

    /// Looks at a few keys from `slot` on, and forgets those whose bucket was full at `long_full`
    /// already. Where to go on; `None` at the end.
    pub(super) fn sweep(
        &mut self,
        mut slot: usize,
        long_full: u64,
        tag: impl Fn(&K) -> Tag,
        mut forgotten: impl FnMut(K),
    ) -> Option<usize> {
        for _ in 0..LOOKS {
            if slot >= self.table.len() {
                return None;
            }
            if self.table.get(slot).1 <= long_full {
                // The last one takes its slot, and is the next to be looked at.
                forgotten(self.table.remove(slot, &tag));
            } else {
                slot += 1;
            }
        }
        Some(slot)
    }

    /// Copies of those of the [`LOOKS`] entries before slot `end` that have nothing of their own, and
    /// where those begin.
    pub(super) fn batch(&self, end: usize) -> (Vec<(K, u64)>, usize)
    where
        K: Clone,
    {
        let end = end.min(self.table.len());
        let from = end.saturating_sub(LOOKS);
        let batch = (from..end).map(|slot| self.table.get(slot));
        let is_common = |entry: &&(K, u64)| entry.1 & OWN == 0;
        (batch.filter(is_common).cloned().collect(), from)
    }

    /// Removes a key unless it has been used since its mark was that.
    pub(super) fn remove_if(&mut self, key: &K, mark: u64, tag: impl Fn(&K) -> Tag) -> Option<K>
    where
        K: Eq,
    {
        let slot = self.table.find(tag(key), key)?;
        (self.table.get(slot).1 == mark).then(|| self.table.remove(slot, tag))
    }
}
