//! What a job is told about itself.

use crate::sync::OnceLock;
use anabranch_core_cancel::CancelToken;
use std::fmt;

/// What [`submit_with`](crate::Pool::submit_with) gives to a job.
pub struct JobContext<'a> {
    pool: &'a CancelToken,
    own: &'a OnceLock<CancelToken>,
}

impl<'a> JobContext<'a> {
    pub(crate) fn new(pool: &'a CancelToken, own: &'a OnceLock<CancelToken>) -> Self {
        Self { pool, own }
    }

    /// The job's own token: cancelled by [`JobHandle::cancel`](crate::JobHandle::cancel), by
    /// [`Pool::abort`](crate::Pool::abort) and with the pool's token.
    ///
    /// # Cost
    /// A child of the pool's token, made on the first call.
    pub fn token(&self) -> &'a CancelToken {
        self.own.get_or_init(|| self.pool.child())
    }
}

impl fmt::Debug for JobContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobContext")
            .field("token", self.token())
            .finish()
    }
}
