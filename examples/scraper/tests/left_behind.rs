//! A worker that nothing can interrupt: the report comes all the same, and names it.
//!
//! In a process of its own, for that worker stays behind.
#![cfg(target_os = "linux")]

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anabranch_core_cancel::CancelToken;
use anabranch_scraper::crawl::{Limits, crawl};
use anabranch_scraper::fetch::{FetchOptions, Fetcher};
use anabranch_scraper::interrupt::Signal;
use anabranch_scraper::report::Ended;
use url::Url;

const PATIENCE: Duration = Duration::from_secs(60);

/// A listener whose backlog is full: whoever connects waits, for nobody accepts.
fn full() -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut inside = Vec::new();
    while let Ok(one) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        inside.push(one);
        assert!(inside.len() < 10_000, "the backlog has no end");
    }
    (listener, inside)
}

/// Connections to that port that have been asked for and not come about.
fn connecting(port: u16) -> usize {
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let to = format!(":{port:04X}");
    // The columns are: number, local address, remote address, state; 02 is SYN_SENT.
    let in_that_state = |line: &&str| {
        let mut columns = line.split_whitespace().skip(2);
        columns.next().is_some_and(|remote| remote.ends_with(&to)) && columns.next() == Some("02")
    };
    sockets.lines().filter(in_that_state).count()
}

#[test]
fn a_worker_that_still_connects_after_the_grace_is_named_and_left() {
    let (listener, _inside) = full();
    let port = listener.local_addr().unwrap().port();
    let page = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    let limits = Limits {
        workers: 2,
        rate: 10,
        burst: 10,
        timeout: PATIENCE,
        deadline: PATIENCE,
        grace: Duration::from_millis(50),
        max_pages: 10,
    };
    let fetcher = Fetcher::new(FetchOptions {
        use_proxy: false,
        ..FetchOptions::default()
    });
    let root = CancelToken::new();
    // The connections with which the backlog was filled are through or closed.
    assert_eq!(connecting(port), 0);
    let report = thread::scope(|s| {
        let director = s.spawn(|| crawl([page.clone()], &limits, fetcher, &root, |_| ()).unwrap());
        let began = Instant::now();
        while connecting(port) == 0 {
            assert!(began.elapsed() < PATIENCE, "it never connects");
            thread::yield_now();
        }
        root.cancel_with(Signal::Interrupt);
        director.join().unwrap()
    });
    assert!(report.took < PATIENCE / 2, "it waited for the worker");
    assert_eq!(report.ended, Ended::Interrupted(Signal::Interrupt));
    assert_eq!(report.left_behind, [(0, page)]);
    assert_eq!((report.visits.len(), report.never_begun), (0, 0));
    let summary = report.summary();
    assert!(
        summary.contains("worker 0 has not come back from http://127.0.0.1:"),
        "{summary}"
    );
}
