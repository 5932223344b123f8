// says: non-exhaustive patterns
// says: Err(
use anabranch_select::{channel::bounded, thread::select};

fn main() {
    let (_tx, rx) = bounded::<u32>(1);
    select! {
        Ok(_) = rx.recv() => {}
    }
}
