//! The tree: who is cancelled by whom, with which reason, at what cost.
#![cfg(not(loom))]

use anabranch_core_cancel::{CancelKind, CancelToken, Watchers};
use std::{
    sync::{Barrier, mpsc},
    thread,
    time::{Duration, Instant},
};

#[test]
fn a_root_is_not_done_and_has_no_reason_deadline_or_values() {
    let root = CancelToken::new();
    assert!(!root.is_cancelled() && !root.is_draining());
    assert!(root.reason().is_none() && root.check().is_ok());
    assert_eq!((root.deadline(), root.remaining()), (None, None));
    assert_eq!(root.value::<u32>(), None);
}

#[test]
fn the_second_cancel_is_a_no_op_and_keeps_the_first_cause() {
    let root = CancelToken::new();
    let child = root.child();
    assert!(!child.is_cancelled());
    assert!(child.cancel_with("first"));
    assert!(!child.cancel_with("second"));
    assert!(!root.cancel_with("third") || !root.is_cancelled() || child.is_cancelled());
    let why = child.check().unwrap_err();
    assert_eq!(why.kind(), CancelKind::Explicit);
    assert_eq!(why.cause().unwrap().to_string(), "first");
    assert_eq!(why.location().file(), file!());
}

#[test]
fn cancelling_a_child_leaves_parent_and_siblings_alone() {
    let root = CancelToken::new();
    let (one, two) = (root.child(), root.child());
    one.cancel();
    assert!(one.is_cancelled() && !two.is_cancelled() && !root.is_cancelled());
}

#[test]
fn cancelling_a_parent_reaches_every_depth_before_it_returns() {
    let root = CancelToken::new();
    let mut chain = vec![root.clone()];
    for depth in 0..100 {
        let last = chain.last().unwrap();
        chain.push(if depth % 2 == 0 {
            last.child_with(depth)
        } else {
            last.child()
        });
    }
    root.cancel_with("top");
    for token in &chain {
        assert!(token.is_cancelled());
        assert_eq!(token.reason().unwrap().cause().unwrap().to_string(), "top");
    }
}

#[test]
fn a_child_of_a_cancelled_parent_is_done_at_creation_with_its_cause() {
    let root = CancelToken::new();
    root.cancel_with("gone");
    let child = root.child_with_timeout(Duration::from_secs(60));
    assert!(child.is_cancelled());
    assert_eq!(child.reason().unwrap().cause().unwrap().to_string(), "gone");
    assert!(!child.cancel_with("own"), "it was cancelled already");
}

#[test]
fn a_reason_seen_once_is_never_replaced_by_a_later_cancel_further_down() {
    let root = CancelToken::new();
    let middle = root.child();
    let leaf = middle.child();
    root.cancel_with("root");
    assert_eq!(leaf.reason().unwrap().cause().unwrap().to_string(), "root");
    assert!(!middle.cancel_with("middle"));
    for token in [&middle, &leaf] {
        assert_eq!(token.reason().unwrap().cause().unwrap().to_string(), "root");
    }
}

#[test]
fn a_child_keeps_its_own_reason_when_the_parent_is_cancelled_later() {
    let root = CancelToken::new();
    let child = root.child();
    child.cancel_with("child");
    root.cancel_with("root");
    assert_eq!(
        child.reason().unwrap().cause().unwrap().to_string(),
        "child"
    );
}

#[test]
fn a_child_made_while_its_parent_is_cancelled_ends_with_the_parents_cause() {
    for _ in 0..100 {
        let root = CancelToken::new();
        let start = Barrier::new(2);
        thread::scope(|s| {
            s.spawn(|| {
                start.wait();
                root.cancel_with("parent");
            });
            start.wait();
            let why = root.child().cancelled().wait();
            assert_eq!(why.cause().unwrap().to_string(), "parent");
        });
    }
}

