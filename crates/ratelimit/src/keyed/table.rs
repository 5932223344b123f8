//! The keys of one shard, and a word for each.
//!
//! Entries lie densely in the order in which they came, a key and its word each; an index of four
//! bytes per cell finds them:
//!
//! ```text
//!   index    ·  [tag|slot]  [tag|slot]  ·  ·  [tag|slot]  ·       ascending; linear probing
//!                    │           └──────┐           │
//!   entries  [key, word]  [key, word]  [key, word]              dense: 16 bytes for a u64
//! ```
//!
//! A cell holds 20 bits of the hash, the *tag*, and 12 bits that say where the entry is. Cells are
//! sorted (an ordered hash table, O. Amble and D. E. Knuth, 1974): an entry's home is its tag scaled
//! to the size of the index, which keeps the order, and a newcomer pushes those behind it one cell
//! on. Three things follow:
//!
//! 1. A search ends at the first cell that is larger, empty ones included, so a key that is not
//!    there costs no more cells than one that is, and with all likelihood no look at a key.
//! 2. The index is rebuilt from itself, in one pass, without hashing a key again.
//! 3. Any size will do. Tables grow by half, not twofold, and the index stays four fifths full.
//!
//! With a table of at most 4,095 entries, growing is a copy of some 20 to 100 kilobytes: that, and
//! no more, is the longest a caller can be held up.

use std::{borrow::Borrow, mem};

const SLOT_BITS: u32 = 12;
const TAG_BITS: u32 = 32 - SLOT_BITS;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;

/// Larger than any cell that is taken: slots end before the last one.
const EMPTY: u32 = u32::MAX;

/// The most entries of a table.
pub(super) const MOST: usize = SLOT_MASK as usize;

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Table<K> {
    /// Longer than `size` while the cells of the last homes have been pushed over its end.
    index: Vec<u32>,
    entries: Vec<(K, u64)>,
    /// Homes, four fifths of which may be taken; zero at first.
    size: u32,
}

/// The part of a hash that a table goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(u32);

impl Tag {
    pub(super) fn of(hash: u64) -> Self {
        Self(hash as u32 >> SLOT_BITS)
    }

    fn cell(self, slot: usize) -> u32 {
        self.0 << SLOT_BITS | slot as u32
    }
}

