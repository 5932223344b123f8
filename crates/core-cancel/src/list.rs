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

const NIL: u32 = u32::MAX;

/// A position in the line, for a walk under one lock: void as soon as the list changes otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Cursor(u32);

impl Cursor {
    fn at(index: u32) -> Option<Self> {
        (index != NIL).then_some(Self(index))
    }
}

#[derive(Debug)]
enum Slot<T> {
    Free {
        next: u32,
    },
    Used {
        value: T,
        prev: u32,
        next: u32,
        linked: bool,
    },
}

#[derive(Debug)]
pub(crate) struct List<T> {
    slots: Vec<Slot<T>>,
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
            slots: Vec::new(),
            free: NIL,
            first: NIL,
            last: NIL,
            linked: 0,
            used: 0,
        }
    }

    /// Members in line.
    pub(crate) fn len(&self) -> usize {
        self.linked as usize
    }

    /// Adds at the back of the line.
    ///
    /// # Panics
    /// When 2^32 - 1 members are held at once.
    pub(crate) fn push(&mut self, value: T) -> Key {
        let slot = Slot::Used {
            value,
            prev: self.last,
            next: NIL,
            linked: true,
        };
        let index = if self.free == NIL {
            let index = u32::try_from(self.slots.len()).ok().filter(|&i| i != NIL);
            let index = index.expect("a list holds fewer than 2^32 - 1 members");
            self.slots.push(slot);
            index
        } else {
            let index = self.free;
            match mem::replace(&mut self.slots[index as usize], slot) {
                Slot::Free { next } => self.free = next,
                Slot::Used { .. } => unreachable!("the free chain holds free slots"),
            }
            index
        };
        match self.last {
            NIL => self.first = index,
            last => *self.links(last).1 = index,
        }
        self.last = index;
        self.linked += 1;
        self.used += 1;
        Key(index)
    }

    pub(crate) fn get(&self, key: &Key) -> &T {
        match &self.slots[key.0 as usize] {
            Slot::Used { value, .. } => value,
            Slot::Free { .. } => unreachable!("a key outlives its member"),
        }
    }

    pub(crate) fn get_mut(&mut self, key: &Key) -> &mut T {
        match &mut self.slots[key.0 as usize] {
            Slot::Used { value, .. } => value,
            Slot::Free { .. } => unreachable!("a key outlives its member"),
        }
    }

    /// The head of the line.
    pub(crate) fn first(&self) -> Option<Cursor> {
        Cursor::at(self.first)
    }

    /// The next in line.
    pub(crate) fn after(&self, cursor: Cursor) -> Option<Cursor> {
        match &self.slots[cursor.0 as usize] {
            Slot::Used { next, .. } => Cursor::at(*next),
            Slot::Free { .. } => unreachable!("the line holds used slots"),
        }
    }

    pub(crate) fn at_mut(&mut self, cursor: Cursor) -> &mut T {
        match &mut self.slots[cursor.0 as usize] {
            Slot::Used { value, .. } => value,
            Slot::Free { .. } => unreachable!("the line holds used slots"),
        }
    }

    /// Takes a member out of the line; it stays in its slot until removed.
    pub(crate) fn unlink(&mut self, cursor: Cursor) {
        self.unlink_at(cursor.0);
    }

    /// Whether the member stands at the head of the line.
    pub(crate) fn is_front(&self, key: &Key) -> bool {
        self.first == key.0
    }

    /// Takes a member out, in line or not.
    pub(crate) fn remove(&mut self, key: Key) -> T {
        self.unlink_at(key.0);
        let free = Slot::Free { next: self.free };
        let Slot::Used { value, .. } = mem::replace(&mut self.slots[key.0 as usize], free) else {
            unreachable!("a key outlives its member")
        };
        self.free = key.0;
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
        let mut at = self.first;
        std::iter::from_fn(move || {
            let Slot::Used { value, next, .. } = self.slots.get(at as usize)? else {
                unreachable!("the line holds used slots")
            };
            at = *next;
            Some(value)
        })
    }

    /// Calls `f` with each member in line, first to last.
    pub(crate) fn for_each_mut(&mut self, mut f: impl FnMut(&mut T)) {
        let mut at = self.first;
        while let Some(Slot::Used { value, next, .. }) = self.slots.get_mut(at as usize) {
            f(value);
            at = *next;
        }
    }

    fn links(&mut self, index: u32) -> (&mut u32, &mut u32) {
        match &mut self.slots[index as usize] {
            Slot::Used { prev, next, .. } => (prev, next),
            Slot::Free { .. } => unreachable!("the line holds used slots"),
        }
    }

    fn unlink_at(&mut self, index: u32) {
        let Slot::Used {
            prev, next, linked, ..
        } = &mut self.slots[index as usize]
        else {
            unreachable!("a key outlives its member")
        };
        if !mem::take(linked) {
            return;
        }
        let (prev, next) = (*prev, *next);
        match prev {
            NIL => self.first = next,
            prev => *self.links(prev).1 = next,
        }
        match next {
            NIL => self.last = prev,
            next => *self.links(next).0 = prev,
        }
        self.linked -= 1;
    }
}

#[cfg(test)]
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