#[test]
fn the_parent_holds_nothing_of_a_child_that_was_cancelled_or_dropped() {
    let root = CancelToken::new();
    let child = root.child();
    let hook = child.on_cancel(|| {});
    let hook2 = child.on_cancel(|| {});
    assert_eq!(
        root.watchers(),
        Watchers {
            children: 1,
            ..Watchers::default()
        }
    );
    assert_eq!(
        child.watchers(),
        Watchers {
            hooks: 2,
            ..Watchers::default()
        }
    );
    assert!(hook.stop());
    assert_eq!(child.watchers().hooks, 1);
    child.cancel();
    assert_eq!((root.watchers(), child.watchers()), Default::default());
    drop(hook2);

    let other = root.child();
    let hook = other.on_cancel(|| {});
    assert_eq!(root.watchers().children, 1);
    drop(hook);
    drop(other);
    assert_eq!(root.watchers().children, 0);

    let last = root.child();
    let _hook = last.on_cancel(|| {});
    root.cancel();
    assert_eq!(root.watchers(), Watchers::default());
}

#[test]
fn parent_and_child_cancelled_at_once_from_two_threads_both_end() {
    for _ in 0..200 {
        let root = CancelToken::new();
        let child = root.child();
        let _hook = child.on_cancel(|| {});
        let start = Barrier::new(2);
        thread::scope(|s| {
            s.spawn(|| {
                start.wait();
                root.cancel();
            });
            start.wait();
            child.cancel();
        });
        assert!(root.is_cancelled() && child.is_cancelled());
    }
}

