// says: is not an operation: a thread cannot wait for it
use anabranch_select::thread::select;

fn main() {
    select! {
        _ = std::future::pending::<()>() => {}
        default => {}
    }
}