impl<K> Table<K> {
    pub(super) const fn new() -> Self {
        Self {
            index: Vec::new(),
            entries: Vec::new(),
            size: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where the entry of `key` is, until one is removed.
    pub(super) fn find<Q: Eq + ?Sized>(&self, tag: Tag, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        let mut at = self.first_from(tag.cell(0));
        while let Some(&cell) = self.index.get(at)
            && cell >> SLOT_BITS == tag.0
        {
            // There is none only if the cell is empty, and the tag all ones.
            let (other, _) = self.entries.get((cell & SLOT_MASK) as usize)?;
            if other.borrow() == key {
                return Some((cell & SLOT_MASK) as usize);
            }
            at += 1;
        }
        None
    }

    pub(super) fn get(&self, slot: usize) -> &(K, u64) {
        &self.entries[slot]
    }

    pub(super) fn word_mut(&mut self, slot: usize) -> &mut u64 {
        &mut self.entries[slot].1
    }

    /// Adds a key that is not there. There must be fewer than [`MOST`].
    pub(super) fn insert(&mut self, tag: Tag, key: K, word: u64) {
        let slot = self.entries.len();
        debug_assert!(slot < MOST);
        if slot >= self.room() {
            self.resize((slot + slot / 2).clamp(8, MOST));
        }
        self.entries.push((key, word));
        self.link(tag.cell(slot));
    }

    /// Removes an entry; the last one takes its slot. `tag` says what the tag of a key is.
    pub(super) fn remove(&mut self, slot: usize, tag: impl Fn(&K) -> Tag) -> K {
        let last = self.entries.len() - 1;
        let cell = tag(&self.entries[slot].0).cell(slot);
        if slot != last {
            // Before this one's cell is gone: cells of one tag are sorted by slot, so the moved one
            // has to change its place among them.
            let moved = tag(&self.entries[last].0);
            self.unlink(moved.cell(last));
            self.unlink(cell);
            self.link(moved.cell(slot));
        } else {
            self.unlink(cell);
        }
        let (key, _) = self.entries.swap_remove(slot);
        if self.entries.len() < self.room() / 4 && self.room() > 8 {
            self.resize((self.entries.len() * 2).max(8));
        }
        key
    }

    /// Gives back what memory it can.
    pub(super) fn shrink_to_fit(&mut self) {
        self.resize(self.entries.len());
    }

    /// Entries for which there is room.
    fn room(&self) -> usize {
        self.size as usize * 4 / 5
    }

    fn home(&self, cell: u32) -> usize {
        let tag = u64::from(cell >> SLOT_BITS);
        ((tag * u64::from(self.size)) >> TAG_BITS) as usize
    }

    /// The place of the first cell that is not less than `cell`, from its home on.
    ///
    /// Eight at a time, and counted rather than searched: how far a cell is from its home cannot be
    /// foretold, and each wrong guess of the processor's would be paid with the memory's latency.
    fn first_from(&self, cell: u32) -> usize {
        let mut at = self.home(cell);
        while let Some(cells) = self.index[at..].first_chunk::<8>() {
            let less: u32 = cells.iter().map(|&other| u32::from(other < cell)).sum();
            at += less as usize;
            if less < 8 {
                return at;
            }
        }
        while self.index.get(at).is_some_and(|&other| other < cell) {
            at += 1;
        }
        at
    }

    fn link(&mut self, mut cell: u32) {
        let mut at = self.first_from(cell);
        // Everybody from here on moves, up to the next empty cell.
        while let Some(other) = self.index.get_mut(at) {
            cell = mem::replace(other, cell);
            if cell == EMPTY {
                return;
            }
            at += 1;
        }
        self.index.push(cell);
    }

    fn unlink(&mut self, cell: u32) {
        let mut at = self.first_from(cell);
        debug_assert_eq!(self.index[at], cell);
        // Those behind it move up, unless they are at home.
        while let Some(&next) = self.index.get(at + 1)
            && next != EMPTY
            && self.home(next) <= at
        {
            self.index[at] = next;
            at += 1;
        }
        self.index[at] = EMPTY;
    }

    fn resize(&mut self, room: usize) {
        let spare = room.saturating_sub(self.entries.len());
        if self.entries.capacity() > room {
            self.entries.shrink_to(room);
        } else {
            self.entries.reserve_exact(spare);
        }
        self.size = (room * 5).div_ceil(4) as u32;
        let old = mem::replace(&mut self.index, vec![EMPTY; self.size as usize]);
        let mut free = 0;
        for cell in old.into_iter().filter(|&cell| cell != EMPTY) {
            let at = self.home(cell).max(free);
            match self.index.get_mut(at) {
                Some(empty) => *empty = cell,
                None => self.index.push(cell),
            }
            free = at + 1;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    impl<K> Table<K> {
        /// The head of the file, as far as it can be seen.
        fn check(&self, tag: impl Fn(&K) -> Tag) {
            let taken = || self.index.iter().filter(|&&cell| cell != EMPTY);
            assert!(taken().is_sorted());
            assert_eq!(taken().count(), self.len());
            assert!(self.len() <= self.room() && self.room() <= self.len().max(2) * 4 + 8);
            for (at, &cell) in self.index.iter().enumerate() {
                if cell != EMPTY {
                    let home = self.home(cell);
                    assert!((home..at).all(|before| self.index[before] != EMPTY));
                    let (key, _) = self.get((cell & SLOT_MASK) as usize);
                    assert_eq!(tag(key).0, cell >> SLOT_BITS);
                }
            }
        }
    }

    /// Spreads over all bits, as a good hash does.
    fn spread(key: &u64) -> Tag {
        Tag::of(key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20)
    }

    /// Every key's tag the same, or one of two at the ends.
    fn poor(key: &u64) -> Tag {
        Tag::of(if key.is_multiple_of(3) { 0 } else { u64::MAX })
    }

    #[test]
    fn a_full_table_finds_each_of_its_keys_and_no_other() {
        let mut table = Table::new();
        for key in 0..MOST as u64 {
            assert_eq!(table.find(spread(&key), &key), None);
            table.insert(spread(&key), key, key * 2);
        }
        table.check(spread);
        for key in 0..MOST as u64 {
            let slot = table.find(spread(&key), &key).unwrap();
            assert_eq!(*table.get(slot), (key, key * 2));
        }
        for key in MOST as u64..20_000 {
            assert_eq!(table.find(spread(&key), &key), None);
        }
    }

    #[test]
    fn its_memory_is_near_what_is_in_it() {
        let mut table = Table::new();
        for key in 0..MOST as u64 {
            table.insert(spread(&key), key, 0);
            let bytes = table.entries.capacity() * 16 + table.index.capacity() * 4;
            let most = 34 * table.len() + 34 * 8;
            assert!(bytes <= most, "{bytes} for {} keys", table.len());
        }
        while table.len() > 0 {
            table.remove(table.len() / 2, spread);
            let bytes = table.entries.capacity() * 16 + table.index.capacity() * 4;
            assert!(bytes <= 4 * 34 * table.len() + 34 * 8);
        }
        table.shrink_to_fit();
        assert_eq!(table.entries.capacity() + table.index.capacity(), 0);
    }

    proptest! {
        #[test]
        fn agrees_with_a_hash_map_however_poor_the_hash_is(
            is_poor: bool,
            steps in prop::collection::vec((0_u64..100, 0_u8..8), 1..300),
        ) {
            let tag = if is_poor { poor } else { spread };
            let (mut table, mut naive) = (Table::new(), HashMap::new());
            for (step, (key, act)) in (0..).zip(steps) {
                let slot = table.find(tag(&key), &key);
                prop_assert_eq!(slot.map(|slot| table.get(slot).1), naive.get(&key).copied());
                match (slot, act) {
                    (Some(slot), 0..3) => {
                        prop_assert_eq!(table.remove(slot, tag), key);
                        naive.remove(&key);
                    }
                    (Some(slot), _) => {
                        *table.word_mut(slot) = step;
                        naive.insert(key, step);
                    }
                    (None, _) => {
                        table.insert(tag(&key), key, step);
                        naive.insert(key, step);
                    }
                }
                if act == 7 {
                    table.shrink_to_fit();
                }
                table.check(tag);
            }
            let mut all: Vec<_> = table.entries.clone();
            all.sort_unstable();
            let mut naive: Vec<_> = naive.into_iter().collect();
            naive.sort_unstable();
            prop_assert_eq!(all, naive);
        }
    }
}
