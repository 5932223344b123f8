//! Random tests that can be repeated.

use std::{
    env,
    hash::{BuildHasher, RandomState},
};

/// A seed that is printed, so that a failure can be repeated with `ANABRANCH_SEED=..`.
///
/// # Panics
/// When `ANABRANCH_SEED` is set and no number.
pub fn seed() -> u64 {
    let seed = match env::var("ANABRANCH_SEED") {
        Ok(seed) => seed.parse().expect("ANABRANCH_SEED is a number"),
        Err(_) => RandomState::new().hash_one(0),
    };
    println!("ANABRANCH_SEED={seed}");
    seed
}

/// A cheap sequence from a seed (Vigna's splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % sides
    }
}
