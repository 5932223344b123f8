//! The rule of a channel: what goes where, as plain data under its owner's lock.
//!
//! A message is in one of four places: with a sender that waits (in its entry of the senders' line),
//! in the buffer, given to a receiver that waits (in its entry of the receivers' line), or *returned*
//! by a receiver that went away before it looked. It leaves a place only into the hands of the next
//! or of a caller, under the lock: that is why nothing is lost and nothing comes twice.
//!
//! ```text
//!   send ──▶ senders' line ──▶ buffer ──▶ receivers' line ──▶ recv
//!     │            (full)         ▲    (nobody looked yet)     ▲
//!     └───────── room ────────────┘ ── a message at hand ──────┘      returned: before the buffer
//! ```
//!
//! After every operation ([`State::settle`]):
//!
//! 1. where a receiver waits there is no message at hand, and where a sender waits there is no room,
//!    unless the first in that line is a select that is looking at its arms right now: it finds what
//!    there is, or leaves, and whoever leaves settles again;
//! 2. without a buffer both lines can have members only in that same case. It is over when that one
//!    is served, or leaves: whoever leaves unserved has the first receiver told to look;
//! 3. a closed channel has no sender in line, and a receiver only while a message is at hand (1), or
//!    with a receiver that has not looked yet and may still return it.
//!
//! So what is at hand may be taken by whoever looks: nobody who waits is passed over but a select
//! in the instant in which it looks for itself. Messages leave in the order in which they came: a
//! message given to a receiver has a number, and one that is returned goes back in its order.

#[cfg(any(loom, shuttle))]
use crate::control::{self, Mistake};
use anabranch_core_cancel::{
    Ticket, Wakes,
    queue::{HandOver, Left, Place, WaitQueue},
};
use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    task::Waker,
};

/// What a receiver in line is given: a message with its number, or, served with nothing, the news
/// that the channel is closed.
type Given<T> = Option<(u64, T)>;

pub(crate) struct State<T> {
    buffer: VecDeque<T>,
    capacity: usize,
    returned: BTreeMap<u64, T>,
    senders: WaitQueue<Option<T>>,
    receivers: WaitQueue<Given<T>>,
    /// To be woken once there is something to receive; no place in line. See [`Self::watch`].
    watchers: Vec<Waker>,
    given: u64,
    /// Messages that were given to receivers which have not looked yet.
    unseen: usize,
    peak: usize,
    closed: bool,
    /// Somebody has left a line unserved since the lines were settled.
    left: bool,
    /// What can be read without the lock, for its owner.
    pub(super) published: u32,
}

/// What came of an attempt to take a message.
pub(crate) enum Take<T> {
    Message(T),
    /// Nothing now.
    Empty,
    /// Nothing now, and nothing will come.
    Closed,
}

/// What came of an attempt to send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    Sent,
    Full,
    Closed,
}

/// What a look at the channel may find, worth taking the lock for.
#[derive(Clone, Copy)]
pub(crate) struct Hint {
    /// A message, or the end.
    pub(crate) may_receive: bool,
    /// Room, a receiver, or the end.
    pub(crate) may_send: bool,
}

