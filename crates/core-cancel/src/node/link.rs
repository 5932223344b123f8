//! How a parent comes to know a child, and how a child goes.

use super::{
    DRAINING, Node, UNARMED,
    slow::{Slow, Value, Watchers},
};
use crate::{
    cancelled::Cancelled,
    clock::Clock,
    list::Key,
    sync::{Arc, lock},
    system::NEVER,
};
use std::{
    any::TypeId,
    panic::Location,
    sync::atomic::Ordering::{Relaxed, Release},
};

impl Node {
    /// Links this node, and those above it, to their parents, from the top down.
    ///
    /// # Errors
    /// The reason, if the node turns out to be cancelled.
    pub(super) fn link(self: &Arc<Self>) -> Result<(), Cancelled> {
        let mut unlinked = Vec::new();
        let mut node = self;
        while let Some(parent) = &node.parent {
            if lock(&node.slow().lists).in_parent.is_some() {
                break;
            }
            unlinked.push((node, parent));
            node = parent;
        }
        while let Some((node, parent)) = unlinked.pop() {
            node.link_to(parent)?;
        }
        Ok(())
    }

    fn link_to(self: &Arc<Self>, parent: &Arc<Self>) -> Result<(), Cancelled> {
        let mut lists = lock(&self.slow().lists);
        if let Some(why) = &lists.reason {
            return Err(why.clone());
        }
        if lists.in_parent.is_some() {
            return Ok(());
        }
        let mut above = lock(&parent.slow().lists);
        if let Some(why) = above.reason.clone() {
            drop(above);
            drop(lists);
            return Err(self.settle(&why));
        }
        lists.in_parent = Some(above.children.push(Arc::downgrade(self)));
        if above.drained {
            // A child that came later, or was not linked, drains from here on.
            lists.drained = true;
            // ORDERING: Release, as in `drain`.
            self.state.fetch_or(DRAINING, Release);
        }
        Ok(())
    }

    /// A node that ends with the first of `sources`.
    pub(crate) fn any(sources: &[&Arc<Self>], at: &'static Location<'static>) -> Arc<Self> {
        let clock = sources
            .first()
            .map_or(Clock::system(), |first| first.clock.clone());
        let mut merged = Self::root(clock, NEVER, at);
        for source in sources.iter().filter(|source| source.clock == merged.clock) {
            // A copy of the earliest deadline, so that nobody's alarm has to be armed for it.
            let first = source.up().min_by_key(|node| node.deadline.load(Relaxed));
            if let Some(node) = first {
                let deadline = node.deadline.load(Relaxed);
                if deadline < merged.deadline.load(Relaxed) {
                    merged.deadline.store(deadline, Relaxed);
                    merged.made_at = node.made_at;
                    merged.state.store(UNARMED, Relaxed);
                }
            }
        }
        let values_from = sources.iter().map(|&source| source.clone()).collect();
        merged.slow = Box::new(Slow {
            values_from,
            ..Slow::default()
        })
        .into();
        let merged = Arc::new(merged);
        for &source in sources {
            if source.clock != merged.clock {
                source.arm();
            }
            if let Err(why) = merged.link_to_source(source) {
                merged.cancel(&why);
                break;
            }
        }
        merged
    }

    fn link_to_source(self: &Arc<Self>, source: &Arc<Self>) -> Result<(), Cancelled> {
        if let Some(why) = source.reason() {
            return Err(why);
        }
        source.link()?;
        let mut above = lock(&source.slow().lists);
        if let Some(why) = above.reason.clone() {
            return Err(why);
        }
        let key = above.children.push(Arc::downgrade(self));
        let drains = above.drained;
        drop(above);
        let mut lists = lock(&self.slow().lists);
        let Some(why) = lists.reason.clone() else {
            lists.in_sources.push((source.clone(), key));
            drop(lists);
            if drains || source.is_draining() {
                self.drain();
            }
            return Ok(());
        };
        drop(lists);
        source.remove_child(key);
        Err(why)
    }

    /// Forgets a child, unless the list has been taken.
    pub(super) fn remove_child(&self, key: Key) {
        let mut lists = lock(&self.slow().lists);
        if lists.reason.is_none() {
            let child = lists.children.remove(key);
            drop(lists);
            drop(child);
        }
    }

    /// Binds a value while the node is being made.
    pub(crate) fn bind(mut self, value: Value) -> Self {
        self.slow = Box::new(Slow {
            value: Some(value),
            ..Slow::default()
        })
        .into();
        self
    }

    /// Looks for values where `source` does, while the node is being made.
    pub(crate) fn values_from(mut self, source: &Arc<Self>) -> Self {
        let values_from = vec![source.clone()];
        self.slow = Box::new(Slow {
            values_from,
            ..Slow::default()
        })
        .into();
        self
    }

    /// The nearest value for which `pick` says something: this node's, then upwards; a merged
    /// node's parents in their order.
    pub(crate) fn find_value<'a, R>(&'a self, pick: impl Fn(&'a Value) -> Option<R>) -> Option<R> {
        let mut next = vec![self];
        while let Some(start) = next.pop() {
            for node in start.up() {
                let Some(slow) = node.slow.get() else {
                    continue;
                };
                if let Some(found) = slow.value.as_ref().and_then(&pick) {
                    return Some(found);
                }
                next.extend(slow.values_from.iter().rev().map(|source| &**source));
            }
        }
        None
    }

    pub(crate) fn watchers(&self) -> Watchers {
        self.slow
            .get()
            .map(|slow| lock(&slow.lists).watchers())
            .unwrap_or_default()
    }

    /// Leaves every list this node stands in, and collects what has to be dropped next.
    fn unravel(&mut self, next: &mut Vec<Arc<Self>>) {
        if let Some(mut slow) = self.slow.take() {
            let (in_parent, in_sources, timer) = {
                let mut lists = lock(&slow.lists);
                (
                    lists.in_parent.take(),
                    std::mem::take(&mut lists.in_sources),
                    lists.timer.take(),
                )
            };
            next.extend(in_sources.iter().map(|(source, _)| source.clone()));
            self.let_go(in_parent, in_sources, timer);
            next.append(&mut slow.values_from);
        }
        next.extend(self.parent.take());
    }
}

/// Iterative: a chain of any length is dropped link by link, without recursion.
impl Drop for Node {
    fn drop(&mut self) {
        // The usual case: a child that nobody waited on, under a parent that lives on.
        if self.slow.get().is_none() {
            match self.parent.take().map(Arc::into_inner) {
                None | Some(None) => return,
                Some(Some(parent)) => return drop_all(parent),
            }
        }
        let mut next = Vec::new();
        self.unravel(&mut next);
        next.into_iter()
            .filter_map(Arc::into_inner)
            .for_each(drop_all);
    }
}

fn drop_all(last: Node) {
    let mut next = Vec::new();
    let mut node = Some(last);
    while let Some(mut last) = node.take() {
        last.unravel(&mut next);
        drop(last);
        while node.is_none()
            && let Some(handle) = next.pop()
        {
            node = Arc::into_inner(handle);
        }
    }
}

/// Marks a type as absent from here on: `child_without`.
pub(crate) struct Absent(pub(crate) TypeId);
