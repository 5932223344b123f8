//! How a node ends: the mark, the way down, and what is done when all are marked.

use super::{
    CANCELLED, DRAINING, Node,
    slow::{Hook, Level},
};
use crate::{
    cancelled::Cancelled,
    list::Key,
    sync::{Arc, lock},
    timers::TimerKey,
    wakes::{Panics, Wakes},
};
use std::{collections::VecDeque, sync::atomic::Ordering::Release, task::Waker};

/// What is left to do when a node has been marked, with no lock held.
#[derive(Default)]
struct Aftermath {
    reached: VecDeque<Arc<Node>>,
    wakes: Wakes,
    hooks: Vec<Hook>,
    #[cfg(feature = "crossbeam")]
    done: Vec<crossbeam_channel::Sender<std::convert::Infallible>>,
}

impl Node {
    /// Cancels this node and all below. `false` if it was cancelled before, by itself or through
    /// an ancestor: then nothing changes.
    ///
    /// # Panics
    /// With the first panic of a waker or a hook, when all have been called.
    pub(crate) fn cancel(self: &Arc<Self>, why: &Cancelled) -> bool {
        self.reason().is_none() && self.end(why)
    }

    /// The node's own deadline passed.
    pub(crate) fn expire(self: &Arc<Self>) {
        // Looks at no clock above: an ancestor's deadline is later, so only one that is cancelled
        // already was first. (And a look from here would recurse, level by level.)
        if self.settle_from_above().is_none() {
            let grace = lock(&self.slow().lists).grace_at();
            self.end(&self.own_deadline_reason(grace));
        }
    }

    fn end(self: &Arc<Self>, why: &Cancelled) -> bool {
        let mut after = Aftermath::default();
        let first = self.mark(why, &mut after);
        while let Some(node) = after.reached.pop_front() {
            node.mark(why, &mut after);
        }
        #[cfg(feature = "crossbeam")]
        drop(after.done);
        if after.hooks.is_empty() {
            after.wakes.wake();
            return first;
        }
        let mut panics = Panics::default();
        panics.catch(|| after.wakes.wake());
        for hook in after.hooks {
            panics.catch(hook);
        }
        panics.resume();
        first
    }

    /// Sets the reason, if there is none, and takes the lists, if there is anything in them.
    fn mark(self: &Arc<Self>, why: &Cancelled, after: &mut Aftermath) -> bool {
        let slow = self.slow();
        let mut lists = lock(&slow.lists);
        let first = slow.reason.set(why.clone()).is_ok();
        if first {
            // ORDERING: Release, paired with the Acquire of a poll. See the head of `node.rs`, 5,
            // for why this and the lock are enough for those who wait.
            self.state.fetch_or(CANCELLED, Release);
        }
        after.wakes.extend(lists.waiters.drain());
        after
            .reached
            .extend(lists.children.drain().filter_map(|child| child.upgrade()));
        let in_parent = lists.in_parent.take();
        let timer = lists.timer.take();
        let rare = lists.take_rare();
        drop(lists);
        let mut in_sources = Vec::new();
        if let Some(mut rare) = rare {
            after.wakes.extend(rare.drainers.drain());
            after.hooks.extend(rare.hooks.drain());
            in_sources = rare.in_sources;
            #[cfg(feature = "crossbeam")]
            after.done.extend(rare.done);
        }
        self.let_go(in_parent, in_sources, timer);
        first
    }

    /// Leaves the lists of the parents and gives the alarm back.
    pub(super) fn let_go(
        &self,
        in_parent: Option<Key>,
        in_sources: Vec<(Arc<Node>, Key)>,
        timer: Option<TimerKey>,
    ) {
        if let (Some(parent), Some(key)) = (&self.parent, in_parent) {
            parent.remove_child(key);
        }
        for (source, key) in in_sources {
            source.remove_child(key);
        }
        if let Some(key) = timer {
            drop(self.clock.disarm(key));
        }
    }

    /// Why this node is cancelled, settled for good.
    #[inline]
    pub(crate) fn reason(self: &Arc<Self>) -> Option<Cancelled> {
        match self.own_reason() {
            Some(reason) => Some(reason.clone()),
            None => self.reason_from_above(),
        }
    }

    fn reason_from_above(self: &Arc<Self>) -> Option<Cancelled> {
        if self.is_cancelled() {
            self.settle_from_above()
        } else {
            None
        }
    }

