//! What a permit costs in allocations: none, as long as nobody has to wait.
#![cfg(not(loom))]

mod common;

use anabranch_semaphore::Semaphore;
use common::{Task, at_once, poll};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::Arc,
};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: hands every call on to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // While the thread's locals are being destroyed nobody counts.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `System.alloc` with this layout, as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<T>(f: impl FnOnce() -> T) -> (usize, T) {
    let before = COUNT.get();
    let made = f();
    (COUNT.get() - before, made)
}

#[test]
fn a_permit_that_is_free_allocates_nothing() {
    let slots = Arc::new(Semaphore::new(4));
    let (count, ()) = allocations(|| {
        drop(slots.try_acquire().unwrap());
        drop(slots.acquire().wait());
        drop(at_once(slots.acquire()));
        drop(slots.acquire_many(3).wait().unwrap());
        drop(slots.acquire_owned().wait());
        drop(at_once(slots.acquire_many_owned(2)).unwrap());
        let mut all = slots.try_acquire_many(4).unwrap();
        let one = all.split(1).unwrap();
        all.merge(one);
        assert!(slots.try_acquire().is_err());
        all.forget();
        slots.resize(8);
    });
    assert_eq!(count, 0);
}

#[test]
fn a_few_who_wait_allocate_no_more_than_their_line() {
    let slots = Semaphore::new(1);
    let held = slots.try_acquire().unwrap();
    let mut first = slots.acquire();
    let (count, is_ready) = allocations(|| poll(&mut first).is_ready());
    assert_eq!(
        (count, is_ready),
        (0, false),
        "the first in line finds a place at hand"
    );
    let (count, ()) = allocations(|| drop(held));
    assert_eq!(count, 0);
    let (count, permit) = allocations(|| at_once(first));
    assert_eq!((count, permit.count()), (0, 1));
}

/// X8: a million waiters that come and go; the line is empty then, and its memory is reused.
#[test]
fn waiters_that_come_and_go_reuse_the_memory_of_those_before_them() {
    let slots = Semaphore::new(1);
    let held = slots.try_acquire().unwrap();
    let crowd = |n| {
        let mut line: Vec<_> = (0..n).map(|_| slots.acquire()).collect();
        line.iter_mut()
            .for_each(|waits| assert!(poll(waits).is_pending()));
        line
    };
    drop(crowd(100));
    let (count, ()) = allocations(|| {
        for round in 0..10_000 {
            let line = crowd(100);
            assert!(round > 0 || slots.waiting() == 100);
            drop(line);
        }
    });
    assert_eq!(count, 10_000, "the test's own vectors");
    assert_eq!(slots.waiting(), 0);
    // And served, one after the other.
    let mut line: Vec<_> = (0..50).map(|_| Task::waiting(slots.acquire())).collect();
    let (count, ()) = allocations(|| {
        let mut next = held;
        for waits in &mut line {
            drop(next);
            next = waits.done();
        }
    });
    assert_eq!((count, slots.waiting()), (0, 0));
}
