//! `--list`: every cell, whether it is in, and why not.

use super::protocol::{Cell, Kind};
use super::report;
use super::select::Selection;

/// The table, and how many of the cells are in.
pub(crate) fn list(cells: &[Cell], selection: &Selection) -> String {
    let mut table = report::table(&["cell", "crate", "kind", "version", "operations", "in?"]);
    let mut chosen = 0;
    for cell in cells {
        let reason = selection.reason_out(cell);
        chosen += usize::from(reason.is_none());
        let kind = match cell.kind {
            Kind::Ours => "ours",
            Kind::Peer => "peer",
            Kind::Unsound => "unsound",
            Kind::Limit => "limit",
        };
        let operations = cell
            .ops
            .map_or_else(|| "calibrated".into(), |ops| ops.to_string());
        let state = reason.map_or_else(|| "in".into(), |reason| format!("out: {reason}"));
        table.add_row([
            &cell.name(),
            &cell.krate,
            kind,
            &cell.version,
            &operations,
            &state,
        ]);
    }
    let mut about: Vec<String> = Vec::new();
    for cell in cells {
        let line = format!("{:<10} {}", cell.w, cell.about);
        if about.last() != Some(&line) {
            about.push(line);
        }
    }
    about.dedup();
    let total = cells.len();
    format!(
        "{table}\n\n{}\n\n{chosen} of {total} cells are in",
        about.join("\n")
    )
}
