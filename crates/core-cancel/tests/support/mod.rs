//! Two primitives on the wait queue, as small as they can be: a semaphore and a rendezvous
//! channel. What the family's crates do with the queue, these do in the tests and the models.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use anabranch_core_cancel::{
    Cancelled, Operation, Ticket, Wakes, operation,
    queue::{HandOver, Left, Place, WaitQueue},
};
use std::{collections::VecDeque, pin::Pin, sync::PoisonError, task::Poll};

#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Not poisoned in a model that passes; in one that fails, the first panic is the one to see.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub struct Semaphore {
    state: Mutex<Permits>,
}

struct Permits {
    free: usize,
    line: WaitQueue<usize>,
}

impl Permits {
    /// Serves the line as far as the permits go.
    fn serve(&mut self, wakes: &mut Wakes) {
        let Self { free, line } = self;
        loop {
            let mut given = 0;
            let fits = |want: &usize| *want <= *free;
            if !line.hand_over_if(wakes, fits, |want| given = *want) {
                return;
            }
            *free -= given;
        }
    }
}

impl Semaphore {
    pub fn new(free: usize) -> Self {
        Self {
            state: Mutex::new(Permits {
                free,
                line: WaitQueue::new(),
            }),
        }
    }

    pub fn acquire(&self, want: usize) -> Acquire<'_> {
        Acquire {
            of: self,
            want,
            place: None,
        }
    }

    pub fn try_acquire(&self, want: usize) -> Option<Permit<'_>> {
        let mut state = lock(&self.state);
        (state.line.is_empty() && state.free >= want).then(|| {
            state.free -= want;
            Permit {
                of: self,
                count: want,
            }
        })
    }

    pub fn free(&self) -> usize {
        lock(&self.state).free
    }

    pub fn waiting(&self) -> usize {
        lock(&self.state).line.len()
    }
}

pub struct Permit<'a> {
    of: &'a Semaphore,
    count: usize,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut wakes = Wakes::new();
        let mut state = lock(&self.of.state);
        state.free += self.count;
        state.serve(&mut wakes);
        drop(state);
    }
}

#[must_use]
pub struct Acquire<'a> {
    of: &'a Semaphore,
    want: usize,
    place: Option<Place>,
}

impl<'a> Acquire<'a> {
    /// Leaves the line; a permit that was granted comes along.
    fn leave(&mut self) -> Option<Permit<'a>> {
        let place = self.place.take()?;
        let mut wakes = Wakes::new();
        let mut state = lock(&self.of.state);
        let Left {
            granted,
            was_first,
            waker,
            ..
        } = state.line.leave(place);
        if was_first {
            state.serve(&mut wakes);
        }
        drop(state);
        drop(waker);
        granted.then(|| Permit {
            of: self.of,
            count: self.want,
        })
    }
}

impl<'a> Operation for Acquire<'a> {
    type Bounded = Result<Permit<'a>, Cancelled>;

    fn bound(&self, done: Permit<'a>) -> Self::Bounded {
        Ok(done)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        self.leave().ok_or(why)
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<Permit<'a>> {
        let of = self.of;
        let mut state = lock(&of.state);
        let mut old = None;
        let ready = match &self.place {
            Some(place) => {
                let ready = state.line.is_granted(place)
                    || (state.line.is_first(place) && state.free >= self.want);
                if !ready {
                    old = state.line.stay(place, ticket);
                }
                ready
            }
            None => state.line.is_empty() && state.free >= self.want,
        };
        if !ready {
            if self.place.is_none() {
                self.place = Some(state.line.join(self.want, ticket));
            }
            drop(state);
            drop(old);
            return Poll::Pending;
        }
        let mut wakes = Wakes::new();
        let left = self.place.take().map(|place| state.line.leave(place));
        if !left.as_ref().is_some_and(|left| left.granted) {
            state.free -= self.want;
            state.serve(&mut wakes);
        }
        drop(state);
        Poll::Ready(Permit {
            of,
            count: self.want,
        })
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<Permit<'a>> {
        self.leave()
    }
}

operation! { ['a] Acquire<'a> => Permit<'a> }

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        drop(self.leave());
    }
}

/// A channel without a buffer: a message goes from hand to hand.
pub struct Rendezvous<T> {
    state: Mutex<Ends<T>>,
}

struct Ends<T> {
    senders: WaitQueue<Option<T>>,
    receivers: WaitQueue<Option<T>>,
    /// Handed to receivers that went away: the next receivers get them.
    returned: VecDeque<T>,
}

impl<T> Rendezvous<T> {
    pub fn new() -> Self {
        let (senders, receivers) = (WaitQueue::new(), WaitQueue::new());
        Self {
            state: Mutex::new(Ends {
                senders,
                receivers,
                returned: VecDeque::new(),
            }),
        }
    }

