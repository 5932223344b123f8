// Compiles: what the other files change is what is wrong with them.
use anabranch_select::{channel::bounded, task, thread::select};

fn main() {
    let (tx, rx) = bounded::<u32>(1);
    select! {
        biased;
        got = rx.recv(), if true => drop(got),
        sent = tx.send(1) => { sent.unwrap() }
        default => {}
    }
    let _task = async {
        task::select! {
            _ = std::future::pending::<()>() => {}
            _ = async {} => {}
            got = rx.recv() => drop(got),
        }
    };
}