    /// The reason of the nearest node that has one, settled on all in between.
    fn settle_from_above(self: &Arc<Self>) -> Option<Cancelled> {
        // Those between here and the nearest one that has a reason get it too, from the top down.
        let mut unsettled = Vec::new();
        let mut node = self;
        let mut reason = loop {
            if let Some(reason) = node.own_reason() {
                break reason.clone();
            }
            unsettled.push(node);
            node = node.parent.as_ref()?;
        };
        while let Some(node) = unsettled.pop() {
            reason = node.settle(&reason);
        }
        Some(reason)
    }

    /// The reason this node has been given; not what an ancestor would say.
    #[inline]
    pub(crate) fn own_reason(&self) -> Option<&Cancelled> {
        self.slow.get()?.reason.get()
    }

    /// Takes over an ancestor's reason, unless it has one. The lists are left to the ancestor's
    /// canceller, which is on its way.
    pub(super) fn settle(&self, why: &Cancelled) -> Cancelled {
        let slow = self.slow();
        let _lists = lock(&slow.lists);
        if slow.reason.set(why.clone()).is_ok() {
            // ORDERING: Release, as in `mark`.
            self.state.fetch_or(CANCELLED, Release);
        }
        slow.reason.get().unwrap_or(why).clone()
    }

    /// Level one, for this node and all below.
    pub(crate) fn drain(self: &Arc<Self>) {
        let mut wakes = Wakes::new();
        let mut reached = VecDeque::from([self.clone()]);
        while let Some(node) = reached.pop_front() {
            let mut lists = lock(&node.slow().lists);
            if lists.drained {
                continue;
            }
            lists.drained = true;
            // ORDERING: Release, paired with the Acquire of `is_draining`.
            node.state.fetch_or(DRAINING, Release);
            if let Some(rare) = lists.rare_if_any() {
                wakes.extend(rare.drainers.drain());
            }
            let children: Vec<_> = lists.children.iter().cloned().collect();
            drop(lists);
            reached.extend(children.into_iter().filter_map(|child| child.upgrade()));
        }
        wakes.wake();
    }

    /// Adds a waiter, unless there is nothing to wait for any more.
    pub(crate) fn add_waiter(self: &Arc<Self>, level: Level, waker: &Waker) -> Option<Key> {
        let waker = waker.clone();
        let mut lists = self.linked().ok()?;
        match level {
            Level::Cancel => Some(lists.waiters.push(waker)),
            Level::Drain if lists.drained => {
                drop(lists);
                None
            }
            Level::Drain => Some(lists.rare().drainers.push(waker)),
        }
    }

    /// Takes a waiter out, unless it has been taken. The waker is to be dropped by the caller.
    pub(crate) fn remove_waiter(&self, level: Level, key: Key) -> Option<Waker> {
        // A look without the lock, for the usual end of a wait; the one with it decides.
        self.own_reason().is_none().then_some(())?;
        let mut lists = lock(&self.slow().lists);
        if self.own_reason().is_some() || (level == Level::Drain && lists.drained) {
            return None;
        }
        Some(match level {
            Level::Cancel => lists.waiters.remove(key),
            Level::Drain => lists.rare().drainers.remove(key),
        })
    }

    /// Adds a hook; hands it back if the node is cancelled already.
    pub(crate) fn add_hook(self: &Arc<Self>, hook: Hook) -> Result<Key, Hook> {
        match self.linked() {
            Ok(mut lists) => Ok(lists.rare().hooks.push(hook)),
            Err(_) => Err(hook),
        }
    }

    /// Takes a hook out, unless somebody has taken it to run it.
    pub(crate) fn remove_hook(&self, key: Key) -> Option<Hook> {
        let mut lists = lock(&self.slow().lists);
        self.own_reason()
            .is_none()
            .then(|| lists.rare().hooks.remove(key))
    }

    #[cfg(feature = "crossbeam")]
    pub(crate) fn done(self: &Arc<Self>) -> &crossbeam_channel::Receiver<std::convert::Infallible> {
        let slow = self.slow();
        slow.done.get_or_init(|| {
            self.arm_all();
            let (sender, receiver) = crossbeam_channel::bounded(0);
            // If it is cancelled, the sender is dropped here.
            if let Ok(mut lists) = self.linked() {
                lists.rare().done = Some(sender);
            }
            receiver
        })
    }
}
