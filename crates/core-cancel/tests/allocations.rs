//! What a token costs in allocations: the promises of `CancelToken`'s page.
#![cfg(not(loom))]

use anabranch_core_cancel::CancelToken;
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    pin::pin,
    task::{Context, Waker},
    time::Duration,
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
fn a_token_is_one_allocation_and_never_is_none() {
    let root = CancelToken::new();
    assert_eq!(allocations(CancelToken::never).0, 0);
    assert_eq!(allocations(CancelToken::new).0, 1);
    assert_eq!(allocations(|| root.child()).0, 1);
    assert_eq!(
        allocations(|| root.child_with_timeout(Duration::from_secs(60))).0,
        1
    );
    assert_eq!(allocations(|| root.clone()).0, 0);
}

#[test]
fn asking_and_a_wait_that_is_ready_allocate_nothing() {
    let live = CancelToken::new().child();
    let over = live.child();
    over.cancel();
    let (count, ()) = allocations(|| {
        assert!(!live.is_cancelled() && live.check().is_ok() && over.is_cancelled());
        assert!(over.reason().is_some());
        over.cancelled().wait();
    });
    assert_eq!(count, 0);
}

#[test]
fn a_child_that_is_waited_on_and_cancelled_stays_under_five_allocations() {
    let root = CancelToken::new();
    let _keeps_the_list = root.child().on_cancel(|| {});
    let mut cx = Context::from_waker(Waker::noop());
    let (count, ()) = allocations(|| {
        let child = root.child();
        let mut wait = pin!(child.cancelled());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        child.cancel();
        assert!(wait.as_mut().poll(&mut cx).is_ready());
    });
    assert!(count <= 4, "{count} allocations");
}
