//! What happens to a key that is asked for, and to those that nobody asks for any more.

use super::{
    KeyRefused, KeyedRateLimiter, NoRoom,
    own::{Bucket, OWN},
    shard::{LOOKS, Moment, Search, Shard},
    table::Tag,
};
#[cfg(loom)]
use crate::control;
use crate::{
    error::ExceedsBurst,
    meter::{Meter, NEVER},
    sync::{MutexGuard, lock, try_lock},
    waiters::Source,
};
use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hash},
    sync::atomic::Ordering::Relaxed,
};

/// How often a newcomer tries to get the room that somebody else has left.
const TRIES: usize = 4;

/// Why a key gets nothing.
pub(super) enum Refused {
    /// It has too little; at that tick it would have enough.
    Later(u64),
    Exceeds(ExceedsBurst),
    /// It is new; at that tick somebody can be forgotten.
    NoRoom(u64),
}

/// Where to look for a key.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) home: usize,
    pub(super) tag: Tag,
}

/// Where the search for idle keys goes on.
#[derive(Default)]
pub(super) struct Sweeper {
    shard: usize,
    slot: usize,
}

impl<K, S> KeyedRateLimiter<K, S> {
    /// The time, in units.
    pub(super) fn now(&self) -> u64 {
        self.meter.now(self.time.ticks())
    }

    /// Marks up to here are those of buckets that have been full for long enough.
    pub(super) fn long_full(&self, tick: u64) -> u64 {
        match tick.checked_sub(self.idle_ticks) {
            Some(then) => Moment::new(&self.meter, then).full,
            None => 0,
        }
    }

    pub(super) fn no_room(&self, tick: u64) -> NoRoom {
        NoRoom {
            max_keys: self.max_keys,
            retry_after: self.time.until(tick),
        }
    }

    /// Why somebody who would have waited gets nothing all the same.
    pub(super) fn refusal(&self, refused: Refused) -> KeyRefused {
        match refused {
            Refused::Exceeds(exceeds) => exceeds.into(),
            Refused::NoRoom(tick) => self.no_room(tick).into(),
            Refused::Later(_) => unreachable!("later is what one waits for"),
        }
    }

    /// One more key, if there may be one.
    fn reserve(&self) -> bool {
        #[cfg(loom)]
        if control::is_planted(control::Mistake::SplitCount) {
            let count = self.count.load(Relaxed);
            self.count.store(count + 1, Relaxed);
            return count < self.max_keys;
        }
        let one_more = |count| (count < self.max_keys).then_some(count + 1);
        // ORDERING: Relaxed, as all of `count`: it is compared with the limit and publishes nothing.
        self.count.fetch_update(Relaxed, Relaxed, one_more).is_ok()
    }
}

