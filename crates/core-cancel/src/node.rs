//! The token tree.
//!
//! A node knows its parent; a parent does not know its child until somebody waits on that child
//! or hooks into it. So making a child is one allocation and no lock, and a poll looks upwards,
//! one load per level, no lock; the price is paid by who waits. (The other way, registering every
//! child at once, makes the poll one load whatever the depth, and the making of a child two
//! locked list operations on the parent, contended by every thread that makes children of it.)
//!
//! # States
//! `state` is a set of bits. CANCELLED is final; DRAINING is final; UNARMED says that this node's
//! own deadline has no alarm yet, so whoever polls has to look at the clock; LINKED that its parent
//! knows it. The reason is written once, under the node's lock.
//!
//! # Invariants
//! 1. CANCELLED is set under the node's lock, together with the reason; the reason never changes.
//! 2. A node whose ancestor is CANCELLED *is* cancelled, whether or not it has the bit itself.
//!    Its reason is settled, top down, by the first who asks (`reason`) or by the propagation; so
//!    everybody sees the same one, and a later `cancel` of the node itself changes nothing.
//! 3. A node that has waiters, hooks or linked children is linked to its parent, and so on up to
//!    the root: links are made top down, before the waiter is added.
//! 4. After CANCELLED is set nothing is added to the lists. The canceller takes them, marks the
//!    linked children likewise (iteratively), and only when all are marked and no lock is held it
//!    wakes the waiters and then runs the hooks.
//! 5. A waiter is added under the lock after a look at the reason; a canceller sets the reason
//!    under the lock before it takes the lists. One of them sees the other, so no wake-up is lost,
//!    and a poll needs no fence.
//! 6. Lock order: a node, then its parent (linking only). Nobody locks downwards: a canceller
//!    lets go of the parent before it locks the child. The timers' locks are inside all of them.
//!
//! A node with several parents (`any`) is linked to all of them when it is made and its own bit
//! counts, so the look upwards ends there; cancelling a parent sets it before `cancel` returns.
//! Only a moment later than for a plain child, and that is the only place where it is later.

mod cancel;
mod link;
mod slow;

pub(crate) use link::Absent;
pub(crate) use slow::Level;
pub use slow::Watchers;

use crate::{
    cancelled::{CancelKind, Cancelled},
    clock::Clock,
    sync::{Arc, AtomicU32, AtomicU64, OnceLock, lock},
    system::NEVER,
    timers::Alarm,
};
use slow::Slow;
use std::{
    fmt,
    panic::Location,
    sync::atomic::Ordering::{Acquire, Relaxed, Release},
};

const CANCELLED: u32 = 1;
const UNARMED: u32 = 2;
const DRAINING: u32 = 4;
const LINKED: u32 = 8;

/// After so many looks at the clock a deadline gets its alarm, and polls are loads from then on.
const LOOKS: u32 = 4;

/// See the head of the file.
pub(crate) struct Node {
    state: AtomicU32,
    looks: AtomicU32,
    parent: Option<Arc<Node>>,
    clock: Clock,
    /// This node's own deadline, set only if it is before its ancestors'.
    deadline: AtomicU64,
    /// Where the node, and with it its deadline, was made.
    made_at: &'static Location<'static>,
    /// What only a node that is waited on, hooked into, merged or cancelled needs.
    slow: OnceLock<Box<Slow>>,
}

impl Node {
    pub(crate) fn root(clock: Clock, deadline: u64, at: &'static Location<'static>) -> Self {
        Self {
            state: AtomicU32::new(if deadline == NEVER { 0 } else { UNARMED }),
            looks: AtomicU32::new(0),
            parent: None,
            clock,
            deadline: AtomicU64::new(deadline),
            made_at: at,
            slow: OnceLock::new(),
        }
    }

