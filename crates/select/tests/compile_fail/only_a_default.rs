// says: select! with nothing but a `default` selects nothing
use anabranch_select::thread::select;

fn main() {
    select! {
        default => {}
    }
}
