//! The arms of a select: a list of types, one per arm, each in its own slot.

use anabranch_core_cancel::{Operation, Ticket};
use pin_project_lite::pin_project;
use std::{convert::Infallible, mem, pin::Pin, task::Poll};

/// What the arms of a select are asked. `arm` counts from the first of the list.
pub trait Arms {
    /// Which arm was chosen, and what it yields.
    type Chosen;
    const COUNT: usize;
    fn any_on(&self) -> bool;
    fn look_arm(self: Pin<&mut Self>, arm: usize, ticket: &Ticket<'_>) -> Poll<Self::Chosen>;
    fn poll_arm(self: Pin<&mut Self>, arm: usize, ticket: &Ticket<'_>) -> Poll<Self::Chosen>;
    /// All but one leave their queues.
    fn withdraw_but(self: Pin<&mut Self>, arm: usize);
    fn withdraw_all(self: Pin<&mut Self>);
}

/// This arm or one of those after it.
#[derive(Debug)]
pub enum Chosen<Here, After> {
    This(Here),
    After(After),
}

pin_project! {
    /// The first arm, and the list of the others.
    pub struct Arm<O, After> {
        #[pin]
        operation: Option<O>,
        // Whether it may stand in a queue under this select's claim. An operation that
        // is lent to the select may stand in one already, and have been served there.
        asked: bool,
        #[pin]
        after: After,
    }
}

/// The end of the list.
pub struct NoArm;

/// What nobody chose.
pub type Nobody = Infallible;

impl<O: Operation, After: Arms> Arm<O, After> {
    /// `None`: switched off.
    #[inline]
    pub fn new(operation: Option<O>, after: After) -> Self {
        Self {
            operation,
            asked: false,
            after,
        }
    }
}

impl<O: Operation, After: Arms> Arms for Arm<O, After> {
    type Chosen = Chosen<O::Output, After::Chosen>;
    const COUNT: usize = After::COUNT + 1;

    #[inline]
    fn any_on(&self) -> bool {
        self.operation.is_some() || self.after.any_on()
    }

    #[inline]
    fn look_arm(self: Pin<&mut Self>, arm: usize, ticket: &Ticket<'_>) -> Poll<Self::Chosen> {
        let this = self.project();
        if arm > 0 {
            return this.after.look_arm(arm - 1, ticket).map(Chosen::After);
        }
        *this.asked = true;
        match this.operation.as_pin_mut() {
            Some(operation) => operation.look_arm(ticket).map(Chosen::This),
            None => Poll::Pending,
        }
    }

    #[inline]
    fn poll_arm(self: Pin<&mut Self>, arm: usize, ticket: &Ticket<'_>) -> Poll<Self::Chosen> {
        let this = self.project();
        if arm > 0 {
            return this.after.poll_arm(arm - 1, ticket).map(Chosen::After);
        }
        *this.asked = true;
        match this.operation.as_pin_mut() {
            Some(operation) => operation.poll_arm(ticket).map(Chosen::This),
            None => Poll::Pending,
        }
    }

    #[inline]
    fn withdraw_but(self: Pin<&mut Self>, arm: usize) {
        let this = self.project();
        if arm == 0 {
            return this.after.withdraw_all();
        }
        withdraw(this.operation, this.asked);
        this.after.withdraw_but(arm - 1);
    }

    #[inline]
    fn withdraw_all(self: Pin<&mut Self>) {
        let this = self.project();
        withdraw(this.operation, this.asked);
        this.after.withdraw_all();
    }
}

/// The arm lost. It cannot have been completed: that takes the claim, which nobody else has. One
/// that has not been asked under the claim is left alone: it may have been completed without.
#[inline]
fn withdraw<O: Operation>(operation: Pin<&mut Option<O>>, asked: &mut bool) {
    if mem::take(asked)
        && let Some(operation) = operation.as_pin_mut()
    {
        let done = operation.withdraw();
        debug_assert!(done.is_none(), "an arm was completed without the claim");
    }
}

impl Arms for NoArm {
    type Chosen = Nobody;
    const COUNT: usize = 0;

    fn any_on(&self) -> bool {
        false
    }

    fn look_arm(self: Pin<&mut Self>, _: usize, _: &Ticket<'_>) -> Poll<Nobody> {
        Poll::Pending
    }

    fn poll_arm(self: Pin<&mut Self>, _: usize, _: &Ticket<'_>) -> Poll<Nobody> {
        Poll::Pending
    }

    fn withdraw_but(self: Pin<&mut Self>, _: usize) {}

    fn withdraw_all(self: Pin<&mut Self>) {}
}
