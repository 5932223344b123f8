//! The versions that were built, as the lock file has them.

/// All crates of the workspace are released in step.
pub(crate) const OURS: &str = env!("CARGO_PKG_VERSION");
pub(crate) const STD: &str = env!("BUILD_RUSTC");
pub(crate) const TOKIO: &str = env!("VERSION_TOKIO");
pub(crate) const TOKIO_UTIL: &str = env!("VERSION_TOKIO_UTIL");
pub(crate) const EVENT_LISTENER: &str = env!("VERSION_EVENT_LISTENER");
pub(crate) const GOVERNOR: &str = env!("VERSION_GOVERNOR");
pub(crate) const RAYON: &str = env!("VERSION_RAYON");
pub(crate) const CROSSBEAM: &str = env!("VERSION_CROSSBEAM_CHANNEL");
