// says: select! takes one `default`
use anabranch_select::{channel::bounded, thread::select};

fn main() {
    let (_tx, rx) = bounded::<u32>(1);
    select! {
        default => {}
        _ = rx.recv() => {}
        default => {}
    }
}
