// says: select! needs an arm
use anabranch_select::task::select;

fn main() {
    let _task = async { select! { biased; } };
}
