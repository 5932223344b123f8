//! Why something ended early: what kind of end, who asked for it and where, and the cause given.

use crate::sync::Arc;
use std::{error::Error, fmt, panic::Location};

/// The ways to end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CancelKind {
    /// Somebody called [`cancel`](crate::CancelToken::cancel) or
    /// [`cancel_with`](crate::CancelToken::cancel_with), or dropped a
    /// [`CancelGuard`](crate::CancelGuard).
    Explicit,
    /// The deadline of a token passed.
    Deadline,
    /// The `.timeout(..)` of a single operation ran out; no token was cancelled.
    Timeout,
}

/// Why a token was cancelled or a wait ended early. Cheap to clone; the first reason is final.
///
/// `{}` prints kind and place, `{:#}` also the cause; the cause is the error's
/// [`source`](Error::source).
///
/// ```
/// use anabranch_core_cancel::{CancelKind, CancelToken};
///
/// let token = CancelToken::new();
/// token.cancel_with("disk full");
/// let why = token.check().unwrap_err();
/// assert_eq!(why.kind(), CancelKind::Explicit);
/// assert_eq!(why.cause().unwrap().to_string(), "disk full");
/// assert!(why.location().file().ends_with(".rs"));
/// ```
#[derive(Clone)]
pub struct Cancelled {
    kind: CancelKind,
    at: &'static Location<'static>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Cancelled {
    pub(crate) fn new(kind: CancelKind, at: &'static Location<'static>) -> Self {
        Self {
            kind,
            at,
            cause: None,
        }
    }

    pub(crate) fn because(
        at: &'static Location<'static>,
        cause: Box<dyn Error + Send + Sync>,
    ) -> Self {
        Self {
            kind: CancelKind::Explicit,
            at,
            cause: Some(cause.into()),
        }
    }

    /// What kind of end this is.
    pub fn kind(&self) -> CancelKind {
        self.kind
    }

    /// Whether time ran out: a token's deadline or an operation's timeout.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, CancelKind::Deadline | CancelKind::Timeout)
    }

    /// The cause given to [`cancel_with`](crate::CancelToken::cancel_with), if any.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    /// The cause, if it is an `E`.
    pub fn downcast_cause<E: Error + 'static>(&self) -> Option<&E> {
        self.cause.as_deref().and_then(|cause| cause.downcast_ref())
    }

    /// Where the cancellation was asked for: the caller of `cancel`, or of what set the deadline
    /// or the timeout.
    pub fn location(&self) -> &'static Location<'static> {
        self.at
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            CancelKind::Explicit => write!(f, "cancelled at {}", self.at)?,
            CancelKind::Deadline => write!(f, "deadline passed, set at {}", self.at)?,
            CancelKind::Timeout => write!(f, "timed out, timeout set at {}", self.at)?,
        }
        match &self.cause {
            Some(cause) if f.alternate() => write!(f, ": {cause}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelled")
            .field("kind", &self.kind)
            .field("at", &format_args!("{}", self.at))
            .field("cause", &self.cause)
            .finish()
    }
}

impl Error for Cancelled {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
