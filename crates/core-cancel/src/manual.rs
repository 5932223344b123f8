//! A clock that a test moves, and the count of who may still run before it moves.
//!
//! Time moves only by [`ManualTime`]: step by step from alarm to alarm, one alarm at a time, and
//! only while *no participant can run*. `running` counts those that can:
//!
//! 1. A participant starts as running; whoever starts it has counted it before it starts.
//! 2. It stops being counted when it goes to sleep in an operation, under the clock's lock, and
//!    only if nobody has notified it yet.
//! 3. Whoever wakes it first notifies (an atomic swap), then counts it as running under the
//!    clock's lock, and only then lets it go. So between the wake and the woken one's first step
//!    the clock stands still.
//!
//! From 2 and 3: the sleeper looks for a notification and leaves the count in one critical
//! section, the waker's swap comes before its own. If the sleeper misses the swap, the waker finds
//! it asleep and counts it. In between the waker itself still runs, or holds the step: time
//! cannot slip through.
//!
//! The clock's lock is a leaf: nothing is woken, dropped or called under it, and tokens' locks may
//! be held when it is taken, never the other way round.

mod member;
mod task;

pub use member::{Membership, Participation, Spawned};
pub(crate) use member::{Participant, Site, current, mark_reached};
pub use task::ManualTask;

use crate::{
    CancelToken, Clock,
    list::{Key, List},
    sync::{Arc, AtomicU64, Condvar, Mutex, MutexGuard, PoisonError, lock},
    system,
    timers::{Alarm, TimerKey, Timers},
};
use member::{Member, MemberState};
use std::{
    fmt::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::Ordering::{Acquire, Release},
    task::Waker,
    time::{Duration, Instant},
};

/// The clock itself.
pub(crate) struct Manual {
    origin: Instant,
    /// Written under the lock only; read by anybody.
    now: AtomicU64,
    state: Mutex<State>,
    /// Told when nobody can run, and when a step ends.
    quiet: Condvar,
}

struct State {
    timers: Timers,
    members: List<Member>,
    /// Participants that can run, and holds.
    running: usize,
    auto: bool,
    /// Somebody moves the clock or fires an alarm.
    stepping: bool,
    /// Threads inside `settle`: they come before a jump.
    settling: usize,
}

impl Manual {
    fn new() -> Self {
        member::first_manual_clock();
        Self {
            origin: Instant::now(),
            now: AtomicU64::new(0),
            state: Mutex::new(State {
                timers: Timers::new(),
                members: List::new(),
                running: 0,
                auto: false,
                stepping: false,
                settling: 0,
            }),
            quiet: Condvar::new(),
        }
    }

    pub(crate) fn origin(&self) -> Instant {
        self.origin
    }

    pub(crate) fn now(&self) -> u64 {
        // ORDERING: Acquire, paired with the Release in `move_to`: who sees the new time sees what
        // the mover did before.
        self.now.load(Acquire)
    }

    pub(crate) fn arm(&self, at: u64, alarm: Alarm) -> TimerKey {
        lock(&self.state).timers.arm(at, alarm)
    }

    pub(crate) fn disarm(&self, key: TimerKey) -> Option<Alarm> {
        lock(&self.state).timers.disarm(key)
    }

    pub(crate) fn replace(&self, key: &TimerKey, alarm: Alarm) -> Result<Alarm, Alarm> {
        lock(&self.state).timers.replace(key, alarm)
    }

    pub(crate) fn armed(&self) -> usize {
        lock(&self.state).timers.len()
    }

    fn enter(&self, member: Member) -> Key {
        let mut state = lock(&self.state);
        state.running += 1;
        state.members.push(member)
    }

    fn leave(&self, key: Key) {
        let mut state = lock(&self.state);
        let member = state.members.remove(key);
        if matches!(member.state, MemberState::Running) {
            self.one_less(state);
        } else {
            drop(state);
        }
        drop(member);
    }

    fn one_less(&self, mut state: MutexGuard<'_, State>) {
        state.running -= 1;
        if state.running == 0 {
            self.when_quiet(state);
        }
    }

