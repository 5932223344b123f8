//! What is still to be fetched, what has been seen and what is under way.
//!
//! Plain data for one thread; the crawl puts a lock around it. Pages come out breadth first, each
//! address once, and never more of them than the limit.

use std::collections::{HashSet, VecDeque};

use url::Url;

use crate::links::host;

/// A page to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Where it is.
    pub url: Url,
    /// How many links away from a start page.
    pub depth: usize,
}

/// The edge of the known: see the module.
#[derive(Debug)]
pub struct Frontier {
    queue: VecDeque<Task>,
    seen: HashSet<Url>,
    hosts: HashSet<(String, Option<u16>)>,
    limit: usize,
    admitted: usize,
    in_flight: usize,
}

impl Frontier {
    /// An empty frontier that will hand out at most `limit` pages.
    pub fn new(limit: usize) -> Frontier {
        Frontier {
            queue: VecDeque::new(),
            seen: HashSet::new(),
            hosts: HashSet::new(),
            limit,
            admitted: 0,
            in_flight: 0,
        }
    }

    /// Adds a page to start from. Its host is one the crawl may stay on. `true` if it was new and
    /// within the limit.
    pub fn start(&mut self, url: Url) -> bool {
        self.allow_host(&url);
        self.add(url, 0)
    }

    /// Lets the crawl enter the host of `url`: where a start page redirected to.
    pub fn allow_host(&mut self, url: &Url) {
        self.hosts.insert(key(url));
    }

    /// Adds a page found `depth` links away from the start. `true` if it will be fetched: on an
    /// allowed host, not seen before, within the limit.
    pub fn add(&mut self, url: Url, depth: usize) -> bool {
        if !self.hosts.contains(&key(&url)) || !self.seen.insert(url.clone()) {
            return false;
        }
        if self.admitted == self.limit {
            return false;
        }
        self.admitted += 1;
        self.queue.push_back(Task { url, depth });
        true
    }

    /// The next page, now under way: each takes one [`done`](Frontier::done). `None` if nothing is
    /// queued; more may come while something is under way.
    pub fn begin(&mut self) -> Option<Task> {
        let task = self.queue.pop_front()?;
        self.in_flight += 1;
        Some(task)
    }

    /// A page begun by [`begin`](Frontier::begin) has been dealt with and its links added.
    ///
    /// # Panics
    /// If nothing is under way.
    pub fn done(&mut self) {
        self.in_flight = self
            .in_flight
            .checked_sub(1)
            .expect("as many pages done as handed out");
    }

    /// Whether nothing is queued and nothing that could add to the queue is under way.
    pub fn is_finished(&self) -> bool {
        self.queue.is_empty() && self.in_flight == 0
    }

    /// Pages queued.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Pages under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Pages taken up so far: done, under way or queued.
    pub fn admitted(&self) -> usize {
        self.admitted
    }

    /// Pages seen but refused because the limit was reached.
    pub fn beyond_limit(&self) -> usize {
        self.seen.len() - self.admitted
    }
}

fn key(url: &Url) -> (String, Option<u16>) {
    let (name, port) = host(url);
    (name.to_owned(), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str) -> Url {
        Url::parse("http://a.org/").unwrap().join(path).unwrap()
    }

    fn begin(frontier: &mut Frontier) -> Option<String> {
        frontier.begin().map(|task| task.url.path().to_owned())
    }

    #[test]
    fn pages_come_out_breadth_first() {
        let mut frontier = Frontier::new(100);
        frontier.start(url("/"));
        assert_eq!(begin(&mut frontier).as_deref(), Some("/"));
        frontier.add(url("/a"), 1);
        frontier.add(url("/b"), 1);
        frontier.done();
        assert_eq!(begin(&mut frontier).as_deref(), Some("/a"));
        frontier.add(url("/a/a"), 2);
        assert_eq!(begin(&mut frontier).as_deref(), Some("/b"));
        assert_eq!(
            frontier.begin(),
            Some(Task {
                url: url("/a/a"),
                depth: 2
            })
        );
    }

    #[test]
    fn an_address_is_handed_out_once() {
        let mut frontier = Frontier::new(100);
        assert!(frontier.start(url("/")));
        assert!(!frontier.start(url("/")));
        frontier.begin();
        assert!(!frontier.add(url("/"), 1));
        frontier.done();
        assert!(!frontier.add(url("/"), 1));
        assert_eq!(frontier.admitted(), 1);
    }

    #[test]
    fn no_more_pages_than_the_limit_and_the_rest_is_counted_once_each() {
        let mut frontier = Frontier::new(2);
        frontier.start(url("/"));
        assert!(frontier.add(url("/a"), 1));
        assert!(!frontier.add(url("/b"), 1));
        assert!(!frontier.add(url("/c"), 1));
        assert!(!frontier.add(url("/c"), 1));
        assert_eq!((frontier.admitted(), frontier.beyond_limit()), (2, 2));
    }

    #[test]
    fn foreign_hosts_stay_out_until_allowed() {
        let mut frontier = Frontier::new(100);
        frontier.start(url("/"));
        assert!(!frontier.add(url("//b.org/x"), 1));
        assert_eq!(frontier.beyond_limit(), 0);
        frontier.allow_host(&url("//b.org/"));
        assert!(frontier.add(url("//b.org/x"), 1));
    }

    #[test]
    fn it_is_finished_only_when_nothing_under_way_could_add_more() {
        let mut frontier = Frontier::new(100);
        assert!(frontier.is_finished());
        frontier.start(url("/"));
        assert!(!frontier.is_finished());
        frontier.begin();
        assert!(!frontier.is_finished());
        assert_eq!((frontier.queued(), frontier.in_flight()), (0, 1));
        frontier.done();
        assert!(frontier.is_finished());
    }

    #[test]
    #[should_panic(expected = "as many pages done as handed out")]
    fn more_done_than_handed_out_is_a_bug() {
        Frontier::new(1).done();
    }
}
