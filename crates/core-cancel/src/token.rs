//! The token: a handle on a node of the tree.

use crate::{
    cancelled::{CancelKind, Cancelled},
    clock::Clock,
    hook::{CancelGuard, Hook},
    manual::ManualTime,
    node::{Absent, Node, Watchers},
    ops::{After, Cancellation, Draining, Run, Sleep, Ticker, Until},
    sync::Arc,
    system::NEVER,
};
use std::{
    any::{Any, TypeId},
    error::Error,
    fmt,
    hash::{Hash, Hasher},
    panic::Location,
    time::{Duration, Instant},
};

/// Says "stop" to everything below it, in threads, jobs and tasks alike; carries the deadline, the
/// clock and values. Cheap to clone; every clone is the same token.
///
/// Tokens form a tree: a child is cancelled with its parent, never the other way round. The first
/// reason is final.
///
/// # What a cancellation guarantees
/// As soon as a token reads as cancelled, so do all its descendants, at any depth, on every thread
/// (a token merged by [`any`](Self::any): when `cancel` returns). What the canceller did before is
/// visible to whoever sees it. When [`cancel`](Self::cancel) returns, every waiter has been woken
/// and every hook has run, on the canceller's thread, after all waiters; if another thread was
/// cancelling the same token or one above it, that thread may still be at it. A deadline does the
/// same on the thread that notices: the timer thread when anybody waits or has a hook, else the one
/// that polls. No lock is held meanwhile, so a hook may do anything with any token.
///
/// # A value and a cancellation at the same time
/// At entry the cancellation wins: nothing is taken under a token that is already cancelled. After
/// that a value that is ready, or was handed over, wins; it is never lost.
///
/// # Cost
/// A child is one allocation and no lock, 72 bytes. A poll is a load per level, no lock; with a
/// deadline it reads the clock a few times, then arms a timer and is a load again. Whoever waits
/// registers at its token under a lock.
///
/// ```
/// use anabranch_core_cancel::CancelToken;
/// use std::thread;
///
/// let root = CancelToken::new();
/// let job = root.child();
/// let worker = thread::spawn(move || job.cancelled().wait()); // in a task: `.await`
/// root.cancel_with("the user went home");
/// let why = worker.join().unwrap();
/// assert_eq!(why.cause().unwrap().to_string(), "the user went home");
/// ```
#[derive(Clone)]
pub struct CancelToken {
    /// `None` is the token that is never cancelled.
    node: Option<Arc<Node>>,
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

/// Making tokens.
impl CancelToken {
    /// A root: not cancelled, without deadline or values, on the system's clock.
    #[track_caller]
    pub fn new() -> Self {
        Self::on(Clock::system())
    }

    /// A root on that clock.
    #[track_caller]
    pub fn on(clock: Clock) -> Self {
        Self::from_node(Node::root(clock, NEVER, Location::caller()))
    }

    /// A root on a manual clock of its own, and what moves it: for tests.
    #[track_caller]
    pub fn manual() -> (Self, ManualTime) {
        let time = ManualTime::new();
        (Self::on(time.clock()), time)
    }

    /// The token that is never cancelled. Allocates nothing; a child of it is a root.
    pub const fn never() -> Self {
        Self { node: None }
    }

    /// A child: cancelled with this token, or on its own.
    #[track_caller]
    pub fn child(&self) -> Self {
        Self::from_node(self.child_node(NEVER, Location::caller()))
    }

    /// A child that is cancelled `after` from now, if not before.
    ///
    /// It never outlives this token's own deadline. Zero is cancelled at once;
    /// [`Duration::MAX`] means never.
    #[track_caller]
    pub fn child_with_timeout(&self, after: Duration) -> Self {
        let deadline = self.clock().nanos_after(after);
        Self::from_node(self.child_node(deadline, Location::caller()))
    }

