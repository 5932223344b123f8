//! A token that is wrong on purpose, to show that the checks bite.

use super::{Flag, Token};

/// As [`Flag`], but a child never hears of its parent. Every check of a tree must catch it.
#[derive(Debug, Clone)]
pub struct Broken(Flag);

impl Token for Broken {
    fn root() -> Self {
        Broken(Flag::root())
    }

    fn child(&self) -> Self {
        Broken(Flag::root())
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    fn cancel(&self) {
        self.0.cancel();
    }
}
