//! Is this token cancelled? Asked in a hot loop, answered no.

use std::hint::black_box;

use anyhow::{Result, ensure};

use crate::tokens::Token;
use crate::{Ask, Rep, Stopwatch};

/// A chain of `depth` tokens: its root and its last descendant, which is the root if `depth` is 1.
pub fn chain<T: Token>(depth: usize) -> (T, T) {
    let root = T::root();
    let leaf = (1..depth).fold(root.clone(), |parent, _| parent.child());
    (root, leaf)
}

/// Polls `leaf` while it is live. Cancelling `root` afterwards must be seen by it.
///
/// # Errors
/// A poll said cancelled too early, or the last one did not.
pub fn poll<T: Token>(ask: Ask, root: &T, leaf: &T) -> Result<Rep> {
    // From here on the compiler knows nothing about the flag behind `leaf`. The loop itself needs
    // no `black_box`, whose trip over the stack would cost as much as the poll: each poll loads an
    // atomic, which is not moved out of loops, and its answer goes into a count that is asserted.
    let leaf = black_box(leaf);
    let mut seen = 0_u64;
    let watch = Stopwatch::start();
    for _ in 0..ask.ops {
        seen += u64::from(leaf.is_cancelled());
    }
    let rep = watch.stop(ask.ops);
    let seen = black_box(seen);

    ensure!(seen == 0, "a live token was seen cancelled {seen} times");
    root.cancel();
    ensure!(
        leaf.is_cancelled(),
        "the root was cancelled and its descendant did not see it"
    );
    Ok(rep)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{Broken, Flag};

    const ASK: Ask = Ask { ops: 10, seed: 1 };

    #[test]
    fn a_live_flag_passes() {
        let (root, leaf) = chain::<Flag>(4);
        poll(ASK, &root, &leaf).unwrap();
    }

    #[test]
    fn a_cancelled_token_fails_the_check() {
        let (root, leaf) = chain::<Flag>(1);
        root.cancel();
        assert!(poll(ASK, &root, &leaf).is_err());
    }

    #[test]
    fn a_child_that_does_not_hear_its_root_fails_the_check() {
        let (root, leaf) = chain::<Broken>(4);
        assert!(poll(ASK, &root, &leaf).is_err());
    }
}
