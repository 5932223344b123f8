// says: is not an operation: a thread cannot wait for it
use anabranch_select::{channel::bounded, thread::select};

fn main() {
    let (_tx, rx) = bounded::<u32>(1);
    select! {
        _ = rx.recv() => {}
        _ = async { 7 } => {}
    }
}
