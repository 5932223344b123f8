//! Any future, until a token is cancelled.

use crate::{cancelled::Cancelled, ticket::Ticket, token::CancelToken, watch::Watch};
use pin_project_lite::pin_project;
use std::{
    borrow::Borrow,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

pin_project! {
    /// A future under a token. Made by [`CancelToken::run`] and [`CancelToken::run_owned`].
    ///
    /// Not an operation: the future inside may need its runtime, so it can only be awaited.
    #[must_use = "futures do nothing unless polled"]
    pub struct Run<F, T> {
        #[pin]
        future: F,
        token: T,
        watch: Watch,
        entered: bool,
    }
}

impl<F, T> Run<F, T> {
    pub(crate) fn new(future: F, token: T) -> Self {
        Self {
            future,
            token,
            watch: Watch::default(),
            entered: false,
        }
    }
}

impl<F: Future, T: Borrow<CancelToken>> Future for Run<F, T> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let node = (*this.token).borrow().node();
        if !std::mem::replace(this.entered, true)
            && let Some(why) = node.and_then(|node| node.reason())
        {
            return Poll::Ready(Err(why));
        }
        if let Poll::Ready(done) = this.future.poll(cx) {
            this.watch.clear();
            return Poll::Ready(Ok(done));
        }
        match node {
            Some(node) => {
                // Whether the future waits in one of our operations is for the future to say, but
                // the token is one in any case.
                this.watch
                    .poll_cancel(node, &Ticket::task(cx.waker()))
                    .map(Err)
            }
            None => Poll::Pending,
        }
    }
}

impl<F, T> fmt::Debug for Run<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Run")
    }
}
