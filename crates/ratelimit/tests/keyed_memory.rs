//! RL49: what a million keys cost in memory, and that it comes back; on an allocator that counts.
#![cfg(not(loom))]

use anabranch_ratelimit::{CancelToken, KeyedRateLimiter, Rate};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

/// Bytes in use.
static IN_USE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: hands every call on to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), SeqCst);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), SeqCst);
        // SAFETY: `block` came from `System.alloc` with this layout, as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// One test alone in its process: the count is the whole process's.
#[test]
fn a_key_of_eight_bytes_costs_at_most_thirty_two_at_any_number_and_idle_ones_nothing() {
    let (token, time) = CancelToken::manual();
    let before = IN_USE.load(SeqCst);
    let limiter = KeyedRateLimiter::<u64>::new(Rate::per_second(1))
        .on(&token)
        .max_keys(1_000_000);
    let empty = IN_USE.load(SeqCst) - before;
    assert!(empty <= 100 * 1_024, "{empty}");
    let (mut least, mut most) = (usize::MAX, 0);
    for key in 0..1_000_000_u64 {
        assert!(limiter.allow(&key));
        if key > 100_000 && key % 10_000 == 0 {
            let bytes = (IN_USE.load(SeqCst) - before) / limiter.len();
            (least, most) = (least.min(bytes), most.max(bytes));
        }
    }
    assert!(least >= 16 && most <= 32, "{least} to {most}");

    // The calls of one key are enough, in time.
    time.advance(Duration::from_secs(3_600));
    for _ in 0..700_000 {
        let _ = limiter.allow(&u64::MAX);
    }
    assert!(limiter.len() < 1_000, "{}", limiter.len());
    let left = IN_USE.load(SeqCst) - before;
    assert!(
        left < 600 * 1_024,
        "{left} bytes for {} keys",
        limiter.len()
    );
    limiter.retain(|_, _| false);
    limiter.shrink();
    // As at first, but for what the test's own harness has allocated meanwhile.
    let left = IN_USE.load(SeqCst) - before;
    assert!(left <= empty + 8 * 1_024, "{left} bytes, {empty} at first");
}
