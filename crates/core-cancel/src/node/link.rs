//! How a parent comes to know a child, and how a child goes.

use super::{
    DRAINING, LINKED, Node, UNARMED,
    slow::{Lists, Origin, Slow, Value, Watchers},
};
use crate::{
    cancelled::Cancelled,
    clock::Clock,
    list::Key,
    sync::{Arc, MutexGuard, PoisonError, lock},
    system::NEVER,
};
use std::{
    any::TypeId,
    panic::Location,
    sync::atomic::Ordering::{Relaxed, Release},
};

impl Node {
    /// This node's lists, to add to them, with the node and those above it linked to their
    /// parents.
    ///
    /// # Errors
    /// The reason, if the node turns out to be cancelled.
    pub(super) fn linked(self: &Arc<Self>) -> Result<MutexGuard<'_, Lists>, Cancelled> {
        if let Some(parent) = &self.parent
            && parent.parent.is_some()
            // ORDERING: Relaxed: final once set, and only a short cut past the loop below.
            && self.state.load(Relaxed) & LINKED == 0
        {
            // From the top down, so that nothing hangs on a node that is not linked itself.
            let mut unlinked = Vec::new();
            let mut node = parent;
            // ORDERING: Relaxed, as above: `link_to` looks under the lock.
            while let Some(parent) = &node.parent
                && node.state.load(Relaxed) & LINKED == 0
            {
                unlinked.push((node, parent));
                node = parent;
            }
            while let Some((node, parent)) = unlinked.pop() {
                drop(node.link_to(Some(parent))?);
            }
        }
        self.link_to(self.parent.as_ref())
    }

    fn link_to(
        self: &Arc<Self>,
        parent: Option<&Arc<Self>>,
    ) -> Result<MutexGuard<'_, Lists>, Cancelled> {
        let slow = self.slow();
        let mut lists = lock(&slow.lists);
        if let Some(why) = slow.reason.get() {
            return Err(why.clone());
        }
        let Some(parent) = parent.filter(|_| lists.in_parent.is_none()) else {
            return Ok(lists);
        };
        let above_slow = parent.slow();
        let mut above = lock(&above_slow.lists);
        if let Some(why) = above_slow.reason.get() {
            drop(above);
            drop(lists);
            return Err(self.settle(why));
        }
        lists.in_parent = Some(above.children.push(Arc::downgrade(self)));
        // A child that came later, or was not linked, drains from here on if the parent does.
        lists.drained |= above.drained;
        drop(above);
        let draining = if lists.drained { DRAINING } else { 0 };
        // ORDERING: Release for DRAINING, as in `drain`; LINKED carries nothing.
        self.state.fetch_or(LINKED | draining, Release);
        Ok(lists)
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
        merged.set_origin(Origin {
            value: None,
            values_from: sources.iter().map(|&source| source.clone()).collect(),
        });
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
        let mut above = source.linked()?;
        let key = above.children.push(Arc::downgrade(self));
        let drains = above.drained;
        drop(above);
        let mut lists = lock(&self.slow().lists);
        if let Some(why) = self.own_reason() {
            drop(lists);
            source.remove_child(key);
            return Err(why.clone());
        }
        lists.rare().in_sources.push((source.clone(), key));
        drop(lists);
        if drains || source.is_draining() {
            self.drain();
        }
        Ok(())
    }

    /// Forgets a child, unless the list has been taken.
    pub(super) fn remove_child(&self, key: Key) {
        // A look without the lock, for the usual case of a tree that is cancelled from the top;
        // the one with it decides.
        if self.own_reason().is_some() {
            return;
        }
        let mut lists = lock(&self.slow().lists);
        if self.own_reason().is_none() {
            let child = lists.children.remove(key);
            drop(lists);
            drop(child);
        }
    }

    /// Binds a value while the node is being made.
    pub(crate) fn bind(mut self, value: Value) -> Self {
        self.set_origin(Origin {
            value: Some(value),
            values_from: Vec::new(),
        });
        self
    }

    /// Looks for values where `source` does, while the node is being made.
    pub(crate) fn values_from(mut self, source: &Arc<Self>) -> Self {
        self.set_origin(Origin {
            value: None,
            values_from: vec![source.clone()],
        });
        self
    }

    fn set_origin(&mut self, origin: Origin) {
        self.slow = Box::new(Slow {
            origin: Some(Box::new(origin)),
            ..Slow::default()
        })
        .into();
    }

    /// The nearest value for which `pick` says something: this node's, then upwards; a merged
    /// node's parents in their order.
    pub(crate) fn find_value<'a, R>(&'a self, pick: impl Fn(&'a Value) -> Option<R>) -> Option<R> {
        let mut next = vec![self];
        while let Some(start) = next.pop() {
            for node in start.up() {
                let origin = node.slow.get().and_then(|slow| slow.origin.as_ref());
                let Some(origin) = origin else { continue };
                if let Some(found) = origin.value.as_ref().and_then(&pick) {
                    return Some(found);
                }
                next.extend(origin.values_from.iter().rev().map(|source| &**source));
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
        if let Some(slow) = self.slow.take() {
            let Slow { lists, origin, .. } = *slow;
            let mut lists = lists.into_inner().unwrap_or_else(PoisonError::into_inner);
            let in_sources = lists
                .take_rare()
                .map(|rare| rare.in_sources)
                .unwrap_or_default();
            next.extend(in_sources.iter().map(|(source, _)| source.clone()));
            self.let_go(lists.in_parent.take(), in_sources, lists.timer.take());
            next.extend(origin.into_iter().flat_map(|origin| origin.values_from));
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
