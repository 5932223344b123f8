// says: `biased;` comes before the first arm
use anabranch_select::{channel::bounded, thread::select};

fn main() {
    let (_tx, rx) = bounded::<u32>(1);
    select! {
        _ = rx.recv() => {}
        biased;
    }
}
