//! The parts together, in one thread: all that can be reached is found, each page as what it is.

use std::time::Duration;

use anabranch_scraper::crawl::Limits;
use anabranch_scraper::fetch::{FetchOptions, Fetcher};
use anabranch_scraper::ledger::Ledger;
use anabranch_scraper::report::{Ended, Report};
use anabranch_scraper::site::{Class, Site, SiteConfig};
use anabranch_scraper::visit::visit;

const LIMITS: &Limits = &Limits {
    workers: 1,
    rate: 50,
    burst: 10,
    timeout: Duration::from_millis(500),
    deadline: Duration::MAX,
    grace: Duration::from_secs(1),
    max_pages: 500,
};

/// Visits pages one after another until none is left or `max_pages` have been seen.
fn crawl(site: &Site, max_pages: usize) -> Report {
    let options = FetchOptions {
        use_proxy: false,
        ..FetchOptions::default()
    };
    let fetcher = Fetcher::new(options);
    let mut ledger = Ledger::new([site.url().clone()], max_pages);
    while let Some(task) = ledger.send() {
        // Long against the slowest page, short enough for the silent ones, which use it up.
        ledger.came_back(visit(&fetcher, task, 0, LIMITS.timeout, || Ok(())));
    }
    assert!(ledger.is_finished());
    ledger.close(LIMITS, Ended::Complete, Vec::new())
}

#[test]
fn a_crawl_finds_exactly_what_the_plan_expects() {
    let config = SiteConfig {
        seed: 7,
        slow_ms: 1..=5,
        silent: 2,
        ..SiteConfig::default()
    };
    let site = Site::start(&config).unwrap();
    let report = crawl(&site, usize::MAX);
    let (expected, kinds) = (site.expected(), report.error_kinds());

    assert_eq!(report.visits.len(), expected.pages());
    assert_eq!(report.read(), expected.readable());
    assert_eq!(kinds["timeout"], expected.of(Class::Silent));
    assert_eq!(kinds["cut off"], expected.of(Class::Cut));
    assert_eq!(kinds["too many redirects"], expected.of(Class::Looping));
    let statuses = ["status 404", "status 500", "status 503"];
    let failing: usize = statuses.iter().map(|kind| kinds[*kind]).sum();
    assert_eq!(failing, expected.of(Class::Failing));
    assert_eq!(kinds.len(), 6, "{kinds:?}");

    let redirected = report
        .visits
        .iter()
        .filter_map(|visit| visit.outcome.as_ref().ok());
    let redirected = redirected
        .filter(|read| read.redirected_to.is_some())
        .count();
    assert_eq!(redirected, expected.of(Class::Redirecting));

    let max_redirects = FetchOptions::default().max_redirects;
    assert_eq!(site.arrivals().len(), expected.requests(max_redirects));
    assert_eq!(report.starts.len(), site.arrivals().len());
    assert_eq!(site.most_open_requests(), 1);
}

#[test]
fn a_page_limit_ends_the_crawl_early_and_counts_what_it_left() {
    let site = Site::start(&SiteConfig {
        slow_ms: 1..=5,
        silent: 0,
        ..SiteConfig::default()
    });
    let report = crawl(&site.unwrap(), 20);
    assert_eq!(report.visits.len(), 20);
    assert!(report.beyond_limit > 0);
    assert_eq!(report.never_begun, 0);
}
