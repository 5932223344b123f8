//! Who takes part in a manual clock.

use super::{Manual, ManualTime};
use crate::{
    CancelToken,
    list::Key,
    sync::{Arc, Mutex, lock},
};
use std::{
    cell::{Cell, RefCell},
    fmt,
    marker::PhantomData,
    panic::Location,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    task::Waker,
    thread,
};

/// What somebody waits for, and where in the program.
#[derive(Clone, Copy)]
pub(crate) struct Site {
    pub(crate) what: &'static str,
    pub(crate) at: &'static Location<'static>,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.what, self.at)
    }
}

/// A participant as its clock sees it.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) state: MemberState,
    /// What it has to panic with when it wakes.
    pub(super) doomed: Option<Arc<str>>,
}

pub(super) enum MemberState {
    Running,
    Waiting {
        site: Site,
        waker: Waker,
        idle: bool,
    },
}

/// A participant as its thread or task and their wakers see it.
pub(crate) struct Participant {
    clock: Arc<Manual>,
    /// `None` once it has left. Locked inside the clock's lock.
    key: Mutex<Option<Key>>,
}

impl Participant {
    pub(super) fn new(clock: &Arc<Manual>, name: &str) -> Arc<Self> {
        let member = Member {
            name: name.into(),
            state: MemberState::Running,
            doomed: None,
        };
        let key = clock.enter(member);
        Arc::new(Self {
            clock: clock.clone(),
            key: Mutex::new(Some(key)),
        })
    }

    pub(super) fn clock(&self) -> &Manual {
        &self.clock
    }

    /// Goes to sleep, unless `notified`: see the head of `manual.rs`, 2.
    pub(crate) fn begin_wait(&self, site: Site, waker: &Waker, notified: impl FnOnce() -> bool) {
        let waiting = MemberState::Waiting {
            site,
            waker: waker.clone(),
            idle: idling(),
        };
        let mut state = lock(&self.clock.state);
        if notified() {
            drop(state);
            drop(waiting);
            return;
        }
        {
            let key = lock(&self.key);
            let Some(key) = key.as_ref() else { return };
            state.members.get_mut(key).state = waiting;
        }
        self.clock.one_less(state);
    }

    /// Was woken by somebody: see the head of `manual.rs`, 3.
    pub(crate) fn woken(&self) {
        let mut state = lock(&self.clock.state);
        let key = lock(&self.key);
        let Some(key) = key.as_ref() else { return };
        let member = state.members.get_mut(key);
        let was = std::mem::replace(&mut member.state, MemberState::Running);
        if matches!(was, MemberState::Waiting { .. }) {
            state.running += 1;
        }
        drop(state);
        drop(was);
    }

    /// Is awake, for whatever reason.
    ///
    /// # Panics
    /// When the clock found that nothing can ever happen.
    pub(crate) fn end_wait(&self) {
        self.woken();
        let mut state = lock(&self.clock.state);
        let key = lock(&self.key);
        let doomed = key
            .as_ref()
            .and_then(|key| state.members.get_mut(key).doomed.take());
        drop(key);
        drop(state);
        if let Some(report) = doomed {
            panic!("{report}");
        }
    }

    pub(super) fn leave(&self) {
        let key = lock(&self.key).take();
        if let Some(key) = key {
            self.clock.leave(key);
        }
    }
}

/// Whether any manual clock was ever made: spares everybody else the look at the thread's own.
static ANY: AtomicBool = AtomicBool::new(false);

