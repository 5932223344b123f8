//! What happens when a token is cancelled, and what cancels it when it is dropped.

use crate::{
    cancelled::{CancelKind, Cancelled},
    list::Key,
    node::Node,
    sync::Arc,
    token::CancelToken,
};
use std::{fmt, panic::Location};

/// A registered hook: dropping it takes the hook back. Made by
/// [`CancelToken::on_cancel`].
///
/// ```
/// use anabranch_core_cancel::CancelToken;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// static KILLED: AtomicBool = AtomicBool::new(false);
/// let token = CancelToken::new();
/// let hook = token.on_cancel(|| KILLED.store(true, Ordering::Relaxed));
/// token.cancel();
/// assert!(KILLED.load(Ordering::Relaxed));
/// assert!(!hook.stop()); // it has run
/// ```
#[must_use = "dropping it takes the hook back; call `forget()` to keep it registered"]
pub struct Hook {
    place: Option<(Arc<Node>, Key)>,
}

impl Hook {
    pub(crate) fn at(node: Arc<Node>, key: Key) -> Self {
        Self {
            place: Some((node, key)),
        }
    }

    /// It has run already, or never will.
    pub(crate) fn nowhere() -> Self {
        Self { place: None }
    }

    /// Takes the hook back: `true` if this kept it from running, for good. Of this and the hook's
    /// run exactly one happens. Does not wait for a hook that runs on another thread.
    pub fn stop(mut self) -> bool {
        self.take_back()
    }

    /// Leaves the hook registered, as long as the token or a clone or child of it lives.
    pub fn forget(mut self) {
        self.place = None;
    }

    fn take_back(&mut self) -> bool {
        // The hook is dropped here, with no lock held.
        self.place
            .take()
            .is_some_and(|(node, key)| node.remove_hook(key).is_some())
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.take_back();
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

/// Cancels a token when it is dropped. Made by [`CancelToken::guard`].
#[must_use = "the token is cancelled as soon as this is dropped"]
pub struct CancelGuard {
    token: Option<CancelToken>,
    at: &'static Location<'static>,
}

impl CancelGuard {
    pub(crate) fn new(token: CancelToken, at: &'static Location<'static>) -> Self {
        Self {
            token: Some(token),
            at,
        }
    }

    /// Lets the token live, and hands it back.
    pub fn disarm(mut self) -> CancelToken {
        self.token.take().expect("taken only here and on drop")
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            token.cancel_because(&Cancelled::new(CancelKind::Explicit, self.at));
        }
    }
}

impl fmt::Debug for CancelGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelGuard")
            .field("token", &self.token)
            .finish()
    }
}
