//! One operation, two ways to wait.

use crate::{
    cancelled::Cancelled,
    clock::Clock,
    ops::{Timeout, WithCancel},
    ticket::{ThreadWait, Ticket},
    token::CancelToken,
};
use pin_project_lite::pin_project;
use std::{
    borrow::Borrow,
    fmt,
    panic::Location,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

/// Something that can be waited for: a future that needs no runtime, so that a thread can block on
/// it (`.wait()`) as well as a task be suspended on it (`.await`).
///
/// An operation does nothing until it is first polled; dropped before it finished it has taken
/// nothing and holds no place in a queue. [`with_cancel`](Wait::with_cancel) and
/// [`timeout`](Wait::timeout) bound any of them; bounding is flat, in every order.
///
/// Anybody may implement it. What is needed beyond [`Future`] is [`bound`](Self::bound) and
/// [`end`](Self::end); a foreign future whose author promises that it needs no runtime becomes an
/// operation through [`runtime_free`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an operation: a thread cannot wait for it",
    label = "neither an operation nor declared free of a runtime",
    note = "operations of this family can be `.wait()`ed for; most other futures need the runtime \
            they come from: `.await` them there",
    note = "if its author promises that it needs no runtime, wrap it in `runtime_free(..)`"
)]
pub trait Operation: Future {
    /// The output, or why it ended early: one flat `Result`.
    type Bounded;

    /// The output as a bounded operation yields it.
    fn bound(&self, done: Self::Output) -> Self::Bounded;

    /// Ends early: leaves the queues. What was committed before wins and comes back as if the
    /// operation had finished; what was to be handed over and was not comes back in the error.
    ///
    /// Afterwards the operation may be polled again, as a new one, unless it gave its content back.
    fn end(self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded;

    /// Polls on behalf of `ticket`'s owner: the general form of [`poll`](Future::poll).
    #[doc(hidden)]
    fn poll_arm(self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        self.poll(&mut Context::from_waker(ticket.waker()))
    }

    /// What can be had at once: the first round of a select, and all of one with a `default`.
    ///
    /// An operation that can tell without joining a queue says so here, and spares a select that
    /// finds another arm ready the way into the queue and out again. One that cannot is polled.
    #[doc(hidden)]
    fn look_arm(self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        self.poll_arm(ticket)
    }

    /// Leaves the queues because another arm of a select was chosen. `Some` if it was completed
    /// before it could leave, which an operation polled with a claim never is.
    #[doc(hidden)]
    fn withdraw(self: Pin<&mut Self>) -> Option<Self::Output> {
        None
    }

    /// The clock this operation keeps time with, if any.
    #[doc(hidden)]
    fn clock(&self) -> Option<Clock> {
        None
    }
}

impl<O: Operation + Unpin + ?Sized> Operation for &mut O {
    type Bounded = O::Bounded;

    fn bound(&self, done: Self::Output) -> Self::Bounded {
        (**self).bound(done)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        Pin::new(&mut **self).end(why)
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        Pin::new(&mut **self).poll_arm(ticket)
    }

    /// Polls it: it outlives the select, so that its time, if it has one, begins with this look.
    fn look_arm(self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        self.poll_arm(ticket)
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Self::Output> {
        Pin::new(&mut **self).withdraw()
    }

    fn clock(&self) -> Option<Clock> {
        (**self).clock()
    }
}

impl<O: Operation + ?Sized> Operation for Pin<&mut O> {
    type Bounded = O::Bounded;

    fn bound(&self, done: Self::Output) -> Self::Bounded {
        (**self).bound(done)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        (*self).as_mut().end(why)
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        (*self).as_mut().poll_arm(ticket)
    }