    /// A child that is cancelled at `deadline`, if not before. One that has passed cancels it at
    /// once. See [`child_with_timeout`](Self::child_with_timeout).
    #[track_caller]
    pub fn child_with_deadline(&self, deadline: Instant) -> Self {
        let deadline = self.clock().nanos_of(deadline);
        Self::from_node(self.child_node(deadline, Location::caller()))
    }

    /// A child that carries `value`: see [`value`](Self::value).
    #[track_caller]
    pub fn child_with<T: Any + Send + Sync>(&self, value: T) -> Self {
        Self::from_node(
            self.child_node(NEVER, Location::caller())
                .bind(Box::new(value)),
        )
    }

    /// A child for which there is no value of type `T`, whatever this token carries.
    #[track_caller]
    pub fn child_without<T: Any + Send + Sync>(&self) -> Self {
        let absent = Box::new(Absent(TypeId::of::<T>()));
        Self::from_node(self.child_node(NEVER, Location::caller()).bind(absent))
    }

    /// A token that is cancelled with the first of several, with that one's reason.
    ///
    /// Costs no thread and no task. Its clock is the first one's; its deadline the earliest; values
    /// come from the first that has one. Of no token at all, it is a root. Dropped, it leaves
    /// nothing behind in the others.
    ///
    /// ```
    /// use anabranch_core_cancel::CancelToken;
    ///
    /// let (request, shutdown) = (CancelToken::new(), CancelToken::new());
    /// let both = CancelToken::any([&request, &shutdown]);
    /// shutdown.cancel_with("maintenance");
    /// assert_eq!(both.check().unwrap_err().cause().unwrap().to_string(), "maintenance");
    /// assert!(!request.is_cancelled());
    /// ```
    #[track_caller]
    pub fn any<'a>(tokens: impl IntoIterator<Item = &'a Self>) -> Self {
        let nodes: Vec<_> = tokens
            .into_iter()
            .filter_map(|token| token.node())
            .collect();
        Self {
            node: Some(Node::any(&nodes, Location::caller())),
        }
    }

    /// A new root with this token's values and clock, but not its cancellation or deadline: for
    /// work that has to be finished after all, such as cleaning up.
    #[track_caller]
    pub fn detached(&self) -> Self {
        let root = Node::root(self.clock().clone(), NEVER, Location::caller());
        Self::from_node(match &self.node {
            Some(node) => root.values_from(node),
            None => root,
        })
    }

    fn from_node(node: Node) -> Self {
        Self {
            node: Some(Arc::new(node)),
        }
    }

    fn child_node(&self, deadline: u64, at: &'static Location<'static>) -> Node {
        match &self.node {
            Some(parent) => parent.child(deadline, at),
            None => Node::root(Clock::system(), deadline, at),
        }
    }
}

