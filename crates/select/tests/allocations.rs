//! What channels and selects cost in allocations, once they are warm: nothing.
#![cfg(not(any(loom, shuttle)))]

use anabranch_core_cancel::CancelToken;
use anabranch_select::{
    Mux,
    channel::{bounded, rendezvous, unbounded},
    task,
    thread::select,
};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    pin::pin,
    task::{Context, Waker},
    thread,
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

/// What a thousand rounds allocate after the first few.
fn allocations(mut round: impl FnMut()) -> usize {
    (0..10).for_each(|_| round());
    let before = COUNT.get();
    (0..1_000).for_each(|_| round());
    COUNT.get() - before
}

#[test]
fn a_send_and_a_receive_that_are_ready_allocate_nothing() {
    for capacity in [1, 16, usize::MAX] {
        let (tx, rx) = bounded(capacity);
        let count = allocations(|| {
            tx.send(1_u64).wait().unwrap();
            assert_eq!(rx.recv().wait(), Ok(1));
            tx.try_send(2).unwrap();
            assert_eq!(rx.try_recv(), Ok(2));
        });
        assert_eq!(count, 0, "capacity {capacity}");
    }
}

#[test]
fn a_wait_in_line_allocates_nothing() {
    let (tx, rx) = rendezvous();
    let mut cx = Context::from_waker(Waker::noop());
    let count = allocations(|| {
        let mut recv = pin!(rx.recv());
        assert!(recv.as_mut().poll(&mut cx).is_pending());
        tx.try_send(1_u64).unwrap();
        assert!(recv.as_mut().poll(&mut cx).is_ready());
        let mut send = pin!(tx.send(2));
        assert!(send.as_mut().poll(&mut cx).is_pending());
        assert_eq!(rx.try_recv(), Ok(2));
        assert!(send.as_mut().poll(&mut cx).is_ready());
    });
    assert_eq!(count, 0);
}

#[test]
fn a_select_that_is_ready_or_has_a_default_allocates_nothing() {
    let (tx, rx) = unbounded();
    let (_keep, other) = unbounded::<u64>();
    let token = CancelToken::new();
    let count = allocations(|| {
        tx.try_send(1_u64).unwrap();
        select! {
            got = rx.recv() => assert_eq!(got, Ok(1)),
            _ = other.recv() => unreachable!(),
            _ = token.cancelled() => unreachable!(),
        }
        select! {
            _ = rx.recv() => unreachable!(),
            _ = other.recv() => unreachable!(),
            default => {}
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn a_select_that_waits_allocates_nothing_after_the_first() {
    let (a_tx, a) = unbounded();
    let (_b_tx, b) = unbounded::<u64>();
    let mut cx = Context::from_waker(Waker::noop());
    let count = allocations(|| {
        let mut select = pin!(async {
            task::select! {
                got = a.recv() => got,
                got = b.recv() => got,
            }
        });
        assert!(select.as_mut().poll(&mut cx).is_pending());
        a_tx.try_send(1_u64).unwrap();
        assert!(select.as_mut().poll(&mut cx).is_ready());
    });
    assert_eq!(count, 0);
}

#[test]
fn a_thread_that_sleeps_in_a_select_allocates_nothing_after_the_first() {
    let (go, wait_go) = rendezvous::<u64>();
    let (tx, rx) = rendezvous::<u64>();
    let (_keep, other) = rendezvous::<u64>();
    let echo = thread::spawn(move || {
        for n in &wait_go {
            tx.send(n).wait().unwrap();
        }
    });
    let count = allocations(|| {
        go.send(1).wait().unwrap();
        select! {
            got = rx.recv() => assert_eq!(got, Ok(1)),
            _ = other.recv() => unreachable!(),
        }
    });
    drop(go);
    echo.join().unwrap();
    // It may be the first time only now that the other is not fast enough: a claim and a sleeper.
    assert!(count <= 2, "{count}");
}

#[test]
fn a_message_of_a_set_allocates_nothing() {
    let (tx, rx) = unbounded();
    let (_keep, other) = unbounded();
    let mut set: Mux<_, u64> = [(1, rx), (2, other)].into_iter().collect();
    let mut cx = Context::from_waker(Waker::noop());
    let count = allocations(|| {
        tx.try_send(1).unwrap();
        assert_eq!(set.recv().wait(), Some((1, Ok(1))));
        assert!(pin!(set.recv()).poll(&mut cx).is_pending());
    });
    assert_eq!(count, 0);
}