impl<T> State<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            buffer: VecDeque::new(),
            capacity,
            returned: BTreeMap::new(),
            senders: WaitQueue::new(),
            receivers: WaitQueue::new(),
            watchers: Vec::new(),
            given: 0,
            unseen: 0,
            peak: 0,
            closed: false,
            left: false,
            published: 0,
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Closed, and no message that was given away can come back.
    fn is_over(&self) -> bool {
        #[cfg(any(loom, shuttle))]
        if control::is_planted(Mistake::EndTooEarly) {
            return self.closed;
        }
        self.closed && self.unseen == 0
    }

    /// Messages that wait to be taken: in the buffer, or returned.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len() + self.returned.len()
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak
    }

    pub(crate) fn waiting(&self) -> (usize, usize) {
        (self.senders.len(), self.receivers.len())
    }

    /// Sends `message` to a receiver that waits, or to the buffer; it is left where it is otherwise.
    /// `ticket` is the sender's, if it may have an arm in the receivers' line.
    #[inline]
    pub(crate) fn offer(
        &mut self,
        message: &mut Option<T>,
        ticket: Option<&Ticket<'_>>,
        wakes: &mut Wakes,
    ) -> Offer {
        if self.closed {
            return Offer::Closed;
        }
        // Before the buffer, which is empty if somebody waits (1); if that one is looking, it will
        // look into the buffer.
        if !self.receivers.is_empty() && self.give(message, ticket, wakes) {
            return Offer::Sent;
        }
        if self.buffer.len() < self.capacity {
            if let Some(message) = message.take() {
                self.buffer.push_back(message);
                self.peak = self.peak.max(self.buffer.len());
            }
            return Offer::Sent;
        }
        Offer::Full
    }

    /// Gives `message` to the first receiver in line, if it may have it.
    fn give(
        &mut self,
        message: &mut Option<T>,
        ticket: Option<&Ticket<'_>>,
        wakes: &mut Wakes,
    ) -> bool {
        if self.len() > 0 {
            return false;
        }
        let (given, unseen) = (&mut self.given, &mut self.unseen);
        let give = |slot: &mut Given<T>| {
            *slot = message.take().map(|message| (*given, message));
            *given += 1;
            *unseen += 1;
        };
        let done = match ticket {
            Some(ticket) => self.receivers.hand_over_by(ticket, wakes, give),
            None => self.receivers.hand_over(wakes, give),
        };
        done == HandOver::Done
    }

    /// Takes the next message. `ticket` is the receiver's, if it may have an arm in the senders' line.
    #[inline]
    pub(crate) fn take(&mut self, ticket: Option<&Ticket<'_>>, wakes: &mut Wakes) -> Take<T> {
        let mut message = self.pop();
        if message.is_none() && !self.senders.is_empty() {
            message = self.take_from_sender(ticket, wakes);
        }
        match message {
            Some(message) => Take::Message(message),
            None if self.is_over() => Take::Closed,
            None => Take::Empty,
        }
    }

    /// Takes the message of the first sender in line, if it may be taken.
    fn take_from_sender(&mut self, ticket: Option<&Ticket<'_>>, wakes: &mut Wakes) -> Option<T> {
        let mut message = None;
        let give = |slot: &mut Option<T>| message = slot.take();
        match ticket {
            Some(ticket) => self.senders.hand_over_by(ticket, wakes, give),
            None => self.senders.hand_over(wakes, give),
        };
        message
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        if self.returned.is_empty() {
            return self.buffer.pop_front();
        }
        self.pop_returned()
    }

    #[cold]
    fn pop_returned(&mut self) -> Option<T> {
        self.returned.pop_first().map(|(_, message)| message)
    }

    /// Joins the senders' line, or stays in it. What comes back is to be dropped after the lock.
    pub(crate) fn wait_to_send(
        &mut self,
        place: &mut Option<Place>,
        message: &mut Option<T>,
        ticket: &Ticket<'_>,
    ) -> Option<Waker> {
        match place {
            Some(place) => self.senders.stay(place, ticket),
            None => {
                *place = Some(self.senders.join(message.take(), ticket));
                None
            }
        }
    }

    /// Whether the sender's message was taken, or given back because the channel was closed.
    pub(crate) fn send_is_settled(&self, place: &Place) -> bool {
        self.senders.is_granted(place)
    }

    /// The message of a sender in line.
    pub(crate) fn message_of(&mut self, place: &Place) -> &mut Option<T> {
        self.senders.get_mut(place)
    }

    /// Leaves the senders' line, with the message unless it was taken.
    pub(crate) fn stop_sending(&mut self, place: Place) -> Left<Option<T>> {
        let left = self.senders.leave(place);
        self.left |= !left.granted;
        left
    }

    /// Joins the receivers' line, or stays in it. What comes back is to be dropped after the lock.
    pub(crate) fn wait_to_receive(
        &mut self,
        place: &mut Option<Place>,
        ticket: &Ticket<'_>,
    ) -> Option<Waker> {
        match place {
            Some(place) => self.receivers.stay(place, ticket),
            None => {
                *place = Some(self.receivers.join(None, ticket));
                None
            }
        }
    }

    /// Leaves the receivers' line, with what was given, if anything was.
    pub(crate) fn stop_receiving(&mut self, place: Place) -> Received<T> {
        let Left {
            value,
            granted,
            waker,
            ..
        } = self.receivers.leave(place);
        self.left |= !granted;
        self.unseen -= usize::from(granted && value.is_some());
        let given = match (granted, value) {
            (false, _) => None,
            (true, Some((number, message))) => Some(Ok((number, message))),
            (true, None) => Some(Err(())),
        };
        Received { given, waker }
    }

    /// Whether the receiver has been given a message, or the end.
    pub(crate) fn receive_is_settled(&self, place: &Place) -> bool {
        self.receivers.is_granted(place)
    }

    /// Puts a message back that was given to a receiver which went away before it looked.
    pub(crate) fn give_back(&mut self, number: u64, message: T) {
        self.returned.insert(number, message);
    }

    /// Wakes `waker` once, when there is something to receive or the channel has ended.
    pub(crate) fn watch(&mut self, waker: &Waker) {
        if !self.watchers.iter().any(|other| other.will_wake(waker)) {
            self.watchers.push(waker.clone());
        }
    }

    /// The waker is to be dropped after the lock.
    pub(crate) fn unwatch(&mut self, waker: &Waker) -> Option<Waker> {
        let at = self.watchers.iter().position(|w| w.will_wake(waker))?;
        Some(self.watchers.swap_remove(at))
    }

    /// No more messages: those at hand may still be received.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// What nobody will receive any more, to be dropped after the lock.
    pub(crate) fn discard(&mut self) -> (VecDeque<T>, BTreeMap<u64, T>) {
        (mem::take(&mut self.buffer), mem::take(&mut self.returned))
    }

    /// Open, with nobody in line, nobody who watches and nothing returned: the usual case, in which
    /// there is only the buffer to look at.
    #[inline]
    fn is_quiet(&self) -> bool {
        let others = self.senders.len() | self.receivers.len() | self.watchers.len();
        others | self.returned.len() | usize::from(self.closed) == 0
    }

    /// Sends into the buffer of a quiet channel, if there is room.
    #[inline]
    pub(crate) fn push_quietly(&mut self, message: &mut Option<T>) -> Option<Hint> {
        let len = self.buffer.len();
        if !self.is_quiet() || len >= self.capacity {
            return None;
        }
        self.buffer.push_back(message.take()?);
        self.peak = self.peak.max(len + 1);
        Some(Hint {
            may_receive: true,
            may_send: len + 1 < self.capacity,
        })
    }

    /// Takes from the buffer of a quiet channel, if there is a message.
    #[inline]
    pub(crate) fn pop_quietly(&mut self) -> Option<(T, Hint)> {
        if !self.is_quiet() {
            return None;
        }
        let message = self.buffer.pop_front()?;
        let hint = Hint {
            may_receive: !self.buffer.is_empty(),
            may_send: true,
        };
        Some((message, hint))
    }

    /// Restores what the head of the file promises, and says what a look may find.
    #[inline]
    pub(crate) fn settle(&mut self, wakes: &mut Wakes) -> Hint {
        if !self.senders.is_empty() || !self.receivers.is_empty() {
            self.settle_lines(wakes);
        }
        let may_receive = self.is_over() || self.len() > 0 || !self.senders.is_empty();
        if may_receive {
            wakes.extend(self.watchers.drain(..));
        }
        let room = self.buffer.len() < self.capacity;
        Hint {
            may_receive,
            may_send: self.closed || room || !self.receivers.is_empty(),
        }
    }

    fn settle_lines(&mut self, wakes: &mut Wakes) {
        loop {
            self.admit(wakes);
            if !self.deliver(wakes) {
                break;
            }
        }
        #[cfg(any(loom, shuttle))]
        if control::is_planted(Mistake::CloseForgetsSenders) {
            return;
        }
        if self.closed {
            // Each gets its message back; a select that is looking leaves by itself.
            while self.senders.hand_over(wakes, |_| {}) == HandOver::Done {}
            if self.len() == 0 && self.is_over() {
                while self.receivers.hand_over(wakes, |_| {}) == HandOver::Done {}
            }
        } else if mem::take(&mut self.left) && self.capacity == 0 && !self.senders.is_empty() {
            self.receivers.nudge(wakes);
        }
    }

    /// Lets senders in as far as there is room.
    fn admit(&mut self, wakes: &mut Wakes) {
        #[cfg(any(loom, shuttle))]
        if control::is_planted(Mistake::ForgetRoom) {
            return;
        }
        let Self {
            buffer,
            capacity,
            senders,
            closed,
            ..
        } = self;
        while !*closed && buffer.len() < *capacity {
            if senders.hand_over(wakes, |slot| buffer.extend(slot.take())) != HandOver::Done {
                break;
            }
        }
        self.peak = self.peak.max(self.buffer.len());
    }

    /// Gives what is at hand to those who wait; whether somebody was given something.
    fn deliver(&mut self, wakes: &mut Wakes) -> bool {
        let Self {
            buffer,
            returned,
            receivers,
            given,
            unseen,
            ..
        } = self;
        let mut some = false;
        while !buffer.is_empty() || !returned.is_empty() {
            let give = |slot: &mut Given<T>| {
                *unseen += 1;
                *slot = returned.pop_first().or_else(|| {
                    *given += 1;
                    Some((*given - 1, buffer.pop_front()?))
                });
            };
            if receivers.hand_over(wakes, give) != HandOver::Done {
                break;
            }
            some = true;
        }
        some
    }
}

/// What a receiver leaves its line with.
pub(crate) struct Received<T> {
    /// A message and its number, the end, or nothing.
    pub(crate) given: Option<Result<(u64, T), ()>>,
    /// To be dropped after the lock.
    pub(crate) waker: Option<Waker>,
}
