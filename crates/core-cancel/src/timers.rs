//! Which alarm is next: plain data, the same for the system's timer thread and the manual clock.
//!
//! A heap of (time, order of arming, slot) beside a slab of alarms. Arming pushes (constant time
//! on average, logarithmic at worst), disarming empties the slot and leaves its heap entry to be
//! passed over. Entries so left behind are swept out once they are the majority, so that a
//! million deadlines armed and disarmed leave nothing behind.

use crate::{node::Node, sync::Weak};
use std::{cmp::Reverse, collections::BinaryHeap, task::Waker};

/// What happens when the time comes.
#[derive(Debug)]
pub(crate) enum Alarm {
    /// Wakes whoever waits; it looks at the clock itself.
    Wake(Waker),
    /// Cancels a token whose deadline this is.
    Cancel(Weak<Node>),
}

impl Alarm {
    /// Never under a lock: a waker or a hook of the user's runs in here.
    pub(crate) fn fire(self) {
        match self {
            Self::Wake(waker) => waker.wake(),
            Self::Cancel(node) => {
                if let Some(node) = node.upgrade() {
                    node.expire();
                }
            }
        }
    }
}

/// An armed alarm. Void once the alarm has fired.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey {
    order: u64,
    slot: u32,
}

#[derive(Debug)]
struct Armed {
    order: u64,
    alarm: Alarm,
}

/// See the head of the file.
#[derive(Debug)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(u64, TimerKey)>>,
    slots: Vec<Option<Armed>>,
    free: Vec<u32>,
    armed: usize,
    orders: u64,
}

/// Below so many entries a sweep is not worth it.
const SWEEP_FROM: usize = 64;

impl Timers {
    pub(crate) const fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            armed: 0,
            orders: 0,
        }
    }

    /// Alarms armed and not yet fired.
    pub(crate) fn len(&self) -> usize {
        self.armed
    }

    pub(crate) fn arm(&mut self, at: u64, alarm: Alarm) -> TimerKey {
        let order = self.orders;
        self.orders += 1;
        let armed = Some(Armed { order, alarm });
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = armed;
                slot
            }
            None => {
                self.slots.push(armed);
                u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 alarms at once")
            }
        };
        self.armed += 1;
        self.heap.push(Reverse((at, TimerKey { order, slot })));
        TimerKey { order, slot }
    }

    /// The alarm, unless it has fired. To be dropped outside the lock.
    pub(crate) fn disarm(&mut self, key: TimerKey) -> Option<Alarm> {
        let alarm = self.take(&key)?;
        if self.heap.len() >= SWEEP_FROM && self.heap.len() > 2 * self.armed {
            let slots = &self.slots;
            self.heap.retain(|Reverse((_, key))| is_armed(slots, key));
        }
        Some(alarm)
    }

    /// Puts another alarm in the place of one that has not fired; else hands it back.
    pub(crate) fn replace(&mut self, key: &TimerKey, alarm: Alarm) -> Result<Alarm, Alarm> {
        match self.slots.get_mut(key.slot as usize) {
            Some(Some(armed)) if armed.order == key.order => {
                Ok(std::mem::replace(&mut armed.alarm, alarm))
            }
            _ => Err(alarm),
        }
    }

    /// When the next alarm is due.
    pub(crate) fn next(&mut self) -> Option<u64> {
        while let Some(Reverse((at, key))) = self.heap.peek() {
            if is_armed(&self.slots, key) {
                return Some(*at);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes the first alarm due at `now`: by time, then by order of arming.
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<Alarm> {
        if self.next()? > now {
            return None;
        }
        let Reverse((_, key)) = self.heap.pop()?;
        self.take(&key)
    }

    fn take(&mut self, key: &TimerKey) -> Option<Alarm> {
        let slot = self.slots.get_mut(key.slot as usize)?;
        let Armed { alarm, .. } = slot.take_if(|armed| armed.order == key.order)?;
        self.free.push(key.slot);
        self.armed -= 1;
        if self.armed == 0 {
            self.heap.clear();
            self.slots.clear();
            self.free.clear();
        }
        Some(alarm)
    }
}

fn is_armed(slots: &[Option<Armed>], key: &TimerKey) -> bool {
    matches!(slots.get(key.slot as usize), Some(Some(armed)) if armed.order == key.order)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use std::task::Wake;

    struct Note(u32, Arc<Mutex<Vec<u32>>>);

    impl Wake for Note {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().push(self.0);
        }
    }

    fn note(n: u32, to: &Arc<Mutex<Vec<u32>>>) -> Alarm {
        Alarm::Wake(Arc::new(Note(n, to.clone())).into())
    }

    #[test]
    fn alarms_fire_by_time_and_then_in_the_order_of_arming() {
        let fired = Arc::default();
        let mut timers = Timers::new();
        for (n, at) in [(1, 20), (2, 10), (3, 20), (4, 10)] {
            timers.arm(at, note(n, &fired));
        }
        assert!(timers.pop_due(9).is_none());
        while let Some(alarm) = timers.pop_due(20) {
            alarm.fire();
        }
        assert_eq!(*fired.lock().unwrap(), [2, 4, 1, 3]);
    }

    #[test]
    fn a_disarmed_alarm_leaves_nothing_behind() {
        let fired = Arc::default();
        let mut timers = Timers::new();
        let first = timers.arm(1, note(1, &fired));
        for n in 0..10_000 {
            let key = timers.arm(1_000 + n, note(2, &fired));
            assert!(timers.disarm(key).is_some());
        }
        assert!(
            timers.heap.len() <= SWEEP_FROM,
            "swept: {}",
            timers.heap.len()
        );
        assert!(timers.slots.len() <= 2);
        assert_eq!(timers.len(), 1);
        timers.pop_due(1).unwrap().fire();
        assert!(timers.disarm(first).is_none(), "it has fired");
        assert_eq!((timers.len(), timers.next()), (0, None));
    }

    #[test]
    fn a_key_is_void_even_when_its_slot_is_used_again() {
        let fired = Arc::default();
        let mut timers = Timers::new();
        let _keeps_the_slab = timers.arm(9, note(0, &fired));
        let old = timers.arm(1, note(1, &fired));
        drop(timers.pop_due(1));
        let _new = timers.arm(2, note(2, &fired));
        assert!(timers.disarm(old).is_none());
        assert_eq!(timers.len(), 2);
    }
}
