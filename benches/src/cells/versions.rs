//! The versions that were built, as the lock file has them.

/// All crates of the workspace are released in step.
pub(crate) const OURS: &str = env!("CARGO_PKG_VERSION");
pub(crate) const STD: &str = env!("BUILD_RUSTC");
pub(crate) const TOKIO: &str = env!("VERSION_TOKIO");
pub(crate) const TOKIO_UTIL: &str = env!("VERSION_TOKIO_UTIL");
pub(crate) const EVENT_LISTENER: &str = env!("VERSION_EVENT_LISTENER");
pub(crate) const GOVERNOR: &str = env!("VERSION_GOVERNOR");
pub(crate) const LEAKY_BUCKET: &str = env!("VERSION_LEAKY_BUCKET");
pub(crate) const QUANTA: &str = env!("VERSION_QUANTA");
pub(crate) const RATELIMIT: &str = env!("VERSION_RATELIMIT");
pub(crate) const RAYON: &str = env!("VERSION_RAYON");
pub(crate) const CROSSBEAM: &str = env!("VERSION_CROSSBEAM_CHANNEL");
pub(crate) const FLUME: &str = env!("VERSION_FLUME");
pub(crate) const LOOLE: &str = env!("VERSION_LOOLE");
pub(crate) const KANAL: &str = env!("VERSION_KANAL");
pub(crate) const ASYNC_LOCK: &str = env!("VERSION_ASYNC_LOCK");
pub(crate) const ASYNC_CHANNEL: &str = env!("VERSION_ASYNC_CHANNEL");
pub(crate) const FUTURES: &str = env!("VERSION_FUTURES_UTIL");
pub(crate) const TOKIO_STREAM: &str = env!("VERSION_TOKIO_STREAM");
