//! The clock: the system's, or a manual one that a test moves.

use crate::{
    manual::Manual,
    sync::Arc,
    system::{self, NEVER},
    timers::{Alarm, TimerKey},
};
use std::{
    fmt,
    time::{Duration, Instant},
};

/// Where time comes from. A small value, cheap to clone; every token carries one.
///
/// Read without a dynamic call: one branch, then the system's clock or a load.
///
/// ```
/// use anabranch_core_cancel::{CancelToken, Clock};
/// use std::time::Duration;
///
/// let (token, time) = CancelToken::manual();
/// let start = token.clock().now();
/// time.advance(Duration::from_secs(5));
/// assert_eq!(token.clock().now() - start, Duration::from_secs(5));
/// assert!(Clock::system().is_system());
/// ```
#[derive(Clone, Default)]
pub struct Clock {
    manual: Option<Arc<Manual>>,
}

impl Clock {
    /// The system's monotonic clock.
    pub const fn system() -> Self {
        Self { manual: None }
    }

    pub(crate) fn on(manual: Arc<Manual>) -> Self {
        Self {
            manual: Some(manual),
        }
    }

    /// Whether this is the system's clock.
    pub fn is_system(&self) -> bool {
        self.manual.is_none()
    }

    /// The time now.
    pub fn now(&self) -> Instant {
        match &self.manual {
            None => Instant::now(),
            Some(manual) => manual.origin() + Duration::from_nanos(manual.now()),
        }
    }

    /// Nanoseconds since a fixed moment of this clock: for arithmetic on a single word.
    ///
    /// Never goes back. A clock's zero is the first look at it (system) or its making (manual).
    pub fn nanos(&self) -> u64 {
        match &self.manual {
            None => system::now(),
            Some(manual) => manual.now(),
        }
    }

    /// `instant` in this clock's nanoseconds: 0 for what lies before its zero, and
    /// `u64::MAX`, which stands for never, for what lies more than 584 years after.
    pub fn nanos_of(&self, instant: Instant) -> u64 {
        system::nanos(instant.saturating_duration_since(self.origin()))
    }

    /// The instant of `nanos`, unless that is never.
    pub fn instant_of(&self, nanos: u64) -> Option<Instant> {
        if nanos == NEVER {
            return None;
        }
        self.origin().checked_add(Duration::from_nanos(nanos))
    }

    /// Announces a thread that is about to start, so that a manual clock stands still until that
    /// thread waits. For those who start threads; on the system's clock it costs nothing.
    pub fn participant(&self, name: &str) -> crate::Membership {
        crate::Membership::new(self.manual.as_ref(), name)
    }

    /// `after` from now; a time too far to say is never.
    pub(crate) fn nanos_after(&self, after: Duration) -> u64 {
        match system::nanos(after) {
            NEVER => NEVER,
            after => self.nanos().saturating_add(after),
        }
    }

    pub(crate) fn arm(&self, at: u64, alarm: Alarm) -> TimerKey {
        match &self.manual {
            None => system::arm(at, alarm),
            Some(manual) => manual.arm(at, alarm),
        }
    }

    /// The alarm, unless it has fired; it may hold a waker, so no lock may be held on drop.
    pub(crate) fn disarm(&self, key: TimerKey) -> Option<Alarm> {
        match &self.manual {
            None => system::disarm(key),
            Some(manual) => manual.disarm(key),
        }
    }

    pub(crate) fn replace(&self, key: &TimerKey, alarm: Alarm) -> Result<Alarm, Alarm> {
        match &self.manual {
            None => system::replace(key, alarm),
            Some(manual) => manual.replace(key, alarm),
        }
    }

    /// Timers armed on this clock at the moment: a snapshot, for tests that look for leaks.
    pub fn armed_timers(&self) -> usize {
        match &self.manual {
            None => system::armed(),
            Some(manual) => manual.armed(),
        }
    }

    fn origin(&self) -> Instant {
        match &self.manual {
            None => system::origin(),
            Some(manual) => manual.origin(),
        }
    }
}

/// Two clocks are equal when they are the same one.
impl PartialEq for Clock {
    fn eq(&self, other: &Self) -> bool {
        match (&self.manual, &other.manual) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Clock {}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.manual {
            None => f.write_str("Clock(system)"),
            Some(manual) => write!(f, "Clock(manual, {:?})", Duration::from_nanos(manual.now())),
        }
    }
}
