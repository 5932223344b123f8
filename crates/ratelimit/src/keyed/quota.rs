//! Quotas of single keys.

use super::{
    KeyedRateLimiter, NoRoom,
    take::{At, Refused},
};
use crate::{rate::Rate, sync::lock};
use anabranch_core_cancel::Wakes;
use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hash},
};

impl<K: Hash + Eq, S: BuildHasher> KeyedRateLimiter<K, S> {
    /// From now on the key has a rate and a burst of its own; may be called again.
    ///
    /// What is in its bucket stays in it, up to the new burst; a full bucket, and so one of a key that
    /// is new, stays full. Those who wait for the key are due when the new rate says so; who wants more
    /// than the new burst is refused when its turn comes.
    ///
    /// The key is kept until [`remove_quota`](Self::remove_quota) and counts as one of
    /// [`max_keys`](Self::max_keys), idle or not: leave room for them. Keys with the same rate share
    /// its arithmetic, so each costs some 40 bytes more.
    ///
    /// # Errors
    /// [`NoRoom`] if the key is new and there is no room for another one.
    ///
    /// ```
    /// use anabranch_ratelimit::{KeyedRateLimiter, Rate};
    ///
    /// let per_user = KeyedRateLimiter::<String>::new(Rate::per_minute(10));
    /// per_user.set_quota("ann", Rate::per_second(100).burst(50))?;
    /// assert!(per_user.allow_n("ann", 50) && !per_user.allow_n("bob", 50));
    /// # Ok::<(), anabranch_ratelimit::NoRoom>(())
    /// ```
    pub fn set_quota<Q>(&self, key: &Q, rate: Rate) -> Result<(), NoRoom>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let plan = self.plans.get(rate, self.time.scale());
        let at = self.place(key);
        // Dropped, and woken, after the lock.
        let (mut gone, mut wakes) = (None, Wakes::new());
        let mut shard = lock(&self.shards[at.home]);
        let slot = match shard.table.find(at.tag, key) {
            Some(slot) => slot,
            None => match self.add(shard, at, key, self.time.ticks(), &mut gone) {
                Ok((added, slot)) => {
                    shard = added;
                    slot
                }
                Err(Refused::NoRoom(tick)) => return Err(self.no_room(tick)),
                Err(Refused::Later(_) | Refused::Exceeds(_)) => {
                    unreachable!("nothing was asked for")
                }
            },
        };
        let tick = self.time.ticks();
        let own = shard.make_own(slot);
        own.set_plan(Some(plan), &self.meter, tick, &mut wakes);
        drop(shard);
        drop(gone);
        Ok(())
    }

    /// From now on the key has the rate of all others again. Whether it had a quota of its own.
    ///
    /// What is in its bucket stays in it, up to the burst; a full one stays full.
    pub fn remove_quota<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let At { home, tag } = self.place(key);
        let mut wakes = Wakes::new();
        let mut shard = lock(&self.shards[home]);
        let Some(slot) = shard.table.find(tag, key) else {
            return false;
        };
        let tick = self.time.ticks();
        let Some(own) = shard.own(slot).filter(|own| own.plan.is_some()) else {
            return false;
        };
        own.set_plan(None, &self.meter, tick, &mut wakes);
        shard.settle(slot);
        true
    }

    /// The rate that holds for the key.
    pub fn quota<Q>(&self, key: &Q) -> Rate
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let At { home, tag } = self.place(key);
        let mut shard = lock(&self.shards[home]);
        let slot = shard.table.find(tag, key);
        let own = slot.and_then(|slot| shard.own(slot));
        let plan = own.and_then(|own| own.plan.as_ref());
        plan.map_or(self.rate, |plan| plan.rate)
    }
}