thread_local! {
    static CURRENT: RefCell<Option<Arc<Participant>>> = const { RefCell::new(None) };
    static IDLE: Cell<bool> = const { Cell::new(false) };
    /// Whether an operation of ours went to sleep since this was last cleared.
    static REACHED: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn first_manual_clock() {
    // ORDERING: Relaxed: a thread that takes part learned of the clock from somebody who had it,
    // through a synchronisation of its own; the flag carries no data.
    ANY.store(true, Relaxed);
}

/// Who the current thread, or the task it polls, is.
pub(crate) fn current() -> Option<Arc<Participant>> {
    // ORDERING: Relaxed, see `first_manual_clock`.
    if !ANY.load(Relaxed) {
        return None;
    }
    CURRENT
        .try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

/// Sets who the current thread is, and returns who it was.
pub(super) fn set_current(who: Option<Arc<Participant>>) -> Option<Arc<Participant>> {
    CURRENT
        .try_with(|current| current.replace(who))
        .ok()
        .flatten()
}

/// An operation of ours asked for a waker: the task that is being polled waits in it.
pub(crate) fn mark_reached() {
    // ORDERING: Relaxed, see `first_manual_clock`.
    if ANY.load(Relaxed) {
        let _ = REACHED.try_with(|reached| reached.set(true));
    }
}

pub(super) fn take_reached() -> bool {
    REACHED.try_with(Cell::take).unwrap_or(false)
}

pub(crate) fn idling() -> bool {
    IDLE.try_with(Cell::get).unwrap_or(false)
}

/// A participant that is announced but not yet there: made by whoever starts a thread, before it
/// starts, and sent to it. See [`Clock::participant`](crate::Clock::participant).
#[must_use = "dropping it takes the announcement back"]
pub struct Membership {
    participant: Option<Arc<Participant>>,
}

impl Membership {
    pub(crate) fn new(clock: Option<&Arc<Manual>>, name: &str) -> Self {
        Self {
            participant: clock.map(|clock| Participant::new(clock, name)),
        }
    }

    /// Makes the current thread the one announced, until the guard is dropped.
    pub fn enter(mut self) -> Participation {
        let participant = self.participant.take();
        let outer = participant
            .clone()
            .map(|participant| set_current(Some(participant)));
        Participation {
            participant,
            outer: outer.flatten(),
            here: PhantomData,
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(participant) = self.participant.take() {
            participant.leave();
        }
    }
}

impl fmt::Debug for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Membership")
    }
}

/// While it lives the current thread takes part in a manual clock. Guards of one thread are
/// dropped in the reverse order of their making.
#[must_use = "the thread leaves the clock as soon as this is dropped"]
pub struct Participation {
    participant: Option<Arc<Participant>>,
    outer: Option<Arc<Participant>>,
    /// Belongs to its thread.
    here: PhantomData<*const ()>,
}

impl Participation {
    /// Runs `wait`, a wait for something to do: not a deadlock when nothing ever comes.
    pub fn idle<T>(&self, wait: impl FnOnce() -> T) -> T {
        struct Restore(bool);
        impl Drop for Restore {
            fn drop(&mut self) {
                IDLE.set(self.0);
            }
        }
        let _restore = Restore(IDLE.replace(true));
        wait()
    }
}

impl Drop for Participation {
    fn drop(&mut self) {
        if let Some(participant) = self.participant.take() {
            set_current(self.outer.take());
            participant.leave();
        }
    }
}

impl fmt::Debug for Participation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Participation")
    }
}

/// A thread started by [`ManualTime::spawn`].
#[derive(Debug)]
pub struct Spawned<T> {
    thread: thread::JoinHandle<T>,
    ended: CancelToken,
}

impl<T: Send + 'static> Spawned<T> {
    pub(super) fn new(time: ManualTime, f: impl FnOnce() -> T + Send + 'static) -> Self {
        let ended = time.token();
        let guard = ended.clone().guard();
        let membership = Membership::new(Some(&time.clock), "a spawned thread");
        let thread = thread::spawn(move || {
            // Dropped in reverse: a joiner is woken while this thread still counts as running.
            let _in = membership.enter();
            let _ended = guard;
            f()
        });
        Self { thread, ended }
    }
}

impl<T> Spawned<T> {
    /// Waits for the thread to end. Blocks; the caller, if a participant, counts as waiting.
    ///
    /// # Errors
    /// The thread's panic payload, if it panicked.
    #[track_caller]
    pub fn join(self) -> thread::Result<T> {
        self.ended.cancelled().wait();
        self.thread.join()
    }

    /// Whether the thread's function has returned.
    pub fn is_finished(&self) -> bool {
        self.ended.is_cancelled()
    }
}
