//! How a waiter learns that it was served without taking the line's lock.
//!
//! Everybody in line has a place, a small number that is given out again as soon as its holder is
//! served or leaves, and a *turn*, a number that is never given out again. For each place there is
//! a word here with the latest turn that was served in it: whoever has that place with a turn no
//! later than that one has been served.
//!
//! The first few words are at hand. The others lie in chunks that double in size and are made when
//! a line first grows that long, so that they never move and are found without a lock.
//!
//! ORDERING: a turn is stored with Release, after the permits were taken for it with Acquire, and
//! read with Acquire: so the waiter sees what the holders before it did. All stores are made under
//! the line's lock, so they have an order, and the turns in one place only grow.

#[cfg(loom)]
use crate::control::{Mistake, is_planted};
use crate::sync::AtomicU64;
#[cfg(loom)]
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{
    OnceLock,
    atomic::Ordering::{Acquire, Release},
};

/// Words that are at hand, and in the first chunk.
const FIRST: usize = 8;
/// Enough for as many places as a line can have.
const CHUNKS: usize = 30;

type Chunk = OnceLock<Box<[AtomicU64]>>;

/// See the head of the file.
pub(crate) struct Grants {
    first: [AtomicU64; FIRST],
    /// Allocated when more wait.
    chunks: OnceLock<Box<[Chunk; CHUNKS]>>,
}

impl Grants {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self {
            first: [const { AtomicU64::new(0) }; FIRST],
            chunks: OnceLock::new(),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            first: std::array::from_fn(|_| AtomicU64::new(0)),
            chunks: OnceLock::new(),
        }
    }

    /// Makes room for this place, and says for how many there is room then.
    #[cold]
    pub(crate) fn reserve(&self, place: usize) -> usize {
        self.word(place);
        if place < FIRST {
            return FIRST;
        }
        let (chunk, _) = locate(place);
        FIRST * (2 << chunk)
    }

    /// Says that `turn` was served in this place.
    #[inline]
    pub(crate) fn serve(&self, place: usize, turn: u64) {
        #[cfg(loom)]
        if is_planted(Mistake::RelaxedGrant) {
            self.word(place).store(turn, Relaxed);
            return;
        }
        self.word(place).store(turn, Release);
    }

    /// Whether `turn` was served in this place.
    #[inline]
    pub(crate) fn is_served(&self, place: usize, turn: u64) -> bool {
        self.word(place).load(Acquire) >= turn
    }

    #[inline]
    fn word(&self, place: usize) -> &AtomicU64 {
        match self.first.get(place) {
            Some(word) => word,
            None => self.word_in_chunk(place),
        }
    }

    fn word_in_chunk(&self, place: usize) -> &AtomicU64 {
        let (chunk, at) = locate(place);
        let chunks = self
            .chunks
            .get_or_init(|| Box::new([const { Chunk::new() }; CHUNKS]));
        let words = chunks[chunk].get_or_init(|| {
            let words = (0..FIRST << chunk).map(|_| AtomicU64::new(0));
            words.collect()
        });
        &words[at]
    }
}

/// The chunk that has this place, which is not one of the first, and where in it.
fn locate(place: usize) -> (usize, usize) {
    let chunk = (place / FIRST).ilog2() as usize;
    (chunk, place - (FIRST << chunk))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_a_word_of_its_own() {
        let mut expected = (0..4).flat_map(|chunk| (0..FIRST << chunk).map(move |at| (chunk, at)));
        for place in FIRST..FIRST * 16 {
            assert_eq!(Some(locate(place)), expected.next());
        }
        let (chunk, at) = locate(u32::MAX as usize);
        assert!(chunk < CHUNKS && at < FIRST << chunk);
    }

    #[test]
    fn a_turn_is_served_with_its_place_or_a_later_one_in_it() {
        let grants = Grants::new();
        for place in [0, 7, 8, 15, 16, 1_000] {
            let room = grants.reserve(place);
            assert!(room > place && grants.reserve(room - 1) == room);
            assert!(!grants.is_served(place, 1));
            grants.serve(place, 2);
            let served = [1, 2, 3].map(|turn| grants.is_served(place, turn));
            assert_eq!(served, [true, true, false]);
        }
        assert!(!grants.is_served(1, 1));
    }
}
