//! Channels and selects.

mod channels;
mod selects;

use crate::Cell;

/// The crate whose figures these are.
const KRATE: &str = "select";

pub(super) fn cells() -> Vec<Cell> {
    let mut cells = channels::cells();
    cells.extend(selects::cells());
    cells
}
