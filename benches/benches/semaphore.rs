//! The cells of semaphore under criterion.

mod front;

use criterion::{Criterion, criterion_group, criterion_main};

fn semaphore(c: &mut Criterion) {
    front::cells_of("semaphore", c);
}

criterion_group!(benches, semaphore);
criterion_main!(benches);