#[test]
fn a_chain_of_5000_levels_works_and_is_dropped_without_recursion() {
    // A small stack, so that recursion would show.
    let work = || {
        let root = CancelToken::new();
        let mut leaf = root.child_with_timeout(Duration::from_secs(3_600));
        for depth in 0..5_000u64 {
            leaf = match depth % 4 {
                0 => leaf.child(),
                1 => leaf.child_with(depth),
                2 => CancelToken::any([&leaf]),
                _ => leaf
                    .child_with_timeout(Duration::from_secs(3_000) - Duration::from_millis(depth)),
            };
        }
        let _hook = leaf.on_cancel(|| {});
        assert!(!leaf.is_cancelled());
        assert_eq!(leaf.value::<u64>(), Some(&4_997));
        root.cancel_with("all");
        assert_eq!(leaf.reason().unwrap().cause().unwrap().to_string(), "all");
        drop(root);
        drop(leaf);

        // All expired, none looked at: the reasons are found without recursion too.
        let (mut leaf, time) = CancelToken::manual();
        for depth in 0..5_000 {
            leaf = leaf.child_with_timeout(Duration::from_millis(10_000 - depth));
        }
        time.advance(Duration::from_secs(20));
        assert_eq!(leaf.reason().unwrap().kind(), CancelKind::Deadline);
    };
    thread::Builder::new()
        .stack_size(128 * 1024)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn a_tree_cancelled_in_random_order_by_many_threads_is_done_everywhere() {
    let root = CancelToken::new();
    let mut nodes = vec![root.clone()];
    for at in 0..25 {
        for _ in 0..4 {
            let child = nodes[at].child();
            nodes.push(child);
        }
    }
    let waiting: Vec<_> = nodes
        .iter()
        .cloned()
        .map(|t| thread::spawn(move || t.cancelled().wait()))
        .collect();
    let (nodes, order) = (&nodes, &[3usize, 1, 4, 2]);
    thread::scope(|s| {
        for &offset in order {
            s.spawn(move || {
                for at in 0..nodes.len() / 4 {
                    nodes[(at * 37 + offset * 25) % nodes.len()].cancel_with(format!("{offset}"));
                }
            });
        }
    });
    root.cancel();
    for (waited, node) in waiting.into_iter().zip(nodes) {
        let seen = waited.join().unwrap();
        assert_eq!(format!("{seen:#}"), format!("{:#}", node.reason().unwrap()));
    }
}

#[test]
fn readers_see_no_reason_or_the_final_one_and_never_a_mix() {
    for round in 0..50 {
        let root = CancelToken::new();
        let child = root.child();
        let start = Barrier::new(4);
        let (seen, all) = mpsc::channel();
        thread::scope(|s| {
            for _ in 0..2 {
                let seen = seen.clone();
                s.spawn(|| {
                    let seen = seen;
                    start.wait();
                    loop {
                        if child.is_cancelled() {
                            break seen.send(child.reason().expect("cancelled, so with a reason"));
                        }
                    }
                });
            }
            s.spawn(|| {
                start.wait();
                if round % 2 == 0 {
                    root.cancel_with("a")
                } else {
                    child.cancel_with("a")
                };
            });
            start.wait();
            child.cancel_with("b");
        });
        drop(seen);
        let last = format!("{:#}", child.reason().unwrap());
        assert!(
            all.iter().all(|why| format!("{why:#}") == last),
            "all saw {last}"
        );
    }
}

#[test]
fn thirty_layers_of_values_and_timeouts_end_with_the_one_on_top() {
    let (root, time) = CancelToken::manual();
    let mut token = root.child_with_timeout(Duration::from_secs(5));
    for layer in 0..30u64 {
        token = token
            .child_with((layer,))
            .child()
            .child_with_timeout(Duration::from_secs(60 + layer));
        if layer % 10 == 0 {
            token = token.child_with(layer);
        }
    }
    assert_eq!(
        (token.value::<(u64,)>(), token.value::<u64>()),
        (Some(&(29,)), Some(&20))
    );
    time.advance(Duration::from_secs(5) - Duration::from_nanos(1));
    assert!(!token.is_cancelled());
    time.advance(Duration::from_nanos(1));
    assert_eq!(token.reason().unwrap().kind(), CancelKind::Deadline);
}

#[test]
fn the_nearest_value_wins_siblings_and_parents_do_not_see_it() {
    #[derive(Debug, PartialEq)]
    struct A(u32);
    #[derive(Debug, PartialEq)]
    struct B(u32);
    let root = CancelToken::new().child_with(A(1));
    let child = root.child_with(A(2));
    let sibling = root.child_with(B(1));
    assert_eq!(child.child().value::<A>(), Some(&A(2)));
    assert_eq!((root.value::<A>(), root.value::<B>()), (Some(&A(1)), None));
    assert_eq!(
        (sibling.value::<A>(), sibling.value::<B>()),
        (Some(&A(1)), Some(&B(1)))
    );
    assert_eq!(child.child_without::<A>().child().value::<A>(), None);
    let mut deep = root;
    for _ in 0..100 {
        deep = deep.child_with(B(9));
    }
    assert_eq!(deep.value::<A>(), Some(&A(1)));
}

#[test]
fn a_detached_token_has_the_values_but_not_the_end() {
    let (root, time) = CancelToken::manual();
    let job = root
        .child_with(7u8)
        .child_with_timeout(Duration::from_secs(1));
    let kept = job.detached();
    time.advance(Duration::from_secs(2));
    assert!(job.is_cancelled() && !kept.is_cancelled());
    assert_eq!((kept.value::<u8>(), kept.deadline()), (Some(&7), None));
    assert_eq!(kept.clock(), root.clock());
    assert!(
        !job.detached().is_cancelled(),
        "also when it comes after the end"
    );
}

#[test]
fn a_merged_token_ends_with_the_first_and_keeps_its_cause() {
    let (a, b) = (CancelToken::new(), CancelToken::new().child());
    let both = CancelToken::any([&a, &b]);
    let under = both.child();
    assert_eq!((a.watchers().children, b.watchers().children), (1, 1));
    b.cancel_with("b");
    assert_eq!(under.reason().unwrap().cause().unwrap().to_string(), "b");
    assert_eq!((a.watchers().children, b.watchers().children), (0, 0));
    assert!(!a.is_cancelled());

    let late = CancelToken::any([&a, &b]);
    assert!(late.is_cancelled(), "one was cancelled already");
    let dropped = CancelToken::any([&a]);
    assert_eq!(a.watchers().children, 1);
    drop(dropped);
    assert_eq!(a.watchers().children, 0);
}

#[test]
fn a_merged_token_has_the_earliest_deadline_the_first_value_and_may_end_alone() {
    let (root, time) = CancelToken::manual();
    let a = root
        .child_with(1u8)
        .child_with_timeout(Duration::from_secs(9));
    let b = root
        .child_with(2u8)
        .child_with(3u16)
        .child_with_timeout(Duration::from_secs(5));
    let both = CancelToken::any([&a, &b, &CancelToken::never()]);
    assert_eq!(both.remaining(), Some(Duration::from_secs(5)));
    assert_eq!(
        (both.value::<u8>(), both.value::<u16>()),
        (Some(&1), Some(&3))
    );
    let alone = CancelToken::any([&a, &b]);
    alone.cancel();
    assert!(!a.is_cancelled() && !both.is_cancelled());
    time.advance(Duration::from_secs(5));
    let why = both.reason().unwrap();
    assert_eq!(
        (why.kind(), why.location()),
        (CancelKind::Deadline, b.reason().unwrap().location())
    );
    assert!(!CancelToken::any([]).is_cancelled());
}

#[test]
fn merging_a_token_again_and_again_ends_all_of_them() {
    let root = CancelToken::new();
    let mut tokens = vec![root.clone(), root.child()];
    for _ in 0..20 {
        let next = CancelToken::any([&tokens[tokens.len() - 1], &tokens[tokens.len() - 2]]);
        tokens.push(next);
    }
    root.cancel();
    assert!(tokens.iter().all(CancelToken::is_cancelled));
}

#[test]
fn the_effective_deadline_is_the_earliest_above() {
    let (root, time) = CancelToken::manual();
    let outer = root.child_with_timeout(Duration::from_secs(10));
    let inner = outer.child_with_timeout(Duration::from_secs(5));
    let later = inner.child_with_timeout(Duration::from_secs(8));
    assert_eq!(later.remaining(), Some(Duration::from_secs(5)));
    assert_eq!(
        inner.child_with_timeout(Duration::from_secs(3)).remaining(),
        Some(Duration::from_secs(3))
    );
    time.advance(Duration::from_secs(5));
    assert!(later.is_cancelled() && inner.is_cancelled() && !outer.is_cancelled());
    assert_eq!(
        later.reason().unwrap().location(),
        inner.reason().unwrap().location()
    );
    assert_eq!(inner.remaining(), Some(Duration::ZERO));
    assert!(later.reason().unwrap().is_timeout());
}

#[test]
fn zero_past_and_endless_deadlines_are_what_they_say() {
    let root = CancelToken::new();
    assert!(root.child_with_timeout(Duration::ZERO).is_cancelled());
    let past = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
    assert_eq!(
        root.child_with_deadline(past).reason().unwrap().kind(),
        CancelKind::Deadline
    );
    let endless = root.child_with_timeout(Duration::MAX);
    assert!(!endless.is_cancelled());
    assert_eq!((endless.deadline(), endless.remaining()), (None, None));
    let far = root.child_with_timeout(Duration::from_secs(86_400 * 365 * 500));
    assert!(
        !far.is_cancelled() && far.remaining().unwrap() > Duration::from_secs(86_400 * 365 * 499)
    );
    assert!(
        endless
            .sleep(Duration::MAX)
            .timeout(Duration::ZERO)
            .wait()
            .is_err()
    );
}

#[test]
fn a_deadline_that_is_only_polled_ends_it_and_leaves_no_timer() {
    let (root, time) = CancelToken::manual();
    let token = root.child_with_timeout(Duration::from_secs(1));
    for _ in 0..100 {
        assert!(!token.is_cancelled());
    }
    assert_eq!(root.clock().armed_timers(), 1, "polled often: armed");
    time.advance(Duration::from_secs(1));
    assert!(token.is_cancelled());
    assert_eq!(root.clock().armed_timers(), 0);
}

#[test]
fn a_token_cancelled_or_dropped_early_leaves_no_timer() {
    let (root, _time) = CancelToken::manual();
    for round in 0..1_000 {
        let token = root.child_with_timeout(Duration::from_secs(1));
        let hook = token.on_cancel(|| {});
        assert_eq!(root.clock().armed_timers(), 1);
        if round % 2 == 0 {
            token.cancel();
        }
        drop((hook, token));
        assert_eq!(root.clock().armed_timers(), 0);
    }
}

#[test]
fn never_is_never_cancelled_and_its_child_is_a_root() {
    let never = CancelToken::never();
    assert!(!never.cancel() && !never.is_cancelled());
    never.drain();
    assert!(!never.is_draining());
    let root = never.child();
    assert!(root.cancel() && root.is_cancelled() && !never.is_cancelled());
    assert!(never.cancelled().timeout(Duration::ZERO).wait().is_err());
    assert_eq!(never, CancelToken::never());
    assert_ne!(never, root);
    assert_eq!(root, root.clone());
    assert_ne!(root, CancelToken::new());
}