impl<K: Hash + Eq, S: BuildHasher> KeyedRateLimiter<K, S> {
    pub(super) fn take<Q>(&self, key: &Q, permits: u64) -> Result<(), Refused>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if permits == 0 {
            return Ok(());
        }
        let at = self.place(key);
        // Before the lock; it may be some time until that is had.
        let tick = self.time.ticks();
        // Dropped after the lock.
        let mut gone = None;
        let mut shard = lock(&self.shards[at.home]);
        let is_turn = shard.is_turn();
        let done = match shard.table.find(at.tag, key) {
            Some(slot) => {
                let done = self.take_known(&mut shard, slot, permits, tick);
                drop(shard);
                done
            }
            None if permits > self.meter.burst() => Err(exceeds(&self.meter, permits)),
            None if self.meter.is_unlimited() => Ok(()),
            None => self
                .add(shard, at, key, tick, &mut gone)
                .and_then(|(mut shard, slot)| self.take_known(&mut shard, slot, permits, tick)),
        };
        if is_turn {
            self.sweep(tick);
        }
        done
    }

    #[inline]
    pub(super) fn take_known(
        &self,
        shard: &mut Shard<K>,
        slot: usize,
        permits: u64,
        tick: u64,
    ) -> Result<(), Refused> {
        let mark = shard.table.word_mut(slot);
        if *mark & OWN != 0 || permits > self.meter.burst() {
            return self.take_unusual(shard, slot, permits);
        }
        let cost = self.meter.cost(permits);
        match self.meter.take(self.meter.now(tick), *mark, cost) {
            Some(next) => {
                *mark = next;
                Ok(())
            }
            None => self.take_late(cost, mark),
        }
    }

    /// What has flowed in since the clock was read counts, too.
    #[cold]
    fn take_late(&self, cost: u64, mark: &mut u64) -> Result<(), Refused> {
        let mut now = self.now();
        if now < *mark {
            // The clock went back.
            self.time.catch_up();
            now = self.now();
        }
        let next = self.meter.take(now, *mark, cost);
        let later = || Refused::Later(self.meter.when(mark.saturating_add(cost)));
        *mark = next.ok_or_else(later)?;
        Ok(())
    }

    /// A key with something of its own, or a request that is too large for all others.
    #[cold]
    fn take_unusual(&self, shard: &mut Shard<K>, slot: usize, permits: u64) -> Result<(), Refused> {
        let Some(own) = shard.own(slot) else {
            return Err(exceeds(&self.meter, permits));
        };
        let meter = *own.meter(&self.meter);
        if permits > meter.burst() {
            return Err(exceeds(&meter, permits));
        }
        let mut bucket = Bucket {
            meter: &meter,
            mark: &mut own.mark,
            time: &self.time,
        };
        let wanted = match &own.waiters {
            Some(waiters) if !waiters.is_empty() => waiters.and(permits),
            _ if bucket.take(permits, false) => return Ok(()),
            _ => permits,
        };
        let units = own.mark.saturating_add(meter.cost(wanted));
        Err(Refused::Later(meter.when(units)))
    }

    /// Adds a key that has just not been found, with a full bucket; or finds it, if somebody else was
    /// faster. A key that has to go for it is left in `gone`, to be dropped after the lock.
    pub(super) fn add<'a, Q>(
        &'a self,
        mut shard: MutexGuard<'a, Shard<K>>,
        at: At,
        key: &Q,
        tick: u64,
        gone: &mut Option<K>,
    ) -> Result<(MutexGuard<'a, Shard<K>>, usize), Refused>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let moment = Moment::new(&self.meter, tick);
        let mut least = NEVER;
        for _ in 0..TRIES {
            // Before anything is changed: a clone may panic.
            let owned = key.to_owned();
            let mut has_place = shard.has_room() && self.reserve();
            let mut looked = 0;
            if !has_place {
                // It takes over the place of one of its own shard.
                match shard.evict(moment.full, |key| self.tag(key)) {
                    Search::Forgot(key) => {
                        *gone = Some(key);
                        has_place = true;
                    }
                    Search::Looked(looks, mark) => (looked, least) = (looks, least.min(mark)),
                }
            }
            if has_place {
                shard.table.insert(at.tag, owned, moment.full);
                let slot = shard.table.len() - 1;
                return Ok((shard, slot));
            }
            let is_full = !shard.has_room();
            drop(shard);
            drop(owned);
            if is_full || !self.make_room(at.home, looked, moment, &mut least) {
                break;
            }
            // Somebody else may have come in between, with this key or for this room.
            shard = lock(&self.shards[at.home]);
            if let Some(slot) = shard.table.find(at.tag, key) {
                return Ok((shard, slot));
            }
        }
        Err(Refused::NoRoom(match least {
            NEVER => NEVER,
            least => self.meter.when(least.saturating_add(self.meter.capacity)),
        }))
    }

    /// Forgets a key of another shard whose bucket is full, if it finds one soon.
    #[cold]
    fn make_room(&self, home: usize, mut looked: usize, moment: Moment, least: &mut u64) -> bool {
        let others = (home + 1..self.shards.len()).chain(0..home);
        for shard in others.map(|other| &self.shards[other]) {
            if looked >= LOOKS {
                return false;
            }
            let mut shard = lock(shard);
            match shard.evict(moment.full, |key| self.tag(key)) {
                Search::Forgot(gone) => {
                    self.count.fetch_sub(1, Relaxed);
                    drop(shard);
                    drop(gone);
                    return true;
                }
                Search::Looked(looks, mark) => {
                    looked += looks;
                    *least = mark.min(*least);
                }
            }
        }
        false
    }

    /// Forgets some idle keys, if there can be any and nobody else is at it.
    fn sweep(&self, tick: u64) {
        // ORDERING: Relaxed, a hint: who misses it looks in vain, or the next one looks.
        if tick < self.sweeps_from.load(Relaxed) {
            return;
        }
        let Some(mut sweeper) = try_lock(&self.sweeper) else {
            return;
        };
        let mut gone = Vec::new();
        if let Some(mut shard) = try_lock(&self.shards[sweeper.shard]) {
            let long_full = self.long_full(tick);
            let tag = |key: &K| self.tag(key);
            let next = shard.sweep(sweeper.slot, long_full, tag, |key| gone.push(key));
            self.count.fetch_sub(gone.len(), Relaxed);
            sweeper.slot = next.unwrap_or(0);
            sweeper.shard += usize::from(next.is_none());
        }
        if sweeper.shard == self.shards.len() {
            // Once round: what is idle when the next round begins has been so for a quarter longer.
            sweeper.shard = 0;
            let rest = tick.saturating_add(self.idle_ticks / 4);
            self.sweeps_from.store(rest, Relaxed);
        }
        drop(sweeper);
    }

    #[inline]
    pub(super) fn place<Q: Hash + ?Sized>(&self, key: &Q) -> At {
        let hash = self.hasher.hash_one(key);
        let home = ((hash >> 32) * self.shards.len() as u64) >> 32;
        At {
            home: home as usize,
            tag: Tag::of(hash),
        }
    }

    pub(super) fn tag(&self, key: &K) -> Tag {
        Tag::of(self.hasher.hash_one(key))
    }
}

pub(super) fn exceeds(meter: &Meter, requested: u64) -> Refused {
    let burst = meter.burst();
    Refused::Exceeds(ExceedsBurst { requested, burst })
}
