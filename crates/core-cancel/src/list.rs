//! A first-in-first-out list whose members can be taken out anywhere in constant time.
//!
//! A slab of slots linked by index: a member's place is a number, so whoever holds a place needs
//! no pointer, no pinning and no `unsafe`. Plain data: the lock is its owner's business.
//!
//! A member may be *unlinked* (out of the line, still in its slot) before it is *removed*: this is
//! how a wait queue keeps what it granted until the waiter comes for it.

use std::mem;

/// Where a member is. Not `Clone`: whoever holds it is the one who may remove the member.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key(u32);

impl Key {
    pub(crate) fn index(&self) -> usize {
        self.0 as usize
    }
}

const NIL: u32 = u32::MAX;

/// A position in the line, for a walk under one lock: void as soon as the list changes otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Cursor(u32);

impl Cursor {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    fn at(index: u32) -> Option<Self> {
        (index != NIL).then_some(Self(index))
    }
}

/// A member, or a hole (no value) in the chain of holes, which uses `next` alone. The value has its
/// own place beside the links, so that it alone is copied in and out.
#[derive(Debug)]
struct Slot<T> {
    prev: u32,
    next: u32,
    linked: bool,
    value: Option<T>,
}

/// The slab. Most lists never have two members at a time, and those allocate nothing.
#[derive(Debug)]
enum Slots<T> {
    One(Option<Slot<T>>),
    Many(Vec<Slot<T>>),
}

impl<T> Slots<T> {
    #[inline]
    fn get(&self, index: u32) -> Option<&Slot<T>> {
        match self {
            Self::One(slot) => slot.as_ref().filter(|_| index == 0),
            Self::Many(slots) => slots.get(index as usize),
        }
    }

    #[inline]
    fn get_mut(&mut self, index: u32) -> Option<&mut Slot<T>> {
        match self {
            Self::One(slot) => slot.as_mut().filter(|_| index == 0),
            Self::Many(slots) => slots.get_mut(index as usize),
        }
    }

    /// Adds a slot and returns its index.
    #[inline]
    fn push(&mut self, slot: Slot<T>) -> u32 {
        match self {
            Self::One(one @ None) => {
                *one = Some(slot);
                0
            }
            Self::One(one) => {
                let mut slots = Vec::with_capacity(4);
                slots.extend(one.take());
                slots.push(slot);
                *self = Self::Many(slots);
                1
            }
            Self::Many(slots) => {
                let index = u32::try_from(slots.len())
                    .ok()
                    .filter(|&index| index != NIL);
                slots.push(slot);
                index.expect("a list holds fewer than 2^32 - 1 members")
            }
        }
    }

