// says: select! needs an arm
use anabranch_select::thread::select;

fn main() {
    select! {}
}
