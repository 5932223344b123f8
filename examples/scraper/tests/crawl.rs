//! Whole crawls of the embedded site: what is found, how fast, and how each way to end one ends.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anabranch_core_cancel::CancelToken;
use anabranch_scraper::crawl::{Limits, crawl};
use anabranch_scraper::fetch::{FetchOptions, Fetcher};
use anabranch_scraper::interrupt::Signal;
use anabranch_scraper::progress::Status;
use anabranch_scraper::report::{Ended, Report};
use anabranch_scraper::site::{Arrival, Class, Open, Site, SiteConfig};

/// Far longer than anything here takes: a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

const LIMITS: Limits = Limits {
    workers: 3,
    rate: 1000,
    burst: 1000,
    timeout: PATIENCE,
    deadline: PATIENCE,
    grace: PATIENCE,
    max_pages: usize::MAX,
};

/// Only well-behaved pages: the tests add what they need.
fn fine(pages: usize) -> SiteConfig {
    SiteConfig {
        fine: pages,
        slow: 0,
        failing: 0,
        redirecting: 0,
        looping: 0,
        silent: 0,
        cut: 0,
        unlinked: 0,
        ..SiteConfig::default()
    }
}

/// One crawl at a time: what is asked afterwards is whether *any* worker's thread is left.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Crawls the site, and checks what has to hold however a crawl ends.
fn crawl_site(
    site: &Site,
    limits: &Limits,
    root: &CancelToken,
    mut show: impl FnMut(Status),
) -> Report {
    // A proxy named in the environment has no way to our loopback address.
    let fetcher = Fetcher::new(FetchOptions {
        use_proxy: false,
        ..FetchOptions::default()
    });
    let mut last = Status::default();
    let home = [site.url().clone()];
    let report = crawl(home, limits, fetcher, root, |status| {
        last = status;
        show(status);
    })
    .unwrap();

    assert_eq!(report.left_behind, []);
    assert_no_worker_is_left();
    assert!(
        site.wait_until(PATIENCE, |open| open == Open::default()),
        "{:?}",
        site.open()
    );
    assert_eq!(last.known, report.visits.len() + report.never_begun);
    assert!(report.visits.iter().all(|v| v.worker < limits.workers));
    assert!(
        report.starts.len() >= site.arrivals().len(),
        "a request without leave"
    );
    assert_limit_was_kept(&site.arrivals(), limits);
    report
}

/// Linux alone tells which threads a process has.
fn assert_no_worker_is_left() {
    let workers = || {
        let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten();
        threads
            .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok())
            .filter(|name| name.starts_with("fetch-"))
            .count()
    };
    // A thread that has been joined may be listed a moment longer.
    let began = Instant::now();
    while workers() > 0 {
        assert!(began.elapsed() < PATIENCE, "{} workers left", workers());
        thread::yield_now();
    }
}

/// In any stretch of time no more requests came than the limiter lets through in it, and one for
/// each worker that had leave before and was late.
fn assert_limit_was_kept(arrivals: &[Arrival], limits: &Limits) {
    for (first, from) in arrivals.iter().enumerate() {
        for (last, to) in arrivals.iter().enumerate().skip(first) {
            let width = (to.at - from.at).as_secs_f64();
            let allowed = f64::from(limits.burst) + f64::from(limits.rate) * width;
            let came = last + 1 - first;
            assert!(
                came as f64 <= allowed + limits.workers as f64 + 1e-6,
                "{came} in {width} s"
            );
        }
    }
}

#[test]
fn a_crawl_by_several_workers_finds_exactly_what_the_plan_expects_within_the_limit() {
    let _alone = alone();
    let config = SiteConfig {
        seed: 3,
        slow_ms: 1..=20,
        silent: 2,
        ..SiteConfig::default()
    };
    let site = Site::start(&config).unwrap();
    let limits = Limits {
        rate: 100,
        burst: 10,
        timeout: Duration::from_secs(1), // the silent pages use it up
        ..LIMITS
    };
    let report = crawl_site(&site, &limits, &CancelToken::new(), |_| ());

    let (expected, kinds) = (site.expected(), report.error_kinds());
    assert_eq!((report.ended, report.exit_code()), (Ended::Complete, 0));
    assert_eq!(report.visits.len(), expected.pages());
    assert_eq!(report.read(), expected.readable());
    assert_eq!(kinds["timeout"], expected.of(Class::Silent));
    assert_eq!(kinds["cut off"], expected.of(Class::Cut));
    assert_eq!(kinds["too many redirects"], expected.of(Class::Looping));
    let requests = expected.requests(FetchOptions::default().max_redirects);
    assert_eq!(site.arrivals().len(), requests);
    assert_eq!(report.starts.len(), requests);
    let urls: HashSet<_> = report.visits.iter().map(|visit| &visit.url).collect();
    assert_eq!(urls.len(), report.visits.len(), "a page was fetched twice");
    // The limit is what held it back: 10 at once, then one every 10 ms.
    assert!(report.took >= Duration::from_millis(10) * (requests as u32 - 10));
}

