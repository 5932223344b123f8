//! One line per page, the worst first, and a count of those that found no room.

use std::cmp::Reverse;
use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Table, presets};
use url::Url;

use super::{Report, Visit};
use crate::links::same_host;

/// How many characters of an address or an error are shown.
const WIDEST: usize = 56;

impl Report {
    /// The table: failures first, then abandoned pages, then the others, the slowest first. At
    /// most `rows` of them, and a last line with the number left out.
    pub fn table(&self, rows: usize) -> String {
        let mut visits: Vec<&Visit> = self.visits.iter().collect();
        visits.sort_by_key(|visit| (rank(visit), Reverse(visit.took)));
        let host = self.only_host();

        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["url", "status", "size", "time", "worker", "error"]);
        for column in 1..=4 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for visit in visits.iter().take(rows) {
            table.add_row(line(visit, host));
        }
        let mut text = table.trim_fmt();
        if visits.len() > rows {
            let left_out = visits.len() - rows;
            text.push_str(&format!(
                "\n… and {left_out} more (--rows {} shows all)",
                visits.len()
            ));
        }
        text
    }

    /// The host of all pages, if there is only one: then the paths are enough.
    fn only_host(&self) -> Option<&Url> {
        let first = &self.visits.first()?.url;
        self.visits
            .iter()
            .all(|visit| same_host(&visit.url, first))
            .then_some(first)
    }
}

fn rank(visit: &Visit) -> u8 {
    match (visit.is_failed(), visit.is_abandoned()) {
        (true, _) => 0,
        (_, true) => 1,
        _ => 2,
    }
}

fn line(visit: &Visit, host: Option<&Url>) -> Vec<Cell> {
    let bytes = visit.outcome.as_ref().ok().map(|read| size(read.bytes));
    let note = match &visit.outcome {
        Ok(read) => match &read.redirected_to {
            Some(to) => Cell::new(format!("→ {}", short(to, host))),
            None => Cell::new(""),
        },
        Err(error) => Cell::new(middle(&error.to_string())),
    };
    vec![
        Cell::new(short(&visit.url, host)),
        Cell::new(
            visit
                .status()
                .map_or("-".to_owned(), |status| status.to_string()),
        ),
        Cell::new(bytes.unwrap_or("-".to_owned())),
        Cell::new(millis(visit.took)),
        Cell::new(visit.worker),
        note,
    ]
}

/// The address as the table shows it: the path alone on the one host, and not too long.
fn short(url: &Url, host: Option<&Url>) -> String {
    let whole = url.as_str();
    match host {
        Some(host) if same_host(url, host) => {
            middle(&whole[url[..url::Position::BeforePath].len()..])
        }
        _ => middle(whole),
    }
}

/// Long text with its middle taken out: the beginning and the end of an address tell most.
fn middle(text: &str) -> String {
    let count = text.chars().count();
    if count <= WIDEST {
        return text.to_owned();
    }
    let half = (WIDEST - 1) / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(count - half).collect();
    format!("{head}…{tail}")
}

/// A size for people: three digits and a unit.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A time for people: whole milliseconds.
pub(super) fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{report, visit};
    use super::*;
    use crate::fetch::FetchError;

    #[test]
    fn failures_come_first_and_what_has_no_room_is_counted() {
        let report = report(vec![
            visit("/fine", Ok(1234)),
            visit("/broken", Err(FetchError::Status(503))),
            visit("/left", Err(FetchError::Abandoned)),
            visit("/fine-too", Ok(1)),
        ]);
        let table = report.table(2);
        let broken = table.find("/broken").unwrap();
        let left = table.find("/left").unwrap();
        assert!(broken < left, "{table}");
        assert!(table.contains("503") && !table.contains("/fine"), "{table}");
        assert!(
            table.ends_with("… and 2 more (--rows 4 shows all)"),
            "{table}"
        );
        assert!(!report.table(4).contains("more"));
    }

    #[test]
    fn the_host_is_shown_only_if_there_are_several() {
        let mut report = report(vec![visit("/a", Ok(1))]);
        assert!(!report.table(9).contains("a.org"));
        report.visits.push(visit("//b.org/b", Ok(1)));
        assert!(report.table(9).contains("http://a.org/a"));
    }

    #[test]
    fn long_addresses_lose_their_middle() {
        let long = format!("/start/{}/end.html", "ü".repeat(100));
        let short = middle(&long);
        assert!(
            short.starts_with("/start/") && short.ends_with("/end.html"),
            "{short}"
        );
        assert!(short.chars().count() <= WIDEST);
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(
            [size(999), size(1_500), size(2_340_000)],
            ["999 B", "1.5 kB", "2.3 MB"]
        );
    }
}
