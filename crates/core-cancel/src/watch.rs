//! A waiter's place at a token: registered when it first has to wait, given up on drop.

use crate::{
    cancelled::Cancelled,
    list::Key,
    node::{Level, Node},
    sync::Arc,
    ticket::Ticket,
};
use std::task::{Poll, Waker};

/// Nothing until the first poll that has to wait.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    place: Option<Watched>,
}

#[derive(Debug)]
struct Watched {
    node: Arc<Node>,
    level: Level,
    key: Key,
    /// A copy of the one that is registered, to compare without a lock.
    waker: Waker,
}

impl Watch {
    /// Ready once the token is cancelled, with the reason.
    #[inline]
    pub(crate) fn poll_cancel(&mut self, node: &Arc<Node>, t: &Ticket<'_>) -> Poll<Cancelled> {
        match node.own_reason() {
            Some(why) => {
                self.clear();
                Poll::Ready(why.clone())
            }
            None => self.poll_live(node, t),
        }
    }

    #[inline(never)]
    fn poll_live(&mut self, node: &Arc<Node>, t: &Ticket<'_>) -> Poll<Cancelled> {
        if node.is_cancelled() || !self.register(node, Level::Cancel, t) {
            self.clear();
            // A waiter is refused only by a cancelled token.
            return Poll::Ready(node.reason().expect("a cancelled token has a reason"));
        }
        Poll::Pending
    }

    /// Ready once the token drains or is cancelled.
    pub(crate) fn poll_drain(&mut self, node: &Arc<Node>, t: &Ticket<'_>) -> Poll<()> {
        if !node.is_draining() && self.register(node, Level::Drain, t) {
            return Poll::Pending;
        }
        self.clear();
        Poll::Ready(())
    }

    /// Registers, or keeps the place and its waker up to date. `false`: no need to wait.
    fn register(&mut self, node: &Arc<Node>, level: Level, ticket: &Ticket<'_>) -> bool {
        if let Some((deadline, owner)) = node.unarmed_deadline() {
            // Either this wait ends by itself then, or the deadline needs an alarm.
            if !ticket.wake_at(deadline, node.clock()) {
                owner.arm();
                if owner.is_cancelled() {
                    return false;
                }
            }
        }
        let waker = ticket.waker();
        if let Some(place) = &mut self.place {
            if place.waker.will_wake(waker) {
                return true;
            }
            self.clear();
        }
        let Some(key) = node.add_waiter(level, waker) else {
            return false;
        };
        self.place = Some(Watched {
            node: node.clone(),
            level,
            key,
            waker: waker.clone(),
        });
        true
    }

    /// Gives the place up.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if let Some(place) = self.place.take() {
            place.leave();
        }
    }
}

impl Watched {
    #[inline(never)]
    fn leave(self) {
        drop(self.node.remove_waiter(self.level, self.key));
    }
}

impl Drop for Watch {
    #[inline]
    fn drop(&mut self) {
        self.clear();
    }
}
