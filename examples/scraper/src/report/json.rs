//! The report for programs: all pages, nothing shortened, times in milliseconds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Ended, Pace, Report, Visit};

#[derive(Serialize)]
struct Whole<'a> {
    ended: &'static str,
    exit_code: u8,
    took_ms: u128,
    workers: usize,
    read: usize,
    bytes: u64,
    failed: usize,
    abandoned: usize,
    never_begun: usize,
    beyond_limit: usize,
    left_behind: Vec<LeftBehind<'a>>,
    pace: Pace,
    errors: BTreeMap<String, usize>,
    pages: Vec<Page<'a>>,
}

#[derive(Serialize)]
struct LeftBehind<'a> {
    worker: usize,
    url: &'a str,
}

#[derive(Serialize)]
struct Page<'a> {
    url: &'a str,
    worker: usize,
    took_ms: u128,
    status: Option<u16>,
    bytes: Option<u64>,
    redirected_to: Option<&'a str>,
    error: Option<String>,
}

impl<'a> Page<'a> {
    fn of(visit: &'a Visit) -> Page<'a> {
        let read = visit.outcome.as_ref().ok();
        Page {
            url: visit.url.as_str(),
            worker: visit.worker,
            took_ms: visit.took.as_millis(),
            status: visit.status(),
            bytes: read.map(|read| read.bytes),
            redirected_to: read.and_then(|read| Some(read.redirected_to.as_ref()?.as_str())),
            error: visit.outcome.as_ref().err().map(ToString::to_string),
        }
    }
}

impl Report {
    /// The whole report as JSON, every page included.
    ///
    /// # Errors
    /// None that is known: all of it is numbers, text and lists.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&Whole {
            ended: match self.ended {
                Ended::Complete => "complete",
                Ended::Deadline(_) => "deadline",
                Ended::Interrupted(_) => "interrupted",
                Ended::Cancelled => "cancelled",
            },
            exit_code: self.exit_code(),
            took_ms: self.took.as_millis(),
            workers: self.workers,
            read: self.read(),
            bytes: self.bytes(),
            failed: self.failed(),
            abandoned: self.abandoned().count(),
            never_begun: self.never_begun,
            beyond_limit: self.beyond_limit,
            left_behind: self
                .left_behind
                .iter()
                .map(|(worker, url)| LeftBehind {
                    worker: *worker,
                    url: url.as_str(),
                })
                .collect(),
            pace: self.pace(),
            errors: self.error_kinds(),
            pages: self.visits.iter().map(Page::of).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{report, visit};
    use crate::fetch::FetchError;

    #[test]
    fn every_page_is_in_it_with_what_is_known() {
        let report = report(vec![
            visit("/a", Ok(10)),
            visit("/b", Err(FetchError::Status(404))),
            visit("/c", Err(FetchError::Abandoned)),
        ]);
        let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert_eq!(json["ended"], "complete");
        assert_eq!((&json["read"], &json["failed"]), (&1.into(), &1.into()));
        assert_eq!(json["pages"][0]["bytes"], 10);
        assert_eq!(json["pages"][1]["status"], 404);
        assert_eq!(json["pages"][2]["error"], "abandoned");
        assert_eq!(json["errors"]["status 404"], 1);
        assert_eq!(json["pace"]["rate"], 50);
    }
}
