//! A model and what it has seen.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// What a model did. Made by [`explore`].
#[derive(Debug)]
#[must_use = "a model that is not asked what it saw proves little"]
pub struct Explored<T> {
    iterations: usize,
    seen: BTreeSet<T>,
}

/// Runs `model` in every interleaving, up to a bound of preemptions if there is one, and collects
/// the outcomes it returns.
///
/// # Panics
/// When the model does, in any interleaving.
pub fn explore<T: Ord + Debug + Send + 'static>(
    preemptions: Option<usize>,
    model: impl Fn() -> T + Sync + Send + 'static,
) -> Explored<T> {
    // Not part of the model: nobody decides anything by them.
    let iterations = Arc::new(AtomicUsize::new(0));
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_branches = 20_000;
    builder.check({
        let (iterations, seen) = (iterations.clone(), seen.clone());
        move || {
            let outcome = model();
            iterations.fetch_add(1, Relaxed);
            seen.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(outcome);
        }
    });
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    let iterations = iterations.load(Relaxed);
    println!("{iterations} iterations, seen {seen:?}");
    Explored { iterations, seen }
}

impl<T: Ord + Debug> Explored<T> {
    /// Asserts that there were at least so many interleavings.
    ///
    /// # Panics
    /// When there were fewer: the model explores less than it looks.
    pub fn at_least(self, iterations: usize) -> Self {
        assert!(
            self.iterations >= iterations,
            "only {} iterations",
            self.iterations
        );
        self
    }

    /// Asserts that each of these outcomes was seen.
    ///
    /// # Panics
    /// When one was not.
    pub fn saw(self, outcomes: &[T]) -> Self {
        for outcome in outcomes {
            assert!(
                self.seen.contains(outcome),
                "never saw {outcome:?}, only {:?}",
                self.seen
            );
        }
        self
    }
}