    /// Nobody can run: lets the observers know and, if the clock moves by itself, moves it.
    fn when_quiet<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        self.quiet.notify_all();
        while state.auto && state.all_wait() && !state.stepping && state.settling == 0 {
            let Some(next) = state.timers.next() else {
                let doomed = state.deadlock();
                drop(state);
                doomed.into_iter().for_each(Waker::wake);
                return;
            };
            let alarm = self.move_to(&mut state, next);
            state.stepping = true;
            drop(state);
            // The panic hook has reported a panicking waker or hook; whoever happens to be the
            // last to wait has no part in it.
            let _ = catch_unwind(AssertUnwindSafe(|| alarm.map(Alarm::fire)));
            state = lock(&self.state);
            state.stepping = false;
            self.quiet.notify_all();
        }
    }

    /// Sets the time and takes the first alarm due at it.
    fn move_to(&self, state: &mut State, at: u64) -> Option<Alarm> {
        if at > self.now() {
            // ORDERING: Release, see `now`. The lock is held, so stores do not race.
            self.now.store(at, Release);
        }
        state.timers.pop_due(self.now())
    }

    fn wait_quiet<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        while state.running > 0 {
            state = self
                .quiet
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    fn advance(&self, by: u64) {
        let me = current().filter(|me| std::ptr::eq(me.clock(), self));
        let mut state = lock(&self.state);
        while state.stepping {
            state = self
                .quiet
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.stepping = true;
        // The last moment is not reached: it stands for never.
        let target = self.now().saturating_add(by).min(system::NEVER - 1);
        // The caller moves the clock, so it does not run on it.
        state.running -= usize::from(me.is_some());
        let mut panicked = None;
        loop {
            state = self.wait_quiet(state);
            let next = state.timers.next().filter(|&next| next <= target);
            let alarm = self.move_to(&mut state, next.unwrap_or(target));
            if next.is_none() {
                break;
            }
            drop(state);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| alarm.map(Alarm::fire))) {
                panicked.get_or_insert(panic);
            }
            state = lock(&self.state);
        }
        state.stepping = false;
        state.running += usize::from(me.is_some());
        let quiet = state.running == 0;
        self.quiet.notify_all();
        if quiet {
            self.when_quiet(state);
        } else {
            drop(state);
        }
        if let Some(panic) = panicked {
            resume_unwind(panic);
        }
    }

    fn settle(&self) {
        let me = current().filter(|me| std::ptr::eq(me.clock(), self));
        let mut state = lock(&self.state);
        state.running -= usize::from(me.is_some());
        state.settling += 1;
        if state.running == 0 {
            self.quiet.notify_all();
        }
        state = self.wait_quiet(state);
        state.settling -= 1;
        state.running += usize::from(me.is_some());
        if state.running == 0 {
            self.when_quiet(state);
        }
    }
}

impl State {
    /// There are participants, and none of them can run.
    fn all_wait(&self) -> bool {
        self.running == 0 && self.members.len() > 0
    }

    /// Nobody can run and no alarm will wake anybody: tells those who wait for what they wait for.
    ///
    /// Idle participants (a pool's worker without a job) are no deadlock by themselves.
    fn deadlock(&mut self) -> Vec<Waker> {
        let mut report = String::from("deadlock on the manual clock: all wait, no timer is armed");
        let mut stuck = 0;
        for member in self.members.iter() {
            if let MemberState::Waiting { site, idle, .. } = &member.state {
                stuck += usize::from(!idle);
                let idle = if *idle { " (idle)" } else { "" };
                // Writing to a `String` cannot fail.
                let _ = write!(report, "\n  {} waits for {site}{idle}", member.name);
            }
        }
        if stuck == 0 {
            return Vec::new();
        }
        let report: Arc<str> = report.into();
        let mut wakers = Vec::with_capacity(stuck);
        let mut next = self.members.first();
        while let Some(at) = next {
            next = self.members.after(at);
            let member = self.members.at_mut(at);
            if let MemberState::Waiting {
                idle: false, waker, ..
            } = &member.state
            {
                wakers.push(waker.clone());
                member.doomed = Some(report.clone());
            }
        }
        wakers
    }
}

