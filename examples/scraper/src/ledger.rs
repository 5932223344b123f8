//! The crawl's books: who is sent where, what came back, what is left.
//!
//! Plain data for the one thread that directs the workers. It knows nothing of threads, limits and
//! tokens, so that a test can play the workers and see every decision.

use std::time::{Duration, Instant};

use url::Url;

use crate::crawl::Limits;
use crate::frontier::{Frontier, Task};
use crate::progress::Status;
use crate::report::{Ended, Report, Visit};
use crate::visit::Visited;

/// See the module.
#[derive(Debug)]
pub struct Ledger {
    began: Instant,
    frontier: Frontier,
    visits: Vec<Visit>,
    starts: Vec<Duration>,
    failed: usize,
}

impl Ledger {
    /// Opens the books: `pages` are to be visited, and what they lead to, `max_pages` in all.
    pub fn new(pages: impl IntoIterator<Item = Url>, max_pages: usize) -> Ledger {
        let mut frontier = Frontier::new(max_pages);
        for page in pages {
            frontier.start(page);
        }
        Ledger {
            began: Instant::now(),
            frontier,
            visits: Vec::new(),
            starts: Vec::new(),
            failed: 0,
        }
    }

    /// The next page to send a worker to, now under way: each takes one
    /// [`came_back`](Ledger::came_back). `None` if none is known, or none yet.
    pub fn send(&mut self) -> Option<Task> {
        self.frontier.begin()
    }

    /// A worker is back: what it brought is entered, and its links are to be visited.
    ///
    /// Links are followed from pages on the hosts of the start pages. Where a start page redirects
    /// to counts as one of these: `http://a.org` that is really `https://www.a.org` is one site.
    ///
    /// # Panics
    /// If no worker is under way.
    pub fn came_back(&mut self, visited: Visited) {
        if let (0, Some(home)) = (visited.depth, &visited.final_url) {
            self.frontier.allow_host(home);
        }
        for link in visited.links {
            self.frontier.add(link, visited.depth + 1);
        }
        let since = |start: Instant| start.saturating_duration_since(self.began);
        self.starts.extend(visited.starts.into_iter().map(since));
        self.failed += usize::from(visited.visit.is_failed());
        self.visits.push(visited.visit);
        self.frontier.done();
    }

    /// Whether there is nothing left to do and nobody under way who could find more.
    pub fn is_finished(&self) -> bool {
        self.frontier.is_finished()
    }

    /// How far the crawl is.
    pub fn status(&self) -> Status {
        Status {
            done: self.visits.len(),
            known: self.frontier.admitted(),
            in_flight: self.frontier.in_flight(),
            failed: self.failed,
        }
    }

    /// Closes the books. `left_behind` names the workers still under way, and where; pages sent
    /// out of whom nobody has a trace count as never begun.
    pub fn close(self, limits: &Limits, ended: Ended, left_behind: Vec<(usize, Url)>) -> Report {
        let status = self.status();
        Report {
            never_begun: (status.known - status.done).saturating_sub(left_behind.len()),
            beyond_limit: self.frontier.beyond_limit(),
            visits: self.visits,
            starts: self.starts,
            took: self.began.elapsed(),
            ended,
            workers: limits.workers,
            rate: limits.rate,
            burst: limits.burst,
            left_behind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::FetchError;
    use crate::report::Read;

    const LIMITS: &Limits = &Limits {
        workers: 1,
        rate: 10,
        burst: 1,
        timeout: Duration::from_secs(1),
        deadline: Duration::from_secs(1),
        grace: Duration::from_secs(1),
        max_pages: 100,
    };

    fn url(path: &str) -> Url {
        Url::parse("http://a.org/").unwrap().join(path).unwrap()
    }

    fn brings(task: Task, final_url: &str, links: &[&str]) -> Visited {
        let read = Read {
            status: 200,
            bytes: 1,
            redirected_to: None,
        };
        Visited {
            visit: Visit {
                url: task.url,
                worker: 0,
                took: Duration::ZERO,
                outcome: Ok(read),
            },
            depth: task.depth,
            final_url: Some(url(final_url)),
            links: links.iter().map(|link| url(link)).collect(),
            starts: vec![Instant::now()],
        }
    }

    #[test]
    fn links_that_are_brought_back_are_visited_once() {
        let mut ledger = Ledger::new([url("/")], 100);
        let home = ledger.send().unwrap();
        assert_eq!(ledger.send(), None);
        assert!(!ledger.is_finished());
        ledger.came_back(brings(home, "/", &["/a", "/", "/a"]));
        let a = ledger.send().unwrap();
        assert_eq!((&a.url, a.depth), (&url("/a"), 1));
        ledger.came_back(brings(a, "/a", &["/"]));
        assert!(ledger.is_finished());
        let report = ledger.close(LIMITS, Ended::Complete, Vec::new());
        assert_eq!(
            (report.read(), report.starts.len(), report.never_begun),
            (2, 2, 0)
        );
    }

    #[test]
    fn a_start_page_may_move_to_another_host_and_a_later_page_may_not() {
        let mut ledger = Ledger::new([url("/")], 100);
        let home = ledger.send().unwrap();
        ledger.came_back(brings(home, "//www.a.org/", &["//www.a.org/x"]));
        let page = ledger.send().unwrap();
        assert_eq!(page.url, url("//www.a.org/x"));
        ledger.came_back(brings(page, "//ads.org/", &["//ads.org/y"]));
        assert!(ledger.is_finished());
    }

    #[test]
    fn what_was_known_and_not_reached_is_counted_and_who_is_missing_is_named() {
        let mut ledger = Ledger::new([url("/"), url("/b"), url("/c"), url("/d")], 3);
        let home = ledger.send().unwrap();
        let mut lost = brings(home, "/", &[]);
        lost.visit.outcome = Err(FetchError::Abandoned);
        ledger.came_back(lost);
        let b = ledger.send().unwrap();
        assert_eq!(
            ledger.status(),
            Status {
                done: 1,
                known: 3,
                in_flight: 1,
                failed: 0
            }
        );
        let ended = Ended::Deadline(Duration::from_secs(1));
        let report = ledger.close(LIMITS, ended, vec![(2, b.url)]);
        // "/" abandoned, "/b" left behind, "/c" never begun, "/d" beyond the limit.
        assert_eq!(report.abandoned().count(), 1);
        assert_eq!((report.never_begun, report.beyond_limit), (1, 1));
        assert_eq!(report.left_behind, [(2, url("/b"))]);
    }
}
