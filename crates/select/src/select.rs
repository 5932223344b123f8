//! The engine behind `select!`: arms, their order, and one claim.
//!
//! Three rounds, each of which can end it:
//!
//! 1. *Look.* Each arm is asked what can be had at once, in a random order (or the one written, if
//!    `biased`), and joins no queue unless it cannot tell otherwise. The first that is ready is it.
//!    With a `default`, this is all.
//! 2. *Join.* Each arm is polled with the claim, which is busy: it joins its queue, and whoever
//!    comes by meanwhile says so instead of handing over. An arm that is ready now is it, and the
//!    others leave their queues.
//! 3. *Wait.* The claim is opened; if somebody came by, back to 2. From here on exactly one of all
//!    the others can win the claim, for one arm, and wakes the owner, who takes what that arm was
//!    given while the others leave. If that was one step of several, back to 2 with a new claim.
//!
//! In rounds 1 and 2 nobody else can complete an arm, in round 3 the owner cannot: so exactly one
//! arm takes effect. A future that is no operation of ours is polled in each of the owner's rounds
//! and completes only there. Dropped at any point, all arms leave their queues; an arm that had won
//! passes on what it was given, as its operation does when it is dropped. (One that is lent to the
//! select outlives it: out of its queue like the others, or with what it was given.)

mod arms;
mod foreign;
mod macros;
mod order;

pub use arms::{Arm, Arms, Chosen, NoArm, Nobody};
pub use foreign::{FutureArm, Plain, TaskArm};

#[cfg(any(loom, shuttle))]
use crate::control::{self, Mistake};
use crate::sync::yield_now;
use anabranch_core_cancel::{Cancelled, Claim, Operation, Ticket, operation_methods};
use order::{MOST, Order};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, Waker},
};

pin_project! {
    /// A select in progress: an operation that yields what was chosen. Not for users: made by the
    /// macros.
    #[doc(hidden)]
    #[must_use]
    pub struct Select<A: Arms> {
        #[pin]
        arms: A,
        fair: bool,
        claim: Claim,
        // Whether round 2 has begun.
        joined: bool,
        // Whether arms may stand in queues under the claim: from the first round to the end.
        stands: bool,
    }

    impl<A: Arms> PinnedDrop for Select<A> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            #[cfg(any(loom, shuttle))]
            if control::is_planted(Mistake::StayInLine) {
                return;
            }
            if *this.stands {
                match this.claim.close() {
                    Some(won) => this.arms.withdraw_but(won),
                    None => this.arms.withdraw_all(),
                }
            }
        }
    }
}

impl<A: Arms> Select<A> {
    /// To wait for: some arm must be switched on.
    #[track_caller]
    pub fn new(arms: A, fair: bool) -> Self {
        assert!(
            arms.any_on(),
            "select!: every arm is switched off and there is no default, so nothing could end it"
        );
        Self::with_default(arms, fair)
    }

    /// To look at once, with [`now`](Self::now).
    pub fn with_default(arms: A, fair: bool) -> Self {
        const { assert!(A::COUNT <= MOST, "select! takes at most 40 arms") };
        Self {
            arms,
            fair,
            claim: Claim::new(),
            joined: false,
            stands: false,
        }
    }

    /// Round 1, and nothing else.
    pub fn now(self) -> Option<A::Chosen> {
        let mut select = std::pin::pin!(self);
        let waker = Waker::noop();
        match select.as_mut().look(&Ticket::task(waker)) {
            Poll::Ready(chosen) => Some(chosen),
            Poll::Pending => {
                let this = select.project();
                *this.stands = false;
                this.arms.withdraw_all();
                None
            }
        }
    }

    fn look(self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<A::Chosen> {
        let this = self.project();
        let mut arms = this.arms;
        *this.stands = true;
        let mut order = Order::new(A::COUNT, *this.fair);
        while let Some(arm) = order.next() {
            let poll = arms.as_mut().look_arm(arm, &ticket.arm(this.claim, arm));
            if poll.is_ready() {
                *this.stands = false;
                arms.withdraw_but(arm);
                return poll;
            }
        }
        Poll::Pending
    }
}

impl<A: Arms> Operation for Select<A> {
    type Bounded = Result<A::Chosen, Cancelled>;

    fn bound(&self, done: A::Chosen) -> Self::Bounded {
        Ok(done)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        // What an arm was given before wins.
        if self.claim.close().is_some()
            && let Poll::Ready(chosen) = self.as_mut().poll_arm(&Ticket::task(Waker::noop()))
        {
            return Ok(chosen);
        }
        let this = self.project();
        *this.stands = false;
        this.arms.withdraw_all();
        Err(why)
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<A::Chosen> {
        if !self.joined
            && let Poll::Ready(chosen) = self.as_mut().look(ticket)
        {
            return Poll::Ready(chosen);
        }
        let this = self.project();
        let mut arms = this.arms;
        let claim = this.claim;
        *this.joined = true;
        if let Some(arm) = claim.close() {
            // The others' entries are void. An arm of several steps may not be done and goes on under
            // a claim that nobody has won; then the others join again.
            *claim = Claim::new();
            let poll = arms.as_mut().poll_arm(arm, &ticket.arm(claim, arm));
            *this.stands = poll.is_pending();
            arms.as_mut().withdraw_but(arm);
            if poll.is_ready() {
                return poll;
            }
        }
        loop {
            let mut order = Order::new(A::COUNT, *this.fair);
            while let Some(arm) = order.next() {
                let poll = arms.as_mut().poll_arm(arm, &ticket.arm(claim, arm));
                if poll.is_ready() {
                    *this.stands = false;
                    arms.withdraw_but(arm);
                    return poll;
                }
            }
            if claim.open() {
                return Poll::Pending;
            }
            #[cfg(any(loom, shuttle))]
            if control::is_planted(Mistake::IgnoreMissed) {
                return Poll::Pending;
            }
            // Another select is at its round 2, and will be waiting in a moment.
            yield_now();
        }
    }
}

impl<A: Arms> Future for Select<A> {
    type Output = A::Chosen;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<A::Chosen> {
        self.poll_arm(&Ticket::task(cx.waker()))
    }
}

operation_methods! { [A: Arms] Select<A> }

impl<A: Arms> fmt::Debug for Select<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Select")
    }
}
