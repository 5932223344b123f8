//! What happens to a key that is asked for, and to those that nobody asks for any more.

use super::{
    KeyedRateLimiter,
    shard::{LOOKS, Moment, Search, Shard},
    table::Tag,
};
use crate::{
    error::ExceedsBurst,
    meter::NEVER,
    sync::{MutexGuard, lock, try_lock},
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

/// What is asked for, and where to look for it.
struct Request<'a, Q: ?Sized> {
    key: &'a Q,
    home: usize,
    tag: Tag,
    cost: u64,
    tick: u64,
}

impl<Q: ?Sized> Clone for Request<'_, Q> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q: ?Sized> Copy for Request<'_, Q> {}

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

    /// One more key, if there may be one.
    fn reserve(&self) -> bool {
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
        let burst = self.meter.burst();
        if permits > burst {
            let requested = permits;
            return Err(Refused::Exceeds(ExceedsBurst { requested, burst }));
        }
        let cost = self.meter.cost(permits);
        if cost == 0 {
            // None at all, or no limit.
            return Ok(());
        }
        let (home, tag) = self.place(key);
        let request = Request {
            key,
            home,
            tag,
            cost,
            // Before the lock; it may be some time until that is had.
            tick: self.time.ticks(),
        };
        let mut shard = lock(&self.shards[home]);
        let is_turn = shard.is_turn();
        let done = match shard.table.find(tag, key) {
            Some(slot) => {
                let done = self.take_known(request, shard.table.word_mut(slot));
                drop(shard);
                done
            }
            None => self.take_new(request, shard),
        };
        if is_turn {
            self.sweep(request.tick);
        }
        done
    }

    fn take_known<Q: ?Sized>(
        &self,
        request: Request<'_, Q>,
        mark: &mut u64,
    ) -> Result<(), Refused> {
        let Request { cost, tick, .. } = request;
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

    /// Adds the key, with what it takes already taken from a full bucket.
    fn take_new<'a, Q>(
        &'a self,
        request: Request<'_, Q>,
        mut shard: MutexGuard<'a, Shard<K>>,
    ) -> Result<(), Refused>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let Request {
            key,
            home,
            tag,
            cost,
            tick,
        } = request;
        let moment = Moment::new(&self.meter, tick);
        let Some(mark) = self.meter.take(moment.now, 0, cost) else {
            return Err(Refused::Later(NEVER));
        };
        let mut least = NEVER;
        for _ in 0..TRIES {
            // Before anything is changed: a clone may panic.
            let owned = key.to_owned();
            if shard.has_room() && self.reserve() {
                shard.table.insert(tag, owned, mark);
                return Ok(());
            }
            // It takes over the place of one of its own shard.
            match shard.evict(moment.full, |key| self.tag(key)) {
                Search::Forgot(gone) => {
                    shard.table.insert(tag, owned, mark);
                    drop(shard);
                    drop(gone);
                    return Ok(());
                }
                Search::Looked(looks, mark) => {
                    least = least.min(mark);
                    let is_full = !shard.has_room();
                    drop(shard);
                    if is_full || !self.make_room(home, looks, moment, &mut least) {
                        break;
                    }
                }
            }
            // Somebody else may have come in between, with this key or for this room.
            shard = lock(&self.shards[home]);
            if let Some(slot) = shard.table.find(tag, key) {
                return self.take_known(request, shard.table.word_mut(slot));
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

    pub(super) fn place<Q: Hash + ?Sized>(&self, key: &Q) -> (usize, Tag) {
        let hash = self.hasher.hash_one(key);
        let home = ((hash >> 32) * self.shards.len() as u64) >> 32;
        (home as usize, Tag::of(hash))
    }

    pub(super) fn tag(&self, key: &K) -> Tag {
        Tag::of(self.hasher.hash_one(key))
    }
}