/// Cancelling.
impl CancelToken {
    /// Cancels this token and all below. `false` if it was cancelled before: then nothing changes.
    ///
    /// # Panics
    /// With the first panic of a hook or a waker, when all of them have been called.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        let why = Cancelled::new(CancelKind::Explicit, Location::caller());
        self.node.as_ref().is_some_and(|node| node.cancel(&why))
    }

    /// Cancels with a cause: an error, or a string. See [`cancel`](Self::cancel).
    ///
    /// # Panics
    /// As [`cancel`](Self::cancel).
    #[track_caller]
    pub fn cancel_with(&self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> bool {
        let why = Cancelled::because(Location::caller(), cause.into());
        self.node.as_ref().is_some_and(|node| node.cancel(&why))
    }

    /// Level one: take no new work, finish what runs. Final, as cancelling is; nothing that waits
    /// under the token fails.
    ///
    /// Level two is [`cancel`](Self::cancel), and implies it.
    pub fn drain(&self) {
        if let Some(node) = &self.node {
            node.drain();
        }
    }

    /// Drains now and cancels when `grace` has passed, as a deadline does.
    ///
    /// A deadline that comes first stays. Zero cancels at once.
    #[track_caller]
    pub fn drain_within(&self, grace: Duration) {
        if let Some(node) = &self.node {
            let deadline = node.clock().nanos_after(grace);
            node.drain();
            node.deadline_at_latest(deadline, Location::caller());
        }
    }

    /// Cancels the token when the guard is dropped, unless it is disarmed.
    #[track_caller]
    pub fn guard(&self) -> CancelGuard {
        CancelGuard::new(self.clone(), Location::caller())
    }

    /// Runs `hook` once when the token is cancelled: at once, on this thread, if it already is.
    ///
    /// Dropping the [`Hook`] takes it back; [`Hook::forget`] leaves it in place for as long as the
    /// token or a clone or child of it lives. Hooks run after all waiters have been woken, in the
    /// order of their registration: see [`CancelToken`] on what a cancellation guarantees.
    ///
    /// # Panics
    /// With the hook's panic, if it runs at once.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) -> Hook {
        let Some(node) = &self.node else {
            return Hook::nowhere();
        };
        // A deadline needs its alarm, or nobody would notice.
        node.arm_all();
        match node.add_hook(Box::new(hook)) {
            Ok(key) => Hook::at(node.clone(), key),
            Err(hook) => {
                hook();
                Hook::nowhere()
            }
        }
    }

    pub(crate) fn cancel_because(&self, why: &Cancelled) -> bool {
        self.node.as_ref().is_some_and(|node| node.cancel(why))
    }
}

/// Asking.
impl CancelToken {
    /// Whether the token is cancelled. `true` is final; `false` may be stale on return.
    ///
    /// For hot loops: loads only, one per level, never a lock.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.node.as_ref().is_some_and(Node::is_cancelled)
    }

    /// Whether the token drains or is cancelled. `true` is final.
    #[inline]
    pub fn is_draining(&self) -> bool {
        self.node.as_ref().is_some_and(Node::is_draining)
    }

    /// For `?`: an error once the token is cancelled.
    ///
    /// # Errors
    /// The reason.
    #[inline]
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() {
            Err(self.cold_reason())
        } else {
            Ok(())
        }
    }

    /// Why the token is cancelled, if it is. Once there is a reason it stays the same.
    pub fn reason(&self) -> Option<Cancelled> {
        self.node.as_ref()?.reason()
    }

    #[cold]
    fn cold_reason(&self) -> Cancelled {
        self.reason().expect("a cancelled token has a reason")
    }

    /// When the token will be cancelled at the latest: the earliest deadline of its own and of all
    /// above.
    pub fn deadline(&self) -> Option<Instant> {
        let node = self.node.as_ref()?;
        node.clock().instant_of(node.deadline())
    }

    /// How long until the [`deadline`](Self::deadline): zero once it has passed.
    pub fn remaining(&self) -> Option<Duration> {
        let node = self.node.as_ref()?;
        let deadline = node.deadline();
        (deadline != NEVER)
            .then(|| Duration::from_nanos(deadline.saturating_sub(node.clock().nanos())))
    }

    /// The nearest value of type `T` bound by [`child_with`](Self::child_with): this token's, else
    /// an ancestor's.
    ///
    /// Looks upwards level by level, so it is for what is asked once per job, not per item.
    ///
    /// ```
    /// # use anabranch_core_cancel::CancelToken;
    /// #[derive(Debug, PartialEq)]
    /// struct UserId(u64);
    ///
    /// let user = CancelToken::new().child_with(UserId(7));
    /// assert_eq!(user.child().value::<UserId>(), Some(&UserId(7)));
    /// assert_eq!(user.child_without::<UserId>().value::<UserId>(), None);
    /// ```
    pub fn value<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.node.as_ref()?.find_value(|value| {
            if let Some(value) = value.downcast_ref::<T>() {
                return Some(Some(value));
            }
            let absent = value.downcast_ref::<Absent>()?;
            (absent.0 == TypeId::of::<T>()).then_some(None)
        })?
    }

    /// The clock of everything timed under this token.
    pub fn clock(&self) -> &Clock {
        const SYSTEM: &Clock = &Clock::system();
        self.node.as_ref().map_or(SYSTEM, |node| node.clock())
    }

    /// How much waits on this token: a snapshot.
    pub fn watchers(&self) -> Watchers {
        self.node
            .as_ref()
            .map(|node| node.watchers())
            .unwrap_or_default()
    }
}

