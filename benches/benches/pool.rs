//! The cells of pool under criterion.

mod front;

use criterion::{Criterion, criterion_group, criterion_main};

fn pool(c: &mut Criterion) {
    front::cells_of("pool", c);
}

criterion_group!(benches, pool);
criterion_main!(benches);
