// says: has no handler: write `=> ..` after its guard
use anabranch_select::{channel::bounded, thread::select};

fn main() {
    let (tx, rx) = bounded::<u32>(1);
    select! {
        got = rx.recv(), if true,
        _ = tx.send(1) => {}
    }
}
