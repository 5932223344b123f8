//! What a node has only once somebody waits on it, hooks into it, merges or cancels it, or binds
//! a value to it.

use super::Node;
use crate::{
    cancelled::Cancelled,
    list::{Key, List},
    sync::{Arc, Mutex, OnceLock, Weak},
    timers::TimerKey,
};
use std::{any::Any, panic::Location, task::Waker};

pub(crate) type Hook = Box<dyn FnOnce() + Send>;

/// The two levels of ending that can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Drain,
    Cancel,
}

/// A value bound to a node.
pub(crate) type Value = Box<dyn Any + Send + Sync>;

#[derive(Default)]
pub(super) struct Slow {
    /// Set once, under the lock; read without it.
    pub(super) reason: OnceLock<Cancelled>,
    pub(super) lists: Mutex<Lists>,
    pub(super) origin: Option<Box<Origin>>,
    #[cfg(feature = "crossbeam")]
    pub(super) done: OnceLock<crossbeam_channel::Receiver<std::convert::Infallible>>,
}

/// Where values are looked for.
#[derive(Default)]
pub(super) struct Origin {
    pub(super) value: Option<Value>,
    /// Besides the parent: what a detached token came from, what a merged one merges.
    pub(super) values_from: Vec<Arc<Node>>,
}

/// Everything of a node that is guarded by its lock. See the head of `node.rs`.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) waiters: List<Waker>,
    pub(super) children: List<Weak<Node>>,
    /// Where this node stands in its parent's list, once it is linked.
    pub(super) in_parent: Option<Key>,
    pub(super) timer: Option<TimerKey>,
    /// The drainers have been taken.
    pub(super) drained: bool,
    /// What few nodes have: a wait for a child is made with every request, a hook is not.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
pub(super) struct Rare {
    pub(super) drainers: List<Waker>,
    pub(super) hooks: List<Hook>,
    /// Where the node stands in the lists of what it merges.
    pub(super) in_sources: Vec<(Arc<Node>, Key)>,
    /// Where the grace period was set that became the deadline.
    pub(super) grace_at: Option<&'static Location<'static>>,
    #[cfg(feature = "crossbeam")]
    pub(super) done: Option<crossbeam_channel::Sender<std::convert::Infallible>>,
}

impl Lists {
    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn rare_if_any(&mut self) -> Option<&mut Rare> {
        self.rare.as_deref_mut()
    }

    pub(super) fn take_rare(&mut self) -> Option<Box<Rare>> {
        self.rare.take()
    }

    pub(super) fn grace_at(&self) -> Option<&'static Location<'static>> {
        self.rare.as_ref().and_then(|rare| rare.grace_at)
    }

    pub(super) fn watchers(&self) -> Watchers {
        let (drainers, hooks) = self
            .rare
            .as_ref()
            .map_or((0, 0), |rare| (rare.drainers.len(), rare.hooks.len()));
        Watchers {
            waiting: self.waiters.len() + drainers,
            hooks,
            children: self.children.len(),
        }
    }
}

/// How much hangs on a token: a snapshot, may be stale on return.
///
/// For tests that look for leaks and for reports. Children count only while somebody waits on
/// them, hooks into them or merges them: others are unknown to their parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watchers {
    /// Waits for the cancellation or the draining.
    pub waiting: usize,
    /// Hooks registered and not yet run.
    pub hooks: usize,
    /// Children that are linked to this token.
    pub children: usize,
}
