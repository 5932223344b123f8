//! The hash of a key, unless another one is wished for.

use std::{
    fmt,
    hash::{BuildHasher, Hasher},
};

/// Hashes keys fast, and with a seed of its own for each limiter.
///
/// It is foldhash's quality variant. Whoever chooses the keys does not know the seed, and so cannot
/// choose keys that meet in one table. It is no cryptographic hash, so somebody who could watch a
/// limiter closely for long enough might learn something about the seed; what that would gain is
/// bounded, since a table has at most 4,095 keys and a search in it ends after a few microseconds at
/// worst. For those who want to be sure of that, too, there is
/// [`with_hasher`](crate::KeyedRateLimiter::with_hasher) and std's `RandomState`, some 10 to 20 ns
/// slower.
#[derive(Clone, Default)]
pub struct SeededState(foldhash::quality::RandomState);

impl BuildHasher for SeededState {
    type Hasher = SeededHasher;

    #[inline]
    fn build_hasher(&self) -> SeededHasher {
        SeededHasher(self.0.build_hasher())
    }
}

impl fmt::Debug for SeededState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeededState")
    }
}

/// Hashes one key. Made by [`SeededState`].
#[derive(Clone)]
pub struct SeededHasher(foldhash::quality::FoldHasher<'static>);

/// What comes is passed on as it came: whole numbers are hashed faster than their bytes.
macro_rules! pass_on {
    ($($write:ident($number:ty)),*) => { $(
        #[inline]
        fn $write(&mut self, number: $number) {
            self.0.$write(number);
        }
    )* };
}

impl Hasher for SeededHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    pass_on! {
        write_u8(u8), write_u16(u16), write_u32(u32), write_u64(u64), write_u128(u128),
        write_usize(usize)
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

impl fmt::Debug for SeededHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeededHasher")
    }
}
