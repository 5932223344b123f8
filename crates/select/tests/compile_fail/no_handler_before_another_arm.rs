// says: has no handler: write `=> ..` after it
use anabranch_select::{channel::bounded, thread::select};

fn main() {
    let (tx, rx) = bounded::<u32>(1);
    select! {
        got = rx.recv(),
        _ = tx.send(1) => {}
    }
}
