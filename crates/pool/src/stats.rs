//! The counts, all of one moment.

/// A pool's counts, read in one step: may be stale on return, but never contradict each other.
///
/// Always `submitted == queued + running + completed + panicked + cancelled`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Jobs that were accepted.
    pub submitted: u64,
    /// Jobs that wait for a worker.
    pub queued: usize,
    /// Jobs that have begun, or been taken out of the queue, and not ended.
    pub running: usize,
    /// Jobs that returned.
    pub completed: u64,
    /// Jobs that panicked.
    pub panicked: u64,
    /// Jobs that were cancelled before they began.
    pub cancelled: u64,
    /// Panics that no handle was told of, in jobs and in the drops of what jobs own and return.
    pub detached_panics: u64,
}
