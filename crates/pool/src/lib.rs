//! A bounded worker pool whose jobs are waited for by threads and tasks alike.
//!
//! ```
//! use anabranch_pool::Pool;
//!
//! let pool = Pool::builder().workers(4).queue(100).name("render").build()?;
//! let size = pool.run(|| "a page".len()).wait()?; // submit and take the result; in a task: .await
//! assert_eq!(size, 6);
//!
//! let job = pool.submit(|| 6 * 7).wait()?; // waits for room, and yields a handle
//! assert_eq!(job.wait()?, 42); // waits for the result
//! drop(pool); // drains it: every accepted job runs, every worker is joined
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! | you want to | use |
//! | --- | --- |
//! | run something elsewhere and take its result | [`Pool::run`] |
//! | start now, wait later | [`Pool::submit`], [`JobHandle`] |
//! | never wait for room | [`Pool::try_submit`] |
//! | stop a job | [`JobHandle::cancel`], [`JobContext::token`] |
//! | finish in order, or in a hurry | [`Pool::drain`], [`Pool::abort`] |
//! | learn the pattern and its pitfalls | [`guide`] |
#![forbid(unsafe_code)]

mod builder;
mod context;
mod error;
mod handle;
mod job;
mod jobs;
pub mod ops;
mod pool;
mod shared;
mod slot;
mod state;
mod stats;
mod sync;
mod worker;

pub use anabranch_core_cancel::{CancelToken, Wait};
pub use builder::{BuildError, Builder};
pub use context::JobContext;
pub use error::{Closed, JobError, JobPanic, RunError, SubmitError, TrySubmitError};
pub use handle::JobHandle;
pub use pool::{Aborted, Pool};
pub use stats::Stats;

#[doc = include_str!("../README.md")]
pub mod guide {}
