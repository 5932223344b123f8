// says: is not a future
use anabranch_select::{channel::bounded, task::select};

fn main() {
    let (_tx, rx) = bounded::<u32>(1);
    let _task = async {
        select! {
            _ = rx.try_recv() => {}
        }
    };
}
