// says: a handler that is no block ends with a comma
use anabranch_select::{channel::bounded, thread::select};

fn main() {
    let (tx, rx) = bounded::<u32>(1);
    select! {
        got = rx.recv() => drop(got)
        _ = tx.send(1) => {}
    }
}