    /// Forgets the slots, keeps the memory.
    fn clear(&mut self) {
        match self {
            Self::One(slot) => *slot = None,
            Self::Many(slots) => slots.clear(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct List<T> {
    slots: Slots<T>,
    free: u32,
    first: u32,
    last: u32,
    /// Members in line.
    linked: u32,
    /// Members in a slot, in line or not.
    used: u32,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> List<T> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Slots::One(None),
            free: NIL,
            first: NIL,
            last: NIL,
            linked: 0,
            used: 0,
        }
    }

    /// Members in line.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.linked as usize
    }

    /// Adds at the back of the line.
    ///
    /// # Panics
    /// When 2^32 - 1 members are held at once.
    #[inline]
    pub(crate) fn push(&mut self, value: T) -> Key {
        let prev = self.last;
        let index = if self.free == NIL {
            self.slots.push(Slot {
                prev,
                next: NIL,
                linked: true,
                value: Some(value),
            })
        } else {
            let index = self.free;
            let slot = self.slots.get_mut(index).expect(CHAIN);
            self.free = slot.next;
            slot.prev = prev;
            slot.next = NIL;
            slot.linked = true;
            slot.value = Some(value);
            index
        };
        match prev {
            NIL => self.first = index,
            prev => self.slot_mut(prev).next = index,
        }
        self.last = index;
        self.linked += 1;
        self.used += 1;
        Key(index)
    }

    pub(crate) fn get(&self, key: &Key) -> &T {
        self.value(key.0)
    }

    pub(crate) fn get_mut(&mut self, key: &Key) -> &mut T {
        self.value_mut(key.0)
    }

    /// The head of the line.
    #[inline]
    pub(crate) fn first(&self) -> Option<Cursor> {
        Cursor::at(self.first)
    }

    /// The next in line.
    #[inline]
    pub(crate) fn after(&self, cursor: Cursor) -> Option<Cursor> {
        Cursor::at(self.slot(cursor.0).next)
    }

    pub(crate) fn at(&self, cursor: Cursor) -> &T {
        self.value(cursor.0)
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, cursor: Cursor) -> &mut T {
        self.value_mut(cursor.0)
    }

    /// Whether the member stands at the head of the line.
    pub(crate) fn is_front(&self, key: &Key) -> bool {
        self.first == key.0
    }

    /// Takes a member out of the line; it stays in its slot until removed.
    #[inline]
    pub(crate) fn unlink(&mut self, cursor: Cursor) {
        let slot = self.slot_mut(cursor.0);
        if !mem::take(&mut slot.linked) {
            return;
        }
        let (prev, next) = (slot.prev, slot.next);
        match prev {
            NIL => self.first = next,
            prev => self.slot_mut(prev).next = next,
        }
        match next {
            NIL => self.last = prev,
            next => self.slot_mut(next).prev = prev,
        }
        self.linked -= 1;
    }

    /// Takes a member out whose key is not used any more.
    #[inline]
    pub(crate) fn take(&mut self, cursor: Cursor) -> T {
        self.remove(Key(cursor.0))
    }

    /// Takes a member out, in line or not.
    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> T {
        self.unlink(Cursor(key.0));
        let free = mem::replace(&mut self.free, key.0);
        let slot = self.slot_mut(key.0);
        slot.next = free;
        let value = slot.value.take().expect(OUTLIVED);
        self.used -= 1;
        if self.used == 0 {
            // Keeps the memory, forgets the holes: the next burst fills the slots in order.
            self.slots.clear();
            self.free = NIL;
        }
        value
    }

    /// Takes out all members in line, in order.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| {
            let first = self.first()?;
            Some(self.remove(Key(first.0)))
        })
    }

    /// The members in line, first to last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::successors(self.first(), |&at| self.after(at)).map(|at| self.at(at))
    }

    #[inline]
    fn slot(&self, index: u32) -> &Slot<T> {
        self.slots.get(index).expect(OUTLIVED)
    }

    #[inline]
    fn slot_mut(&mut self, index: u32) -> &mut Slot<T> {
        self.slots.get_mut(index).expect(OUTLIVED)
    }

    fn value(&self, index: u32) -> &T {
        self.slot(index).value.as_ref().expect(OUTLIVED)
    }

    #[inline]
    fn value_mut(&mut self, index: u32) -> &mut T {
        self.slot_mut(index).value.as_mut().expect(OUTLIVED)
    }
}

/// What would have to be true for the chain of holes to leave the slab.
const CHAIN: &str = "the free chain stays in the slab";

/// What would have to be true for a look-up to fail.
const OUTLIVED: &str = "a key or a cursor outlives its member";

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[test]
    fn members_come_out_in_the_order_they_came() {
        let mut list = List::new();
        let keys: Vec<_> = (0..4).map(|n| list.push(n)).collect();
        let mut keys = keys.into_iter();
        let (_zero, one) = (keys.next(), keys.next().unwrap());
        assert_eq!(list.remove(one), 1);
        assert_eq!(list.iter().copied().collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(list.drain().collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(list.len(), 0);
    }

    proptest! {
        /// Any mix of pushes, unlinks and removals agrees with a deque of values.
        #[test]
        fn agrees_with_a_deque(steps in proptest::collection::vec((0u8..4, any::<u16>()), 0..200)) {
            let mut list = List::new();
            let mut model: VecDeque<u16> = VecDeque::new();
            let mut in_line: Vec<(Key, u16)> = Vec::new();
            let mut aside: Vec<(Key, u16)> = Vec::new();
            let mut fresh = 0u16;
            for (step, pick) in steps {
                match step {
                    0 | 1 => {
                        fresh += 1;
                        in_line.push((list.push(fresh), fresh));
                        model.push_back(fresh);
                    }
                    2 if !in_line.is_empty() => {
                        let (key, value) = in_line.swap_remove(pick as usize % in_line.len());
                        prop_assert_eq!(list.is_front(&key), model.front() == Some(&value));
                        prop_assert_eq!(list.remove(key), value);
                        model.retain(|&v| v != value);
                    }
                    3 if !model.is_empty() => {
                        let front = model.pop_front().unwrap();
                        let first = list.first().unwrap();
                        prop_assert_eq!(*list.at_mut(first), front);
                        list.unlink(first);
                        let at = in_line.iter().position(|(_, v)| *v == front).unwrap();
                        aside.push(in_line.swap_remove(at));
                    }
                    _ => {}
                }
                prop_assert_eq!(list.len(), model.len());
                prop_assert!(list.iter().eq(model.iter()));
                if pick % 3 == 0 {
                    for (key, value) in aside.drain(..) {
                        prop_assert_eq!(*list.get(&key), value);
                        prop_assert_eq!(list.remove(key), value);
                    }
                }
            }
        }
    }
}
