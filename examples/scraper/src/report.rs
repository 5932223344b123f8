//! What came of each page and of the whole crawl.
//!
//! The crawl collects the facts in a [`Report`]; how they are shown is decided here: a table and a
//! summary for people, JSON for programs, a number for the shell.

mod json;
mod pace;
mod summary;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use crate::fetch::FetchError;
use crate::interrupt::Signal;

pub use self::pace::Pace;

/// A page that was read, as the report remembers it: without its links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The success status.
    pub status: u16,
    /// The size after decompression.
    pub bytes: u64,
    /// Where a redirect led, if one did.
    pub redirected_to: Option<Url>,
}

/// One page that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The address asked for.
    pub url: Url,
    /// Which worker had it, counted from 0.
    pub worker: usize,
    /// How long that took, without the waits for the limiter.
    pub took: Duration,
    /// The page, or why there is none. [`FetchError::Abandoned`] if the crawl ended under it.
    pub outcome: Result<Read, FetchError>,
}

impl Visit {
    /// Whether the crawl ended while this page was under way.
    pub fn is_abandoned(&self) -> bool {
        self.outcome == Err(FetchError::Abandoned)
    }

    /// Whether the page turned out bad. An abandoned page did not turn out at all.
    pub fn is_failed(&self) -> bool {
        self.outcome.is_err() && !self.is_abandoned()
    }

    fn status(&self) -> Option<u16> {
        match &self.outcome {
            Ok(read) => Some(read.status),
            Err(error) => error.status(),
        }
    }
}

/// Why the crawl ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing was left to do.
    Complete,
    /// The time for the whole crawl was up.
    Deadline(Duration),
    /// A signal asked for it.
    Interrupted(Signal),
    /// Whoever holds the token above it cancelled it and did not say why.
    Cancelled,
}

/// All that is known when a crawl has ended.
#[derive(Clone, Debug)]
pub struct Report {
    /// Every page that was begun, in the order in which they ended.
    pub visits: Vec<Visit>,
    /// When each request started, counted from the crawl's beginning.
    pub starts: Vec<Duration>,
    /// How long the crawl took.
    pub took: Duration,
    /// Why it ended.
    pub ended: Ended,
    /// Workers it had.
    pub workers: usize,
    /// Requests per second it was allowed.
    pub rate: u32,
    /// Requests it was allowed at once.
    pub burst: u32,
    /// Pages that were known and never begun.
    pub never_begun: usize,
    /// Pages that were found and refused because of the page limit.
    pub beyond_limit: usize,
    /// Workers that had not come back when the report was made, with the page they were at.
    pub left_behind: Vec<(usize, Url)>,
}

impl Report {
    /// Pages that could be read.
    pub fn read(&self) -> usize {
        self.visits
            .iter()
            .filter(|visit| visit.outcome.is_ok())
            .count()
    }

    /// Pages that turned out bad.
    pub fn failed(&self) -> usize {
        self.visits.iter().filter(|visit| visit.is_failed()).count()
    }

    /// Pages under way when the crawl ended.
    pub fn abandoned(&self) -> impl Iterator<Item = &Visit> {
        self.visits.iter().filter(|visit| visit.is_abandoned())
    }

    /// How many pages failed for each kind of reason.
    pub fn error_kinds(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for visit in self.visits.iter().filter(|visit| visit.is_failed()) {
            if let Err(error) = &visit.outcome {
                *kinds.entry(error.kind()).or_default() += 1;
            }
        }
        kinds
    }

    /// The size of all pages that were read.
    pub fn bytes(&self) -> u64 {
        self.visits
            .iter()
            .filter_map(|visit| Some(visit.outcome.as_ref().ok()?.bytes))
            .sum()
    }

    /// How the rate limit was kept.
    pub fn pace(&self) -> Pace {
        Pace::of(&self.starts, self.rate, self.burst)
    }

    /// What the process should return.
    ///
    /// 0 when the crawl ran to its end, whatever it found: to report a broken page is its job.
    /// 3 when the deadline ended it, 130 or 143 when a signal did (128 and the signal's number).
    /// Nothing else ends it in the program; 1 is for whoever embeds the crawl and cancels it.
    pub fn exit_code(&self) -> u8 {
        match self.ended {
            Ended::Complete => 0,
            Ended::Deadline(_) => 3,
            Ended::Interrupted(signal) => signal.exit_code(),
            Ended::Cancelled => 1,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn visit(path: &str, outcome: Result<u64, FetchError>) -> Visit {
        Visit {
            url: Url::parse("http://a.org/").unwrap().join(path).unwrap(),
            worker: 1,
            took: Duration::from_millis(20),
            outcome: outcome.map(|bytes| Read {
                status: 200,
                bytes,
                redirected_to: None,
            }),
        }
    }

    pub(crate) fn report(visits: Vec<Visit>) -> Report {
        Report {
            starts: (0..visits.len() as u64)
                .map(|n| Duration::from_millis(n * 20))
                .collect(),
            visits,
            took: Duration::from_secs(2),
            ended: Ended::Complete,
            workers: 3,
            rate: 50,
            burst: 10,
            never_begun: 0,
            beyond_limit: 0,
            left_behind: Vec::new(),
        }
    }

    #[test]
    fn an_abandoned_page_is_neither_read_nor_failed() {
        let report = report(vec![
            visit("/a", Ok(10)),
            visit("/b", Err(FetchError::Status(404))),
            visit("/c", Err(FetchError::Abandoned)),
            visit("/d", Err(FetchError::Status(404))),
            visit("/e", Ok(5)),
        ]);
        assert_eq!((report.read(), report.failed(), report.bytes()), (2, 2, 15));
        assert_eq!(
            report.abandoned().map(|v| v.url.path()).collect::<Vec<_>>(),
            ["/c"]
        );
        assert_eq!(
            report.error_kinds(),
            BTreeMap::from([("status 404".to_owned(), 2)])
        );
    }

    #[test]
    fn the_exit_code_tells_how_it_ended_not_what_it_found() {
        let mut report = report(vec![visit("/a", Err(FetchError::Dns))]);
        assert_eq!(report.exit_code(), 0);
        report.ended = Ended::Deadline(Duration::from_secs(1));
        assert_eq!(report.exit_code(), 3);
        report.ended = Ended::Interrupted(Signal::Interrupt);
        assert_eq!(report.exit_code(), 130);
        report.ended = Ended::Interrupted(Signal::Terminate);
        assert_eq!(report.exit_code(), 143);
    }
}
