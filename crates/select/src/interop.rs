//! Other people's channels as ours, and ours as theirs.
//!
//! | | in: theirs becomes an operation of ours | out: ours becomes theirs |
//! | --- | --- | --- |
//! | std's `mpsc` | [`Incoming`]: a thread, which looks 50 times a second whether it should end | |
//! | crossbeam (feature `crossbeam`) | [`Incoming`]: a thread | `crossbeam::Outgoing`: a thread |
//! | tokio's `mpsc` (feature `tokio`) | `tokio::Incoming`: nothing, it is polled directly | `tokio::outgoing`: a task |
//!
//! # What a thread in between costs, and what may be lost
//! Each message crosses two channels and is handed over by one more thread. That thread takes a
//! message from one side when it is ready to give it to the other, and so holds **at most one**.
//! `stop` ends it and gives back both the receiver and the message it held: nothing is lost. Dropped
//! instead, the receiver and that one message are dropped. In both cases the thread has ended when
//! the call returns: it has an exit from each of its waits, and is joined.
//!
//! Nothing here is a participant of a manual clock: whatever comes in from outside comes when it
//! comes.

mod forward;
mod incoming;
mod mpsc;

#[cfg(feature = "crossbeam")]
pub mod crossbeam;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use incoming::{Incoming, Source};