    /// A child with a deadline of its own, unless an ancestor's comes first.
    pub(crate) fn child(self: &Arc<Self>, deadline: u64, at: &'static Location<'static>) -> Self {
        let deadline = if deadline != NEVER && deadline < self.deadline() {
            deadline
        } else {
            NEVER
        };
        let mut child = Self::root(self.clock.clone(), deadline, at);
        child.parent = Some(self.clone());
        child
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Loads only, but for a deadline without an alarm: then the clock, a few times.
    #[inline]
    pub(crate) fn is_cancelled(self: &Arc<Self>) -> bool {
        self.any_up(CANCELLED)
    }

    #[inline]
    pub(crate) fn is_draining(self: &Arc<Self>) -> bool {
        self.any_up(CANCELLED | DRAINING)
    }

    #[inline]
    fn any_up(self: &Arc<Self>, bits: u32) -> bool {
        let mut node: &Self = self;
        // Straight on for the first levels, then round: a jump back at each level is what a poll
        // of a shallow tree would spend most of its time on.
        loop {
            for _ in 0..4 {
                // ORDERING: Acquire, paired with the Release in `mark`: who sees a token cancelled
                // sees what its canceller did before.
                if node.state.load(Acquire) & (bits | UNARMED) != 0 {
                    return self.is_over(bits);
                }
                let Some(parent) = &node.parent else {
                    return false;
                };
                node = parent;
            }
        }
    }

    /// There is something to look at, here or above: one of the bits, or a deadline without alarm.
    #[cold]
    fn is_over(self: &Arc<Self>, bits: u32) -> bool {
        let mut node = self;
        loop {
            // ORDERING: Acquire, as above.
            let state = node.state.load(Acquire);
            if state & bits != 0 || (state & UNARMED != 0 && node.look()) {
                return true;
            }
            let Some(parent) = &node.parent else {
                return false;
            };
            node = parent;
        }
    }

    /// The deadline has no alarm: looks at the clock.
    fn look(self: &Arc<Self>) -> bool {
        // ORDERING: Relaxed: the deadline is a number on its own.
        if self.clock.nanos() >= self.deadline.load(Relaxed) {
            self.expire();
            return true;
        }
        // ORDERING: Relaxed: a count of our own; a lost one costs a look more.
        if self.looks.fetch_add(1, Relaxed) >= LOOKS {
            self.arm();
        }
        false
    }

    fn own_deadline_reason(&self, grace_at: Option<&'static Location<'static>>) -> Cancelled {
        Cancelled::new(CancelKind::Deadline, grace_at.unwrap_or(self.made_at))
    }

    /// The earliest deadline of this node and all above.
    pub(crate) fn deadline(&self) -> u64 {
        self.up()
            .map(|node| node.deadline.load(Relaxed))
            .min()
            .unwrap_or(NEVER)
    }

    /// Why this node will be cancelled at its deadline.
    pub(crate) fn deadline_reason(&self) -> Option<Cancelled> {
        let node = self.up().min_by_key(|node| node.deadline.load(Relaxed))?;
        let grace_at = node
            .slow
            .get()
            .and_then(|slow| lock(&slow.lists).grace_at());
        (node.deadline.load(Relaxed) != NEVER).then(|| node.own_deadline_reason(grace_at))
    }

    /// The earliest deadline above that has no alarm, and whose it is.
    pub(crate) fn unarmed_deadline(self: &Arc<Self>) -> Option<(u64, &Arc<Self>)> {
        let mut node = self;
        let mut first: Option<(u64, &Arc<Self>)> = None;
        loop {
            if node.state.load(Acquire) & UNARMED != 0 {
                let deadline = node.deadline.load(Relaxed);
                if first.is_none_or(|(first, _)| deadline < first) {
                    first = Some((deadline, node));
                }
            }
            match &node.parent {
                Some(parent) => node = parent,
                None => return first,
            }
        }
    }

    /// This node and all above it.
    fn up(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |node| node.parent.as_deref())
    }

    /// Gives the deadline its alarm.
    pub(crate) fn arm(self: &Arc<Self>) {
        // ORDERING: Relaxed: the deadline changes under the lock that is taken below.
        if self.deadline.load(Relaxed) == NEVER {
            return;
        }
        let mut lists = lock(&self.slow().lists);
        if self.own_reason().is_some() || lists.timer.is_some() {
            return;
        }
        let deadline = self.deadline.load(Relaxed);
        lists.timer = Some(
            self.clock
                .arm(deadline, Alarm::Cancel(Arc::downgrade(self))),
        );
        // ORDERING: Release: who misses the bit finds the alarm set.
        self.state.fetch_and(!UNARMED, Release);
        drop(lists);
        // A manual clock may have moved past it before the alarm was set; the system's fires it.
        if !self.clock.is_system() && self.clock.nanos() >= deadline {
            self.expire();
        }
    }

    /// Gives every deadline above its alarm: somebody waits who cannot look at the clock.
    pub(crate) fn arm_all(self: &Arc<Self>) {
        let mut above = Some(self);
        while let Some(node) = above {
            node.arm();
            above = node.parent.as_ref();
        }
    }

    /// Brings the deadline forward to `deadline` and arms it.
    pub(crate) fn deadline_at_latest(
        self: &Arc<Self>,
        deadline: u64,
        at: &'static Location<'static>,
    ) {
        let mut lists = lock(&self.slow().lists);
        if self.own_reason().is_some() || self.deadline.load(Relaxed) <= deadline {
            return;
        }
        self.deadline.store(deadline, Relaxed);
        lists.rare().grace_at = Some(at);
        let old = lists.timer.take();
        drop(lists);
        drop(old.and_then(|key| self.clock.disarm(key)));
        self.arm();
        if self.clock.nanos() >= deadline {
            self.expire();
        }
    }

    fn slow(&self) -> &Slow {
        self.slow.get_or_init(Box::default)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("made_at", &format_args!("{}", self.made_at))
            .finish()
    }
}