    pub fn send(&self, message: T) -> Send<'_, T> {
        Send {
            over: self,
            message: Some(message),
            place: None,
        }
    }

    pub fn recv(&self) -> Recv<'_, T> {
        Recv {
            over: self,
            place: None,
        }
    }

    pub fn waiting(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.senders.len(), state.receivers.len())
    }

    pub fn take_returned(&self) -> Option<T> {
        lock(&self.state).returned.pop_front()
    }
}

#[must_use]
pub struct Send<'a, T> {
    over: &'a Rendezvous<T>,
    message: Option<T>,
    place: Option<Place>,
}

impl<T> Unpin for Send<'_, T> {}

impl<T> Send<'_, T> {
    /// The message, unless it was taken.
    fn leave(&mut self) -> Option<T> {
        let Some(place) = self.place.take() else {
            return self.message.take();
        };
        let left = lock(&self.over.state).senders.leave(place);
        left.value
    }
}

impl<T> Operation for Send<'_, T> {
    type Bounded = Result<(), (Cancelled, T)>;

    fn bound(&self, (): ()) -> Self::Bounded {
        Ok(())
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        self.leave().map_or(Ok(()), |message| Err((why, message)))
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<()> {
        let over = self.over;
        let mut wakes = Wakes::new();
        let mut state = lock(&over.state);
        if self
            .place
            .as_ref()
            .is_some_and(|place| state.senders.is_granted(place))
        {
            let place = self.place.take().expect("just seen");
            let _left = state.senders.leave(place);
            return Poll::Ready(());
        }
        let this = &mut *self;
        let Ends {
            senders, receivers, ..
        } = &mut *state;
        let done = receivers.hand_over_by(ticket, &mut wakes, |slot| {
            *slot = match &this.place {
                Some(place) => senders.get_mut(place).take(),
                None => this.message.take(),
            };
        });
        if done == HandOver::Done {
            let _left = this.place.take().map(|place| senders.leave(place));
            return Poll::Ready(());
        }
        let _old = match &this.place {
            Some(place) => senders.stay(place, ticket),
            None => {
                this.place = Some(senders.join(this.message.take(), ticket));
                None
            }
        };
        drop(state);
        Poll::Pending
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<()> {
        match self.leave() {
            Some(message) => {
                self.message = Some(message);
                None
            }
            None => Some(()),
        }
    }
}

operation! { ['a, T] Send<'a, T> => () }

impl<T> Drop for Send<'_, T> {
    fn drop(&mut self) {
        drop(self.leave());
    }
}

#[must_use]
pub struct Recv<'a, T> {
    over: &'a Rendezvous<T>,
    place: Option<Place>,
}

impl<T> Recv<'_, T> {
    /// The message, if one was handed over.
    fn leave(&mut self) -> Option<T> {
        let place = self.place.take()?;
        let left = lock(&self.over.state).receivers.leave(place);
        left.value
    }
}

impl<T> Operation for Recv<'_, T> {
    type Bounded = Result<T, Cancelled>;

    fn bound(&self, done: T) -> Self::Bounded {
        Ok(done)
    }

    fn end(mut self: Pin<&mut Self>, why: Cancelled) -> Self::Bounded {
        self.leave().ok_or(why)
    }

    fn poll_arm(mut self: Pin<&mut Self>, ticket: &Ticket<'_>) -> Poll<T> {
        let over = self.over;
        let mut wakes = Wakes::new();
        let mut state = lock(&over.state);
        let Ends {
            senders,
            receivers,
            returned,
        } = &mut *state;
        let mut message = None;
        if let Some(place) = self.place.take() {
            if receivers.is_granted(&place) {
                message = receivers.leave(place).value;
            } else {
                self.place = Some(place);
            }
        }
        if message.is_none() {
            message = returned.pop_front();
        }
        if message.is_none() {
            senders.hand_over_by(ticket, &mut wakes, |slot| message = slot.take());
        }
        if let Some(message) = message {
            let _left = self.place.take().map(|place| receivers.leave(place));
            return Poll::Ready(message);
        }
        let _old = match &self.place {
            Some(place) => receivers.stay(place, ticket),
            None => {
                self.place = Some(receivers.join(None, ticket));
                None
            }
        };
        drop(state);
        Poll::Pending
    }

    fn withdraw(mut self: Pin<&mut Self>) -> Option<T> {
        self.leave()
    }
}

operation! { ['a, T] Recv<'a, T> => T }

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        let over = self.over;
        let Some(message) = self.leave() else { return };
        let mut wakes = Wakes::new();
        let mut state = lock(&over.state);
        let mut message = Some(message);
        if state
            .receivers
            .hand_over(&mut wakes, |slot| *slot = message.take())
            != HandOver::Done
        {
            state.returned.extend(message);
        }
    }
}
