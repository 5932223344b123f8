//! Keys that leave because somebody says so.

use super::{KeyedRateLimiter, take::At};
use crate::sync::lock;
use anabranch_core_cancel::Wakes;
use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hash},
    sync::atomic::Ordering::Relaxed,
};

impl<K: Hash + Eq, S: BuildHasher> KeyedRateLimiter<K, S> {
    /// Forgets a key: from now on it has a full bucket. Whether it was kept.
    ///
    /// One with a [quota of its own](Self::set_quota), or for which somebody waits, stays, with a full
    /// bucket.
    pub fn forget<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let At { home, tag } = self.place(key);
        let (mut gone, mut wakes) = (None, Wakes::new());
        let mut shard = lock(&self.shards[home]);
        let Some(slot) = shard.table.find(tag, key) else {
            return false;
        };
        if let Some(own) = shard.own(slot) {
            own.fill(&self.meter, self.time.ticks(), &mut wakes);
        } else {
            gone = Some(shard.table.remove(slot, |key| self.tag(key)));
            self.count.fetch_sub(1, Relaxed);
        }
        drop(shard);
        drop(gone);
        true
    }

    /// Forgets the keys for which `keep` says no: from now on they have full buckets, with all the
    /// permits that gives them.
    ///
    /// `keep` is told how many permits the key has. It is called without a lock, for some keys
    /// perhaps more than once; a key that is used meanwhile stays. It is not asked about keys with a
    /// [quota of their own](Self::set_quota) or for which somebody waits.
    ///
    /// # Cost
    /// A clone of each key; locks are held for a few dozen keys at a time.
    pub fn retain(&self, mut keep: impl FnMut(&K, u64) -> bool)
    where
        K: Clone,
    {
        for shard in &self.shards {
            let mut end = usize::MAX;
            while end > 0 {
                let (batch, from) = lock(shard).batch(end);
                let now = self.now();
                let is_out = |(key, mark): &(K, u64)| !keep(key, self.meter.available(now, *mark));
                let out: Vec<_> = batch.into_iter().filter(is_out).collect();
                let mut gone = Vec::with_capacity(out.len());
                let mut locked = lock(shard);
                for (key, mark) in &out {
                    gone.extend(locked.remove_if(key, *mark, |key| self.tag(key)));
                }
                self.count.fetch_sub(gone.len(), Relaxed);
                drop(locked);
                end = from;
            }
        }
    }

    /// Forgets all idle keys now, and gives back what memory it can. Each lock is held for as long
    /// as that takes in its shard.
    pub fn shrink(&self) {
        for shard in &self.shards {
            let mut gone = Vec::new();
            let mut locked = lock(shard);
            let mut slot = Some(0);
            let long_full = self.long_full(self.time.ticks());
            while let Some(from) = slot {
                slot = locked.sweep(from, long_full, |key| self.tag(key), |key| gone.push(key));
            }
            locked.table.shrink_to_fit();
            self.count.fetch_sub(gone.len(), Relaxed);
            drop(locked);
        }
    }
}