/// Moves a manual clock. Cheap to clone; every clone moves the same one.
///
/// Made by [`CancelToken::manual`]. Whatever takes its time from that token (deadlines, sleeps,
/// timeouts, tickers, and the limiters, pools and retries of the other crates) runs on it.
///
/// # Who is waited for
/// Time moves only while no *participant* can run: what this family starts under a token on this
/// clock, threads by [`spawn`](Self::spawn) or [`join`](Self::join), tasks by
/// [`task`](Self::task), and any other work while it has a [`hold`](Self::hold). A participant
/// that waits in an operation cannot run; one in a mutex, in I/O or in `thread::sleep` can.
///
/// ```
/// use anabranch_core_cancel::CancelToken;
/// use std::time::Duration;
///
/// let (token, time) = CancelToken::manual();
/// time.auto_advance();
/// let start = token.clock().now();
/// let sleeper = time.spawn({
///     let token = token.clone();
///     move || token.sleep(Duration::from_secs(3_600)).wait()
/// });
/// assert!(sleeper.join().unwrap().is_ok()); // an hour later, at once
/// assert_eq!(token.clock().now() - start, Duration::from_secs(3_600));
/// ```
#[derive(Clone)]
pub struct ManualTime {
    clock: Arc<Manual>,
}

impl ManualTime {
    pub(crate) fn new() -> Self {
        Self {
            clock: Arc::new(Manual::new()),
        }
    }

    /// The clock, as tokens carry it.
    pub fn clock(&self) -> Clock {
        Clock::on(self.clock.clone())
    }

    /// Moves the time on by `by`, stepping from timer to timer.
    ///
    /// Fires one timer at a time: by time, and those of one instant in the order in which they
    /// were armed. Before each step and before it returns it waits until no participant can run,
    /// so that what one timer set going has armed its own timers before the next one fires. The
    /// caller, if a participant, does not count meanwhile. Blocks the thread.
    ///
    /// # Panics
    /// With the panic of a hook or a waker that a timer called, after the time has moved.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(system::nanos(by));
    }

    /// From now on jumps to the next timer whenever there are participants and none can run.
    ///
    /// When all wait and no timer is armed, nothing can ever happen: every waiting participant
    /// then panics with the list of who waits for what. A test's own thread that still means to
    /// act must be a participant ([`join`](Self::join)) or have a [`hold`](Self::hold).
    pub fn auto_advance(&self) {
        let mut state = lock(&self.clock.state);
        state.auto = true;
        if state.all_wait() {
            self.clock.when_quiet(state);
        }
    }

    /// Waits until no participant can run. Blocks the thread; comes before an automatic jump.
    ///
    /// The caller, if a participant, does not count meanwhile and runs on return, so the clock
    /// stands still until it waits next.
    pub fn settle(&self) {
        self.clock.settle();
    }

    /// Time passed on this clock.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.clock.now())
    }

    /// Makes the current thread a participant until the guard is dropped.
    pub fn join(&self) -> Participation {
        let thread = std::thread::current();
        Membership::new(Some(&self.clock), thread.name().unwrap_or("a thread")).enter()
    }

    /// Starts a thread that is a participant from before it starts until it ends.
    ///
    /// # Panics
    /// When the operating system refuses the thread.
    pub fn spawn<T, F>(&self, f: F) -> Spawned<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        Spawned::new(self.clone(), f)
    }

    /// Makes a future a participant, from now until it ends or is dropped.
    ///
    /// It can run from each wake until it returns `Pending`; a poll that reached none of our
    /// operations (it waits for I/O, say) still counts as running.
    #[track_caller]
    pub fn task<F: Future>(&self, future: F) -> ManualTask<F> {
        ManualTask::new(&self.clock, future)
    }

    /// Keeps the time from moving until the guard is dropped: for work that is no participant.
    pub fn hold(&self) -> Hold {
        lock(&self.clock.state).running += 1;
        Hold {
            clock: self.clock.clone(),
        }
    }

    /// A new root token on this clock.
    pub fn token(&self) -> CancelToken {
        CancelToken::on(self.clock())
    }
}

impl fmt::Debug for ManualTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManualTime({:?})", self.elapsed())
    }
}

/// While it lives a manual clock does not move. Made by [`ManualTime::hold`].
#[must_use = "the clock may move as soon as this is dropped"]
pub struct Hold {
    clock: Arc<Manual>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.clock.one_less(lock(&self.clock.state));
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}