    /// Polls it: it outlives the select, so that its time, if it has one, begins with this look.
    fn look_arm(self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Self::Output> {
        self.poll_arm(ticket)
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Self::Output> {
        (*self).as_mut().withdraw()
    }

    fn clock(&self) -> Option<Clock> {
        (**self).clock()
    }
}

/// How operations are waited for and bounded, for generic code.
///
/// Every operation type has the same three as methods of its own, so that ordinary code needs no
/// import and another trait's `timeout` in scope does not clash.
///
/// What is not an operation cannot be waited for: a future that needs its runtime would never
/// finish on a thread of its own.
///
/// ```compile_fail,E0599
/// use anabranch_core_cancel::Wait;
/// tokio::time::sleep(std::time::Duration::ZERO).wait(); // not an operation
/// ```
pub trait Wait: Operation {
    /// Waits for it. Blocks the thread.
    ///
    /// In a task this would block the executor's thread: `.await` it there.
    #[track_caller]
    fn wait(self) -> Self::Output
    where
        Self: Sized,
    {
        wait(self)
    }

    /// Ends early when the token is cancelled.
    ///
    /// A token that is already cancelled wins over anything that is ready: nothing is taken. After
    /// that, what has been committed wins over a cancellation that comes at the same time. Takes
    /// `&CancelToken` or, for a `'static` operation, a `CancelToken`.
    fn with_cancel<T: Borrow<CancelToken>>(self, token: T) -> WithCancel<Self, T>
    where
        Self: Sized,
    {
        WithCancel::new(self, token)
    }

    /// Ends early when `after` has passed, counted from the first poll.
    ///
    /// On the clock of the operation, else of the token beside it, else the system's. Zero gives it
    /// one look; [`Duration::MAX`] means never.
    #[track_caller]
    fn timeout(self, after: Duration) -> Timeout<Self>
    where
        Self: Sized,
    {
        Timeout::new(self, after)
    }
}

impl<O: Operation + ?Sized> Wait for O {}

/// Blocks the thread until `operation` is ready.
#[doc(hidden)]
#[inline]
#[track_caller]
pub fn wait<O: Operation>(operation: O) -> O::Output {
    let here = Location::caller();
    let mut operation = pin!(operation);
    let wait = ThreadWait::new(std::any::type_name::<O>(), here);
    wait.run(|ticket| operation.as_mut().poll_arm(ticket))
}

/// Gives an operation type its `wait`, `with_cancel` and `timeout`, and its [`Future`].
///
/// For those who write operations: `operation! { [generics] Type }`, with the generic parameters
/// as they stand after `impl`. The type implements [`Operation`] and is [`Unpin`]; its `poll_arm`
/// is what the future polls.
///
/// ```
/// use anabranch_core_cancel::{CancelToken, Cancelled, Operation, Ticket, operation};
/// use std::{pin::Pin, task::Poll, time::Duration};
///
/// /// Is ready the second time somebody asks.
/// #[must_use = "operations do nothing unless waited for"]
/// struct AskTwice { asked: bool }
///
/// operation! { [] AskTwice => () }
///
/// impl Operation for AskTwice {
///     type Bounded = Result<(), Cancelled>;
///     fn bound(&self, done: ()) -> Self::Bounded { Ok(done) }
///     fn end(self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded { Err(why) }
///     fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<()> {
///         if std::mem::replace(&mut self.asked, true) {
///             return Poll::Ready(());
///         }
///         ticket.waker().wake_by_ref();
///         Poll::Pending
///     }
/// }
///
/// AskTwice { asked: false }.wait();
/// assert!(AskTwice { asked: false }.timeout(Duration::from_secs(60)).wait().is_ok());
/// assert!(AskTwice { asked: false }.with_cancel(&CancelToken::never()).wait().is_ok());
/// ```
#[macro_export]
macro_rules! operation {
    ([$($generics:tt)*] $type:ty => $output:ty $(, where [$($bounds:tt)*])?) => {
        impl<$($generics)*> ::core::future::Future for $type $(where $($bounds)*)? {
            type Output = $output;

            fn poll(
                self: ::core::pin::Pin<&mut Self>,
                cx: &mut ::core::task::Context<'_>,
            ) -> ::core::task::Poll<Self::Output> {
                let ticket = $crate::Ticket::task(cx.waker());
                $crate::Operation::poll_arm(self, &ticket)
            }
        }

        $crate::operation_methods! { [$($generics)*] $type $(, where [$($bounds)*])? }
    };
}

/// The inherent methods alone, for a type with a [`Future`] of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! operation_methods {
    ([$($generics:tt)*] $type:ty $(, where [$($bounds:tt)*])?) => {
        impl<$($generics)*> $type $(where $($bounds)*)? {
            /// Waits for it. Blocks the thread; in a task `.await` it instead.
            #[track_caller]
            pub fn wait(self) -> <Self as ::core::future::Future>::Output {
                $crate::__wait(self)
            }

            /// Ends early when the token is cancelled: see [`Wait::with_cancel`].
            ///
            /// [`Wait::with_cancel`]: $crate::Wait::with_cancel
            pub fn with_cancel<__Token>(self, token: __Token) -> $crate::ops::WithCancel<Self, __Token>
            where
                __Token: ::core::borrow::Borrow<$crate::CancelToken>,
            {
                $crate::Wait::with_cancel(self, token)
            }

            /// Ends early when `after` has passed since the first poll: see [`Wait::timeout`].
            ///
            /// [`Wait::timeout`]: $crate::Wait::timeout
            #[track_caller]
            pub fn timeout(self, after: ::core::time::Duration) -> $crate::ops::Timeout<Self> {
                $crate::Wait::timeout(self, after)
            }
        }
    };
}

/// Makes an operation of a future whose author promises that it needs no runtime: a oneshot
/// receiver, a lock, a channel; never a socket or a timer of a runtime's.
///
/// Dropped or ended early, whatever the future does on drop happens.
///
/// ```
/// use anabranch_core_cancel::runtime_free;
/// assert_eq!(runtime_free(std::future::ready(7)).wait(), 7);
/// ```
pub fn runtime_free<F: Future>(future: F) -> RuntimeFree<F> {
    RuntimeFree { future }
}

pin_project! {
    /// A foreign future as an operation. Made by [`runtime_free`].
    #[must_use = "operations do nothing unless waited for"]
    pub struct RuntimeFree<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for RuntimeFree<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx)
    }
}

impl<F: Future> Operation for RuntimeFree<F> {
    type Bounded = Result<F::Output, Cancelled>;

    fn bound(&self, done: Self::Output) -> Self::Bounded {
        Ok(done)
    }

    fn end(self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        Err(why)
    }
}

crate::operation_methods! { [F: Future] RuntimeFree<F> }

impl<F> fmt::Debug for RuntimeFree<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RuntimeFree")
    }
}
