//! What a node has only once somebody waits on it, hooks into it, merges or cancels it, or binds
//! a value to it.

use super::Node;
use crate::{
    cancelled::Cancelled,
    list::{Key, List},
    sync::{Arc, Mutex, Weak},
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

/// A value bound to a node, and where to look next if it is not the one that is wanted.
pub(crate) type Value = Box<dyn Any + Send + Sync>;

#[derive(Default)]
pub(super) struct Slow {
    pub(super) lists: Mutex<Lists>,
    pub(super) value: Option<Value>,
    /// Where values are looked for besides the parent: what a detached token came from, what a
    /// merged one merges.
    pub(super) values_from: Vec<Arc<Node>>,
    #[cfg(feature = "crossbeam")]
    pub(super) done: crate::sync::OnceLock<crossbeam_channel::Receiver<std::convert::Infallible>>,
}

/// Everything of a node that is guarded by its lock. See the head of `node.rs`.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) reason: Option<Cancelled>,
    pub(super) waiters: List<Waker>,
    pub(super) drainers: List<Waker>,
    /// The drainers have been taken.
    pub(super) drained: bool,
    pub(super) hooks: List<Hook>,
    pub(super) children: List<Weak<Node>>,
    /// Where this node stands in its parent's list, once it is linked.
    pub(super) in_parent: Option<Key>,
    /// Where it stands in the lists of what it merges.
    pub(super) in_sources: Vec<(Arc<Node>, Key)>,
    pub(super) timer: Option<TimerKey>,
    /// Where the grace period was set that became the deadline.
    pub(super) grace_at: Option<&'static Location<'static>>,
    #[cfg(feature = "crossbeam")]
    pub(super) done: Option<crossbeam_channel::Sender<std::convert::Infallible>>,
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

impl Lists {
    pub(super) fn watchers(&self) -> Watchers {
        Watchers {
            waiting: self.waiters.len() + self.drainers.len(),
            hooks: self.hooks.len(),
            children: self.children.len(),
        }
    }
}
