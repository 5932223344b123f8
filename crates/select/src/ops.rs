//! The operations of this crate, by type. They are made by the methods of [`Sender`](crate::Sender),
//! [`Receiver`](crate::Receiver) and [`Mux`](crate::Mux); the names are for signatures.

mod next;
mod reading;
mod recv;
mod recv_many;
mod send;
mod send_all;
mod send_from;

pub use next::Next;
pub use reading::{Reading, Reads};
pub use recv::Recv;
pub use recv_many::RecvMany;
pub use send::Send;
pub use send_all::{Rest, SendAll};
pub use send_from::SendFrom;

pub(crate) use recv::Receiving;
pub(crate) use send::{Gone, Sending};
