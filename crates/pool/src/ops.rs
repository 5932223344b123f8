//! The operations of this crate, by type. They are made by the methods of [`Pool`](crate::Pool);
//! the names are for signatures.

mod drain;
mod run;
mod submit;

pub use crate::handle::JobHandle;
pub use drain::Drain;
pub use run::Run;
pub use submit::Submit;
