//! The work, one file per question, each written once for all who do it.
//!
//! Every function sets up outside the watch, measures one loop, and then checks that the work was
//! really done. What could let the compiler leave work out is said at each loop.

mod channel;
mod children;
mod crowd;
mod deadlines;
mod keyed;
mod limiter;
mod memory;
mod pace;
mod poll;
mod pool;
mod ready;
mod select;
mod semaphore;
mod timed_children;
mod wake;

pub use channel::{one_thread, task_to_task, tasks_to_tasks, thread_to_task, thread_to_thread};
pub use children::{
    cancel_all, create_and_drop, create_and_drop_two_threads, create_and_wait, wake_all,
};
pub use crowd::{
    crowd_of_anabranch, crowd_of_governor, crowd_of_leaky_bucket, crowd_of_reservations,
};
pub use deadlines::{Fired, deadlines};
pub use keyed::{Second, million_keys, new_keys};
pub use limiter::{admit, deny, half_admitted_two_threads};
pub use memory::bytes_per_child;
pub use pace::{
    pace_of_anabranch, pace_of_anabranch_task, pace_of_governor, pace_of_governor_task,
    pace_of_interval, pace_of_leaky_bucket, pace_of_ratelimit, pace_of_reservations,
};
pub use poll::{chain, poll};
pub use pool::{round_trip, take_results, tiny_jobs};
pub use ready::ready;
pub use select::{poll_empty, select_in_task, select_in_thread};
pub use semaphore::{
    eight_tasks, eight_threads, ready_task, thousand_tasks, weighted_tasks, weighted_threads,
};
pub use timed_children::timed_children;
pub use wake::{wake_task, wake_task_from_thread, wake_thread};
