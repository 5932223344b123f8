//! The cells of core-cancel under criterion.

mod front;

use criterion::{Criterion, criterion_group, criterion_main};

fn core_cancel(c: &mut Criterion) {
    front::cells_of("core-cancel", c);
}

criterion_group!(benches, core_cancel);
criterion_main!(benches);
