//! The cells of select under criterion.

mod front;

use criterion::{Criterion, criterion_group, criterion_main};

fn select(c: &mut Criterion) {
    front::cells_of("select", c);
}

criterion_group!(benches, select);
criterion_main!(benches);
