//! The cells of ratelimit under criterion.

mod front;

use criterion::{Criterion, criterion_group, criterion_main};

fn ratelimit(c: &mut Criterion) {
    front::cells_of("ratelimit", c);
}

criterion_group!(benches, ratelimit);
criterion_main!(benches);
