//! One cancellation tree, one clock and one kind of operation for threads and tasks.
#![forbid(unsafe_code)]
