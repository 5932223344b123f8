//! What a live child costs in memory.

use std::hint::black_box;

use anyhow::{Result, ensure};

use crate::tokens::Token;
use crate::{Ask, Rep, Stopwatch, sys};

/// Keeps `ops` live children of one root and sees how much the resident memory grew: the metric
/// `bytes` is per child, the handle in the caller's `Vec` included, for that is memory too.
///
/// # Errors
/// A child did not see the root's cancellation.
pub fn bytes_per_child<T: Token>(ask: Ask) -> Result<Rep> {
    let root = T::root();
    let before = sys::rss_bytes()?;

    let watch = Stopwatch::start();
    // Its pages are mapped but not resident until a child is written into them.
    let mut children = Vec::with_capacity(usize::try_from(ask.ops)?);
    for _ in 0..ask.ops {
        children.push(root.child());
    }
    let rep = watch.stop(ask.ops);

    let children = black_box(children);
    let grown = sys::rss_bytes()?.saturating_sub(before);
    root.cancel();
    let seen = children.iter().filter(|child| child.is_cancelled()).count();
    ensure!(
        seen as u64 == ask.ops,
        "{seen} of {} children saw the cancellation",
        ask.ops
    );
    Ok(rep.with_metric("bytes", grown as f64 / ask.ops as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{Broken, Flag};

    #[test]
    fn a_clone_of_an_arc_is_one_pointer() {
        let rep = bytes_per_child::<Flag>(Ask {
            ops: 4_000_000,
            seed: 1,
        })
        .unwrap();
        let bytes = rep.metrics["bytes"];
        // Other tests of this process may allocate meanwhile, so the upper bound is generous.
        assert!((7.9..40.0).contains(&bytes), "{bytes} bytes");
    }

    #[test]
    fn children_that_do_not_hear_their_root_fail_the_check() {
        assert!(bytes_per_child::<Broken>(Ask { ops: 9, seed: 1 }).is_err());
    }
}