#[test]
fn one_worker_and_more_workers_than_pages_do_the_same() {
    let _alone = alone();
    for workers in [1, 64] {
        let site = Site::start(&fine(20)).unwrap();
        let limits = Limits { workers, ..LIMITS };
        let report = crawl_site(&site, &limits, &CancelToken::new(), |_| ());
        assert_eq!((report.ended, report.read()), (Ended::Complete, 20));
    }
}

#[test]
fn a_page_limit_ends_the_crawl_as_complete() {
    let _alone = alone();
    let site = Site::start(&fine(50)).unwrap();
    let limits = Limits {
        max_pages: 12,
        ..LIMITS
    };
    let report = crawl_site(&site, &limits, &CancelToken::new(), |_| ());
    assert_eq!((report.ended, report.read()), (Ended::Complete, 12));
    assert!(report.beyond_limit > 0);
}

#[test]
fn a_signal_frees_workers_in_sockets_and_the_report_says_who_was_where() {
    let _alone = alone();
    let config = SiteConfig {
        silent: 3,
        ..fine(30)
    };
    let site = Site::start(&config).unwrap();
    // One worker more than there are silent pages, to do all the rest.
    let limits = Limits {
        workers: 4,
        ..LIMITS
    };
    let root = CancelToken::new();
    let (tell, told) = mpsc::channel();
    let report = thread::scope(|s| {
        let director = s.spawn(|| {
            crawl_site(&site, &limits, &root, |status| {
                tell.send(status.done).unwrap()
            })
        });
        // All fine pages are done: what is under way are the silent ones.
        while told.recv().unwrap() < 30 {}
        assert!(site.wait_until(PATIENCE, |open| open.requests == 3));
        let asked = Instant::now();
        root.cancel_with(Signal::Interrupt);
        let report = director.join().unwrap();
        assert!(asked.elapsed() < PATIENCE / 2, "it waited for a timeout");
        report
    });
    assert_eq!(report.ended, Ended::Interrupted(Signal::Interrupt));
    assert_eq!(report.exit_code(), 130);
    assert_eq!((report.read(), report.failed()), (30, 0));
    let abandoned: HashSet<_> = report.abandoned().map(|v| (v.worker, &v.url)).collect();
    let workers: HashSet<_> = abandoned.iter().map(|(worker, _)| *worker).collect();
    let urls: HashSet<_> = abandoned.iter().map(|(_, url)| *url).collect();
    assert_eq!(workers.len(), 3);
    assert_eq!(urls, site.pages(Class::Silent).iter().collect());
}

#[test]
fn a_signal_frees_workers_in_line_at_the_limiter() {
    let _alone = alone();
    let site = Site::start(&fine(200)).unwrap();
    let root = CancelToken::new();
    // The last in line would have its turn after a minute.
    let limits = Limits {
        workers: 64,
        rate: 1,
        burst: 30,
        ..LIMITS
    };
    let (tell, told) = mpsc::channel();
    let report = thread::scope(|s| {
        let director = s.spawn(|| {
            crawl_site(&site, &limits, &root, |status| {
                tell.send(status.done).unwrap()
            })
        });
        // The burst is used up, and one that waited for a second has had its turn: all the other
        // workers have long been in line behind it.
        while told.recv().unwrap() < 31 {}
        let asked = Instant::now();
        root.cancel_with(Signal::Terminate);
        let report = director.join().unwrap();
        assert!(asked.elapsed() < PATIENCE / 4, "it waited for the limiter");
        report
    });
    assert_eq!(report.ended, Ended::Interrupted(Signal::Terminate));
    assert!(report.abandoned().count() > 0);
    assert!(report.starts.len() < report.visits.len());
}

#[test]
fn the_deadline_frees_workers_in_sockets() {
    let _alone = alone();
    let config = SiteConfig {
        silent: 40,
        ..fine(10)
    };
    let site = Site::start(&config).unwrap();
    let limits = Limits {
        deadline: Duration::from_secs(1),
        ..LIMITS
    };
    let report = crawl_site(&site, &limits, &CancelToken::new(), |_| ());
    assert_eq!(report.ended, Ended::Deadline(limits.deadline));
    assert_eq!(report.exit_code(), 3);
    assert!(report.took >= limits.deadline && report.took < PATIENCE / 2);
    assert!(report.abandoned().count() <= limits.workers);
    assert!(report.never_begun > 0);
}

#[test]
fn a_turn_after_the_deadline_is_not_asked_for_page_after_page() {
    // The limiter refuses at once what would come too late. Workers that took this for an answer
    // came back, were sent out again, and went through the whole frontier in no time.
    let _alone = alone();
    let site = Site::start(&fine(200)).unwrap();
    let limits = Limits {
        rate: 5,
        burst: 10,
        deadline: Duration::from_millis(500),
        ..LIMITS
    };
    let report = crawl_site(&site, &limits, &CancelToken::new(), |_| ());
    assert_eq!(report.ended, Ended::Deadline(limits.deadline));
    assert!(report.took >= limits.deadline);
    assert!(report.starts.len() <= 12, "{}", report.starts.len());
    assert!(report.abandoned().count() <= limits.workers);
    assert!(report.never_begun > 0);
}