/// Waiting.
impl CancelToken {
    /// The cancellation itself: an operation that yields the reason.
    pub fn cancelled(&self) -> Cancellation<&Self> {
        Cancellation::new(self)
    }

    /// The same, owning the token: `'static`.
    pub fn cancelled_owned(self) -> Cancellation<Self> {
        Cancellation::new(self)
    }

    /// Ready when the token drains or is cancelled: an operation.
    pub fn draining(&self) -> Draining<&Self> {
        Draining::new(self)
    }

    /// The same, owning the token: `'static`.
    pub fn draining_owned(self) -> Draining<Self> {
        Draining::new(self)
    }

    /// Sleeps for `time` on the token's clock, unless it is cancelled first: an operation.
    ///
    /// The time is counted from the first poll. [`Duration::MAX`] means until cancelled.
    pub fn sleep(&self, time: Duration) -> Sleep {
        Sleep::new(self.clone(), time)
    }

    /// Ready when `time` has passed on the token's clock, cancelled or not: an operation, for
    /// `select!`. The time is counted from the first poll.
    pub fn after(&self, time: Duration) -> After {
        After::new(self.clock().clone(), time)
    }

    /// Ready at `at` of the token's clock, at once if that has passed, cancelled or not: an
    /// operation, for a `select!` in a loop whose limit stays the same from round to round.
    pub fn until(&self, at: Instant) -> Until {
        Until::new(self.clock().clone(), at)
    }

    /// Ticks every `period` on the token's clock, cancelled or not.
    ///
    /// # Panics
    /// When the period is zero.
    #[track_caller]
    pub fn ticker(&self, period: Duration) -> Ticker {
        Ticker::new(self.clock().clone(), period)
    }

    /// Runs any future until the token is cancelled; the future is then dropped with the result.
    ///
    /// A value that is ready wins over a cancellation that came with it; a token that is cancelled
    /// at the first poll wins over the future, which is then never polled.
    ///
    /// # Errors
    /// The reason, if the token was cancelled first.
    pub fn run<F: Future>(&self, future: F) -> Run<F, &Self> {
        Run::new(future, self)
    }

    /// The same, owning the token: `'static` if the future is.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_owned<F: Future>(self, future: F) -> Run<F, Self> {
        Run::new(future, self)
    }

    /// A receiver that disconnects when the token is cancelled: an arm for crossbeam's `select!`.
    /// Made on first use.
    #[cfg(feature = "crossbeam")]
    pub fn done(&self) -> &crossbeam_channel::Receiver<std::convert::Infallible> {
        use crossbeam_channel::{Receiver, never};
        use std::{convert::Infallible, sync::OnceLock};
        static NEVER: OnceLock<Receiver<Infallible>> = OnceLock::new();
        match &self.node {
            Some(node) => node.done(),
            None => NEVER.get_or_init(never),
        }
    }

    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.node.as_ref()
    }
}

/// Two tokens are equal when they are the same one, not when they are in the same state.
impl PartialEq for CancelToken {
    fn eq(&self, other: &Self) -> bool {
        match (&self.node, &other.node) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for CancelToken {}

impl Hash for CancelToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.node.as_ref().map(Arc::as_ptr).hash(state);
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.node {
            None => "never",
            Some(node) if node.is_cancelled() => "cancelled",
            Some(node) if node.is_draining() => "draining",
            Some(_) => "live",
        };
        write!(f, "CancelToken({state})")
    }
}
