//! The table of all cells, one file per crate of ours.

mod core_cancel;
mod keyed;
mod pool;
mod ratelimit;
mod select;
mod semaphore;
pub(crate) mod versions;

use anyhow::{Result, bail};

use crate::Cell;

/// Set to `1`, the table also has the cells with which the runners check themselves, as peers:
/// `broken` ones, whose checks must fail and which must never have a figure, and a `twin`, the same
/// as another cell, which must not be told apart from it until extra work is planted in it.
pub const SELF_CHECK: &str = "ANABRANCH_BENCH_SELF_CHECK";

/// Every cell, in the order of the tables.
pub fn all() -> Vec<Cell> {
    let mut cells = core_cancel::cells();
    cells.extend(pool::cells());
    cells.extend(ratelimit::cells());
    cells.extend(keyed::cells());
    cells.extend(select::cells());
    cells.extend(semaphore::cells());
    if std::env::var(SELF_CHECK).is_ok_and(|value| value == "1") {
        cells.extend(core_cancel::twins());
        cells.extend(core_cancel::broken());
    }
    cells
}

/// The cell named `<workload>` and `<implementation>`.
///
/// # Errors
/// There is none; the message lists what the workload has.
pub fn find(workload: &str, implementation: &str) -> Result<Cell> {
    let cells = all();
    let has: Vec<&str> = cells
        .iter()
        .filter(|cell| cell.workload.id == workload)
        .map(|cell| cell.implementation)
        .collect();
    if has.is_empty() {
        bail!("unknown workload `{workload}`; see `list`");
    }
    let of = has.join(", ");
    let found = cells
        .into_iter()
        .find(|cell| cell.workload.id == workload && cell.implementation == implementation);
    match found {
        Some(cell) => Ok(cell),
        None => bail!("workload {workload} has no implementation `{implementation}`, only {of}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::Ask;

    #[test]
    fn every_name_is_there_once() {
        let cells = all();
        let names: HashSet<_> = cells
            .iter()
            .map(|cell| (cell.workload.id, cell.implementation))
            .collect();
        assert_eq!(names.len(), cells.len());
        for cell in &cells {
            let found = find(cell.workload.id, cell.implementation).unwrap();
            assert_eq!(found.version, cell.version);
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_helps() {
        assert!(
            find("C9", "x")
                .unwrap_err()
                .to_string()
                .contains("unknown workload `C9`")
        );
        assert!(
            find("C2-1", "x")
                .unwrap_err()
                .to_string()
                .contains("tokio-util")
        );
    }

    #[test]
    fn every_cell_passes_its_own_check() {
        for cell in all() {
            let ask = Ask {
                ops: cell.workload.smoke_ops,
                seed: 7,
            };
            let rep = (cell.rep)(ask);
            let name = (cell.workload.id, cell.implementation);
            let rep = rep.unwrap_or_else(|error| panic!("{name:?}: {error:#}"));
            assert!(
                rep.ns_per_op().is_finite() && rep.ns_per_op() > 0.0,
                "{name:?}: {rep:?}"
            );
        }
    }

    #[test]
    fn every_planted_cell_fails_its_check() {
        for cell in core_cancel::broken() {
            let ask = Ask {
                ops: cell.workload.smoke_ops,
                seed: 7,
            };
            assert!((cell.rep)(ask).is_err(), "{} passed", cell.workload.id);
        }
    }
}
